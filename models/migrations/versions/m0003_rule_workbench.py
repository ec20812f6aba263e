"""Test cases of rules, and comparisons of changed rules

Revision: 0003
Follows: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import UTCDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rule_cases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("phrase_set_key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_rule_cases_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_cases")),
        sa.UniqueConstraint("phrase_set_key", "name", name=op.f("uq_rule_cases_phrase_set_key")),
    )
    op.create_table(
        "rule_comparisons",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("phrase_set_key", sa.String(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("call_ids", sa.JSON(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("tally", sa.JSON(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("finished_at", UTCDateTime(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_rule_comparisons_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_comparisons")),
        sa.UniqueConstraint("user_id", name=op.f("uq_rule_comparisons_user_id")),
    )


def downgrade() -> None:
    op.drop_table("rule_comparisons")
    op.drop_table("rule_cases")
