"""An example of a record, made from what the catalogue says of its object's fields."""

from __future__ import annotations

from collections import Counter
from typing import Any

from airflow_provider_insightly.api.catalogue import Field, InsightlyObject

EACH = {"text": 3}
"""How many fields of a kind show how its values are written, beside the required ones; of any other kind one."""

NO_EXAMPLE = ("_ID", "_BY", "STATE", "STATUS")
"""Ends of the names of fields that take certain values alone, which the catalogue does not know."""

NOBODY = 2**31 - 1
"""The id in an example: so high that no record has it, and no test reaches one by accident."""

BY_TYPE = {"number": 12.5, "boolean": False, "datetime": "2026-01-31 09:00:00", "integer": 1}
EXAMPLES = {**BY_TYPE, "EMAIL": "ann.lee@example.com", "PHONE": "+1 555 0100"}


def example_record(target: InsightlyObject, method: str) -> dict[str, Any]:
    """Return a record that can be sent by a method: to be looked at, and changed before it is sent for real."""
    record: dict[str, Any] = {}
    if method != "POST" and target.id_field:
        record[target.id_field] = NOBODY
    if method == "DELETE":
        return record
    writable = [field for field in target.fields.values() if not field.read_only and field.name != target.id_field]
    plain = [field for field in writable if field.type in ("text", *BY_TYPE) and not field.observed]
    taken: Counter[str] = Counter()
    for field in plain:
        kind = _kind(field)
        is_taken = taken[kind] < EACH.get(kind, 1) and not field.name.endswith(NO_EXAMPLE)
        if field.required or is_taken:
            taken[kind] += 1
            words = field.name.replace("_", " ").capitalize()
            record[field.name] = EXAMPLES[kind] if kind in EXAMPLES else words[: field.max_length]
    return record


def _kind(field: Field) -> str:
    if field.type == "text":
        return next((kind for kind in ("EMAIL", "PHONE") if kind in field.name), "text")
    return field.type
