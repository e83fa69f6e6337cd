"""A record's values read by the catalogue: types, lengths, required and unknown fields, custom fields."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from airflow_provider_insightly.api.catalogue import Field, InsightlyObject
from airflow_provider_insightly.sending.body import format_date, is_missing, plain
from airflow_provider_insightly.sending.record import FieldError

CUSTOM = "__c"
CUSTOM_FIELDS = "CUSTOMFIELDS"
LARGEST_ID = 2**63 - 1
MOST_DIGITS = 20  # of an integer that is a text; 64 bits hold 19
EXACT_FLOAT = 2**53  # above it a float no longer tells one integer from the next
WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
INTEGER = re.compile(r"[+-]?[0-9]+")
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?)?", re.IGNORECASE
)


def read_record(obj: InsightlyObject, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with each value in the type that the catalogue names for its field.

    Keys that end in ``__c`` move to ``CUSTOMFIELDS``. Text for a text field is left as it is, character for
    character; text for a number, a boolean or a date is read, and an empty one means that there is no value.

    :raises FieldError: the first value that does not fit, with what to do about it.
    """
    read: dict[str, Any] = {}
    custom: list[dict[str, Any]] = []
    for name, value in values.items():
        if name.lower().endswith(CUSTOM):
            custom.append({"FIELD_NAME": plain(name, name), "FIELD_VALUE": plain(value, name)})
        else:
            read[name] = read_value(find_field(obj, name), value)
    if custom or read.get(CUSTOM_FIELDS) is not None:
        read[CUSTOM_FIELDS] = [*_custom_fields(read.get(CUSTOM_FIELDS)), *custom]
        _refuse_twice(read[CUSTOM_FIELDS])
    return read


def find_field(obj: InsightlyObject, name: str) -> Field:
    """Return the field of that name.

    :raises FieldError: the object has none; the nearest name is suggested.
    """
    field = obj.fields.get(name)
    if field is not None:
        return field
    if name != name.strip():
        raise FieldError(name, f"{obj.name} has no such field; remove the spaces around the name {name!r}")
    by_lower = {known.lower(): known for known in obj.fields}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    meant = f"did you mean {by_lower[near[0]]}? Rename it" if near else "rename it"
    raise FieldError(
        name,
        f"{obj.name} has no such field; {meant}, or leave it out with exclude_attributes "
        f"(the name of a custom field ends in {CUSTOM})",
    )


def read_value(field: Field, value: Any) -> Any:
    """Return a value in the field's type.

    :raises FieldError: it does not fit.
    """
    reader = READERS.get(field.type)
    if reader is None:
        if field.type.endswith("[]") and not (value is None or isinstance(value, (list, tuple))):
            raise FieldError(field.name, f"must be a list, not {shown(value)}")
        return plain(value, field.name)
    if is_missing(value):
        return None
    value = plain(value, field.name) if not isinstance(value, (date, Decimal)) else value
    if value is None or (value == "" and field.type != "text"):
        return None
    return reader(field, value)


def find_missing(values: Mapping[str, Any], required: Iterable[str]) -> str | None:
    """Return the first required field that has no value."""
    for name in required:
        if values.get(name) in (None, ""):
            return name
    return None


def read_id(name: str, value: Any) -> int:
    """Return a record's id as a positive integer.

    :param name: the field that holds it.
    :raises FieldError: it is missing, empty or anything but a positive integer. Without this check an empty id would
        end in the URL of the whole collection.
    """
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        raise FieldError(name, "the id of the record is missing")
    number = _whole(value)
    if number is None or not 0 < number <= LARGEST_ID:
        raise FieldError(name, f"the id of the record must be a positive integer, not {shown(value)}")
    return number


def find_id(obj: InsightlyObject | None, values: Any) -> int | None:
    """Return the id of the record that a body or an answer holds; ``None`` for one that does not say it as one does."""
    if obj is None or obj.id_field is None or not isinstance(values, Mapping):
        return None
    try:
        return read_id(obj.id_field, values.get(obj.id_field))
    except FieldError:
        return None


