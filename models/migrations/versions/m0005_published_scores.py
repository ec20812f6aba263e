"""Scheme versions; published periods, their scores and adjustments

Revision: 0005
Follows: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import UTCDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "scheme_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"], name=op.f("fk_scheme_versions_created_by_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheme_versions")),
        sa.UniqueConstraint("key", "version", name=op.f("uq_scheme_versions_key")),
    )
    with op.batch_alter_table("scheme_versions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_scheme_versions_created_by_id"), ["created_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_scheme_versions_valid_from"), ["valid_from"], unique=False)

    op.create_table(
        "published_periods",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("scheme_version_id", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("observed", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("program", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("published_by_id", sa.Integer(), nullable=False),
        sa.Column("published_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["published_by_id"], ["users.id"], name=op.f("fk_published_periods_published_by_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["scheme_version_id"],
            ["scheme_versions.id"],
            name=op.f("fk_published_periods_scheme_version_id_scheme_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_published_periods")),
        sa.UniqueConstraint("label", name=op.f("uq_published_periods_label")),
    )
    with op.batch_alter_table("published_periods", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_published_periods_published_by_id"), ["published_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_published_periods_scheme_version_id"), ["scheme_version_id"], unique=False)

    op.create_table(
        "published_scores",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("period_id", sa.Integer(), nullable=False),
        sa.Column(
            "subject",
            sa.Enum(
                "agent", "team", "centre", name="scoresubject", native_enum=False, create_constraint=True, length=20
            ),
            nullable=False,
        ),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("team", sa.String(), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("grade", sa.String(), nullable=True),
        sa.Column("confirmed_fatals", sa.Integer(), nullable=False),
        sa.Column("score", sa.JSON(), nullable=False),
        sa.CheckConstraint("(low IS NULL) = (high IS NULL)", name=op.f("ck_published_scores_two_limits")),
        sa.ForeignKeyConstraint(
            ["period_id"],
            ["published_periods.id"],
            name=op.f("fk_published_scores_period_id_published_periods"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_published_scores")),
        sa.UniqueConstraint("period_id", "subject", "subject_id", name=op.f("uq_published_scores_period_id")),
    )
    with op.batch_alter_table("published_scores", schema=None) as batch_op:
        batch_op.create_index("ix_published_scores_subject", ["subject", "subject_id"], unique=False)

    op.create_table(
        "score_adjustments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("origin_id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("points", sa.Double(), nullable=False),
        sa.Column("fatals", sa.Integer(), nullable=False),
        sa.Column("old_value", sa.Double(), nullable=True),
        sa.Column("new_value", sa.Double(), nullable=True),
        sa.Column("old_grade", sa.String(), nullable=True),
        sa.Column("new_grade", sa.String(), nullable=True),
        sa.Column("causes", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("fatals >= 0", name=op.f("ck_score_adjustments_fatals_not_negative")),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_score_adjustments_agent_id_agents")),
        sa.ForeignKeyConstraint(["made_by_id"], ["users.id"], name=op.f("fk_score_adjustments_made_by_id_users")),
        sa.ForeignKeyConstraint(
            ["origin_id"], ["published_scores.id"], name=op.f("fk_score_adjustments_origin_id_published_scores")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_adjustments")),
    )
    with op.batch_alter_table("score_adjustments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_score_adjustments_agent_id"), ["agent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_score_adjustments_made_by_id"), ["made_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_score_adjustments_origin_id"), ["origin_id"], unique=False)
        batch_op.create_index("ix_score_adjustments_period_agent", ["period", "agent_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("score_adjustments", schema=None) as batch_op:
        batch_op.drop_index("ix_score_adjustments_period_agent")
        batch_op.drop_index(batch_op.f("ix_score_adjustments_origin_id"))
        batch_op.drop_index(batch_op.f("ix_score_adjustments_made_by_id"))
        batch_op.drop_index(batch_op.f("ix_score_adjustments_agent_id"))

    op.drop_table("score_adjustments")
    with op.batch_alter_table("published_scores", schema=None) as batch_op:
        batch_op.drop_index("ix_published_scores_subject")

    op.drop_table("published_scores")
    with op.batch_alter_table("published_periods", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_published_periods_scheme_version_id"))
        batch_op.drop_index(batch_op.f("ix_published_periods_published_by_id"))

    op.drop_table("published_periods")
    with op.batch_alter_table("scheme_versions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_scheme_versions_valid_from"))
        batch_op.drop_index(batch_op.f("ix_scheme_versions_created_by_id"))

    op.drop_table("scheme_versions")
