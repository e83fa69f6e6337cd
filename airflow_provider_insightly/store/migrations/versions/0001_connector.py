"""The tables of the connector: staged records, links, plans, the log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "connector_actions",
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("prospect_id", sa.BigInteger(), nullable=True),
        sa.Column("crm_object", sa.String(length=20), nullable=True),
        sa.Column("crm_id", sa.BigInteger(), nullable=True),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("result", sa.String(length=20), nullable=True),
        sa.Column("record_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("plan_id", "seq"),
        comment="The actions of a plan, in the order in which they are applied",
    )
    op.create_index("connector_actions_crm", "connector_actions", ["crm_id"], unique=False)
    op.create_index("connector_actions_step", "connector_actions", ["plan_id", "step", "seq"], unique=False)
    op.create_table(
        "connector_activity",
        sa.Column("instance", sa.String(length=100), nullable=False),
        sa.Column("prospect_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_activity", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("instance", "prospect_id"),
        comment="Up to which activity the visits of a prospect were read",
    )
    op.create_table(
        "connector_approvals",
        sa.Column("instance", sa.String(length=100), nullable=False),
        sa.Column("plan_hash", sa.String(length=64), nullable=False),
        sa.Column("approved_at", sa.DateTime(), nullable=False),
        sa.Column("approved_by", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("instance", "plan_hash"),
        comment="Plans that a person let through a breaker",
    )
    op.create_table(
        "connector_changes",
        sa.Column("instance", sa.String(length=100), nullable=False),
        sa.Column("object", sa.String(length=20), nullable=False),
        sa.Column("record_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("plan_id", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("instance", "object", "record_id"),
        comment="Records for the next plan; plan_id is set when a plan has looked, and emptied by a newer change",
    )
    op.create_table(
        "connector_links",
        sa.Column("instance", sa.String(length=100), nullable=False),
        sa.Column("prospect_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("crm_object", sa.String(length=20), nullable=False),
        sa.Column("crm_id", sa.BigInteger(), nullable=False),
        sa.Column("matched_by", sa.String(length=20), nullable=False),
        sa.Column("linked_at", sa.DateTime(), nullable=False),
        sa.Column("baseline", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("instance", "prospect_id"),
        sa.UniqueConstraint("instance", "crm_object", "crm_id", name="connector_links_crm"),
        comment="Pairs: a prospect and its CRM record, with the values on which both last agreed",
    )
    op.create_table(
        "connector_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("instance", sa.String(length=100), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("direction", sa.String(length=20), nullable=True),
        sa.Column("setting", sa.String(length=10), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("result", sa.String(length=20), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("crm_object", sa.String(length=20), nullable=True),
        sa.Column("crm_id", sa.BigInteger(), nullable=True),
        sa.Column("prospect_id", sa.BigInteger(), nullable=True),
        sa.Column("field", sa.String(length=100), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("behavior", sa.String(length=30), nullable=True),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("plan_id", "seq", "field", name="connector_log_action"),
        comment="The connector log: a row for each action and field, written before (intent) and after (result)",
    )
    op.create_index("connector_log_crm", "connector_log", ["instance", "crm_object", "crm_id", "at"], unique=False)
    op.create_index("connector_log_key", "connector_log", ["instance", "key"], unique=False)
    op.create_index("connector_log_prospect", "connector_log", ["instance", "prospect_id", "at"], unique=False)
    op.create_index("connector_log_time", "connector_log", ["instance", "at"], unique=False)
    op.create_table(
        "connector_notes",
        sa.Column("instance", sa.String(length=100), nullable=False),
        sa.Column("prospect_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("note_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("instance", "prospect_id", "day"),
        comment="Days of a timeline that were published as a Note",
    )
    op.create_table(
        "connector_opt_outs",
        sa.Column("instance", sa.String(length=100), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(), nullable=True),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("instance", "address_hash", "source"),
        comment="The opt-out ledger: addresses that opted out, by hash and by the side that said so",
    )
    op.create_table(
        "connector_plans",
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("instance", sa.String(length=100), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=True),
        sa.Column("summary", sa.JSON(), nullable=True),
        sa.Column("released_by", sa.String(length=250), nullable=True),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("plan_id"),
        sa.UniqueConstraint("instance", "run_id", name="connector_plans_run"),
        comment="A plan: all that a run is to change",
    )
    op.create_table(
        "connector_records",
        sa.Column("instance", sa.String(length=100), nullable=False),
        sa.Column("object", sa.String(length=20), nullable=False),
        sa.Column("record_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=True),
        sa.Column("name_key", sa.String(length=320), nullable=True),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.Column("edited_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("former", sa.JSON(), nullable=True),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("sweep", sa.String(length=36), nullable=True),
        sa.Column("missing_since", sa.DateTime(), nullable=True),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("instance", "object", "record_id"),
        comment="The last seen state of each record of both sides: the fields that the mapping names, and no others",
    )
    op.create_index("connector_records_email", "connector_records", ["instance", "email_key", "object"], unique=False)
    op.create_index("connector_records_missing", "connector_records", ["instance", "missing_since"], unique=False)
    op.create_index("connector_records_name", "connector_records", ["instance", "name_key", "object"], unique=False)
    op.create_index(
        "connector_records_organisation", "connector_records", ["instance", "organisation_id"], unique=False
    )
    op.create_table(
        "connector_state",
        sa.Column("instance", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("instance", "name"),
        comment="Small facts kept between runs: watermarks, since when a setting is on, labels",
    )
    op.create_table(
        "connector_tombstones",
        sa.Column("instance", sa.String(length=100), nullable=False),
        sa.Column("crm_object", sa.String(length=20), nullable=False),
        sa.Column("crm_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("prospect_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("buried_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("instance", "crm_object", "crm_id", "prospect_id"),
        comment="Pairs that ended; they are not made again",
    )
    op.create_index("connector_tombstones_prospect", "connector_tombstones", ["instance", "prospect_id"], unique=False)
    op.create_table(
        "connector_visits",
        sa.Column("instance", sa.String(length=100), nullable=False),
        sa.Column("visit_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("prospect_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("instance", "visit_id"),
        comment="Visits of linked prospects to the web site, for the timeline",
    )
    op.create_index("connector_visits_prospect", "connector_visits", ["instance", "prospect_id", "at"], unique=False)
    op.create_index("connector_visits_time", "connector_visits", ["instance", "at"], unique=False)
