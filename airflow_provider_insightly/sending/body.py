"""Values as Insightly reads them in JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from airflow_provider_insightly.sending.record import FieldError

MOST_DIGITS = 308  # before the point, in the double in which other programs read a number of JSON
DEEPEST = 64  # levels; Insightly's own records have four, and Python's JSON encoder gives up at about a thousand
MISSING = frozenset({"NAType", "NaTType"})  # the markers of data frames; their package need not be installed here
NANOSECONDS = frozenset({"datetime64", "timedelta64"})  # numpy's, which give themselves as a plain number of these


def to_json(value: Any) -> bytes:
    """Write plain values as compact JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def plain(value: Any, field: str | None, depth: int = 0) -> Any:
    """Return a value as one that JSON has: text, number, boolean, null, list, object.

    Dates become ``YYYY-MM-DD HH:MM:SS`` in UTC (a naive one is taken as UTC), a UUID its text, a Decimal a number.

    :param field: the field that a complaint names.
    :raises FieldError: NaN, infinity, half a character, a type without a counterpart, nesting without end.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):  # first: one may be a text too, and its text is its name
        return plain(value.value, field, depth)
    if isinstance(value, str):
        return _text(str(value), field)
    if isinstance(value, int):
        return _integer(int(value), field)
    if isinstance(value, float):
        return _finite(float(value), field)
    if isinstance(value, Decimal):
        return _number(value, field)
    if is_missing(value):
        return None
    if isinstance(value, date):
        return _date(value, field)
    if isinstance(value, UUID):
        return str(value)
    if depth >= DEEPEST:
        raise FieldError(field, f"is nested more than {DEEPEST} levels deep")
    if isinstance(value, Mapping):
        return {_text(str(key), field): plain(item, field or str(key), depth + 1) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        return [plain(item, field, depth + 1) for item in value]
    if hasattr(value, "item"):  # numpy's
        if getattr(value, "ndim", 0):  # an array
            return [plain(item, field, depth + 1) for item in value]
        kind = type(value).__name__
        value = value.astype(f"{kind}[us]") if kind in NANOSECONDS else value
        return plain(value.item(), field, depth + 1)
    raise FieldError(field, f"is a {type(value).__name__}, which has no form in JSON; convert it before sending")


def is_missing(value: Any) -> bool:
    """Tell whether a value stands for none: a data frame's marker, which may pass for a date, or ``None``."""
    return value is None or type(value).__name__ in MISSING


def write_line(values: Mapping[str, Any]) -> str:
    """Write any values as one line of JSON: what could not be sent must still be shown, and told from others.

    Reading the line and writing it again gives the same line. NaN and infinity stand as in Python, though JSON has no
    word for them: as a text, a field of texts would take them when the line is sent again.
    """
    try:
        return json.dumps(_shown(values))
    except RecursionError:
        return json.dumps({name: _too_deep(value) for name, value in values.items()}, default=str)


def format_date(value: date) -> str:
    """Write a date, or a moment in UTC, as Insightly does: ``2018-04-09 16:58:14``."""
    if not isinstance(value, datetime):
        return f"{value.isoformat()} 00:00:00"
    if value.tzinfo is not None:
        value = value.astimezone(timezone.utc)
    return value.replace(tzinfo=None).isoformat(" ", "seconds")


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _shown(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shown(item) for item in value]
    if value is None or isinstance(value, (str, bool, float)):
        return value
    if isinstance(value, Decimal) and not value.is_finite():
        return math.nan if value.is_nan() else float(value)
    if isinstance(value, int):
        return value if abs(value) < 10**MOST_DIGITS else hex(value)  # Python writes no more than 4300 digits
    try:
        return plain(value, None)
    except FieldError:
        return str(value)


def _too_deep(value: Any) -> Any:
    return "nested too deeply to show" if isinstance(value, (Mapping, list, tuple)) else value


def _date(value: date, field: str | None) -> str:
    try:
        return format_date(value)
    except OverflowError:
        raise FieldError(field, f"is {value}, which in UTC is before the year 1 or after 9999") from None


def _text(value: str, field: str | None) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        code = ord(value[error.start])
        if 0xDC80 <= code <= 0xDCFF:  # what a byte that is not UTF-8 is read as
            raise FieldError(
                field,
                f"is not UTF-8: byte 0x{code - 0xDC00:02x} at character {error.start}. "
                "Save the file as UTF-8, or name its encoding",
            ) from None
        raise FieldError(
            field, f"holds half a character (U+{code:04X} at character {error.start}), which UTF-8 cannot write"
        ) from None
    return value


def _finite(value: float, field: str | None) -> float:
    if math.isfinite(value):
        return value
    raise FieldError(field, f"is {value}, for which JSON has no word; give None where a value is missing")


def _integer(value: int, field: str | None) -> int:
    if abs(value) >= 10**MOST_DIGITS:
        raise FieldError(field, f"has more than {MOST_DIGITS} digits, more than a number in JSON holds")
    return value


def _number(value: Decimal, field: str | None) -> int | float:
    if not value.is_finite():
        return _finite(float(value) if not value.is_snan() else math.nan, field)
    if value.adjusted() >= MOST_DIGITS:  # asked first: writing out 1e999999999 would take hours
        raise FieldError(field, f"is {value:.3e}, more than a number in JSON holds")
    if value == value.to_integral_value():
        return int(value)
    number = float(value)
    if Decimal(repr(number)) != value:
        raise FieldError(field, f"is {value}, more digits than a number in JSON keeps; round it before sending")
    return number
