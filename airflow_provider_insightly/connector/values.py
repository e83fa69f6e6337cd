"""Values of fields in their canonical form, in which both sides can be compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, TypeAlias

Value: TypeAlias = Any
"""A JSON value: text, number, boolean, list or ``None``."""

FieldType: TypeAlias = Literal["text", "integer", "number", "boolean", "date", "datetime", "dropdown", "multiselect"]


LONGEST_KEY = 320
"""The longest e-mail address there can be, and what the store has room for: casefolded, ``ß`` grows to ``ss``."""


class ValueTypeError(ValueError):
    """A value cannot be read as the type that its field has."""


def is_empty(value: Value) -> bool:
    """Say whether a value counts as empty: null, white space, an empty list. ``False`` and 0 do not."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value == []


def canonical(value: Value, field_type: FieldType) -> Value:
    """Return a value so that two values that mean the same are equal; anything empty becomes ``None``.

    :raises ValueTypeError: the value is not of the type.
    """
    if is_empty(value):
        return None
    try:
        read = _READERS[field_type](value)
    except (ValueError, TypeError, InvalidOperation, OverflowError):
        article = "an" if field_type == "integer" else "a"
        raise ValueTypeError(f"{value!r} is not {article} {field_type}") from None
    return None if is_empty(read) else read


def email_key(address: Value) -> str | None:
    """Return the form in which e-mail addresses are compared: trimmed and casefolded; ``None`` when malformed.

    Dots and plus signs stay: only some hosts ignore them.
    """
    if not isinstance(address, str):
        return None
    trimmed = address.strip()
    if len(trimmed) > 255 or not _ADDRESS.fullmatch(trimmed):
        return None
    key = unicodedata.normalize("NFC", trimmed).casefold()
    return key if len(key) <= LONGEST_KEY else None


def parse_time(text: Value) -> datetime | None:
    """Read a time as the API writes it (``2018-04-09 16:58:14``, UTC without a zone) or in ISO form."""
    if is_empty(text):
        return None
    parsed = datetime.fromisoformat(str(text).strip().replace("Z", "+00:00"))
    return parsed.replace(tzinfo=timezone.utc) if parsed.tzinfo is None else parsed.astimezone(timezone.utc)


def flatten(record: Mapping[str, Value]) -> dict[str, Value]:
    """Return a record of the API with its custom fields beside the others, by their names."""
    flat = {name: value for name, value in record.items() if name != "CUSTOMFIELDS"}
    for custom in record.get("CUSTOMFIELDS") or ():
        flat[custom["FIELD_NAME"]] = custom.get("FIELD_VALUE")
    return flat


def unflatten(values: Mapping[str, Value]) -> dict[str, Value]:
    """Return values by field name in the shape that the API takes: custom fields in ``CUSTOMFIELDS``."""
    record = {name: value for name, value in values.items() if not is_custom(name)}
    custom = [{"FIELD_NAME": name, "FIELD_VALUE": value} for name, value in values.items() if is_custom(name)]
    return {**record, "CUSTOMFIELDS": custom} if custom else record


def is_custom(field: str) -> bool:
    """Say whether a field's name is that of a custom field."""
    return field.endswith("__c")


_LARGEST_EXPONENT = 308
"""Of ten, in a number that a computer's floating point holds: ``1e999999999`` would be a billion digits."""

_ADDRESS = re.compile(r"[^@\s,;<>\"]+@[^@\s.,;<>\"]+(\.[^@\s.,;<>\"]+)+")


def _text(value: Value) -> str:
    return unicodedata.normalize("NFC", str(value)).replace("\r\n", "\n").strip()


def _decimal(value: Value) -> Decimal:
    if isinstance(value, bool):
        raise ValueError
    number = Decimal(str(value))
    if not number.is_finite() or number.adjusted() > _LARGEST_EXPONENT:
        raise ValueError
    return number


def _integer(value: Value) -> int:
    number = _decimal(value)
    if number != number.to_integral_value():
        raise ValueError
    return int(number)


def _number(value: Value) -> int | float:
    number = _decimal(value)
    return int(number) if number == number.to_integral_value() else float(number)


def _boolean(value: Value) -> bool:
    words = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
    if str(value).strip().lower() not in words:
        raise ValueError
    return words[str(value).strip().lower()]


def _datetime(value: Value) -> str:
    parsed = parse_time(value)
    if parsed is None:
        raise ValueError
    return parsed.replace(microsecond=0, tzinfo=None).isoformat(" ")  # strftime writes the year 22 as "22"


def _date(value: Value) -> str:
    return _datetime(value)[:10]


def _multiselect(value: Value) -> str:
    options: Sequence[Value] = value if isinstance(value, list) else str(value).split(";")
    return ";".join(sorted({_text(option) for option in options if not is_empty(option)}))


_READERS = {
    "text": _text,
    "dropdown": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "datetime": _datetime,
    "date": _date,
    "multiselect": _multiselect,
}
