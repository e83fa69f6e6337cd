"""The tables of the store, as SQLAlchemy Core sees them; ``migrations`` creates them.

Every table of the connector starts with ``instance``: the name of the Insightly instance, so that one store serves
several.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

VERSION_TABLE = "insightly_store_version"
"""Where Alembic keeps the schema's revision; its usual name could be another application's in a shared database."""

metadata = MetaData()


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, kept as UTC without a zone, since SQLite knows none."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Turn an aware datetime into UTC without a zone."""
        return None if value is None else value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Any) -> datetime | None:
        """Give the zone back."""
        return None if value is None else value.replace(tzinfo=timezone.utc)


RowId = BigInteger().with_variant(Integer(), "sqlite")
"""A row number that counts up by itself: SQLite does that for INTEGER alone."""

connector_records = Table(
    "connector_records",
    metadata,
    Column("instance", String(100), primary_key=True),
    Column("object", String(20), primary_key=True),
    Column("record_id", BigInteger, primary_key=True, autoincrement=False),
    Column("email_key", String(320)),
    Column("name_key", String(320)),
    Column("organisation_id", BigInteger),
    Column("updated_at", UtcDateTime),
    Column("edited_at", UtcDateTime),
    Column("created_at", UtcDateTime),
    Column("data", JSON, nullable=False),
    Column("former", JSON),
    Column("digest", String(32), nullable=False),
    Column("sweep", String(36)),
    Column("missing_since", UtcDateTime),
    Column("gone", Boolean, nullable=False),
    Index("connector_records_email", "instance", "email_key", "object"),
    Index("connector_records_name", "instance", "name_key", "object"),
    Index("connector_records_organisation", "instance", "organisation_id"),
    Index("connector_records_missing", "instance", "missing_since"),
    comment="The last seen state of each record of both sides: the fields that the mapping names, and no others",
)

connector_changes = Table(
    "connector_changes",
    metadata,
    Column("instance", String(100), primary_key=True),
    Column("object", String(20), primary_key=True),
    Column("record_id", BigInteger, primary_key=True, autoincrement=False),
    Column("plan_id", String(36)),
    comment="Records for the next plan; plan_id is set when a plan has looked, and emptied by a newer change",
)

connector_links = Table(
    "connector_links",
    metadata,
    Column("instance", String(100), primary_key=True),
    Column("prospect_id", BigInteger, primary_key=True, autoincrement=False),
    Column("crm_object", String(20), nullable=False),
    Column("crm_id", BigInteger, nullable=False),
    Column("matched_by", String(20), nullable=False),
    Column("linked_at", UtcDateTime, nullable=False),
    Column("baseline", JSON, nullable=False),
    UniqueConstraint("instance", "crm_object", "crm_id", name="connector_links_crm"),
    comment="Pairs: a prospect and its CRM record, with the values on which both last agreed",
)

