"""What a create came from, beside what was sent: a setting that changes the second must not create it again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column."""
    op.add_column("sending_journal", sa.Column("source_digest", sa.String(length=40), nullable=True))
    op.create_index("sending_journal_source", "sending_journal", ["send_id", "source_digest"], unique=False)
