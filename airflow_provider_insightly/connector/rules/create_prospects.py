"""Setting 1: a prospect for each Lead or Contact that is created while the box is on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from airflow_provider_insightly.connector.actions import IDENTITY, SKIPPED, Action, Change
from airflow_provider_insightly.connector.mapping import MappedField
from airflow_provider_insightly.connector.records import PROSPECT, Record
from airflow_provider_insightly.connector.rules.mapped_fields import CLOCKS_AGREE, read_crm_value
from airflow_provider_insightly.connector.settings import Settings
from airflow_provider_insightly.connector.values import Value, ValueTypeError
from airflow_provider_insightly.connector.world import World

STEP = "create_prospects"
SETTING = "1"

UNANSWERED = "an earlier request was not answered: looked for first"
"""The reason of a create that may have been done already."""


def create(
    crm: Record,
    world: World,
    settings: Settings,
    mapping: Sequence[MappedField],
    *,
    enabled_at: datetime | None,
    backfill: bool = False,
) -> list[Action]:
    """Decide on a prospect for a Lead or Contact that has none.

    :param enabled_at: since when the box is on: records that are older get no prospect.
    :param backfill: they get one all the same.

    Source: "Automatically create prospects in Insightly Marketing if they are created as Leads or Contacts".
    """
    if not settings.create_prospects or world.is_buried(crm.ref):
        return []
    is_new = enabled_at is not None and crm.created_at is not None and crm.created_at > enabled_at
    if not (is_new or backfill) or crm.email_key is None:
        return []  # without a usable address it waits: a later change brings it here again
    holders = world.holders(PROSPECT, crm.email)
    if len(holders) > 1:
        several = ", ".join(str(holder.ref.id) for holder in holders[:10])
        return [_skip(crm, None, f"ambiguous: prospects {several} have {crm.email}")]
    if holders and _may_be_ours(holders[0], crm, world):
        return [Action(IDENTITY, "link", SETTING, holders[0].ref.id, crm.ref, reason="created")]
    if holders:
        return [_skip_holder(crm, holders[0], world, settings)]
    if crm.email_key in world.promised:
        return [_skip(crm, None, f"email_taken: {crm.email} goes to {world.promised[crm.email_key]}")]
    return _create(crm, world, mapping)


def _may_be_ours(holder: Record, crm: Record, world: World) -> bool:
    """Say whether an earlier run created a prospect for this record, and never heard of it."""
    asked_at = world.unanswered_creates.get(crm.ref)
    if asked_at is None or world.link_of(holder.ref):
        return False
    return holder.created_at is None or holder.created_at >= asked_at - CLOCKS_AGREE


def _skip_holder(crm: Record, holder: Record, world: World, settings: Settings) -> Action:
    link = world.link_of(holder.ref)
    if link:
        reason = f"email_taken: prospect {holder.ref.id} with {crm.email} belongs to {link.crm}, not to {crm.ref}"
    elif settings.match_by_email:
        reason = f"email_in_use: prospect {holder.ref.id} has {crm.email}, and could not be matched"
    else:
        reason = f"email_in_use: prospect {holder.ref.id} has {crm.email}, and match_by_email is off"
    return _skip(crm, holder.ref.id, reason)


def _create(crm: Record, world: World, mapping: Sequence[MappedField]) -> list[Action]:
    changes = [Change("EMAIL_ADDRESS", None, crm.email)]
    baseline: dict[str, Value] = {}
    opted_out = crm.opted_out or bool(world.opt_outs.get(crm.email_key or ""))
    if opted_out:
        changes.append(Change("OPTED_OUT", None, True, reason="opted out in CRM or in the ledger"))
    if opted_out == crm.opted_out:
        baseline["OPTED_OUT"] = opted_out
    actions = []
    for field in mapping:
        if field.is_opt_out or not field.flows_to_marketing(crm.ref.object):
            continue
        try:
            known, value = read_crm_value(field, crm, world)
            if not known:
                continue
            if value is not None:
                changes.append(Change(field.name, None, field.for_prospect(value), field.behavior))
            baseline[field.name] = value
        except ValueTypeError as error:
            change = Change(field.name, None, None, field.behavior)
            actions.append(Action(STEP, "create", "mapping", None, crm.ref, (change,), "rejected", str(error)))
    reason = UNANSWERED if crm.ref in world.unanswered_creates else None
    created = Action(STEP, "create", SETTING, None, crm.ref, tuple(changes), reason=reason, baseline=baseline)
    return [*actions, created]


def _skip(crm: Record, prospect_id: int | None, reason: str) -> Action:
    return Action(STEP, "create", SETTING, prospect_id, crm.ref, verdict=SKIPPED, reason=reason)
