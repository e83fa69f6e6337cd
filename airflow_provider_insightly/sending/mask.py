"""Values that must not be shown: they are replaced wherever a record or an answer is written down."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

MASKED = "***"


def mask(value: Any, fields: Collection[str]) -> Any:
    """Return a record or an answer with the values of some fields replaced, at any depth and in custom fields."""
    if not fields:
        return value
    if isinstance(value, Mapping):
        if value.get("FIELD_NAME") in fields:
            return {**value, "FIELD_VALUE": MASKED}
        return {name: MASKED if name in fields else mask(item, fields) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [mask(item, fields) for item in value]
    return value


def mask_text(text: str, values: Mapping[str, Any], fields: Collection[str]) -> str:
    """Return a text, such as a URL or a server's message, without the masked values of a record."""
    for name in fields:
        secret = str(values.get(name) or "")
        if len(secret) > 3:  # replacing a letter would only garble the text
            text = text.replace(secret, MASKED).replace(quote(secret, safe="", errors="replace"), MASKED)
    return text
