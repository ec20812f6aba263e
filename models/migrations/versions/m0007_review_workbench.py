"""The review workbench: drafts of scorecards, remarks, corrections, calibration, appeals, coaching, news

Revision: 0007
Follows: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import UTCDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_clips",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("starts", sa.Double(), nullable=False),
        sa.Column("ends", sa.Double(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("audio_key", sa.String(), nullable=True),
        sa.Column("audience", sa.JSON(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("withdrawn_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('good', 'bad', 'discuss')", name=op.f("ck_case_clips_known_kind")),
        sa.CheckConstraint("ends > starts", name=op.f("ck_case_clips_has_length")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_case_clips_call_id_calls")),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"], name=op.f("fk_case_clips_created_by_id_users")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_case_clips_team_id_teams")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_clips")),
    )
    with op.batch_alter_table("case_clips", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_clips_call_id"), ["call_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_case_clips_created_by_id"), ["created_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_case_clips_expires_on"), ["expires_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_case_clips_team_id"), ["team_id"], unique=False)

    op.create_table(
        "notifications",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=True),
        sa.Column("subject_id", sa.Integer(), nullable=True),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("once", sa.String(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("read_at", UTCDateTime(), nullable=True),
        sa.Column("mailed_at", UTCDateTime(), nullable=True),
        sa.Column("mail_attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notifications_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        sa.UniqueConstraint("user_id", "once", name=op.f("uq_notifications_user_id")),
    )
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.create_index("ix_notifications_user_read", ["user_id", "read_at", "id"], unique=False)

    op.create_table(
        "reviewer_checks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("inspector_id", sa.Integer(), nullable=False),
        sa.Column("checker_id", sa.Integer(), nullable=False),
        sa.Column("sheet", sa.String(), nullable=False),
        sa.Column("seed", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("comment", sa.String(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("submitted_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint("checker_id <> inspector_id", name=op.f("ck_reviewer_checks_not_by_oneself")),
        sa.ForeignKeyConstraint(["checker_id"], ["users.id"], name=op.f("fk_reviewer_checks_checker_id_users")),
        sa.ForeignKeyConstraint(["inspector_id"], ["users.id"], name=op.f("fk_reviewer_checks_inspector_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviewer_checks")),
        sa.UniqueConstraint("month", "inspector_id", name=op.f("uq_reviewer_checks_month")),
    )
    with op.batch_alter_table("reviewer_checks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reviewer_checks_checker_id"), ["checker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reviewer_checks_inspector_id"), ["inspector_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reviewer_checks_month"), ["month"], unique=False)

    op.create_table(
        "transcript_corrections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("before", sa.String(), nullable=False),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_transcript_corrections_by_id_users")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_transcript_corrections_call_id_calls")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transcript_corrections")),
        sa.UniqueConstraint("call_id", "revision", name=op.f("uq_transcript_corrections_call_id")),
    )
    with op.batch_alter_table("transcript_corrections", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_transcript_corrections_by_id"), ["by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_transcript_corrections_call_id"), ["call_id"], unique=False)

    op.create_table(
        "calibration_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("scorecard_version_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=True),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("agent_hidden", sa.Boolean(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("closed_at", UTCDateTime(), nullable=True),
        sa.Column("conclusion", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["users.id"], name=op.f("fk_calibration_sessions_created_by_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["scorecard_version_id"],
            ["scorecard_versions.id"],
            name=op.f("fk_calibration_sessions_scorecard_version_id_scorecard_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibration_sessions")),
    )
    with op.batch_alter_table("calibration_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_calibration_sessions_created_by_id"), ["created_by_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_calibration_sessions_scorecard_version_id"), ["scorecard_version_id"], unique=False
        )

    op.create_table(
        "scorecard_drafts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("phrase_set_version_id", sa.Integer(), nullable=True),
        sa.Column("based_on_id", sa.Integer(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("saved_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("saved_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["based_on_id"], ["scorecard_versions.id"], name=op.f("fk_scorecard_drafts_based_on_id_scorecard_versions")
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"], name=op.f("fk_scorecard_drafts_created_by_id_users")),
        sa.ForeignKeyConstraint(
            ["phrase_set_version_id"],
            ["phrase_set_versions.id"],
            name=op.f("fk_scorecard_drafts_phrase_set_version_id_phrase_set_versions"),
        ),
        sa.ForeignKeyConstraint(["saved_by_id"], ["users.id"], name=op.f("fk_scorecard_drafts_saved_by_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scorecard_drafts")),
        sa.UniqueConstraint("key", name=op.f("uq_scorecard_drafts_key")),
    )
    with op.batch_alter_table("scorecard_drafts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_scorecard_drafts_created_by_id"), ["created_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_scorecard_drafts_saved_by_id"), ["saved_by_id"], unique=False)

    op.create_table(
        "calibration_calls",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_calibration_calls_call_id_calls")),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["calibration_sessions.id"],
            name=op.f("fk_calibration_calls_session_id_calibration_sessions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibration_calls")),
        sa.UniqueConstraint("session_id", "call_id", name=op.f("uq_calibration_calls_session_id")),
    )
    with op.batch_alter_table("calibration_calls", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_calibration_calls_call_id"), ["call_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_calibration_calls_session_id"), ["session_id"], unique=False)

    op.create_table(
        "calibration_participants",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("expert", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["calibration_sessions.id"],
            name=op.f("fk_calibration_participants_session_id_calibration_sessions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_calibration_participants_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibration_participants")),
        sa.UniqueConstraint("session_id", "user_id", name=op.f("uq_calibration_participants_session_id")),
    )
    with op.batch_alter_table("calibration_participants", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_calibration_participants_session_id"), ["session_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_calibration_participants_user_id"), ["user_id"], unique=False)

    op.create_table(
        "acknowledgements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("comment", sa.String(), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_acknowledgements_by_id_users")),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_acknowledgements_review_id_reviews")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acknowledgements")),
        sa.UniqueConstraint("review_id", name=op.f("uq_acknowledgements_review_id")),
    )
    with op.batch_alter_table("acknowledgements", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_acknowledgements_by_id"), ["by_id"], unique=False)

    op.create_table(
        "appeals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.Integer(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "raised",
                "passed",
                "final",
                "upheld",
                "kept",
                "withdrawn",
                name="appealstate",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("raised_by_id", sa.Integer(), nullable=False),
        sa.Column("raised_at", UTCDateTime(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at_seconds", sa.Double(), nullable=True),
        sa.Column("assignee_id", sa.Integer(), nullable=True),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("reminded_at", UTCDateTime(), nullable=True),
        sa.Column("escalated_at", UTCDateTime(), nullable=True),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", UTCDateTime(), nullable=True),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("final_before", sa.Double(), nullable=True),
        sa.Column("final_after", sa.Double(), nullable=True),
        sa.CheckConstraint(
            "state NOT IN ('upheld', 'kept') OR decided_at IS NOT NULL", name=op.f("ck_appeals_decided_when")
        ),
        sa.CheckConstraint(
            "final_after >= final_before",
            name=op.f("ck_appeals_never_lower"),
        ),
        sa.ForeignKeyConstraint(["assignee_id"], ["users.id"], name=op.f("fk_appeals_assignee_id_users")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name=op.f("fk_appeals_decided_by_id_users")),
        sa.ForeignKeyConstraint(["raised_by_id"], ["users.id"], name=op.f("fk_appeals_raised_by_id_users")),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_appeals_review_id_reviews")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeals")),
        sa.UniqueConstraint("review_id", "item", "round", name=op.f("uq_appeals_review_id")),
    )
    with op.batch_alter_table("appeals", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_appeals_assignee_id"), ["assignee_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_appeals_decided_by_id"), ["decided_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_appeals_due_at"), ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_appeals_raised_by_id"), ["raised_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_appeals_review_id"), ["review_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_appeals_state"), ["state"], unique=False)

    op.create_table(
        "call_comments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.Integer(), nullable=True),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "comment",
                "praise",
                "coaching",
                name="commentkind",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("item", sa.String(), nullable=True),
        sa.Column("turn", sa.Integer(), nullable=True),
        sa.Column("at_seconds", sa.Double(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("removed_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint("length(text) BETWEEN 1 AND 4000", name=op.f("ck_call_comments_has_text")),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_call_comments_author_id_users")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_call_comments_call_id_calls")),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_call_comments_review_id_reviews")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_comments")),
    )
    with op.batch_alter_table("call_comments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_call_comments_author_id"), ["author_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_call_comments_call_id"), ["call_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_call_comments_review_id"), ["review_id"], unique=False)

    op.create_table(
        "coaching_records",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("coach_id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.Integer(), nullable=True),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("calls", sa.JSON(), nullable=False),
        sa.Column("goal", sa.String(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("retest_on", sa.Date(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "planned",
                "agreed",
                "retested",
                "cancelled",
                name="coachingstate",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("acknowledged_at", UTCDateTime(), nullable=True),
        sa.Column("agent_comment", sa.String(), nullable=True),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("effective", sa.Boolean(), nullable=True),
        sa.Column("conclusion", sa.String(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("closed_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_coaching_records_agent_id_agents")),
        sa.ForeignKeyConstraint(["coach_id"], ["users.id"], name=op.f("fk_coaching_records_coach_id_users")),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_coaching_records_review_id_reviews")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coaching_records")),
    )
    with op.batch_alter_table("coaching_records", schema=None) as batch_op:
        batch_op.create_index("ix_coaching_records_agent_created", ["agent_id", "created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_coaching_records_coach_id"), ["coach_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_coaching_records_review_id"), ["review_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_coaching_records_state"), ["state"], unique=False)

    op.create_table(
        "reviewer_check_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("check_id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.Integer(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("comment", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["check_id"],
            ["reviewer_checks.id"],
            name=op.f("fk_reviewer_check_entries_check_id_reviewer_checks"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["review_id"], ["reviews.id"], name=op.f("fk_reviewer_check_entries_review_id_reviews")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviewer_check_entries")),
        sa.UniqueConstraint("check_id", "review_id", name=op.f("uq_reviewer_check_entries_check_id")),
    )
    with op.batch_alter_table("reviewer_check_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reviewer_check_entries_check_id"), ["check_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reviewer_check_entries_review_id"), ["review_id"], unique=False)

    op.create_table(
        "appeal_steps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("appeal_id", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_appeal_steps_appeal_id_appeals")),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_appeal_steps_by_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal_steps")),
    )
    with op.batch_alter_table("appeal_steps", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_appeal_steps_appeal_id"), ["appeal_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_appeal_steps_by_id"), ["by_id"], unique=False)

    op.create_table(
        "reexaminations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("appeal_id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.Integer(), nullable=True),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.Column("done_at", UTCDateTime(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_reexaminations_appeal_id_appeals")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_reexaminations_call_id_calls")),
        sa.ForeignKeyConstraint(["done_by_id"], ["users.id"], name=op.f("fk_reexaminations_done_by_id_users")),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_reexaminations_review_id_reviews")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reexaminations")),
        sa.UniqueConstraint("appeal_id", "call_id", "item", name=op.f("uq_reexaminations_appeal_id")),
    )
    with op.batch_alter_table("reexaminations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reexaminations_appeal_id"), ["appeal_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reexaminations_call_id"), ["call_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reexaminations_done_by_id"), ["done_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reexaminations_review_id"), ["review_id"], unique=False)

    with op.batch_alter_table("review_assignments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("skipped_at", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("skipped_reason", sa.String(), nullable=True))

    with op.batch_alter_table("review_marks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("value", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("causes", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("auto_answer", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("override_reason", sa.String(), nullable=True))

    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.add_column(sa.Column("calibration_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("blind", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("agent_hidden", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("seconds_spent", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("saved_at", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("release_at", UTCDateTime(), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_reviews_call_id"), type_="unique")
        batch_op.create_index(batch_op.f("ix_reviews_calibration_id"), ["calibration_id"], unique=False)
        batch_op.create_unique_constraint(
            batch_op.f("uq_reviews_calibration_id"), ["calibration_id", "call_id", "inspector_id"]
        )
        batch_op.create_index(
            "uq_reviews_ordinary",
            ["call_id", "inspector_id"],
            unique=True,
            sqlite_where=sa.text("calibration_id IS NULL"),
            postgresql_where=sa.text("calibration_id IS NULL"),
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_reviews_calibration_id_calibration_sessions"),
            "calibration_sessions",
            ["calibration_id"],
            ["id"],
        )

    with op.batch_alter_table("scorecard_versions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("note", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("created_by_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("retired_at", UTCDateTime(), nullable=True))
        batch_op.create_index(batch_op.f("ix_scorecard_versions_created_by_id"), ["created_by_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_scorecard_versions_created_by_id_users"), "users", ["created_by_id"], ["id"]
        )

    with op.batch_alter_table("transcripts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("original", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))

    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.add_column(sa.Column("email", sa.String(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_column("email")

    with op.batch_alter_table("transcripts", schema=None) as batch_op:
        batch_op.drop_column("revision")
        batch_op.drop_column("original")

    with op.batch_alter_table("scorecard_versions", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_scorecard_versions_created_by_id_users"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_scorecard_versions_created_by_id"))
        batch_op.drop_column("retired_at")
        batch_op.drop_column("created_by_id")
        batch_op.drop_column("note")

    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_reviews_calibration_id_calibration_sessions"), type_="foreignkey")
        batch_op.drop_index(
            "uq_reviews_ordinary",
            sqlite_where=sa.text("calibration_id IS NULL"),
            postgresql_where=sa.text("calibration_id IS NULL"),
        )
        batch_op.drop_constraint(batch_op.f("uq_reviews_calibration_id"), type_="unique")
        batch_op.drop_index(batch_op.f("ix_reviews_calibration_id"))
        batch_op.create_unique_constraint(batch_op.f("uq_reviews_call_id"), ["call_id", "inspector_id"])
        batch_op.drop_column("release_at")
        batch_op.drop_column("saved_at")
        batch_op.drop_column("seconds_spent")
        batch_op.drop_column("revision")
        batch_op.drop_column("agent_hidden")
        batch_op.drop_column("blind")
        batch_op.drop_column("calibration_id")

    with op.batch_alter_table("review_marks", schema=None) as batch_op:
        batch_op.drop_column("override_reason")
        batch_op.drop_column("auto_answer")
        batch_op.drop_column("causes")
        batch_op.drop_column("value")

    with op.batch_alter_table("review_assignments", schema=None) as batch_op:
        batch_op.drop_column("skipped_reason")
        batch_op.drop_column("skipped_at")

    with op.batch_alter_table("reexaminations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reexaminations_review_id"))
        batch_op.drop_index(batch_op.f("ix_reexaminations_done_by_id"))
        batch_op.drop_index(batch_op.f("ix_reexaminations_call_id"))
        batch_op.drop_index(batch_op.f("ix_reexaminations_appeal_id"))

    op.drop_table("reexaminations")
    with op.batch_alter_table("appeal_steps", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_appeal_steps_by_id"))
        batch_op.drop_index(batch_op.f("ix_appeal_steps_appeal_id"))

    op.drop_table("appeal_steps")
    with op.batch_alter_table("reviewer_check_entries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reviewer_check_entries_review_id"))
        batch_op.drop_index(batch_op.f("ix_reviewer_check_entries_check_id"))

    op.drop_table("reviewer_check_entries")
    with op.batch_alter_table("coaching_records", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_coaching_records_state"))
        batch_op.drop_index(batch_op.f("ix_coaching_records_review_id"))
        batch_op.drop_index(batch_op.f("ix_coaching_records_coach_id"))
        batch_op.drop_index("ix_coaching_records_agent_created")

    op.drop_table("coaching_records")
    with op.batch_alter_table("call_comments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_call_comments_review_id"))
        batch_op.drop_index(batch_op.f("ix_call_comments_call_id"))
        batch_op.drop_index(batch_op.f("ix_call_comments_author_id"))

    op.drop_table("call_comments")
    with op.batch_alter_table("appeals", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_appeals_state"))
        batch_op.drop_index(batch_op.f("ix_appeals_review_id"))
        batch_op.drop_index(batch_op.f("ix_appeals_raised_by_id"))
        batch_op.drop_index(batch_op.f("ix_appeals_due_at"))
        batch_op.drop_index(batch_op.f("ix_appeals_decided_by_id"))
        batch_op.drop_index(batch_op.f("ix_appeals_assignee_id"))

    op.drop_table("appeals")
    with op.batch_alter_table("acknowledgements", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_acknowledgements_by_id"))

    op.drop_table("acknowledgements")
    with op.batch_alter_table("calibration_participants", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_calibration_participants_user_id"))
        batch_op.drop_index(batch_op.f("ix_calibration_participants_session_id"))

    op.drop_table("calibration_participants")
    with op.batch_alter_table("calibration_calls", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_calibration_calls_session_id"))
        batch_op.drop_index(batch_op.f("ix_calibration_calls_call_id"))

    op.drop_table("calibration_calls")
    with op.batch_alter_table("scorecard_drafts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_scorecard_drafts_saved_by_id"))
        batch_op.drop_index(batch_op.f("ix_scorecard_drafts_created_by_id"))

    op.drop_table("scorecard_drafts")
    with op.batch_alter_table("calibration_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_calibration_sessions_scorecard_version_id"))
        batch_op.drop_index(batch_op.f("ix_calibration_sessions_created_by_id"))

    op.drop_table("calibration_sessions")
    with op.batch_alter_table("transcript_corrections", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_transcript_corrections_call_id"))
        batch_op.drop_index(batch_op.f("ix_transcript_corrections_by_id"))

    op.drop_table("transcript_corrections")
    with op.batch_alter_table("reviewer_checks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reviewer_checks_month"))
        batch_op.drop_index(batch_op.f("ix_reviewer_checks_inspector_id"))
        batch_op.drop_index(batch_op.f("ix_reviewer_checks_checker_id"))

    op.drop_table("reviewer_checks")
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.drop_index("ix_notifications_user_read")

    op.drop_table("notifications")
    with op.batch_alter_table("case_clips", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_case_clips_team_id"))
        batch_op.drop_index(batch_op.f("ix_case_clips_expires_on"))
        batch_op.drop_index(batch_op.f("ix_case_clips_created_by_id"))
        batch_op.drop_index(batch_op.f("ix_case_clips_call_id"))

    op.drop_table("case_clips")
