"""Setting 3: what becomes of a prospect when its CRM record is converted, merged, deleted or restored."""

from __future__ import annotations

from airflow_provider_insightly.connector.actions import IDENTITY, PENDING, PLANNED, SKIPPED, Action
from airflow_provider_insightly.connector.records import CONTACTS, LEADS, Record, Ref
from airflow_provider_insightly.connector.settings import Settings
from airflow_provider_insightly.connector.values import is_empty
from airflow_provider_insightly.connector.world import Link, World, current_crm

STEP = "delete_or_merge_prospects"
SETTING = "3"

ARCHIVED = "archived"
"""The reason on the tombstone of a pair whose prospect was archived: only that can be undone."""

EVIDENCE_NEEDED = 2
"""So many signs, of three, make a merge certain enough to follow; fewer are put to a person."""


def follow(link: Link, world: World, settings: Settings) -> list[Action]:
    """Find out where the CRM record of a pair went: the first event that fits decides.

    Source: "delete or merge Prospects if a matching Lead or Contact has been merged or deleted".
    """
    prospect, crm = world.get(link.prospect), world.get(link.crm)
    if prospect is not None and prospect.gone:
        return [_bury(link, "prospect_deleted: the prospect was deleted in Marketing; CRM is left as it is")]
    if prospect is None or prospect.missing or crm is None:
        return []
    if crm.converted:
        return _converted(link, prospect, crm, world, settings)
    if not crm.gone:
        return []
    lead = _returned_as_lead(link, crm, world) if settings.merged_into(crm.ref) is None else None
    if lead:
        return [_relink(link, lead, "returned: the Contact is gone, a new Lead has its address")]
    return _merged(link, prospect, crm, world, settings) or _deleted(link, prospect, settings)


def restore(prospect: Record, world: World, settings: Settings) -> list[Action]:
    """Undo the archiving of a prospect whose CRM record is back."""
    if not settings.delete_or_merge_prospects or not prospect.do_not_sync or world.link_of(prospect.ref):
        return []
    for (prospect_id, crm), reason in sorted(world.tombstones.items()):
        if prospect_id == prospect.ref.id and reason == ARCHIVED and world.is_live(crm) and not world.link_of(crm):
            return [Action(STEP, "restore", SETTING, prospect_id, crm, reason=f"{crm} is back in CRM")]
    return []


def _converted(link: Link, prospect: Record, lead: Record, world: World, settings: Settings) -> list[Action]:
    contact = lead.converted_into
    if contact is None or not world.is_live(contact):
        target = world.get(contact)
        return _deleted(link, prospect, settings) if target is not None and target.gone else []
    holder = world.link_of(contact)
    if holder is None:
        return [_relink(link, contact, "converted")]
    return [_merge_prospects(link, prospect, holder, f"converted: {lead.ref} became {contact}", world, settings)]


def _returned_as_lead(link: Link, crm: Record, world: World) -> Ref | None:
    if crm.ref.object != CONTACTS:
        return None
    leads = [lead.ref for lead in world.with_address(LEADS, crm.email) if not world.link_of(lead.ref)]
    free = [lead for lead in leads if (link.prospect_id, lead) not in world.tombstones]
    return free[0] if len(free) == 1 else None


def _merged(link: Link, prospect: Record, crm: Record, world: World, settings: Settings) -> list[Action]:
    survivors, verdict = _infer_survivors(crm, world)
    stated = settings.merged_into(crm.ref)
    if stated is not None:
        stated = current_crm(world, stated)
        found = world.get(stated)
        if found is None or (found.missing and not found.gone):
            reason = f"merge_map: {crm.ref} was merged into {stated}, which was not found"
            return [_relink(link, stated, reason, STEP, SKIPPED)]
        if not found.gone:
            survivors, verdict = [stated], PLANNED
    if not survivors:
        return []
    survivor = survivors[0]
    reason = f"merged: {crm.ref} was merged into {survivor}"
    if verdict == PENDING:
        reason = f"proposed: {crm.ref} may have been merged into {', '.join(map(str, survivors))}"
    if not settings.delete_or_merge_prospects:
        return [_bury(link, reason)]
    holder = world.link_of(survivor)
    if holder is None:
        return [_relink(link, survivor, reason, STEP if verdict == PENDING else IDENTITY, verdict)]
    return [_merge_prospects(link, prospect, holder, reason, world, settings, verdict)]


def _infer_survivors(lost: Record, world: World) -> tuple[list[Ref], str]:
    """Return the records into which a lost one may have been merged, and whether that is certain enough."""
    found: dict[int, list[Ref]] = {1: [], 2: [], 3: []}
    for ref in sorted(world.records):
        if ref.object == lost.ref.object and world.is_live(ref):
            signs = _signs_of_merge(lost, world.records[ref])
            if signs:
                found[signs].append(ref)
    certain = found[3] or found[2]
    if len(certain) == 1:
        return certain, PLANNED
    same_address = [ref for ref in found[1] if world.records[ref].email_key == lost.email_key is not None]
    return certain or same_address, PENDING


def _signs_of_merge(lost: Record, survivor: Record) -> int:
    if survivor.updated_at is None or lost.updated_at is None or survivor.updated_at < lost.updated_at:
        return 0  # a merge changes the surviving record
    same_address = lost.email_key is not None and survivor.email_key == lost.email_key
    former = survivor.former or {}
    filled = any(
        is_empty(former[name]) and not is_empty(value) and survivor.data.get(name) == value
        for name, value in lost.data.items()
        if name in former
    )
    same_person = lost.name_key is not None and survivor.name_key == lost.name_key
    same_place = any(
        not is_empty(lost.data.get(name)) and survivor.data.get(name) == lost.data.get(name)
        for name in ("PHONE", "ORGANISATION_ID", "ORGANISATION_NAME")
    )
    return same_address + filled + (same_person and same_place)


def _deleted(link: Link, prospect: Record, settings: Settings) -> list[Action]:
    reason = f"deleted: {link.crm} was deleted in CRM"
    if not settings.delete_or_merge_prospects or prospect.do_not_sync:
        return [_bury(link, reason)]
    if settings.delete_mode == "delete":
        return [Action(STEP, "delete", SETTING, link.prospect_id, link.crm, verdict=PENDING, reason=reason)]
    return [Action(STEP, "archive", SETTING, link.prospect_id, link.crm, reason=reason)]


def _merge_prospects(
    link: Link,
    prospect: Record,
    holder: Link,
    reason: str,
    world: World,
    settings: Settings,
    verdict: str = PLANNED,
) -> Action:
    survivor = world.get(holder.prospect)
    closed = prospect.do_not_sync or (survivor is not None and survivor.do_not_sync)
    if not settings.delete_or_merge_prospects or closed:
        return _bury(link, f"{reason}; it has prospect {holder.prospect_id}")
    reason += f"; prospect {link.prospect_id} is merged into {holder.prospect_id}"
    if settings.delete_mode == "delete":
        verdict = PENDING  # the other prospect is deleted for good, which takes a person's yes
    return Action(
        STEP, "merge", SETTING, link.prospect_id, link.crm, verdict=verdict, reason=reason, other=holder.prospect
    )


def _relink(link: Link, crm: Ref, reason: str, step: str = IDENTITY, verdict: str = PLANNED) -> Action:
    return Action(step, "relink", SETTING, link.prospect_id, crm, verdict=verdict, reason=reason, other=link.crm)


def _bury(link: Link, reason: str) -> Action:
    return Action(IDENTITY, "tombstone", SETTING, link.prospect_id, link.crm, reason=reason)
