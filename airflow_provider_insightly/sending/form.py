"""The settings and the records of a send as people type them, on the command line and in the page.

Everything is a text, or a box that is ticked or not. What cannot be read is a mistake in one field, and is named so.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from airflow_provider_insightly.api.catalogue import get_object
from airflow_provider_insightly.sending.address import read_headers
from airflow_provider_insightly.sending.grouping import ALGORITHMS, Grouping, make_grouping
from airflow_provider_insightly.sending.record import Record, Rejection
from airflow_provider_insightly.sending.settings import BATCH_SIZE, SendSettings, SettingError, from_template
from airflow_provider_insightly.sending.source import SourceError, read_file
from airflow_provider_insightly.sending.template import get_template

KNOWN = frozenset({"template", *(setting.name for setting in fields(SendSettings))})
TEXT_FORMATS = ("csv", "json", "jsonl")


def read_settings(given: Mapping[str, Any]) -> SendSettings:
    """Return the settings of a send.

    :param given: the parameters of :class:`~airflow_provider_insightly.sending.settings.SendSettings` by name, as
        texts: names of fields with commas between, ``rename`` as ``old=new,old=new``, ``headers`` as
        ``name:value,name:value``. ``template`` stands for a method and a URL. ``grouping`` is the name of an algorithm;
        its settings are ``grouping_options``, a dict or JSON, or one by one ``grouping_property``,
        ``grouping_fields`` … What is missing or empty has its default; other names are no business of this function.
    :raises SettingError: a text cannot be read, or settings cannot work together.
    """
    given = {name: _text(name, value) for name, value in given.items() if name in KNOWN or name.startswith("grouping_")}
    batch_size = _read_number("batch_size", given.get("batch_size"))
    if bool(given.get("template")) == bool(given.get("url")):
        name = "url" if given.get("template") or "template" not in given else "template"
        raise SettingError(name, "Give a template, or a method and a URL, and not both.")
    settings: dict[str, Any] = {
        "id_field": given.get("id_field") or None,
        "update_mode": given.get("update_mode") or "partial",
        "allow_replace": bool(given.get("allow_replace")),
        "headers": _read("headers", read_headers, given.get("headers") or None),
        "include_attributes": split(given.get("include_attributes")),
        "exclude_attributes": split(given.get("exclude_attributes")),
        "rename": _read_rename(given.get("rename")),
        "nulls": given.get("nulls") or "omit",
        "mask_fields": split(given.get("mask_fields")),
        "grouping": _read_grouping(given),
    }
    if given.get("template"):
        return from_template(_read("template", get_template, given["template"]), **settings)
    if given.get("object"):
        _read("object", get_object, given["object"])
    return SendSettings(
        method=given.get("method") or "POST",
        url=given["url"],
        object=given.get("object") or None,
        batch_size=BATCH_SIZE if batch_size is None else batch_size,
        batch_bytes=_read_number("batch_bytes", given.get("batch_bytes")),
        patch_fallback=given.get("patch_fallback") or None,
        **settings,
    )


def split(names: Any) -> tuple[str, ...]:
    """Return the names in a text with commas between them; a list is taken as it is."""
    parts = names.split(",") if isinstance(names, str) else names or ()
    return tuple(part.strip() for part in parts if part.strip())


def find_format(text: str) -> str:
    """Return the format that a text of records has by its looks: ``json``, ``jsonl`` or ``csv``.

    A text that begins like JSON is a list, or lines that are each a record, or one record over several lines.
    """
    start = text.lstrip("\ufeff \t\r\n")
    if start[:1] not in ("[", "{"):
        return "csv"
    first, _, rest = start.partition("\n")
    if start[0] == "[" or not rest.strip():
        return "json"
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        # Lines of JSON stay lines where the first is broken: the second one then begins a record too.
        return "jsonl" if first.rstrip().endswith("}") and rest.lstrip()[:1] == "{" else "json"
    return "jsonl"


def read_text(text: str, format: str | None = None) -> Iterator[Record | Rejection]:
    """Yield the records of a text that was typed or pasted.

    :param format: ``csv``, ``json`` or ``jsonl``; without it the text's looks decide.
    :raises SourceError: nothing is there, or what follows some line cannot be read.
    """
    if format not in (None, *TEXT_FORMATS):
        raise SourceError(f"There is no format {format!r}; there are {', '.join(TEXT_FORMATS)}.")
    if not text.strip():
        raise SourceError("There are no records yet: paste some, or take an example.")
    try:
        content = text.encode()
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise SourceError(f"Line {line} holds half a character, which no text can: remove it.") from None
    format = format or find_format(text)
    if format == "json":
        _check_json(text)
    return read_file(io.BytesIO(content), format, "The text")


def _check_json(text: str) -> None:
    """Say where a text is no JSON; files, which may be too long to be read twice, are told apart record by record."""
    try:
        json.loads(text.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        raise SourceError(f"Line {error.lineno}, column {error.colno}: {error.msg}.") from None
    except RecursionError:
        raise SourceError("The text is nested too deeply to be records.") from None


def _read_grouping(given: Mapping[str, Any]) -> Grouping | None:
    algorithm = given.get("grouping")
    if not algorithm:
        return None
    options = given.get("grouping_options") or {}
    if isinstance(options, str):
        options = _read_object("grouping_options", options)
    if algorithm in ALGORITHMS:
        options = {**options, **_read_options(algorithm, given)}
    with _naming(_find_blank(algorithm, options) or "grouping"):
        return make_grouping(algorithm, options)


def _find_blank(algorithm: str, options: Mapping[str, Any]) -> str | None:
    """Return the setting of an algorithm that has no default and is not given."""
    known = fields(ALGORITHMS[algorithm]) if algorithm in ALGORITHMS else ()  # type: ignore[arg-type]
    return next((f"grouping_{o.name}" for o in known if o.default in ("", ()) and not options.get(o.name)), None)


def _read_options(algorithm: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return those settings of an algorithm that are given one by one."""
    found: dict[str, Any] = {}
    for option in fields(ALGORITHMS[algorithm]):  # type: ignore[arg-type]
        name = f"grouping_{option.name}"
        if not (text := given.get(name)):
            continue
        if option.name == "static_fields":
            found[option.name] = _read_object(name, text)
        else:
            found[option.name] = split(text) if option.name == "fields" else text
    return found


