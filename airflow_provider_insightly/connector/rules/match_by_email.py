"""Setting 6: which CRM record belongs to a prospect. By its ids first; by its e-mail address where the box is on."""

from __future__ import annotations

from airflow_provider_insightly.connector.actions import IDENTITY, SKIPPED, Action
from airflow_provider_insightly.connector.records import CONTACTS, CRM_OBJECTS, LEADS, Record, Ref
from airflow_provider_insightly.connector.settings import Settings
from airflow_provider_insightly.connector.world import World, crm_with_address, current_crm

STEP = "match_by_email"
SETTING = "6"


def match_by_id(prospect: Record, world: World) -> list[Action]:
    """Find the CRM record that a prospect without a link names by its id."""
    named = _named(prospect, world)
    return [] if prospect.do_not_sync or not named else _match_by_id(prospect, named, world)


def match_by_address(prospect: Record, world: World, settings: Settings) -> list[Action]:
    """Find the CRM record of a prospect without a link that names none by its id.

    Source: "If Prospect records do not have a CRM Lead or Contact ID, use Email Address to match to CRM records".
    """
    if not settings.match_by_email or prospect.do_not_sync or prospect.email_key is None or _named(prospect, world):
        return []
    return _match_by_address(prospect, world, settings)


def _named(prospect: Record, world: World) -> list[Ref]:
    named = [current_crm(world, ref) for ref in prospect.named_refs]
    return [ref for ref in named if (prospect.ref.id, ref) not in world.tombstones]


def _match_by_id(prospect: Record, named: list[Ref], world: World) -> list[Action]:
    """Link the record that is named; one that is not there too, so that what happens to deleted records happens."""
    chosen = next((ref for ref in named if world.is_live(ref)), named[0])
    holder = world.link_of(chosen)
    if holder:
        return [_skip(prospect, chosen, f"linked_elsewhere: {chosen} belongs to prospect {holder.prospect_id}")]
    reason = "id" if world.is_live(chosen) else "id: the record was not found, and may be deleted"
    return [Action(IDENTITY, "link", SETTING, prospect.ref.id, chosen, reason=reason)]


def _match_by_address(prospect: Record, world: World, settings: Settings) -> list[Action]:
    missing = [record.ref for name in CRM_OBJECTS for record in world.holders(name, prospect.email) if record.missing]
    if any((prospect.ref.id, ref) not in world.tombstones and not world.link_of(ref) for ref in missing):
        return []  # it may be there and be the one: looked at again as soon as that is known
    found = crm_with_address(world, prospect.email)
    allowed = {
        name: [record.ref for record in records if (prospect.ref.id, record.ref) not in world.tombstones]
        for name, records in found.items()
    }
    candidates = allowed[CONTACTS] or allowed[LEADS]
    if not candidates:
        return []
    free = [ref for ref in candidates if not world.link_of(ref)]
    if not free:
        holder = world.link_of(candidates[0])
        assert holder is not None  # no candidate is free
        return [_skip(prospect, candidates[0], f"linked_elsewhere: it belongs to prospect {holder.prospect_id}")]
    if len(free) > 1:
        chosen = _choose(free, world, settings)
        if chosen is None:
            several = ", ".join(map(str, free[:10]))
            return [_skip(prospect, None, f"ambiguous: {len(free)} records have {prospect.email}: {several}")]
        free = [chosen]
    return [Action(STEP, "link", SETTING, prospect.ref.id, free[0], reason="email")]


def _choose(refs: list[Ref], world: World, settings: Settings) -> Ref | None:
    if settings.on_ambiguous == "skip":
        return None
    dated = [(world.records[ref].created_at or world.now, ref) for ref in refs]
    return (min(dated) if settings.on_ambiguous == "oldest" else max(dated))[1]


def _skip(prospect: Record, crm: Ref | None, reason: str) -> Action:
    return Action(STEP, "match", SETTING, prospect.ref.id, crm, verdict=SKIPPED, reason=reason)
