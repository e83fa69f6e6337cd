"""Prospect Field Mapping: which fields belong together, and whose value wins.

A :class:`FieldMapping` is a row as it is written; a :class:`MappedField` is the row after it was checked against what
Insightly says of the fields: types, lengths, options, who may write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from airflow_provider_insightly.api.catalogue import get_object
from airflow_provider_insightly.connector.records import (
    CONTACTS,
    CRM_OBJECTS,
    EMAIL_FIELD,
    LEADS,
    OPT_OUT_FIELD,
    ORGANISATIONS,
    OWN_FIELDS,
    PROSPECT,
)
from airflow_provider_insightly.connector.values import FieldType, Value, ValueTypeError, canonical, is_custom, is_empty

Behavior = Literal["CRM Value", "Marketing Value", "Most Recently Updated Value"]
CRM_VALUE, MARKETING_VALUE, MOST_RECENT = get_args(Behavior)

RESERVED = {
    "EMAIL_ADDRESS": "the address is carried by the setting update_email_addresses",
    "DO_NOT_SYNC": "it closes a prospect to the connector",
    "CONTACT_ID": "links are the connector's own to keep",
    "LEAD_ID": "links are the connector's own to keep",
}
"""Prospect fields that no row may name, and why."""

_NEVER_EMPTIED = frozenset({"OPTED_OUT", "EMAIL_OPTED_OUT", "DO_NOT_EMAIL", "DO_NOT_CALL", "DO_NOT_SYNC"})


def is_never_emptied(field: str) -> bool:
    """Say whether a field keeps its value whatever the settings: ids, and what a person said no to."""
    return field in _NEVER_EMPTIED or field.endswith("_ID")


class FieldMapping(BaseModel):
    """A row of the mapping.

    :param prospect: the prospect's field.
    :param lead: the Lead's field.
    :param contact: the Contact's field.
    :param organisation: the field of the Contact's organisation, in place of ``contact``; only read.
    :param behavior: whose value wins.
    :param type: the type of both, where it is not the one that Insightly names.
    :param values: CRM values and the Marketing values that stand for them, as the types of the fields write them.
    :param primary: the side whose field the others were cloned from; its label is carried to them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    prospect: str
    lead: str | None = None
    contact: str | None = None
    organisation: str | None = None
    behavior: Behavior = CRM_VALUE
    type: FieldType | None = None
    values: dict[str, str] = Field(default_factory=dict)
    primary: Literal["prospect", "lead", "contact"] | None = None

    @property
    def fields(self) -> dict[str, str]:
        """The row's fields by their object."""
        named = {PROSPECT: self.prospect, LEADS: self.lead, CONTACTS: self.contact, ORGANISATIONS: self.organisation}
        return {name: field for name, field in named.items() if field}


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """What Insightly says of a field.

    :param type: its type.
    :param writable: the API changes it.
    :param required: a record cannot be without it.
    :param max_length: the most characters of a text.
    :param options: the values of a dropdown; empty where they are not known.
    :param label: what people see; known for custom fields alone.
    """

    type: FieldType
    writable: bool = True
    required: bool = False
    max_length: int | None = None
    options: tuple[str, ...] = ()
    label: str | None = None


