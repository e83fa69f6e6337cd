"""Indexes by which a page of the connector log is found, whatever it is filtered by and however long the log is."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

INDEXES = {
    "connector_log_order": ["instance", "id"],
    "connector_log_time": ["instance", "at", "id"],
    "connector_log_run": ["instance", "run_id", "id"],
    "connector_log_event": ["instance", "event", "id"],
    "connector_log_result": ["instance", "result", "id"],
    "connector_log_setting": ["instance", "setting", "id"],
    "connector_log_field": ["instance", "field", "id"],
}


def upgrade() -> None:
    """Create them; that of the time is made anew, with the id after it."""
    op.drop_index("connector_log_time", table_name="connector_log")
    for name, columns in INDEXES.items():
        op.create_index(name, "connector_log", columns, unique=False)
