"""Records of both sides as the connector sees them: the fields that it needs, by name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from airflow_provider_insightly.api.catalogue import get_object
from airflow_provider_insightly.connector.values import Value, email_key, flatten, is_empty, parse_time

PROSPECT = "Prospect"
CONTACTS = "Contacts"
LEADS = "Leads"
ORGANISATIONS = "Organisations"
CRM_OBJECTS = (CONTACTS, LEADS)

EMAIL_FIELD = {PROSPECT: "EMAIL_ADDRESS", CONTACTS: "EMAIL_ADDRESS", LEADS: "EMAIL"}
OPT_OUT_FIELD = {PROSPECT: "OPTED_OUT", CONTACTS: "EMAIL_OPTED_OUT", LEADS: "EMAIL_OPTED_OUT"}

OWN_FIELDS = {
    PROSPECT: (
        "EMAIL_ADDRESS",
        "OPTED_OUT",
        "DO_NOT_EMAIL",
        "DO_NOT_CALL",
        "DO_NOT_SYNC",
        "CONTACT_ID",
        "LEAD_ID",
        "LAST_ACTIVITY_DATE_UTC",
    ),
    CONTACTS: ("EMAIL_ADDRESS", "EMAIL_OPTED_OUT", "FIRST_NAME", "LAST_NAME", "PHONE", "ORGANISATION_ID"),
    LEADS: (
        *("EMAIL", "EMAIL_OPTED_OUT", "FIRST_NAME", "LAST_NAME", "PHONE", "ORGANISATION_NAME"),
        *("CONVERTED", "CONVERTED_CONTACT_ID"),
    ),
    ORGANISATIONS: (),
}
"""The fields that the rules read themselves, mapped or not."""


class Ref(NamedTuple):
    """Which record: its object and its id."""

    object: str
    id: int

    def __str__(self) -> str:
        """Write it for people: ``Contacts 5``."""
        return f"{self.object} {self.id}"


@dataclass(frozen=True)
class Record:
    """A record as it was last seen.

    :param ref: which record.
    :param data: its fields by name, custom fields beside the others; a field that the API left out is not in it.
    :param updated_at: when it was last changed, by whomever.
    :param edited_at: when it was last changed by anyone but the connector: which side is newer goes by this.
    :param created_at: when it was created.
    :param gone: it was deleted: asked for by its id, the API answers 404.
    :param missing: the last complete sweep lacked it; whether it was deleted is not known yet.
    :param former: its fields before the last change that was seen.
    :param staged_key: the address for comparisons, as it was kept with the record.
    """

    ref: Ref
    data: Mapping[str, Value]
    updated_at: datetime | None = None
    edited_at: datetime | None = None
    created_at: datetime | None = None
    gone: bool = False
    missing: bool = False
    former: Mapping[str, Value] | None = None
    staged_key: str | None = None

    @property
    def email(self) -> str:
        """The e-mail address as it stands, without white space around it; empty when there is none."""
        return str(self.data.get(EMAIL_FIELD[self.ref.object]) or "").strip()

    @property
    def email_key(self) -> str | None:
        """The address for comparisons; ``None`` when it is empty or malformed."""
        field = EMAIL_FIELD.get(self.ref.object)
        return self.staged_key or (email_key(self.data.get(field)) if field else None)

    @cached_property
    def name_key(self) -> str | None:
        """First and last name for comparisons; ``None`` when one is empty."""
        names = [self.data.get("FIRST_NAME"), self.data.get("LAST_NAME")]
        return None if any(is_empty(name) for name in names) else " ".join(map(str, names)).casefold()[:320]

    @property
    def opted_out(self) -> bool:
        """Whether the person wants no mail, as this record says."""
        return self.data.get(OPT_OUT_FIELD[self.ref.object]) is True

    @property
    def do_not_sync(self) -> bool:
        """Whether the record is closed to the connector."""
        return self.data.get("DO_NOT_SYNC") is True

    @property
    def converted(self) -> bool:
        """Whether it is a Lead that was converted."""
        return self.data.get("CONVERTED") is True

    @property
    def converted_into(self) -> Ref | None:
        """The Contact that a converted Lead became."""
        contact = self.data.get("CONVERTED_CONTACT_ID") if self.converted else None
        return Ref(CONTACTS, int(contact)) if contact else None

    @property
    def named_refs(self) -> list[Ref]:
        """The CRM records that a prospect names by id, the Contact first."""
        named = ((CONTACTS, self.data.get("CONTACT_ID")), (LEADS, self.data.get("LEAD_ID")))
        return [Ref(crm_object, int(number)) for crm_object, number in named if number]

    @property
    def organisation_id(self) -> int | None:
        """The organisation of a Contact."""
        number = self.data.get("ORGANISATION_ID") if self.ref.object == CONTACTS else None
        return int(number) if number else None

    @property
    def digest(self) -> str:
        """A short hash of the fields: equal for equal values."""
        text = json.dumps(self.data, sort_keys=True, ensure_ascii=False)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def read_record(object_name: str, answer: Mapping[str, Value], fields: frozenset[str]) -> Record:
    """Turn a record of the API into the connector's, with these fields and no others."""
    flat = flatten(answer)
    id_field = get_object(object_name).id_field
    if id_field is None:
        raise ValueError(f"{object_name} have no id, so the connector cannot follow them")
    updated_at = parse_time(flat.get("DATE_UPDATED_UTC"))
    return Record(
        ref=Ref(object_name, int(flat[id_field])),
        data={name: _storable(flat[name]) for name in sorted(fields) if name in flat},
        updated_at=updated_at,
        edited_at=updated_at,
        created_at=parse_time(flat.get("DATE_CREATED_UTC")),
    )


def _storable(value: Value) -> Value:
    """Return a text without what no database keeps: null characters, and halves of characters that were cut in two."""
    if not isinstance(value, str) or (value.isascii() and "\0" not in value):
        return value
    return value.replace("\0", "").encode("utf-8", "replace").decode()