def _read_object(name: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingError(name, f'{name} must be a JSON object such as {{"source": "airflow"}}: {error}.') from None
    if not isinstance(value, dict):
        raise SettingError(name, f'{name} must be a JSON object such as {{"source": "airflow"}}.')
    return value


def _read_rename(given: Any) -> dict[str, str]:
    if isinstance(given, Mapping):
        return dict(given)
    pairs = [part.partition("=") for part in split(given)]
    for old, equals, new in pairs:
        if not (old.strip() and equals and new.strip()):
            raise SettingError("rename", f"rename has {old + equals + new!r}; write old=new,old=new.")
    return {old.strip(): new.strip() for old, _, new in pairs}


def _read_number(name: str, given: Any) -> int | None:
    if given in (None, ""):
        return None
    try:
        return int(given)
    except ValueError:
        raise SettingError(name, f"{name} must be a whole number, not {given!r}.") from None


def _read(name: str, reader: Any, text: Any) -> Any:
    with _naming(name):
        return reader(text)


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Let a mistake name the setting that it is in."""
    try:
        yield
    except SettingError:
        raise
    except (ValueError, LookupError) as error:
        raise SettingError(name, str(error)) from None


def _text(name: str, value: Any) -> Any:
    if isinstance(value, bool) and name != "allow_replace":
        raise SettingError(name, f"{name} must be a text, not {value}.")
    if not isinstance(value, str):
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        raise SettingError(name, f"{name} holds half a character, which no text can: remove it.") from None
    return value.strip()
