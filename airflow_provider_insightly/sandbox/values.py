"""From a request's body to a record: types, lengths, read-only fields, dates, custom fields, defaults."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone
from functools import cache, lru_cache
from typing import Any

from airflow_provider_insightly.api.catalogue import Field, types
from airflow_provider_insightly.sandbox.answers import ApiError
from airflow_provider_insightly.sandbox.records import Record

# What a field holds that nobody has set, where that is not null, false or an empty list.
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "Contact": {"VISIBLE_TO": "EVERYONE"},
    "Organisation": {"VISIBLE_TO": "EVERYONE"},
    "Lead": {"VISIBLE_TO": "EVERYONE"},
    "CustomObjectsRecords": {"VISIBLE_TO": "EVERYONE"},
    "Opportunity": {"OPPORTUNITY_STATE": "OPEN", "BID_CURRENCY": "USD", "BID_TYPE": "Fixed Bid"},
    "Task": {"STATUS": "NOT STARTED", "PRIORITY": 2, "PERCENT_COMPLETE": 0},
    "Prospect": {"SCORE": 0},
    "Pricebook": {"CURRENCY_CODE": "USD"},
    "Product": {"CURRENCY_CODE": "USD"},
    "PricebookEntry": {"CURRENCY_CODE": "USD"},
    "Quotation": {"QUOTATION_CURRENCY_CODE": "USD", "QUOTE_STATUS": "Draft"},
    "Category": {"ACTIVE": True},
}

# Fields that the server sets whatever the vendor's document says of them.
SET_BY_SERVER = frozenset(
    {"DATE_CREATED_UTC", "DATE_UPDATED_UTC", "CREATED_USER_ID", "ETag", "LINK_ID", "DATE_ID", "EMAIL_DOMAIN_ID"}
)

CUSTOM_NAME = re.compile(r"[A-Za-z]\w*__c", re.ASCII)
_DATE = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?)? ?(Z|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE | re.ASCII,
)

Convert = Callable[[Any], Any]


def parse_date(text: str) -> str:
    """Return a date as the API writes it, ``YYYY-MM-DD HH:MM:SS`` in UTC.

    :param text: the same, or ISO 8601 with or without a zone, or a date alone.
    :raises ValueError: when it is no date.
    """
    match = _DATE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a date")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    zone = match.group(7)
    if zone and zone.upper() != "Z":
        try:
            moment -= datetime.strptime(zone.replace(":", ""), "%z").utcoffset() or timedelta()
        except OverflowError:
            raise ValueError(f"{text!r} lies outside of the calendar") from None
    return moment.strftime("%Y-%m-%d %H:%M:%S").zfill(19)


def write_date(second: int) -> str:
    """Return a moment, in seconds since the epoch, as the API writes it."""
    days, rest = divmod(second, 86_400)
    return f"{_day(days)} {rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"


@lru_cache(maxsize=1000)
def _day(days: int) -> str:
    return (date(1970, 1, 1) + timedelta(days)).isoformat()


def mailbox(type_name: str, record_id: int) -> str:
    """Return the address that keeps mail with a record; the live one names the instance and holds a secret."""
    return f"{type_name.lower()}-{record_id}@mailbox.example"


def blank_record(type_name: str) -> Record:
    """Return a record of a type in which nothing is set: every key is there, in the API's order."""
    return {name: list(value) if isinstance(value, list) else value for name, value in _blank(type_name)}


def read_body(type_name: str, body: Mapping[str, Any], *, unknown_fields: str = "ignore") -> Record:
    """Return the fields of a body that a client may set, each as the API keeps it.

    Read-only fields and, unless told to reject them, unknown ones are left out. Custom fields are read by
    :func:`read_custom_fields`, which needs to know the instance's.

    :param type_name: the type of the record in the catalogue.
    :param body: the request's body; field names in any case.
    :param unknown_fields: ``ignore`` or ``reject``.
    :raises ApiError: 400, naming the field, when a value does not fit.
    """
    converters = _converters(type_name)
    fields: Record = {}
    for key, value in body.items():
        name = key if key in converters else _exact_names(type_name).get(key.lower())
        if name is None:
            if unknown_fields == "reject":
                raise ApiError(400, f"{key} is not a field of {type_name}.")
            continue
        convert = converters[name]
        if convert is None:
            continue
        fields[name] = value if value is None else _convert(convert, name, value)
    return fields


