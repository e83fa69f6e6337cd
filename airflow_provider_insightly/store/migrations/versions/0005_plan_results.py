"""What came of a plan, beside the plan: pages that show many plans need not count the actions of each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; older plans are counted when they are shown."""
    op.add_column("connector_plans", sa.Column("results", sa.JSON(), nullable=True))