@dataclass(frozen=True)
class MappedField:
    """A checked row.

    :param row: the row.
    :param fields: what is known of each of its fields, by object.
    """

    row: FieldMapping
    fields: Mapping[str, FieldInfo]

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Its fields by their object."""
        return self.row.fields

    @cached_property
    def name(self) -> str:
        """The prospect's field, by which the row goes."""
        return self.row.prospect

    @cached_property
    def behavior(self) -> str:
        """Whose value wins."""
        return self.row.behavior

    @cached_property
    def is_opt_out(self) -> bool:
        """Whether it carries the opt-out, which has rules of its own."""
        return self.name == OPT_OUT_FIELD[PROSPECT]

    def crm_field(self, crm_object: str) -> str | None:
        """Return the field on a Lead or Contact; ``None`` where the row has none there."""
        return self.names.get(crm_object)

    def source(self, crm_object: str) -> str | None:
        """Return the object from which a Lead's or Contact's value is read: its own or its organisation."""
        if self.names.get(crm_object):
            return crm_object
        return ORGANISATIONS if crm_object == CONTACTS and self.row.organisation else None

    def flows_to_marketing(self, crm_object: str) -> bool:
        """Say whether values of this object may be written to the prospect.

        :raises ValueTypeError: the value map does not fit the types of its fields.
        """
        source, prospect = self.source(crm_object) or "", self.fields[PROSPECT]
        if source not in self.fields or not prospect.writable:
            return False
        if self.row.values:
            return bool(self._values_for_prospect[source])
        return _fits(self.fields[source], prospect)

    def flows_to_crm(self, crm_object: str) -> bool:
        """Say whether the prospect's values may be written to this object.

        :raises ValueTypeError: the value map does not fit the types of its fields.
        """
        target = self.fields.get(crm_object)
        if target is None or not target.writable:
            return False
        if self.row.values:
            return len(self._values_for_crm[crm_object]) == len(self.row.values)
        return _fits(self.fields[PROSPECT], target)

    def read_crm(self, source: str, value: Value) -> Value:
        """Return a CRM value in the prospect's canonical form.

        :param source: the object that has the value, as :meth:`source` says.
        :raises ValueTypeError: it is not of its type, or the value map lacks it.
        """
        own_type, prospect_type = self.fields[source].type, self.fields[PROSPECT].type
        read = canonical(value, own_type)
        if read is not None and self.row.values:
            word = _word(read)
            if word not in self._values_for_prospect[source]:
                raise ValueTypeError(f"the value map has no {word!r}")
            return self._values_for_prospect[source][word]
        return read if own_type == prospect_type else canonical(read, prospect_type)

    def read_prospect(self, value: Value) -> Value:
        """Return a prospect's value in canonical form.

        :raises ValueTypeError: it is not of its type.
        """
        return canonical(value, self.fields[PROSPECT].type)

    def for_crm(self, crm_object: str, value: Value) -> Value:
        """Return a canonical value as it is written to a Lead or Contact.

        :raises ValueTypeError: the field cannot hold it.
        """
        if value is not None and self.row.values:
            if _word(value) not in self._values_for_crm[crm_object]:
                raise ValueTypeError(f"the value map leads to no {_word(value)!r}")
            value = self._values_for_crm[crm_object][_word(value)]
        return _checked(canonical(value, self.fields[crm_object].type), self.fields[crm_object])

    def for_prospect(self, value: Value) -> Value:
        """Return a canonical value as it is written to the prospect.

        :raises ValueTypeError: the field cannot hold it.
        """
        return _checked(value, self.fields[PROSPECT])

    @cached_property
    def _values_for_prospect(self) -> Mapping[str, Mapping[str, Value]]:
        """The value map by object and by CRM value, each as its field's type writes it."""
        kind = self.fields[PROSPECT].type
        return {
            name: {_word(canonical(crm, info.type)): canonical(ours, kind) for crm, ours in self.row.values.items()}
            for name, info in self.fields.items()
            if name != PROSPECT
        }

    @cached_property
    def _values_for_crm(self) -> Mapping[str, Mapping[str, Value]]:
        kind = self.fields[PROSPECT].type
        return {
            name: {_word(canonical(ours, kind)): canonical(crm, info.type) for crm, ours in self.row.values.items()}
            for name, info in self.fields.items()
            if name != PROSPECT
        }


class MappingError(ValueError):
    """The mapping cannot work.

    :param problems: the row's number (from 0) and what is wrong with it, in words.
    """

    def __init__(self, problems: list[tuple[int, str]]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"row {number + 1}: {problem}" for number, problem in problems))


CustomFields = Mapping[str, Mapping[str, FieldInfo]]
"""What ``GET /CustomFields/{object}`` says, by object and field."""


def check_mapping(rows: Iterable[FieldMapping], custom_fields: CustomFields | None = None) -> tuple[MappedField, ...]:
    """Check rows against the API's fields.

    :param rows: the mapping.
    :param custom_fields: the instance's own; without them a custom field is taken to be what the row says, else to fit.
    :raises MappingError: with every problem of every row.
    """
    checked, problems = [], []
    seen: dict[tuple[str, str], int] = {}
    for number, row in enumerate(rows):
        found = _problems(row, custom_fields)
        for place in row.fields.items():
            if place in seen and place[0] != ORGANISATIONS:
                found.append(f"{place[0]}.{place[1]} is in row {seen[place] + 1} already")
            seen.setdefault(place, number)
        if found:
            problems += [(number, problem) for problem in found]
            continue
        field = MappedField(row, known_fields(row, custom_fields))
        problems += [(number, problem) for problem in _misfits(field, certain=custom_fields is not None)]
        checked.append(field)
    if problems:
        raise MappingError(problems)
    return tuple(checked)


def known_fields(row: FieldMapping, custom_fields: CustomFields | None) -> dict[str, FieldInfo]:
    """Return what is known of a row's fields, by object; a field that cannot be mapped is left out."""
    return {
        name: _info(name, field, row, custom_fields)
        for name, field in row.fields.items()
        if not _field_problem(name, field, custom_fields)
    }


def staged_fields(mapping: Iterable[MappedField], object_name: str) -> frozenset[str]:
    """Return the fields of an object that the connector keeps."""
    mapped = {field.names[object_name] for field in mapping if object_name in field.names}
    return frozenset(mapped.union(OWN_FIELDS[object_name]))