connector_tombstones = Table(
    "connector_tombstones",
    metadata,
    Column("instance", String(100), primary_key=True),
    Column("crm_object", String(20), primary_key=True),
    Column("crm_id", BigInteger, primary_key=True, autoincrement=False),
    Column("prospect_id", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", String(40), nullable=False),
    Column("buried_at", UtcDateTime, nullable=False),
    Index("connector_tombstones_prospect", "instance", "prospect_id"),
    comment="Pairs that ended; they are not made again",
)

connector_opt_outs = Table(
    "connector_opt_outs",
    metadata,
    Column("instance", String(100), primary_key=True),
    Column("address_hash", String(64), primary_key=True),
    Column("source", String(20), primary_key=True),
    Column("since", UtcDateTime, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("lifted_at", UtcDateTime),
    Column("lifted_by", Text),
    comment="The opt-out ledger: addresses that opted out, by hash and by the side that said so",
)

connector_plans = Table(
    "connector_plans",
    metadata,
    Column("plan_id", String(36), primary_key=True),
    Column("instance", String(100), nullable=False),
    Column("run_id", String(250), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("hash", String(64)),
    Column("summary", JSON),
    Column("released_by", String(250)),
    Column("finished_at", UtcDateTime),
    Column("results", JSON),
    UniqueConstraint("instance", "run_id", name="connector_plans_run"),
    comment="A plan: all that a run is to change",
)

connector_actions = Table(
    "connector_actions",
    metadata,
    Column("plan_id", String(36), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("step", String(40), nullable=False),
    Column("event", String(40), nullable=False),
    Column("prospect_id", BigInteger),
    Column("crm_object", String(20)),
    Column("crm_id", BigInteger),
    Column("key", String(64), nullable=False),
    Column("data", JSON, nullable=False),
    Column("started_at", UtcDateTime),
    Column("result", String(20)),
    Column("record_id", BigInteger),
    Index("connector_actions_step", "plan_id", "step", "seq"),
    Index("connector_actions_crm", "crm_id"),
    comment="The actions of a plan, in the order in which they are applied",
)

connector_approvals = Table(
    "connector_approvals",
    metadata,
    Column("instance", String(100), primary_key=True),
    Column("plan_hash", String(64), primary_key=True),
    Column("approved_at", UtcDateTime, nullable=False),
    Column("approved_by", String(250), nullable=False),
    comment="Plans that a person let through a breaker",
)

connector_log = Table(
    "connector_log",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("instance", String(100), nullable=False),
    Column("run_id", String(250), nullable=False),
    Column("plan_id", String(36), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("key", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("direction", String(20)),
    Column("setting", String(10), nullable=False),
    Column("event", String(40), nullable=False),
    Column("result", String(20)),
    Column("reason", Text),
    Column("crm_object", String(20)),
    Column("crm_id", BigInteger),
    Column("prospect_id", BigInteger),
    Column("field", String(100), nullable=False),  # empty where an action is not about one field
    Column("before", JSON),
    Column("after", JSON),
    Column("behavior", String(30)),
    Column("http_status", Integer),
    Column("error", Text),
    UniqueConstraint("plan_id", "seq", "field", name="connector_log_action"),
    Index("connector_log_order", "instance", "id"),
    Index("connector_log_time", "instance", "at", "id"),
    Index("connector_log_run", "instance", "run_id", "id"),
    Index("connector_log_event", "instance", "event", "id"),
    Index("connector_log_result", "instance", "result", "id"),
    Index("connector_log_setting", "instance", "setting", "id"),
    Index("connector_log_field", "instance", "field", "id"),
    Index("connector_log_key", "instance", "key"),
    Index("connector_log_prospect", "instance", "prospect_id", "at"),
    Index("connector_log_crm", "instance", "crm_object", "crm_id", "at"),
    comment="The connector log: a row for each action and field, written before (intent) and after (result)",
)

connector_visits = Table(
    "connector_visits",
    metadata,
    Column("instance", String(100), primary_key=True),
    Column("visit_id", BigInteger, primary_key=True, autoincrement=False),
    Column("prospect_id", BigInteger, nullable=False),
    Column("at", UtcDateTime),
    Column("data", JSON, nullable=False),
    Index("connector_visits_prospect", "instance", "prospect_id", "at"),
    Index("connector_visits_time", "instance", "at"),
    comment="Visits of linked prospects to the web site, for the timeline",
)

connector_activity = Table(
    "connector_activity",
    metadata,
    Column("instance", String(100), primary_key=True),
    Column("prospect_id", BigInteger, primary_key=True, autoincrement=False),
    Column("last_activity", String(40), nullable=False),
    comment="Up to which activity the visits of a prospect were read",
)

connector_notes = Table(
    "connector_notes",
    metadata,
    Column("instance", String(100), primary_key=True),
    Column("prospect_id", BigInteger, primary_key=True, autoincrement=False),
    Column("day", String(10), primary_key=True),
    Column("note_id", BigInteger, nullable=False),
    comment="Days of a timeline that were published as a Note",
)

connector_state = Table(
    "connector_state",
    metadata,
    Column("instance", String(100), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("value", JSON, nullable=False),
    comment="Small facts kept between runs: watermarks, since when a setting is on, labels",
)

sending_sends = Table(
    "sending_sends",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("key", String(1000), nullable=False, unique=True),
    Column("attempts", Integer, nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    comment="Sends: what tries to send the same records again has the same key",
)

sending_journal = Table(
    "sending_journal",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("send_id", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("digest", String(40), nullable=False),
    Column("state", String(10), nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("object", String(100)),
    Column("record_id", BigInteger),
    Column("source_digest", String(40)),
    Index("sending_journal_digest", "send_id", "digest"),
    Index("sending_journal_source", "send_id", "source_digest"),
    Index("sending_journal_position", "send_id", "position"),
    Index("sending_journal_record", "object", "record_id"),
    comment="The journal of sends: a row is written before a record's request (sent) and again after it (done)",
)

sending_throttle = Table(
    "sending_throttle",
    metadata,
    Column("instance", String(250), primary_key=True),
    Column("next_start", Float(53), nullable=False),
    Column("rate", Float(53), nullable=False),
    Column("starts", JSON, comment="When the last requests started"),
    comment="When the next request to an instance may start, in seconds since 1970, and the rate in use",
)

sending_places = Table(
    "sending_places",
    metadata,
    Column("instance", String(250), primary_key=True),
    Column("holder", String(36), primary_key=True),
    Column("until", Float(53), nullable=False),
    comment="Requests under way to an instance; a place whose time is over belonged to a worker that died",
)
