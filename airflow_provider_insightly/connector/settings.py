"""The connector's settings: the nine boxes of the CRM Connector page, and what a careful administrator may tune."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from airflow_provider_insightly.connector.records import CONTACTS, LEADS, Ref

BOXES = {
    "1": "create_prospects",
    "2": "update_email_addresses",
    "3": "delete_or_merge_prospects",
    "4": "crm_empty_overwrites_marketing",
    "5": "marketing_empty_overwrites_crm",
    "6": "match_by_email",
    "7": "overwrite_opted_out",
    "8": "show_prospect_timeline",
    "9": "sync_field_labels",
}
"""The settings by their number on the page."""

BOX_LABELS = {
    "1": "Automatically create prospects in Insightly Marketing if they are created as Leads or Contacts in "
    "Insightly CRM",
    "2": "Automatically change email addresses in Insightly Marketing if they are changed in Insightly CRM",
    "3": "Automatically delete or merge prospects if the corresponding records in CRM are deleted or merged",
    "4": "Overwrite Marketing values with CRM empty / null values",
    "5": "Overwrite CRM values with Marketing empty / null values",
    "6": "If Prospect records do not have a CRM Lead or Contact ID, use Email Address to match to CRM records",
    "7": "Overwrite Prospect Opted Out field value",
    "8": "Show Prospect Timeline on matching CRM Lead and Contact records",
    "9": "Automatically sync custom field label updates for primary and secondary field",
}
"""What the page writes beside each box."""


TEN_YEARS = 87_600
"""In hours. What lies further back than the calendar would end a run, not the wait."""

A_CENTURY = 36_500
"""In days."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Breaker(_Strict):
    """How much of one kind a plan may hold before a person must approve it: the larger of both numbers.

    :param count: so many in any case.
    :param percent: so many in a hundred pairs (of prospects, for creates).
    """

    count: int = Field(ge=0)
    percent: float = Field(ge=0, le=100)

    def allows(self, number: int, of: int) -> bool:
        """Say whether so many out of so many are let through."""
        return number <= max(self.count, of * self.percent / 100)


class Breakers(_Strict):
    """The breakers of a plan; nothing is written when one trips.

    :param deletes: prospects that are deleted or archived, those that were merged into others too.
    :param creates: created prospects.
    :param emptied: values of one field that are emptied.
    :param email_changes: changed addresses.
    """

    deletes: Breaker = Breaker(count=100, percent=5)
    creates: Breaker = Breaker(count=500, percent=20)
    emptied: Breaker = Breaker(count=20, percent=2)
    email_changes: Breaker = Breaker(count=50, percent=5)