def _problems(row: FieldMapping, custom_fields: CustomFields | None) -> list[str]:
    found = []
    if row.prospect in RESERVED:
        found.append(f"Prospect.{row.prospect} cannot be mapped: {RESERVED[row.prospect]}")
    if row.contact and row.organisation:
        found.append("give contact or organisation, not both: a prospect's field has one source")
    if len(row.fields) == 1:
        found.append(f"Prospect.{row.prospect} is mapped to nothing: give lead, contact or organisation")
    if row.primary:
        cloned_from = row.model_dump()[row.primary]
        if cloned_from is None or not is_custom(cloned_from):
            found.append(f"primary names {row.primary}, but the row has no custom field there: others have no label")
    wrong_fields = (_field_problem(name, field, custom_fields) for name, field in row.fields.items())
    found += [problem for problem in wrong_fields if problem]
    opt_outs = {name: OPT_OUT_FIELD[name] for name in (PROSPECT, *CRM_OBJECTS)}
    if any(row.fields.get(name) == field for name, field in opt_outs.items()):
        wrong = [f"{name}.{field}" for name, field in row.fields.items() if opt_outs.get(name) != field]
        if wrong:
            found.append(f"an opt-out is mapped to opt-outs alone, not to {', '.join(wrong)}")
    return found


def _field_problem(object_name: str, field: str, custom_fields: CustomFields | None) -> str | None:
    known = get_object(object_name).fields
    if is_custom(field):
        if custom_fields is None or field in custom_fields.get(object_name, {}):
            return None
        near = _near(field, custom_fields.get(object_name, {}))
        return f"{object_name}: there is no custom field {field}, or it is of a type that cannot be mapped{near}"
    if field not in known:
        return f"{object_name}: there is no field {field}{_near(field, known)}"
    if known[field].type not in _PLAIN_TYPES:
        return f"{object_name}.{field} is a {known[field].type}, which cannot be mapped"
    return None


def _near(field: str, known: Iterable[str]) -> str:
    by_capitals = {name.upper(): name for name in known}
    found = get_close_matches(field.upper(), by_capitals, n=1)
    return f"; did you mean {by_capitals[found[0]]}?" if found else ""


def _misfits(field: MappedField, *, certain: bool) -> list[str]:
    """Say what does not fit.

    :param certain: the instance said what its custom fields are.
    """
    if not certain and field.row.type is None and any(is_custom(name) for name in field.names.values()):
        return []
    if any(is_empty(value) for pair in field.row.values.items() for value in pair):
        return ["the value map has an empty value: whether empty ones are written is up to the settings 4 and 5"]
    found = []
    for name in CRM_OBJECTS:
        source = field.source(name)
        try:
            fits = source is None or field.flows_to_marketing(name) or field.flows_to_crm(name)
        except ValueTypeError as error:
            return [f"the value map does not fit: {error}"]
        if source and not fits:
            found.append(
                f"{source}.{field.names[source]} ({field.fields[source].type}) and Prospect.{field.name} "
                f"({field.fields[PROSPECT].type}) do not fit, or neither can be written"
            )
    return found


_PLAIN_TYPES = ("text", "integer", "number", "boolean", "datetime")


def _info(object_name: str, field: str, row: FieldMapping, custom_fields: CustomFields | None) -> FieldInfo:
    if is_custom(field):
        if custom_fields is None:
            return FieldInfo(row.type or "text")
        defined = custom_fields[object_name][field]
        return replace(defined, type=row.type or defined.type)
    known = get_object(object_name).fields[field]
    kind: FieldType = known.type  # type: ignore[assignment]  # one of _PLAIN_TYPES, by _problems
    writable = not known.read_only and field != EMAIL_FIELD.get(object_name)  # no mapping changes an address
    return FieldInfo(row.type or kind, writable, known.required, known.max_length)


def _fits(source: FieldInfo, target: FieldInfo) -> bool:
    """Say whether every value of one field has its place in the other."""
    pair = (source.type, target.type)
    return pair[0] == pair[1] or pair in (
        ("dropdown", "text"),
        ("text", "dropdown"),  # an unknown option is refused value by value
        ("dropdown", "multiselect"),
        ("multiselect", "text"),
        ("integer", "number"),
        ("integer", "text"),
        ("number", "text"),
        ("date", "datetime"),
        ("date", "text"),
        ("datetime", "text"),
    )


def _checked(value: Value, field: FieldInfo) -> Value:
    if isinstance(value, str):
        if field.max_length and len(value) > field.max_length:
            raise ValueTypeError(f"{len(value)} characters do not fit into {field.max_length}; nothing is cut")
        chosen = value.split(";") if field.type == "multiselect" else [value]
        unknown = [option for option in chosen if field.options and option not in field.options]
        if unknown:
            raise ValueTypeError(f"the field has no option {unknown[0]!r}")
    return value


def _word(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
