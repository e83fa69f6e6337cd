"""Values that must not be shown: they are replaced wherever a record or an answer is written down."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from airflow_provider_insightly.sending.address import write_value
from airflow_provider_insightly.sending.body import DEEPEST
from airflow_provider_insightly.sending.fields import shown

MASKED = "***"
SHORTEST = 4  # characters of a value that is taken out of a text: replacing a letter would only garble it


def mask(value: Any, fields: Collection[str], depth: int = 0) -> Any:
    """Return a record or an answer with the values of some fields replaced, at any depth and in custom fields."""
    if not fields:
        return value
    if depth > DEEPEST:  # deeper than anything that is sent
        return MASKED
    if isinstance(value, Mapping):
        if _names_one_of(value, fields):
            return {**value, "FIELD_VALUE": MASKED}
        return {name: MASKED if name in fields else mask(item, fields, depth + 1) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [mask(item, fields, depth + 1) for item in value]
    return value


def mask_text(text: str, values: Any, fields: Collection[str]) -> str:
    """Return a text, such as a URL or a server's message, without the masked values of a record, or of several."""
    for _, secret in find_masked(values, fields) if fields else ():
        for form in _forms(secret):
            if len(form) >= SHORTEST:
                text = text.replace(form, MASKED)
    return text


def find_masked(value: Any, fields: Collection[str], depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the name and the value of what :func:`mask` replaces in a record, or in a list of records."""
    if depth > DEEPEST:
        return
    if isinstance(value, Mapping):
        if _names_one_of(value, fields):
            yield value["FIELD_NAME"], value.get("FIELD_VALUE")
        for name, item in value.items():
            if name in fields:
                yield name, item
            else:
                yield from find_masked(item, fields, depth + 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from find_masked(item, fields, depth + 1)


def _names_one_of(value: Mapping[str, Any], fields: Collection[str]) -> bool:
    """Tell whether this is a custom field of such a name."""
    name = value.get("FIELD_NAME")
    return isinstance(name, str) and name in fields


def _forms(secret: Any) -> Iterator[str]:
    """Yield the texts in which a value may stand in another: as our messages show it, as it is, and as it is sent."""
    if secret is None or isinstance(secret, bool):
        return
    yield shown(secret)
    for write in (str, partial(write_value, "")):
        try:
            text = write(secret)
        except (ValueError, RecursionError):  # digits or nesting without end, or what cannot be sent
            continue
        yield text
        yield quote(text, safe="", errors="replace")
