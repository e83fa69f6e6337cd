"""Endpoint templates: what a send needs to know of one verb of one object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from airflow_provider_insightly.api.catalogue import InsightlyObject, objects
from airflow_provider_insightly.sending.address import check_url

NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Template:
    """An endpoint to which records are sent one at a time.

    :param name: what a DAG calls it: ``create_contact``.
    :param method: ``POST``, ``PUT``, ``PATCH`` or ``DELETE``.
    :param path: below ``/v3.1``. ``{id}`` is the record's id, ``{record.FIELD}`` any other of its fields.
    :param object: the object of the catalogue by which values are read and checked; ``None``: they go as they are.
    :param id_field: the record's field that holds the id; needed where the path has ``{id}``.
    :param required: fields without which no request is made.
    :param exclude_attributes: fields that serve the path alone and stay out of the body.
    """

    name: str
    method: str
    path: str
    object: str | None = None
    id_field: str | None = None
    required: tuple[str, ...] = ()
    exclude_attributes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a template that could not send anything."""
        if not NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} cannot name a template: write it as create_contact.")
        if self.method not in ("POST", "PUT", "PATCH", "DELETE"):
            raise ValueError(
                f"The template {self.name} has the method {self.method!r}, not POST, PUT, PATCH or DELETE."
            )
        check_url(self.path)
        if "{id}" in self.path and self.id_field is None:
            raise ValueError(f"The path of the template {self.name} has {{id}}: name the id_field that fills it.")


class UnknownTemplateError(LookupError):
    """No template goes by this name."""


_registered: dict[str, Template] = {}


def register(template: Template) -> Template:
    """Add a template of one's own, or put it in the place of one with the same name; return it.

    >>> register(Template("create_contact_note", "POST", "/Contacts/{record.CONTACT_ID}/Notes", object="Notes",
    ...                   required=("TITLE",), exclude_attributes=("CONTACT_ID",))).method
    'POST'
    """
    _registered[template.name] = template
    return template


def get_template(name: str) -> Template:
    """Return the template of a name.

    :raises UnknownTemplateError: there is none; the message lists what there is.
    """
    found = templates().get(name)
    if found is None:
        raise UnknownTemplateError(f"There is no template {name!r}. Templates: {', '.join(sorted(templates()))}.")
    return found


def templates() -> Mapping[str, Template]:
    """Return all templates by name: create, update and delete of every object that has the verb, and one's own."""
    return {**_built_in(), **_registered}


def singular(collection: str) -> str:
    """Return the name of one record of a collection as it stands in a template's name: ``file_category``."""
    if collection.endswith("ies"):
        one = collection[:-3] + "y"
    elif collection.endswith("uses"):
        one = collection[:-2]
    else:
        one = collection.removesuffix("s")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", one).lower()


@cache
def _built_in() -> Mapping[str, Template]:
    found = [_of_verb(obj, verb) for obj in objects().values() for verb in ("create", "update", "delete")]
    return {template.name: template for template in found if template is not None}


def _of_verb(obj: InsightlyObject, verb: str) -> Template | None:
    if verb not in obj.verbs:
        return None
    name = f"{verb}_{singular(obj.name)}"
    if verb == "create":
        return Template(name, "POST", obj.path, obj.name, required=obj.required_fields)
    method = "PUT" if verb == "update" else "DELETE"
    return Template(name, method, f"{obj.path}/{{id}}", obj.name, id_field=obj.id_field)
