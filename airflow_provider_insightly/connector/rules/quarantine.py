"""A field that is written back and forth is left alone: somebody, or another connector, undoes what this one does."""

from __future__ import annotations

from airflow_provider_insightly.connector.actions import Change
from airflow_provider_insightly.connector.mapping import MappedField
from airflow_provider_insightly.connector.records import Ref
from airflow_provider_insightly.connector.values import Value, ValueTypeError
from airflow_provider_insightly.connector.world import World

QUARANTINE_WRITES = 3
"""A field that was written so often in a day and would be written back again is left alone."""

QUARANTINED = "quarantined: written back and forth more than 3 times in 24 h"
"""The reason of a write that is left; it is looked at again in each run until its day is over."""

TO_PROSPECT = "update_prospect"


def is_quarantined(event: str, change: Change, row: MappedField, prospect: Ref, crm: Ref, world: World) -> bool:
    """Say whether a write would be one more of a series that goes back and forth, on either side.

    :param event: ``update_prospect`` or ``update_crm``.
    :param change: the write: from a value and to a value that the field had before.
    """
    names = {TO_PROSPECT: row.name, "update_crm": row.crm_field(crm.object)}
    written = [each for each in world.recent_writes.get(prospect.id, ()) if each.field == names[each.event]]
    if len(written) < QUARANTINE_WRITES:
        return False
    seen = [_read(each.event, value, row, crm) for each in written for value in (each.before, each.after)]
    return all(_read(event, value, row, crm) in seen for value in (change.before, change.after))


def _read(event: str, value: Value, row: MappedField, crm: Ref) -> Value:
    """Return a value in the form in which both sides can be compared, or as it is."""
    try:
        return row.read_prospect(value) if event == TO_PROSPECT else row.read_crm(crm.object, value)
    except ValueTypeError:
        return value
