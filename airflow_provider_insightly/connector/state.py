"""Small facts that the connector keeps between runs: watermarks, since when a box is on, labels."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.engine import Connection

from airflow_provider_insightly.connector.values import Value, parse_time
from airflow_provider_insightly.store.tables import connector_state

CONFIGURATION = "configuration in force"
"""The fact that holds the configuration of the last run, dry ones too; see :func:`.checking.note_configuration`."""

CHECKED = "checked"
"""The fact that holds what the last check of settings and mapping found; see :func:`.checking.check`."""

QUOTA = "quota"
"""The fact that holds how many requests were left of the day's quota, and when."""

CUSTOM_FIELDS = "custom fields"
"""The fact that holds what Insightly says of the custom fields that are mapped."""

SYNCED_WITH = "configuration"
"""The fact that holds the digest of the configuration that the last run applied: with another, all is looked at."""

LABELS = "labels"
"""The fact that holds the labels of the mapping, by field: ``Contacts.Hobby__c``."""

CREATING_SINCE = "creating since"
"""The fact that says since when ``create_prospects`` is on."""

PUBLISHED_UNTIL = "notes published until"
"""The fact that says up to which time the timeline was published as Notes."""

NEWEST_PLAN = "newest plan"
"""The fact that names the plan that was made last: what an older one holds is out of date."""

VISITS_READ = "visits read"
"""The fact that says that the visits of all linked prospects were read once."""


def read_state(connection: Connection, instance: str, name: str) -> Value:
    """Return a fact; ``None`` when it was never set."""
    table = connector_state.c
    return connection.execute(select(table.value).where(table.instance == instance, table.name == name)).scalar()


def write_state(connection: Connection, instance: str, name: str, value: Value) -> None:
    """Set a fact."""
    table = connector_state
    connection.execute(table.delete().where(table.c.instance == instance, table.c.name == name))
    if value is not None:
        connection.execute(table.insert().values(instance=instance, name=name, value=value))


def read_time(connection: Connection, instance: str, name: str) -> datetime | None:
    """Return a fact that is a time."""
    return parse_time(read_state(connection, instance, name))


def write_time(connection: Connection, instance: str, name: str, value: datetime) -> None:
    """Set a fact that is a time."""
    write_state(connection, instance, name, value.isoformat())