def shown(value: Any) -> str:
    """Return a value for a message, cut to a readable length."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of more digits than Python writes; nesting without end
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}…"


def _custom_fields(given: Any) -> list[Any]:
    fields = [] if given is None else given
    if not isinstance(fields, list) or not all(
        isinstance(each, dict) and isinstance(each.get("FIELD_NAME"), str) for each in fields
    ):
        raise FieldError(CUSTOM_FIELDS, 'must be a list of {"FIELD_NAME": …, "FIELD_VALUE": …}')
    return fields


def _refuse_twice(custom: Iterable[Mapping[str, Any]]) -> None:
    seen = set()
    for name in (each["FIELD_NAME"] for each in custom):
        if name in seen:
            raise FieldError(name, "is given more than once; keep one")
        seen.add(name)


def _text(field: Field, value: Any) -> str:
    if isinstance(value, (bool, float, dict, list)):
        raise FieldError(field.name, f"is a {type(value).__name__} ({shown(value)}), but the field is a text")
    is_of_text = not isinstance(value, date) and not (isinstance(value, Decimal) and not value.is_finite())
    text = str(value) if is_of_text else plain(value, field.name)
    if field.max_length is not None and len(text) > field.max_length:
        raise FieldError(field.name, f"has {len(text)} characters, the field takes at most {field.max_length}")
    return text


def _integer(field: Field, value: Any) -> int:
    number = _whole(value)
    if number is None:
        raise FieldError(field.name, f"must be an integer, not {shown(value)}")
    if field.bits and not -(2 ** (field.bits - 1)) <= number < 2 ** (field.bits - 1):
        raise FieldError(field.name, f"is {number}, more than the field's {field.bits} bits hold")
    return number


def _whole(value: Any) -> int | None:
    """Return a whole number in any of the types that sources give it in; ``None`` for anything else."""
    if hasattr(value, "item") and not getattr(value, "ndim", 0):  # a scalar of numpy
        value = value.item()
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str) and INTEGER.fullmatch(value.strip()):
        return int(value) if len(value.strip()) <= MOST_DIGITS else None
    if isinstance(value, float) and abs(value) > EXACT_FLOAT:
        return None  # it has lost digits
    if isinstance(value, Decimal) and not (value.is_finite() and value.adjusted() < MOST_DIGITS):
        return None
    if isinstance(value, (float, Decimal)) and math.isfinite(value) and value == int(value):
        return int(value)
    return None


def _number(field: Field, value: Any) -> int | float:
    number = value
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        number = Decimal(value.strip())
    if isinstance(number, bool) or not isinstance(number, (int, float, Decimal)):
        raise FieldError(field.name, f"must be a number with a point for decimals, not {shown(value)}")
    result: int | float = plain(number, field.name)
    return result


def _boolean(field: Field, value: Any) -> bool:
    word = value.strip().lower() if isinstance(value, str) else str(value).lower()
    if word not in WORDS or isinstance(value, float):
        raise FieldError(field.name, f"must be true or false, not {shown(value)}")
    return WORDS[word]


def _datetime(field: Field, value: Any) -> str:
    if isinstance(value, date):
        return str(plain(value, field.name))
    match = MOMENT.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        if match is None:
            raise ValueError
        *digits, zone = match.groups()
        year, month, day, hour, minute, second = (int(part or 0) for part in digits)
        return format_date(datetime(year, month, day, hour, minute, second, tzinfo=_zone(zone)))
    except (ValueError, OverflowError):
        raise FieldError(
            field.name, f"must be a date such as 2018-04-09 or 2018-04-09 16:58:14 (UTC), not {shown(value)}"
        ) from None


def _zone(text: str | None) -> timezone:
    if not text or text in "Zz":
        return timezone.utc
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


READERS: Mapping[str, Callable[[Field, Any], Any]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "datetime": _datetime,
}
