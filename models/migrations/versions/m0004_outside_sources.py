"""Surveys, complaints, non-voice reviews; scenarios and plans of test calls; leaders' test calls

Revision: 0004
Follows: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import UTCDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _allow_sources(*sources: str) -> None:
    """Say anew which kinds of test call there are."""
    name = op.f("ck_test_calls_known_source")
    with op.batch_alter_table("test_calls") as batch_op:
        batch_op.drop_constraint(name, type_="check")
        batch_op.create_check_constraint(name, "source IN (" + ", ".join(f"'{one}'" for one in sources) + ")")


def upgrade() -> None:
    _allow_sources("DT", "MS", "LT")
    op.create_table(
        "test_scenarios",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_test_scenarios")),
        sa.UniqueConstraint("key", "version", name=op.f("uq_test_scenarios_key")),
    )
    op.create_table(
        "complaints",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("received_at", UTCDateTime(), nullable=False),
        sa.Column("happened_at", UTCDateTime(), nullable=False),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("category", sa.String(), nullable=True),
        sa.Column("summary", sa.String(), nullable=True),
        sa.Column("call_reference", sa.String(), nullable=True),
        sa.Column("call_id", sa.Integer(), nullable=True),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "open",
                "upheld",
                "not_upheld",
                "withdrawn",
                name="complaintoutcome",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column(
            "responsibility",
            sa.Enum(
                "agent",
                "process",
                "product",
                "customer",
                "nobody",
                name="responsibility",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("decided_at", UTCDateTime(), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("(outcome = 'open') = (decided_at IS NULL)", name=op.f("ck_complaints_decided_when")),
        sa.CheckConstraint(
            "outcome <> 'upheld' OR responsibility IS NOT NULL", name=op.f("ck_complaints_upheld_has_responsibility")
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_complaints_agent_id_agents")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_complaints_call_id_calls")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name=op.f("fk_complaints_decided_by_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaints")),
        sa.UniqueConstraint("external_id", name=op.f("uq_complaints_external_id")),
    )
    with op.batch_alter_table("complaints", schema=None) as batch_op:
        batch_op.create_index("ix_complaints_agent_happened", ["agent_id", "happened_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_complaints_call_id"), ["call_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_complaints_call_reference"), ["call_reference"], unique=False)
        batch_op.create_index(batch_op.f("ix_complaints_decided_by_id"), ["decided_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_complaints_happened_at"), ["happened_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_complaints_outcome"), ["outcome"], unique=False)
        batch_op.create_index(batch_op.f("ix_complaints_received_at"), ["received_at"], unique=False)

    op.create_table(
        "nonvoice_reviews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "channel",
            sa.Enum(
                "chat",
                "sms",
                "email",
                "ticket",
                "back_office",
                name="nonvoicechannel",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("handled_at", UTCDateTime(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("inspector_id", sa.Integer(), nullable=False),
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
        sa.Column("sheet", sa.String(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("remarks", sa.JSON(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("comment", sa.String(), nullable=True),
        sa.Column("released_at", UTCDateTime(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_nonvoice_reviews_agent_id_agents")),
        sa.ForeignKeyConstraint(["inspector_id"], ["users.id"], name=op.f("fk_nonvoice_reviews_inspector_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nonvoice_reviews")),
    )
    with op.batch_alter_table("nonvoice_reviews", schema=None) as batch_op:
        batch_op.create_index("ix_nonvoice_reviews_agent_handled", ["agent_id", "handled_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_nonvoice_reviews_handled_at"), ["handled_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_nonvoice_reviews_inspector_id"), ["inspector_id"], unique=False)
        batch_op.create_index("uq_nonvoice_reviews_once", ["channel", "reference", "inspector_id"], unique=True)

    op.create_table(
        "survey_ratings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("daily", "complaint", name="surveykind", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("answered_at", UTCDateTime(), nullable=False),
        sa.Column("happened_at", UTCDateTime(), nullable=False),
        sa.Column("rating", sa.Double(), nullable=True),
        sa.Column("scale", sa.String(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("satisfied", sa.Boolean(), nullable=True),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("comment", sa.String(), nullable=True),
        sa.Column("call_reference", sa.String(), nullable=True),
        sa.Column("call_id", sa.Integer(), nullable=True),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("(score IS NULL) = (rating IS NULL)", name=op.f("ck_survey_ratings_score_of_rating")),
        sa.CheckConstraint("(score IS NULL) = (satisfied IS NULL)", name=op.f("ck_survey_ratings_rated_or_not")),
        sa.CheckConstraint("score IS NULL OR score BETWEEN 0 AND 100", name=op.f("ck_survey_ratings_score_range")),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_survey_ratings_agent_id_agents")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_survey_ratings_call_id_calls")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_ratings")),
        sa.UniqueConstraint("external_id", name=op.f("uq_survey_ratings_external_id")),
    )
    with op.batch_alter_table("survey_ratings", schema=None) as batch_op:
        batch_op.create_index("ix_survey_ratings_agent_happened", ["agent_id", "happened_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_survey_ratings_call_id"), ["call_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_survey_ratings_call_reference"), ["call_reference"], unique=False)
        batch_op.create_index(batch_op.f("ix_survey_ratings_happened_at"), ["happened_at"], unique=False)

    op.create_table(
        "test_plans",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("seed", sa.String(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("shortfalls", sa.JSON(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("source IN ('DT', 'MS', 'LT')", name=op.f("ck_test_plans_known_source")),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"], name=op.f("fk_test_plans_created_by_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_test_plans")),
        sa.UniqueConstraint("period", "source", name=op.f("uq_test_plans_period")),
    )
    op.create_table(
        "test_assignments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("tester_id", sa.Integer(), nullable=False),
        sa.Column("scenario_id", sa.Integer(), nullable=False),
        sa.Column("persona", sa.String(), nullable=False),
        sa.Column("number_used", sa.String(), nullable=False),
        sa.Column("opens_at", UTCDateTime(), nullable=False),
        sa.Column("closes_at", UTCDateTime(), nullable=False),
        sa.Column("test_call_id", sa.Integer(), nullable=True),
        sa.Column("cancelled_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint("closes_at > opens_at", name=op.f("ck_test_assignments_window")),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["test_plans.id"], name=op.f("fk_test_assignments_plan_id_test_plans"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["scenario_id"], ["test_scenarios.id"], name=op.f("fk_test_assignments_scenario_id_test_scenarios")
        ),
        sa.ForeignKeyConstraint(
            ["test_call_id"], ["test_calls.id"], name=op.f("fk_test_assignments_test_call_id_test_calls")
        ),
        sa.ForeignKeyConstraint(["tester_id"], ["users.id"], name=op.f("fk_test_assignments_tester_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_test_assignments")),
        sa.UniqueConstraint("test_call_id", name=op.f("uq_test_assignments_test_call_id")),
    )
    with op.batch_alter_table("test_assignments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_test_assignments_opens_at"), ["opens_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_test_assignments_plan_id"), ["plan_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_test_assignments_scenario_id"), ["scenario_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_test_assignments_tester_id"), ["tester_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("test_assignments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_test_assignments_tester_id"))
        batch_op.drop_index(batch_op.f("ix_test_assignments_scenario_id"))
        batch_op.drop_index(batch_op.f("ix_test_assignments_plan_id"))
        batch_op.drop_index(batch_op.f("ix_test_assignments_opens_at"))

    op.drop_table("test_assignments")
    op.drop_table("test_plans")
    with op.batch_alter_table("survey_ratings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_survey_ratings_happened_at"))
        batch_op.drop_index(batch_op.f("ix_survey_ratings_call_reference"))
        batch_op.drop_index(batch_op.f("ix_survey_ratings_call_id"))
        batch_op.drop_index("ix_survey_ratings_agent_happened")

    op.drop_table("survey_ratings")
    with op.batch_alter_table("nonvoice_reviews", schema=None) as batch_op:
        batch_op.drop_index("uq_nonvoice_reviews_once")
        batch_op.drop_index(batch_op.f("ix_nonvoice_reviews_inspector_id"))
        batch_op.drop_index(batch_op.f("ix_nonvoice_reviews_handled_at"))
        batch_op.drop_index("ix_nonvoice_reviews_agent_handled")

    op.drop_table("nonvoice_reviews")
    with op.batch_alter_table("complaints", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_complaints_received_at"))
        batch_op.drop_index(batch_op.f("ix_complaints_outcome"))
        batch_op.drop_index(batch_op.f("ix_complaints_happened_at"))
        batch_op.drop_index(batch_op.f("ix_complaints_decided_by_id"))
        batch_op.drop_index(batch_op.f("ix_complaints_call_reference"))
        batch_op.drop_index(batch_op.f("ix_complaints_call_id"))
        batch_op.drop_index("ix_complaints_agent_happened")

    op.drop_table("complaints")
    op.drop_table("test_scenarios")
    op.execute("DELETE FROM test_calls WHERE source = 'LT'")
    _allow_sources("DT", "MS")
