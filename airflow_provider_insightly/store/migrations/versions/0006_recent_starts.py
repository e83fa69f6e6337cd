"""When the last requests to an instance started, for the throttle."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column; nothing is known of the requests before."""
    starts = sa.Column("starts", sa.JSON(), nullable=True, comment="When the last requests started")
    op.add_column("sending_throttle", starts)