def find_value(body: Mapping[str, Any], name: str) -> Any:
    """Return what a body holds under a name, in any case as field names are; ``None`` when it holds nothing."""
    return body.get(name) if name in body else {key.lower(): value for key, value in body.items()}.get(name.lower())


def check_required(type_name: str, record: Mapping[str, Any]) -> None:
    """Raise 400 when a record lacks a field without which it cannot be created."""
    for name in _required(type_name):
        if record.get(name) in (None, ""):
            raise ApiError(400, f"{name} is required.")


def read_custom_fields(
    given: Any,
    known: Mapping[str, Mapping[str, Any]],
    current: list[Record],
    *,
    accept_undefined: bool,
    read_only: bool = False,
) -> list[Record]:
    """Return a record's custom fields after a write.

    :param given: ``CUSTOMFIELDS`` of the body; fields that it lacks stay, fields that it sets to null go, and those
        that cannot be edited are left alone, like all read-only fields.
    :param known: the definitions of the object's custom fields, by name.
    :param current: what the record has now.
    :param accept_undefined: keep values of fields that nobody defined, as they come.
    :param read_only: set those that cannot be edited, too.
    :raises ApiError: 400, naming the field, when a value does not fit.
    """
    values = {field["FIELD_NAME"]: field["FIELD_VALUE"] for field in current}
    if not isinstance(given, list):
        raise ApiError(400, "CUSTOMFIELDS must be a list of FIELD_NAME and FIELD_VALUE.")
    exact = {name.lower(): name for name in known}
    for entry in given:
        if not isinstance(entry, dict):
            raise ApiError(400, "CUSTOMFIELDS must be a list of FIELD_NAME and FIELD_VALUE.")
        entry = {key.upper(): value for key, value in entry.items()}
        name = entry.get("FIELD_NAME") or entry.get("CUSTOM_FIELD_ID")
        if not isinstance(name, str):
            raise ApiError(400, "A custom field needs its FIELD_NAME.")
        name = exact.get(name.lower(), name)
        value = entry.get("FIELD_VALUE")
        if name in known and not (read_only or is_editable(known[name])):
            continue
        if name in known:
            value = None if value in (None, "") else _convert(_custom_converter(known[name]), name, value)
        elif not accept_undefined or not CUSTOM_NAME.fullmatch(name):
            raise ApiError(400, f"{name} is not a custom field of this object.")
        values[name] = value
    return custom_values(values)


def custom_values(values: Mapping[str, Any], *, with_null: bool = False) -> list[Record]:
    """Return custom fields as the API gives them: by name, whatever the order of their definitions.

    :param with_null: those that have no value too.
    """
    return [
        {"FIELD_NAME": name, "FIELD_VALUE": values[name], "CUSTOM_FIELD_ID": name}
        for name in sorted(values, key=str.lower)
        if with_null or values[name] is not None
    ]


def convert_field(field: Field, value: Any) -> Any:
    """Return a value of any field as the API keeps it, with the ids of its parts; 400 when it does not fit.

    Unlike :func:`read_body` it heeds read-only fields too.
    """
    if value is None:
        return [] if field.type.endswith("[]") else None
    return _convert(_converter(field.type, field.max_length, field.bits, whole=True), field.name, value)


def search_value(field: Field, text: str) -> Any:
    """Return a query parameter as SQLite compares it with a field's value; what cannot fit matches nothing."""
    try:
        value = _converter(field.type, None, field.bits)(text)
    except (TypeError, ValueError):
        return None
    return int(value) if isinstance(value, bool) else value


def _convert(convert: Convert, name: str, value: Any) -> Any:
    try:
        return convert(value)
    except (TypeError, ValueError) as error:
        raise ApiError(400, f"{name}: {error}.") from None


@cache
def _blank(type_name: str) -> tuple[tuple[str, Any], ...]:
    defaults = DEFAULTS.get(type_name, {})

    def unset(field: Field) -> Any:
        if field.name in defaults:
            return defaults[field.name]
        return [] if field.type.endswith("[]") else False if field.type == "boolean" else None

    return tuple((field.name, unset(field)) for field in types()[type_name].values())


