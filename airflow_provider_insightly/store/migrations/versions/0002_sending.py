"""The tables of sending: the journal, and the throttle that all workers share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "sending_sends",
        sa.Column("id", RowId, nullable=False),
        sa.Column("key", sa.String(length=1000), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
        comment="Sends: what tries to send the same records again has the same key",
    )
    op.create_table(
        "sending_journal",
        sa.Column("id", RowId, nullable=False),
        sa.Column("send_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("began_at", sa.DateTime(), nullable=False),
        sa.Column("object", sa.String(length=100), nullable=True),
        sa.Column("record_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        comment="The journal of sends: a row is written before a record's request (sent) and again after it (done)",
    )
    op.create_index("sending_journal_digest", "sending_journal", ["send_id", "digest"], unique=False)
    op.create_index("sending_journal_position", "sending_journal", ["send_id", "position"], unique=False)
    op.create_index("sending_journal_record", "sending_journal", ["object", "record_id"], unique=False)
    op.create_table(
        "sending_throttle",
        sa.Column("instance", sa.String(length=250), nullable=False),
        sa.Column("next_start", sa.Float(precision=53), nullable=False),
        sa.Column("rate", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("instance"),
        comment="When the next request to an instance may start, in seconds since 1970, and the rate in use",
    )
    op.create_table(
        "sending_places",
        sa.Column("instance", sa.String(length=250), nullable=False),
        sa.Column("holder", sa.String(length=36), nullable=False),
        sa.Column("until", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("instance", "holder"),
        comment="Requests under way to an instance; a place whose time is over belonged to a worker that died",
    )
