"""Customers' praise of agents

Revision: 0006
Follows: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import UTCDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "praises",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("received_at", UTCDateTime(), nullable=False),
        sa.Column("happened_at", UTCDateTime(), nullable=False),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("summary", sa.String(), nullable=True),
        sa.Column("call_reference", sa.String(), nullable=True),
        sa.Column("call_id", sa.Integer(), nullable=True),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("struck_at", UTCDateTime(), nullable=True),
        sa.Column("struck_by_id", sa.Integer(), nullable=True),
        sa.Column("struck_reason", sa.String(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("(struck_at IS NULL) = (struck_reason IS NULL)", name=op.f("ck_praises_struck_why")),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_praises_agent_id_agents")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_praises_call_id_calls")),
        sa.ForeignKeyConstraint(["struck_by_id"], ["users.id"], name=op.f("fk_praises_struck_by_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_praises")),
        sa.UniqueConstraint("external_id", name=op.f("uq_praises_external_id")),
    )
    with op.batch_alter_table("praises", schema=None) as batch_op:
        batch_op.create_index("ix_praises_agent_happened", ["agent_id", "happened_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_praises_call_id"), ["call_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_praises_call_reference"), ["call_reference"], unique=False)
        batch_op.create_index(batch_op.f("ix_praises_happened_at"), ["happened_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_praises_received_at"), ["received_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_praises_struck_by_id"), ["struck_by_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("praises", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_praises_struck_by_id"))
        batch_op.drop_index(batch_op.f("ix_praises_received_at"))
        batch_op.drop_index(batch_op.f("ix_praises_happened_at"))
        batch_op.drop_index(batch_op.f("ix_praises_call_reference"))
        batch_op.drop_index(batch_op.f("ix_praises_call_id"))
        batch_op.drop_index("ix_praises_agent_happened")

    op.drop_table("praises")