class Settings(_Strict):
    """The settings, by the names under which the DAG's parameters show them.

    :param create_prospects: (1) create a prospect for each Lead or Contact created from now on.
    :param update_email_addresses: (2) carry changed addresses from CRM to Marketing.
    :param delete_or_merge_prospects: (3) archive or merge prospects when their records are deleted or merged.
    :param crm_empty_overwrites_marketing: (4) let an empty CRM value that wins empty the prospect's.
    :param marketing_empty_overwrites_crm: (5) let an empty prospect value that wins empty the CRM's.
    :param match_by_email: (6) match prospects without an id of a CRM record by their address.
    :param overwrite_opted_out: (7) carry a mapped opt-out from CRM to Marketing.
    :param show_prospect_timeline: (8) show the prospect's activity with its Lead or Contact.
    :param sync_field_labels: (9) carry a primary field's label to the secondary fields of the mapping.
    :param on_ambiguous: which of several records with one address is linked.
    :param delete_mode: whether a prospect whose CRM record was deleted or merged is archived, or deleted for good once
        a person says yes.
    :param delete_grace_hours: hours for which a record must be missing before it counts as deleted.
    :param sweep_hours: hours between two sweeps of all ids, which find deleted records; 0 sweeps in every run.
    :param merge_map: merges that a person states: the lost record to the surviving one, as ``Contacts/5: Contacts/7``.
        One that is said to survive may be lost to a third.
    :param allow_opt_in_from_crm: let a user who un-ticks an opt-out in CRM opt the prospect in again.
    :param publish: where the timeline is shown: on the connector's page, or also as a Note a day on the record.
    :param approval: what happens to a plan that needs a person: the task fails, or asks in the Airflow UI and waits.
    :param overlap_seconds: seconds by which a read reaches back behind the last one.
    :param read_lag_seconds: seconds by which lists and searches of the API may lag behind a write.
    :param log_days: days for which the connector log is kept.
    :param consent_log_days: the same for opt-outs, merges and deletes.
    :param breakers: the breakers of a plan.
    """

    create_prospects: bool = False
    update_email_addresses: bool = True
    delete_or_merge_prospects: bool = False
    crm_empty_overwrites_marketing: bool = False
    marketing_empty_overwrites_crm: bool = False
    match_by_email: bool = True
    overwrite_opted_out: bool = False
    show_prospect_timeline: bool = False
    sync_field_labels: bool = False
    on_ambiguous: Literal["skip", "oldest", "newest"] = "skip"
    delete_mode: Literal["archive", "delete"] = "archive"
    delete_grace_hours: float = Field(default=24, ge=0, le=TEN_YEARS)
    sweep_hours: float = Field(default=24, ge=0, le=TEN_YEARS)
    merge_map: dict[str, str] = Field(default_factory=dict)
    allow_opt_in_from_crm: bool = False
    publish: Literal["page", "note"] = "page"
    approval: Literal["fail", "ask"] = "fail"
    overlap_seconds: float = Field(default=300, ge=1, le=86_400)
    read_lag_seconds: float = Field(default=30, ge=0, le=3600)
    log_days: int = Field(default=90, ge=1, le=A_CENTURY)
    consent_log_days: int = Field(default=396, ge=1, le=A_CENTURY)
    breakers: Breakers = Breakers()

    @field_validator("merge_map")
    @classmethod
    def _check_merges(cls, value: dict[str, str]) -> dict[str, str]:
        merges = {parse_ref(lost): parse_ref(survivor) for lost, survivor in value.items()}
        for lost, survivor in merges.items():
            if lost.object != survivor.object:
                raise ValueError(f"{lost} cannot be merged into {survivor}: they are records of two objects")
            seen = {lost}
            while survivor in merges and survivor not in seen:
                seen.add(survivor)
                survivor = merges[survivor]
            if survivor in seen:
                raise ValueError(f"{lost} leads back to itself: name the record that is still there as the last one")
        return {_write_ref(lost): _write_ref(survivor) for lost, survivor in merges.items()}

    def merged_into(self, ref: Ref) -> Ref | None:
        """Return the record into which a person says that this one was merged, through all merges that are stated."""
        survivor = self._merges.get(ref)
        while survivor in self._merges:
            survivor = self._merges[survivor]
        return survivor

    def merged_from(self, ref: Ref) -> list[Ref]:
        """Return the records of which a person says that they were merged into this one, also by way of others."""
        return self._merged_from.get(ref, [])

    @cached_property
    def _merges(self) -> dict[Ref, Ref]:
        return {parse_ref(lost): parse_ref(survivor) for lost, survivor in self.merge_map.items()}

    @cached_property
    def _merged_from(self) -> dict[Ref | None, list[Ref]]:
        found: dict[Ref | None, list[Ref]] = {}
        for lost in self._merges:
            found.setdefault(self.merged_into(lost), []).append(lost)
        return found


def parse_ref(text: str) -> Ref:
    """Read ``Contacts/5``.

    :raises ValueError: it is written otherwise.
    """
    crm_object, _, number = text.partition("/")
    if crm_object not in (CONTACTS, LEADS) or not re.fullmatch("[0-9]{1,19}", number):
        raise ValueError(f"{text!r} names no record: write Contacts/5 or Leads/5")
    return Ref(crm_object, int(number))


def _write_ref(ref: Ref) -> str:
    return f"{ref.object}/{ref.id}"
