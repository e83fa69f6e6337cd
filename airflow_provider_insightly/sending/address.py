"""Where a request goes: its URL, into which fields of the record are filled, and its headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from airflow_provider_insightly.api.catalogue import InsightlyObject, UnknownObjectError, get_object
from airflow_provider_insightly.sending.body import plain, to_json
from airflow_provider_insightly.sending.record import FieldError

PLACEHOLDER = re.compile(r"\{record\.([^{}]+)\}")
ID = "{id}"
API = re.compile(r"^/v\d+(\.\d+)?(?=/|$)")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token of RFC 9110
OURS = frozenset({"authorization", "content-type", "content-length", "transfer-encoding", "host"})


def check_url(url: str) -> None:
    """Check a URL before any record is there to fill it in.

    :raises ValueError: it is empty, holds a character that no URL has, braces other than ``{record.FIELD}``, or a part
        by which another address would be asked than the one that stands there.
    """
    if not url.strip():
        raise ValueError("The URL is empty; give a path such as /Contacts, or a full URL.")
    if re.search(r"[\s\x00-\x1f\x7f]", PLACEHOLDER.sub("", url)):
        raise ValueError(f"The URL {url!r} holds a space, a line break or another control character.")
    rest = PLACEHOLDER.sub("", url).replace(ID, "")
    if "{" in rest or "}" in rest:
        raise ValueError(f"The URL {url!r} has braces that are not {{record.FIELD}}.")
    shape = PLACEHOLDER.sub("x", url)
    if "#" in shape or {".", ".."} & set(re.split(r"[/\\?]", shape)):
        raise ValueError(f"The URL {url!r} has a part that no server gets to see: '.', '..' or what follows a '#'.")
    if "://" in url and urlsplit(url).scheme not in ("http", "https"):
        raise ValueError(f"The URL {url!r} is neither http nor https.")
    if "://" in url and PLACEHOLDER.search(urlsplit(url).netloc):
        raise ValueError(f"The URL {url!r} takes its host from the record: the API key could go anywhere.")


def fields_of_url(url: str) -> tuple[str, ...]:
    """Return the names of the record's fields that the URL asks for."""
    return tuple(PLACEHOLDER.findall(url))


def fill_url(url: str, values: Mapping[str, Any]) -> str:
    """Fill the record's fields into a URL, each encoded, in one pass: what a value contains is never filled again.

    :raises FieldError: a field is missing or empty, or would lead to another path.
    """
    return PLACEHOLDER.sub(lambda match: _segment(match[1], values.get(match[1])), url)


def object_of(url: str) -> InsightlyObject | None:
    """Return the object whose records a URL is about (``/Contacts``, ``/Contacts/5``); ``None`` when there is none."""
    path = API.sub("", urlsplit(url).path if "://" in url else url.split("?")[0])
    parts = [part for part in path.split("/") if part]
    if not 1 <= len(parts) <= 2:
        return None
    try:
        return get_object(parts[0])
    except UnknownObjectError:
        return None


def read_headers(headers: Mapping[str, str] | str | None) -> dict[str, str]:
    """Return headers given as a dict or as ``name:value,name:value``.

    Spaces around a value are not part of it.

    :raises ValueError: a name is none or comes twice, a value holds a line break, or the header is the provider's own.
    """
    if isinstance(headers, str):
        pairs = [part.partition(":") for part in headers.split(",") if part.strip()]
        without = [name for name, colon, _ in pairs if not colon]
        if without:
            raise ValueError(
                f"The header {without[0].strip()!r} has no value; write name:value,name:value, or a dict "
                "where a value has a comma in it."
            )
        given = [(name.strip(), value) for name, _, value in pairs]
    else:
        given = list((headers or {}).items())
    seen: set[str] = set()
    for name, value in given:
        if not isinstance(name, str) or not HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot be the name of a header.")
        if name.lower() in OURS:
            raise ValueError(f"The header {name} is set by the provider; remove it.")
        if name.lower() in seen:
            raise ValueError(f"The header {name} is given twice; keep one.")
        seen.add(name.lower())
        if not isinstance(value, str) or not value.isprintable() or not value.isascii():
            raise ValueError(f"The value of the header {name} must be one line of printable ASCII.")
    return {name: value.strip() for name, value in given}


def write_value(field: str, value: Any) -> str:
    """Return a value as it stands in a URL, before it is encoded; empty where there is none.

    :raises FieldError: it cannot stand there.
    """
    value = plain(value, field)
    if isinstance(value, (list, dict)):
        raise FieldError(field, f"is a {type(value).__name__}, which cannot stand in the URL")
    if value is None or isinstance(value, str):
        return value or ""
    # What a data frame makes of a column of ids with one missing.
    return str(to_json(int(value) if isinstance(value, float) and value.is_integer() else value), "ascii")


def _segment(field: str, value: Any) -> str:
    text = write_value(field, value)
    if not text.strip():
        raise FieldError(field, "is empty, but the URL needs it")
    if text in (".", ".."):
        raise FieldError(field, f"is {text!r}, which would lead the URL to another path")
    return quote(text, safe="")
