"""The objects of the Insightly REST API v3.1 as data: paths, id fields, verbs and fields.

Two files stand behind it. ``catalogue.json`` is what the vendor's Swagger document says (rebuilt by
``tools/build_catalogue.py``); ``observed.json`` is what the live API does beyond it, or instead, and wins.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record.

    :param name: the key in JSON, such as ``FIRST_NAME``.
    :param type: ``text``, ``integer``, ``number``, ``boolean``, ``datetime``, ``object``, the name of another
        type of the catalogue, or one of these with ``[]`` behind it for a list.
    :param max_length: the most characters that a text may have; ``None`` where the vendor names no limit.
    :param bits: 32 or 64 for an integer.
    :param read_only: the server sets it; in a body it is ignored.
    :param required: a record cannot be created without it.
    :param observed: seen in live answers, absent from the vendor's document.
    """

    name: str
    type: str
    max_length: int | None = None
    bits: int | None = None
    read_only: bool = False
    required: bool = False
    observed: bool = False


@dataclass(frozen=True, slots=True)
class InsightlyObject:
    """A collection of the API, such as ``Contacts``.

    :param name: the collection as it stands in the path. Some are singular (``Prospect``); the other number is
        answered with 405.
    :param type: the name of one record: ``Contact``.
    :param id_field: the field that holds the record's id: ``CONTACT_ID``; ``None`` where records have none.
    :param verbs: what the API does with it: ``list``, ``search``, ``search_by_tag``, ``get``, ``create``,
        ``update``, ``delete``.
    :param fields: its fields by name, in the order in which the API gives them.
    :param has_page: the web application shows a page for each of its records.
    """

    name: str
    type: str
    id_field: str | None
    verbs: frozenset[str]
    fields: Mapping[str, Field]
    has_page: bool

    @property
    def path(self) -> str:
        """The collection's path below ``/v3.1``: ``/Contacts``."""
        return f"/{self.name}"

    @property
    def required_fields(self) -> tuple[str, ...]:
        """The names of the fields without which a record cannot be created."""
        return tuple(field.name for field in self.fields.values() if field.required)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path of the vendor's document.

    :param method: ``GET``, ``POST``, ``PUT`` or ``DELETE``.
    :param path: the path below ``/v3.1`` with its parameters in braces: ``/Contacts/{id}/Tags``.
    :param query: the names of the query parameters.
    :param body: the type of the body (``Tag``, ``Tag[]``, ``file``) or ``None``.
    :param response: the type of the answer, written the same way.
    :param status: the status of success in the vendor's document.
    """

    method: str
    path: str
    query: tuple[str, ...]
    body: str | None
    response: str | None
    status: int


class UnknownObjectError(LookupError):
    """A name stands for no object of the API."""


def get_object(name: str) -> InsightlyObject:
    """Return the object that a name stands for, in any case, singular or plural.

    :param name: ``Contacts``, ``contact``, ``Organizations``, ``prospects`` …; a name that ends in ``__c`` is a
        custom object, whose own fields live in ``CUSTOMFIELDS``.
    :raises UnknownObjectError: when nothing goes by that name; the message lists what there is.
    """
    if name.lower().endswith("__c"):
        return replace(_custom_object(), name=name)
    found = _names().get(name.lower())
    if found is None:
        raise UnknownObjectError(
            f"Insightly has no object {name!r}. Objects: {', '.join(sorted(objects()))}; custom objects end in '__c'."
        )
    return objects()[found]


@cache
def objects() -> Mapping[str, InsightlyObject]:
    """Return all objects by the name that stands in their path."""
    claimed, observed = _documents()
    return MappingProxyType(
        {
            name: InsightlyObject(
                name=name,
                type=entry["type"],
                id_field=None if name in observed["no_id_field"] else entry["id_field"],
                verbs=frozenset(entry["verbs"]),
                fields=types()[entry["type"]],
                has_page=name in observed["record_pages"],
            )
            for name, entry in claimed["objects"].items()
        }
    )


@cache
def types() -> Mapping[str, Mapping[str, Field]]:
    """Return the fields of every type, records and their parts (``Tag``, ``LinkDto`` …), by the type's name."""
    claimed, observed = _documents()
    records = {entry["type"] for entry in claimed["objects"].values() if {"get", "update"} <= set(entry["verbs"])}
    found = {}
    for name, entry in claimed["types"].items():
        optional = observed["not_required_on_create"].get(name, ())
        fields = [Field(**field) for field in entry["fields"]]
        fields = [
            replace(field, required=field.required and not field.read_only and field.name not in optional)
            for field in fields
        ]
        by_name = {field.name: field for field in fields}
        extras = [*observed["extra_fields"].get(name, ()), *(observed["on_every_record"] if name in records else ())]
        for extra in extras:
            by_name = _put_in(by_name, **extra)
        found[name] = MappingProxyType(by_name)
    return MappingProxyType(found)


def _put_in(fields: Mapping[str, Field], after: str | None = None, **extra: Any) -> dict[str, Field]:
    """Return fields with an observed one among them, where live answers have it: after another, or last."""
    names = list(fields)
    names.insert(names.index(after) + 1 if after else len(names), extra["name"])
    field = Field(**extra, observed=True)
    return {name: fields.get(name, field) for name in names}


@cache
def operations() -> tuple[Operation, ...]:
    """Return every operation of the vendor's document, in its order."""
    return tuple(Operation(**{**entry, "query": tuple(entry["query"])}) for entry in _documents()[0]["operations"])


@cache
def left_out_of_brief() -> frozenset[str]:
    """Return the fields that an answer with ``brief=true`` lacks."""
    return frozenset(_documents()[1]["left_out_of_brief"])


@cache
def _custom_object() -> InsightlyObject:
    fields = types()["CustomObjectsRecords"]
    verbs = frozenset({"list", "search", "get", "create", "update", "delete"})
    return InsightlyObject("", "CustomObjectsRecords", "RECORD_ID", verbs, fields, has_page=False)


@cache
def _names() -> Mapping[str, str]:
    """Map every lower-case name that a person may use to the object's name; a name that fits two objects is none."""
    types_seen = Counter(obj.type for obj in objects().values())
    names: dict[str, str] = {}
    for obj in objects().values():
        if types_seen[obj.type] == 1:
            names[obj.type.lower()] = obj.name
        names[f"{obj.name}s".lower()] = obj.name
        names[obj.name.removesuffix("s").lower()] = obj.name
        names[obj.name.lower()] = obj.name
    for alias, name in _documents()[1]["aliases"].items():
        names[alias.lower()] = names[alias.lower().removesuffix("s")] = name
    return names


@cache
def _documents() -> tuple[dict[str, Any], dict[str, Any]]:
    """Read both files: what the vendor claims, what was observed."""
    package = resources.files(__package__)
    claimed, observed = (
        json.loads((package / name).read_text("utf-8")) for name in ("catalogue.json", "observed.json")
    )
    return claimed, observed
