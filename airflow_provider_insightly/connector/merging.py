"""What a surviving prospect takes over from one that is merged into it."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_insightly.api.catalogue import get_object
from airflow_provider_insightly.connector.records import PROSPECT
from airflow_provider_insightly.connector.values import Value, is_custom, is_empty

GROWING = ("OPTED_OUT", "DO_NOT_EMAIL", "DO_NOT_CALL", "DO_NOT_SYNC")
"""Fields that are true when they are true on either side."""

_SCALARS = ("text", "integer", "number", "boolean", "datetime")


def merged_values(survivor: Mapping[str, Value], lost: Mapping[str, Value]) -> dict[str, Value]:
    """Return the fields of the survivor to write: its blanks, filled, and what only grows.

    :param survivor: its fields, custom fields beside the others.
    :param lost: the fields of the other.
    """
    fields = get_object(PROSPECT).fields
    written = {name: True for name in GROWING if lost.get(name) is True and survivor.get(name) is not True}
    for name, value in lost.items():
        if is_empty(value) or not is_empty(survivor.get(name)) or name in GROWING:
            continue
        known = fields.get(name)
        if is_custom(name) or (known is not None and known.type in _SCALARS and not known.read_only):
            written[name] = value
    return written
