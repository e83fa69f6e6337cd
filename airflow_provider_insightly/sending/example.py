"""An example of a record, made from what the catalogue says of its object's fields."""

from __future__ import annotations

from typing import Any

from airflow_provider_insightly.api.catalogue import Field, InsightlyObject

FIELDS = 5  # besides those that are required: enough to see how each kind of value is written
NOBODY = 2**31 - 1
"""The id in an example: the highest that Insightly can give, so that no test reaches a record by accident."""

BY_TYPE = {"number": 12.5, "boolean": False, "datetime": "2026-01-31 09:00:00", "integer": 1}


def example_record(target: InsightlyObject, method: str) -> dict[str, Any]:
    """Return a record that can be sent by a method: to be looked at, and changed before it is sent for real."""
    record: dict[str, Any] = {}
    if method != "POST" and target.id_field:
        record[target.id_field] = NOBODY
    if method == "DELETE":
        return record
    writable = [field for field in target.fields.values() if not field.read_only and field.name != target.id_field]
    plain = [f for f in writable if f.type in ("text", *BY_TYPE) and not f.observed]
    optional = [f for f in plain if not f.required and not f.name.endswith(("_ID", "_BY"))]
    chosen = {field.name for field in [*(f for f in plain if f.required), *optional[:FIELDS]]}
    return record | {field.name: _value(field) for field in plain if field.name in chosen}


def _value(field: Field) -> Any:
    if field.type != "text":
        return BY_TYPE[field.type]
    if "EMAIL" in field.name:
        return "ann.lee@example.com"
    if "PHONE" in field.name:
        return "+1 555 0100"
    return field.name.replace("_", " ").capitalize()[: field.max_length]