@cache
def _required(type_name: str) -> tuple[str, ...]:
    return tuple(field.name for field in types()[type_name].values() if field.required)


@cache
def _exact_names(type_name: str) -> Mapping[str, str]:
    return {name.lower(): name for name in types()[type_name]}


@cache
def _converters(type_name: str) -> Mapping[str, Convert | None]:
    """Return what turns each field's value into what is kept; ``None`` for a field that clients cannot set."""
    return {
        field.name: None
        if field.read_only or field.name in SET_BY_SERVER
        else _converter(field.type, field.max_length, field.bits)
        for field in types()[type_name].values()
    }


def _converter(type_name: str, max_length: int | None, bits: int | None, *, whole: bool = False) -> Convert:
    """Return what turns a value of a type into what is kept; empty text clears a field that holds no text.

    :param whole: heed the read-only fields of parts too.
    """
    if type_name.endswith("[]"):
        return _list_of(type_name[:-2], whole)
    simple: dict[str, Convert] = {
        "text": lambda value: _text(value, max_length),
        "integer": lambda value: None if value == "" else _integer(value, bits or 64),
        "number": lambda value: None if value == "" else _number(value),
        "boolean": lambda value: None if value == "" else _boolean(value),
        "datetime": lambda value: None if value == "" else _date(value),
        "object": lambda value: value,
    }
    return simple.get(type_name) or (lambda value: _part(type_name, value, whole))


def _list_of(type_name: str, whole: bool) -> Convert:
    if type_name == "CustomField":
        return lambda value: value

    def convert(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise TypeError("a list is expected")
        return [entry if type_name == "object" else _part(type_name, entry, whole) for entry in value]

    return convert


def _part(type_name: str, value: Any, whole: bool) -> Record:
    """Return a part of a record, such as one of its tags."""
    if type_name == "Tag" and isinstance(value, str):
        value = {"TAG_NAME": value}
    if not isinstance(value, dict):
        raise TypeError("an object is expected")
    if whole:
        known = types()[type_name]
        return {name: convert_field(field, value.get(name)) for name, field in known.items()}
    return {**blank_record(type_name), **read_body(type_name, value)}


def _text(value: Any, max_length: int | None) -> str:
    if isinstance(value, bool):
        value = str(value).lower()
    elif isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str):
        raise TypeError("text is expected")
    if max_length and len(value) > max_length:
        raise ValueError(f"at most {max_length} characters are allowed, there are {len(value)}")
    return value


def _integer(value: Any, bits: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError("an integer is expected")
    try:
        number = int(value)
    except (ValueError, OverflowError):
        raise ValueError("an integer is expected") from None
    if isinstance(value, float) and number != value:
        raise ValueError("an integer is expected")
    if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise ValueError(f"the number does not fit into {bits} bits")
    return number


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError("a number is expected")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise ValueError("a number is expected") from None
    if not math.isfinite(number):
        raise ValueError("a number is expected")
    return number if isinstance(value, str) else value


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError("true or false is expected")


def _date(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a date is expected")
    return parse_date(value)


def is_editable(definition: Mapping[str, Any]) -> bool:
    """Return whether clients may set a custom field."""
    return definition["FIELD_TYPE"] != "AUTONUMBER" and bool(definition.get("EDITABLE", True))


def _custom_converter(definition: Mapping[str, Any]) -> Convert:
    kind = definition["FIELD_TYPE"]
    options = [option["OPTION_VALUE"] for option in definition.get("CUSTOM_FIELD_OPTIONS") or ()]
    if kind in ("DROPDOWN", "MULTISELECT") and options:
        return lambda value: _choice(_text(value, None), options, many=kind == "MULTISELECT")
    return {"NUMERIC": _number, "PERCENT": _number, "BIT": _boolean, "DATE": _date, "DATETIME": _date}.get(
        kind, lambda value: _text(value, None) if not definition.get("JOIN_OBJECT") else _integer(value, 64)
    )


def _choice(value: str, options: list[str], *, many: bool) -> str:
    for choice in value.split(";") if many else [value]:
        if choice and choice not in options:
            raise ValueError(f"{choice!r} is not one of the options: {', '.join(options)}")
    return value
