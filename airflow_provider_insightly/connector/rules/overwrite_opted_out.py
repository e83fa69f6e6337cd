"""Setting 7: opt-outs. They only grow; opting in again takes a setting and a person's hand in CRM."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_insightly.connector.actions import SKIPPED, SYNC_OPT_OUTS, Action, Change
from airflow_provider_insightly.connector.ledger import MARKETING
from airflow_provider_insightly.connector.mapping import CRM_VALUE, MappedField
from airflow_provider_insightly.connector.records import OPT_OUT_FIELD, PROSPECT, Record
from airflow_provider_insightly.connector.settings import Settings
from airflow_provider_insightly.connector.world import Link, World

STEP = "overwrite_opted_out"
SETTING = "7"
FIELD = OPT_OUT_FIELD[PROSPECT]


def sync_opt_out(
    prospect: Record, crm: Record, link: Link, world: World, settings: Settings, mapping: Sequence[MappedField]
) -> list[Action]:
    """Compare the opt-outs of a pair, and the prospect's with the ledger.

    Source: "allow a Prospect's Opted Out field value to be updated if the field has been mapped".
    """
    row = next((row for row in mapping if row.is_opt_out and row.crm_field(crm.ref.object)), None)
    if FIELD not in prospect.data or OPT_OUT_FIELD[crm.ref.object] not in crm.data:
        return []
    if not prospect.opted_out:
        return _from_crm(prospect, crm, link, world, settings, row)
    if crm.opted_out:
        return _agree(prospect, crm, link, opted_out=True)
    return _from_marketing(prospect, crm, link, settings, row)


def _from_crm(
    prospect: Record, crm: Record, link: Link, world: World, settings: Settings, row: MappedField | None
) -> list[Action]:
    """The prospect gets mail: should it?"""
    said = world.opt_outs.get(prospect.email_key or "", frozenset())
    if MARKETING in said:
        return [_opt_out(SYNC_OPT_OUTS, prospect, crm, row, "the address is in the opt-out ledger")]
    if not crm.opted_out:
        return _agree(prospect, crm, link, opted_out=False)
    if settings.overwrite_opted_out and row:
        return [_opt_out(STEP, prospect, crm, row, None)]
    why = "no row maps it" if settings.overwrite_opted_out else "overwrite_opted_out is off"
    change = Change(FIELD, False, True, row.behavior if row else None)
    reason = f"opt_out_divergence: opted out in CRM, not in Marketing; {why}"
    return [Action(STEP, "opt_out_prospect", SETTING, prospect.ref.id, crm.ref, (change,), SKIPPED, reason)]


def _from_marketing(
    prospect: Record, crm: Record, link: Link, settings: Settings, row: MappedField | None
) -> list[Action]:
    """The prospect opted out and the CRM record did not, or no longer."""
    unticked = link.baseline.get(FIELD) is True
    if unticked and row and settings.overwrite_opted_out and settings.allow_opt_in_from_crm:
        reason = f"a user opted {crm.ref} in again in CRM, seen at {crm.updated_at}"
        change = Change(FIELD, True, False, row.behavior)
        baseline = {FIELD: False}
        return [
            Action(
                STEP, "opt_in_prospect", SETTING, prospect.ref.id, crm.ref, (change,), reason=reason, baseline=baseline
            )
        ]
    field = OPT_OUT_FIELD[crm.ref.object]
    change = Change(field, False, True, row.behavior if row else None)
    if row and row.behavior == CRM_VALUE:
        reason = "opt_out_divergence: opted out in Marketing, not in CRM; the mapping says CRM Value"
        return [Action(STEP, "opt_out_crm", SETTING, prospect.ref.id, crm.ref, (change,), SKIPPED, reason)]
    baseline = {FIELD: True}
    return [Action(SYNC_OPT_OUTS, "opt_out_crm", SETTING, prospect.ref.id, crm.ref, (change,), baseline=baseline)]


def _opt_out(step: str, prospect: Record, crm: Record, row: MappedField | None, reason: str | None) -> Action:
    change = Change(FIELD, False, True, row.behavior if row else None)
    baseline = {FIELD: True} if crm.opted_out else None
    return Action(
        step, "opt_out_prospect", SETTING, prospect.ref.id, crm.ref, (change,), reason=reason, baseline=baseline
    )


def _agree(prospect: Record, crm: Record, link: Link, *, opted_out: bool) -> list[Action]:
    if link.baseline.get(FIELD) is opted_out:
        return []
    return [Action(SYNC_OPT_OUTS, "agree", SETTING, prospect.ref.id, crm.ref, baseline={FIELD: opted_out})]
