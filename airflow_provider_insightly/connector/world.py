"""The world that the rules look at: records of both sides, links, tombstones, opt-outs.

It holds neighbourhoods, not everything: the records that changed and all that hang together with them by an address or
a link. As a plan grows, :meth:`World.decide` moves the world on to where the decisions lead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from airflow_provider_insightly.connector.actions import PENDING, PLANNED, Action
from airflow_provider_insightly.connector.records import (
    CRM_OBJECTS,
    EMAIL_FIELD,
    LEADS,
    OPT_OUT_FIELD,
    PROSPECT,
    Record,
    Ref,
)
from airflow_provider_insightly.connector.values import Value, email_key

MERGED = "prospect merged"
"""The reason on the tombstone of a pair whose prospect was merged into another one, and not its CRM record alone."""


@dataclass(frozen=True, slots=True)
class Link:
    """A pair.

    :param prospect_id: the prospect.
    :param crm: its Lead or Contact.
    :param baseline: the values on which both sides last agreed, by prospect field; a field that is not in it has none.
    """

    prospect_id: int
    crm: Ref
    baseline: Mapping[str, Value] = field(default_factory=dict)

    @property
    def prospect(self) -> Ref:
        """The prospect as a record."""
        return Ref(PROSPECT, self.prospect_id)


class Write(NamedTuple):
    """A field that was written: by which event, from what and to what."""

    event: str
    field: str
    before: Value
    after: Value


def moved_baseline(baseline: Mapping[str, Value], reason: str | None) -> Mapping[str, Value]:
    """Return what is left of a pair's baseline when its prospect's link moves to another record.

    A converted Lead and its Contact are one person, so that the pair keeps what both sides agreed on; but not that they
    opted out: a Contact that was there before the Lead never did, and nobody un-ticked it.
    """
    if reason != "converted":
        return {}
    return {name: value for name, value in baseline.items() if name != OPT_OUT_FIELD[PROSPECT]}


class World:
    """Records, and how they hang together.

    :param records: the records.
    :param links: the pairs among them.
    :param tombstones: pairs that ended, with the reason.
    :param opt_outs: addresses that opted out, with the sides that said so.
    :param recent_writes: what was written to the fields of a prospect and its CRM record in the last 24 hours, oldest
        first, by the prospect's id.
    :param unanswered_creates: Leads and Contacts for which an earlier run may have created a prospect: it was given up,
        or its request was never answered; with the time of the request.
    :param now: the time of the plan.
    """

    def __init__(
        self,
        records: Iterable[Record],
        links: Iterable[Link] = (),
        tombstones: Mapping[tuple[int, Ref], str] | None = None,
        opt_outs: Mapping[str, frozenset[str]] | None = None,
        recent_writes: Mapping[int, list[Write]] | None = None,
        unanswered_creates: Mapping[Ref, datetime] | None = None,
        *,
        now: datetime,
    ) -> None:
        self.now = now
        self.records = {record.ref: record for record in records}
        self.tombstones = dict(tombstones or {})
        self.opt_outs = dict(opt_outs or {})
        self.recent_writes = dict(recent_writes or {})
        self.unanswered_creates = dict(unanswered_creates or {})
        self.promised: dict[str, str] = {}  # addresses that prospects are to get, with who gets them
        self._buried = {crm for _, crm in self.tombstones}
        self._merged = {prospect_id for (prospect_id, _), reason in self.tombstones.items() if reason == MERGED}
        self._merged_now: set[int] = set()
        self._links: dict[int, Link] = {}
        self._by_crm: dict[Ref, Link] = {}
        self._by_address: dict[tuple[str, str], list[Record]] = defaultdict(list)
        self._missing: dict[tuple[str, str], list[Record]] = defaultdict(list)
        for record in self.records.values():
            if record.email_key and self.is_live(record.ref):
                self._by_address[record.ref.object, record.email_key].append(record)
            elif record.email_key and record.missing and not record.gone and not record.converted:
                self._missing[record.ref.object, record.email_key].append(record)
        for found in self._by_address.values():
            found.sort(key=lambda record: record.ref)
        for link in links:
            self._link(link)

    def get(self, ref: Ref | None) -> Record | None:
        """Return a record; ``None`` when it is not in this neighbourhood, or nowhere."""
        return self.records.get(ref) if ref else None

    def is_live(self, ref: Ref | None) -> bool:
        """Say whether a record is known, neither deleted nor missing, and no converted Lead."""
        record = self.get(ref)
        return record is not None and not record.gone and not record.missing and not record.converted

    def link_of(self, ref: Ref) -> Link | None:
        """Return the pair that a prospect or a CRM record is in."""
        return self._links.get(ref.id) if ref.object == PROSPECT else self._by_crm.get(ref)

    def links(self) -> list[Link]:
        """Return all pairs, in the order of their prospects."""
        return [self._links[prospect_id] for prospect_id in sorted(self._links)]

    def with_address(self, object_name: str, address: str | None) -> list[Record]:
        """Return the live records of an object with an address, the lowest id first."""
        key = email_key(address)
        return self._by_address.get((object_name, key), []) if key else []

    def holders(self, object_name: str, address: str | None) -> list[Record]:
        """Return the records that may have an address: missing ones, too, until it is known what became of them."""
        missing = self._missing.get((object_name, email_key(address) or ""), [])
        live = self.with_address(object_name, address)
        return sorted([*live, *missing], key=lambda record: record.ref) if missing else live

    def unlinked(self, object_name: str) -> list[Record]:
        """Return the live records of an object that are in no pair, the lowest id first."""
        found = [ref for ref in self.records if ref.object == object_name and not self.link_of(ref)]
        return [self.records[ref] for ref in sorted(found) if self.is_live(ref)]

    def is_buried(self, crm: Ref) -> bool:
        """Say whether a pair with this CRM record ended once."""
        return crm in self._buried

    def was_merged(self, prospect: Record) -> bool:
        """Say whether a prospect was merged into another, and put away; one that a person opened again was not."""
        return prospect.ref.id in self._merged_now or (prospect.ref.id in self._merged and prospect.do_not_sync)

    def decide(self, action: Action) -> None:
        """Move on to the world in which a planned action is done; one that waits for a person holds its address."""
        if action.verdict in (PLANNED, PENDING):
            self._promise(action)
        if action.verdict != PLANNED or action.prospect_id is None or action.crm is None:
            return
        if action.event in ("link", "relink", "restore"):
            old = self._links.get(action.prospect_id)
            baseline = moved_baseline(old.baseline, action.reason) if old and action.event == "relink" else {}
            self._move(action.prospect_id, Link(action.prospect_id, action.crm, baseline))
        elif action.event in ("tombstone", "archive", "delete", "merge"):
            self.tombstones[action.prospect_id, action.crm] = action.reason or action.event
            self._buried.add(action.crm)
            if action.event == "merge":
                self._merged_now.add(action.prospect_id)
            link = self._links.get(action.prospect_id)
            if link and link.crm == action.crm:
                self._move(action.prospect_id, None)

    def _promise(self, action: Action) -> None:
        """Note who is to get an address: nobody else gets it."""
        address = next((change.after for change in action.changes if change.field == EMAIL_FIELD[PROSPECT]), None)
        key = email_key(address) if action.event in ("create", "change_email", "merge") else None
        if key:
            taker = action.other.id if action.other else action.prospect_id
            self.promised[key] = f"prospect {taker}" if taker else str(action.crm)

    def _move(self, prospect_id: int, link: Link | None) -> None:
        self._unlink(prospect_id)
        if link:
            self._link(link)

    def _link(self, link: Link) -> None:
        self._links[link.prospect_id] = link
        self._by_crm[link.crm] = link

    def _unlink(self, prospect_id: int) -> None:
        link = self._links.pop(prospect_id, None)
        if link and self._by_crm.get(link.crm) == link:
            del self._by_crm[link.crm]


def crm_with_address(world: World, address: str | None) -> dict[str, list[Record]]:
    """Return the live Contacts and the open Leads with an address."""
    return {name: world.with_address(name, address) for name in CRM_OBJECTS}


def current_crm(world: World, ref: Ref) -> Ref:
    """Follow a converted Lead to its Contact."""
    record = world.get(ref)
    if ref.object == LEADS and record is not None and record.converted_into:
        return record.converted_into
    return ref
