"""The world that the rules look at: records of both sides, links, tombstones, opt-outs.

It holds neighbourhoods, not everything: the records that changed and all that hang together with them by an address or
a link. As a plan grows, :meth:`World.decide` moves the world on to where the decisions lead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from airflow_provider_insightly.connector.actions import PLANNED, Action
from airflow_provider_insightly.connector.records import CRM_OBJECTS, LEADS, PROSPECT, Record, Ref
from airflow_provider_insightly.connector.values import Value, email_key


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


class World:
    """Records, and how they hang together.

    :param records: the records.
    :param links: the pairs among them.
    :param tombstones: pairs that ended, with the reason.
    :param opt_outs: addresses that opted out, with the sides that said so.
    :param recent_writes: what was written to a prospect's field in the last 24 hours, oldest first.
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
        recent_writes: Mapping[tuple[int, str], list[Value]] | None = None,
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
        self._links: dict[int, Link] = {}
        self._by_crm: dict[Ref, Link] = {}
        self._by_address: dict[tuple[str, str], list[Record]] = defaultdict(list)
        for record in self.records.values():
            if record.email_key and self.is_live(record.ref):
                self._by_address[record.ref.object, record.email_key].append(record)
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

    def unlinked(self, object_name: str) -> list[Record]:
        """Return the live records of an object that are in no pair, the lowest id first."""
        found = [ref for ref in self.records if ref.object == object_name and not self.link_of(ref)]
        return [self.records[ref] for ref in sorted(found) if self.is_live(ref)]

    def is_buried(self, crm: Ref) -> bool:
        """Say whether a pair with this CRM record ended once."""
        return crm in self._buried

    def decide(self, action: Action) -> None:
        """Move on to the world in which a planned action is done."""
        if action.verdict != PLANNED:
            return
        if action.prospect_id is not None and action.crm is not None:
            if action.event in ("link", "relink", "restore"):
                old = self._links.get(action.prospect_id)
                baseline = old.baseline if old and action.event == "relink" and action.reason == "converted" else {}
                self._move(action.prospect_id, Link(action.prospect_id, action.crm, baseline))
            elif action.event in ("tombstone", "archive", "delete", "merge"):
                self.tombstones[action.prospect_id, action.crm] = action.reason or action.event
                self._buried.add(action.crm)
                link = self._links.get(action.prospect_id)
                if link and link.crm == action.crm:
                    self._move(action.prospect_id, None)
        if action.event in ("create", "change_email"):
            address = next((change.after for change in action.changes if change.field == "EMAIL_ADDRESS"), None)
            key = email_key(address)
            if key:
                self.promised[key] = f"prospect {action.prospect_id}" if action.prospect_id else str(action.crm)

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
