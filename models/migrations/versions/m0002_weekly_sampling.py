"""Weekly sampling: plans, draws, drawn calls, who reviews them, the risk model

Revision: 0002
Follows: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import UTCDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sampling_plans",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sampling_plans")),
        sa.UniqueConstraint("name", name=op.f("uq_sampling_plans_name")),
    )
    op.create_table(
        "risk_models",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("weights", sa.JSON(), nullable=False),
        sa.Column("skill", sa.JSON(), nullable=False),
        sa.Column("reviews", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_models")),
    )
    op.create_table(
        "draws",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("week", sa.String(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("begins_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("begins_share", sa.String(), nullable=False),
        sa.Column("ends_share", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("seed", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("rules", sa.String(), nullable=False),
        sa.Column("eligible_hash", sa.String(), nullable=False),
        sa.Column("eligible_count", sa.Integer(), nullable=False),
        sa.Column("eligible", sa.LargeBinary(), nullable=False),
        sa.Column("left_out", sa.JSON(), nullable=False),
        sa.Column("risk_model_id", sa.Integer(), nullable=True),
        sa.Column("drawn_at", UTCDateTime(), nullable=False),
        sa.Column("drawn_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("begins_at < ends_at", name=op.f("ck_draws_has_length")),
        sa.ForeignKeyConstraint(["drawn_by_id"], ["users.id"], name=op.f("fk_draws_drawn_by_id_users")),
        sa.ForeignKeyConstraint(["plan_id"], ["sampling_plans.id"], name=op.f("fk_draws_plan_id_sampling_plans")),
        sa.ForeignKeyConstraint(["risk_model_id"], ["risk_models.id"], name=op.f("fk_draws_risk_model_id_risk_models")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draws")),
        sa.UniqueConstraint("plan_id", "week", "part", name=op.f("uq_draws_plan_id")),
    )
    with op.batch_alter_table("draws", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_draws_plan_id"), ["plan_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_draws_week"), ["week"], unique=False)

    op.create_table(
        "sampled_calls",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("draw_id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "random",
                "targeted",
                "complaint",
                name="reviewreason",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("stratum", sa.String(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=True),
        sa.Column("joint", sa.Boolean(), nullable=False),
        sa.Column("replaces_id", sa.Integer(), nullable=True),
        sa.Column("withdrawn_at", UTCDateTime(), nullable=True),
        sa.Column("withdrawn_by_id", sa.Integer(), nullable=True),
        sa.Column("withdrawn_reason", sa.String(), nullable=True),
        sa.Column("withdrawn_note", sa.String(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "(reason = 'random') = (probability IS NOT NULL)", name=op.f("ck_sampled_calls_random_has_probability")
        ),
        sa.CheckConstraint(
            "probability IS NULL OR (probability > 0 AND probability <= 1)",
            name=op.f("ck_sampled_calls_probability_range"),
        ),
        sa.CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawn_reason IS NULL)", name=op.f("ck_sampled_calls_withdrawn_why")
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_sampled_calls_agent_id_agents")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_sampled_calls_call_id_calls")),
        sa.ForeignKeyConstraint(["draw_id"], ["draws.id"], name=op.f("fk_sampled_calls_draw_id_draws")),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["sampled_calls.id"], name=op.f("fk_sampled_calls_replaces_id_sampled_calls")
        ),
        sa.ForeignKeyConstraint(["withdrawn_by_id"], ["users.id"], name=op.f("fk_sampled_calls_withdrawn_by_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sampled_calls")),
        sa.UniqueConstraint("draw_id", "call_id", name=op.f("uq_sampled_calls_draw_id")),
        sa.UniqueConstraint("replaces_id", name=op.f("uq_sampled_calls_replaces_id")),
    )
    with op.batch_alter_table("sampled_calls", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sampled_calls_agent_id"), ["agent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sampled_calls_call_id"), ["call_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sampled_calls_draw_id"), ["draw_id"], unique=False)

    op.create_table(
        "review_assignments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sampled_call_id", sa.Integer(), nullable=False),
        sa.Column("inspector_id", sa.Integer(), nullable=False),
        sa.Column("second", sa.Boolean(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("first_due_on", sa.Date(), nullable=False),
        sa.Column("carried", sa.Integer(), nullable=False),
        sa.Column("assigned_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["inspector_id"], ["users.id"], name=op.f("fk_review_assignments_inspector_id_users")),
        sa.ForeignKeyConstraint(
            ["sampled_call_id"],
            ["sampled_calls.id"],
            name=op.f("fk_review_assignments_sampled_call_id_sampled_calls"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_assignments")),
        sa.UniqueConstraint("sampled_call_id", "inspector_id", name=op.f("uq_review_assignments_sampled_call_id")),
    )
    with op.batch_alter_table("review_assignments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_review_assignments_due_on"), ["due_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_review_assignments_inspector_id"), ["inspector_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_review_assignments_sampled_call_id"), ["sampled_call_id"], unique=False)


def downgrade() -> None:
    for table in ("review_assignments", "sampled_calls", "draws", "risk_models", "sampling_plans"):
        op.drop_table(table)
