"""Setting 2: an address that changed in CRM is carried to the prospect; never the other way."""

from __future__ import annotations

from airflow_provider_insightly.connector.actions import PENDING, SKIPPED, Action, Change
from airflow_provider_insightly.connector.ledger import MARKETING
from airflow_provider_insightly.connector.records import OPT_OUT_FIELD, PROSPECT, Record
from airflow_provider_insightly.connector.settings import Settings
from airflow_provider_insightly.connector.world import World

STEP = "update_email_addresses"
SETTING = "2"


def update_email(prospect: Record, crm: Record, world: World, settings: Settings) -> list[Action]:
    """Compare the addresses of a pair.

    Source: "update a Prospect's email address field … if a matching Lead or Contact … has updated its".
    """
    if crm.email_key == prospect.email_key and crm.email_key is not None:
        return []
    change = Change("EMAIL_ADDRESS", prospect.email, crm.email)
    if crm.email_key is None:
        if crm.email == prospect.email:
            return []
        reason = "email_malformed" if crm.email else "email_empty"
        return [_skip(prospect, crm, change, f"{reason}: the prospect keeps {prospect.email}")]
    if not settings.update_email_addresses:
        return [_skip(prospect, crm, change, "email_diverged: update_email_addresses is off")]
    if crm.email_key in world.promised:
        reason = f"email_conflict: {crm.email} goes to {world.promised[crm.email_key]}"
        return [_skip(prospect, crm, change, reason)]
    others = (holder for holder in world.holders(PROSPECT, crm.email) if holder.ref != prospect.ref)
    holders = [holder for holder in others if not world.was_merged(holder)]
    if holders:
        return [_conflict(prospect, crm, change, holders[0], world, settings)]
    changes = (change, *_opt_out(prospect, crm, world))
    return [Action(STEP, "change_email", SETTING, prospect.ref.id, crm.ref, changes)]


def _opt_out(prospect: Record, crm: Record, world: World) -> list[Change]:
    """With an address that opted out comes its opt-out, in one request: mail may go out before the next run."""
    if prospect.opted_out or MARKETING not in world.opt_outs.get(crm.email_key or "", frozenset()):
        return []
    return [Change(OPT_OUT_FIELD[PROSPECT], False, True, reason="the new address is in the opt-out ledger")]


def _conflict(
    prospect: Record, crm: Record, change: Change, holder: Record, world: World, settings: Settings
) -> Action:
    link = world.link_of(holder.ref)
    if link:
        reason = f"email_conflict: prospect {holder.ref.id} with {crm.email} belongs to {link.crm}"
    elif not settings.delete_or_merge_prospects or holder.do_not_sync or holder.missing:
        reason = f"email_conflict: prospect {holder.ref.id} has {crm.email}"
    else:
        return Action(
            "delete_or_merge_prospects",
            "merge",
            "3",
            holder.ref.id,
            crm.ref,
            (change,),
            PENDING,
            f"proposed: prospect {holder.ref.id} has the new address of prospect {prospect.ref.id}",
            other=prospect.ref,
        )
    return _skip(prospect, crm, change, reason)


def _skip(prospect: Record, crm: Record, change: Change, reason: str) -> Action:
    return Action(STEP, "change_email", SETTING, prospect.ref.id, crm.ref, (change,), SKIPPED, reason)
