"""Prospect Field Mapping: whose value wins, field by field; settings 4 and 5: whether an empty one is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from airflow_provider_insightly.connector.actions import PLANNED, REJECTED, SKIPPED, SYNC_FIELDS, Action, Change
from airflow_provider_insightly.connector.baselines import sides_of
from airflow_provider_insightly.connector.mapping import (
    CRM_VALUE,
    MARKETING_VALUE,
    MappedField,
    is_never_emptied,
)
from airflow_provider_insightly.connector.records import ORGANISATIONS, Record, Ref
from airflow_provider_insightly.connector.rules.quarantine import QUARANTINED, is_quarantined
from airflow_provider_insightly.connector.settings import Settings
from airflow_provider_insightly.connector.values import Value, ValueTypeError, is_custom
from airflow_provider_insightly.connector.world import Link, World

SETTING = "mapping"
CRM_EMPTY = "crm_empty_overwrites_marketing"
MARKETING_EMPTY = "marketing_empty_overwrites_crm"

CLOCKS_AGREE = timedelta(seconds=120)
"""Changes on both sides that are no further apart count as simultaneous: the page's clocks are not ours."""

UNREADABLE = object()
"""A value that is not of its type, on the side that is only written: it equals nothing, and is overwritten."""

Side = Literal["crm", "marketing"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whose value wins.

    :param winner: the side.
    :param conflict: both sides changed.
    """

    winner: Side
    conflict: bool = False


class _NoBaseline:
    def __repr__(self) -> str:
        return "NO_BASELINE"


NO_BASELINE = _NoBaseline()
"""Both sides never agreed on the field before."""


def decide(
    behavior: str,
    crm: Value,
    marketing: Value,
    baseline: Value,
    crm_updated: datetime | None,
    marketing_updated: datetime | None,
) -> Decision:
    """Decide one field on which a pair differs.

    :param behavior: the row's update behavior.
    :param crm: the CRM's value, in canonical form.
    :param marketing: the prospect's.
    :param baseline: the value on which both last agreed (each side's own, see :mod:`..baselines`), or
        :data:`NO_BASELINE`.
    :param crm_updated: when the CRM record changed last.
    :param marketing_updated: when the prospect did.
    """
    crm_before, marketing_before = sides_of(baseline)
    crm_changed = isinstance(baseline, _NoBaseline) or crm != crm_before
    marketing_changed = isinstance(baseline, _NoBaseline) or marketing != marketing_before
    conflict = crm_changed and marketing_changed and not isinstance(baseline, _NoBaseline)
    if behavior == CRM_VALUE:
        return Decision("crm", conflict)
    if behavior == MARKETING_VALUE:
        return Decision("marketing", conflict)
    if crm_changed != marketing_changed:  # a one-sided change needs no clock
        return Decision("crm" if crm_changed else "marketing")
    tolerance = CLOCKS_AGREE if conflict else timedelta()
    if crm_updated is None or marketing_updated is None:
        return Decision("crm", conflict)
    return Decision("marketing" if marketing_updated - crm_updated > tolerance else "crm", conflict)


def read_crm_value(mapped: MappedField, crm: Record, world: World) -> tuple[bool, Value]:
    """Return whether a Lead's or Contact's value for a row is known, and the value in canonical form.

    :raises ValueTypeError: it cannot be read as the row's type.
    """
    source = mapped.source(crm.ref.object)
    if source is None:
        return False, None
    holder: Record | None = crm
    if source == ORGANISATIONS:
        number = crm.organisation_id
        if number is None:
            return "ORGANISATION_ID" in crm.data, None
        holder = world.get(Ref(ORGANISATIONS, number))
    name = mapped.names[source]
    if holder is None or holder.gone or name not in holder.data:
        return False, None
    return True, mapped.read_crm(source, holder.data[name])


class _Outcome(NamedTuple):
    """What becomes of one field of a pair.

    :param field: the prospect's field, by which the row goes.
    :param value: the value on which both sides agree afterwards, in canonical form.
    :param winner: the side whose value is written to the other; ``None`` when both agree.
    :param step: the step that writes.
    :param change: the write; ``None`` when both agree.
    :param verdict: ``planned``, or why nothing is written.
    """

    field: str
    value: Value
    winner: Side | None = None
    step: str = SYNC_FIELDS
    change: Change | None = None
    verdict: str = PLANNED


def sync_fields(
    prospect: Record, crm: Record, link: Link, world: World, settings: Settings, mapping: Sequence[MappedField]
) -> list[Action]:
    """Decide every mapped field of a pair but its address and its opt-out.

    Source: "Prospect Field Mapping", and the boxes "Overwrite Marketing values with CRM empty / null values" and
    "Overwrite CRM values with Marketing empty / null values".
    """
    actions = []
    writes: dict[tuple[str, Side | None], list[_Outcome]] = {}
    news: dict[str, Value] = {}  # what both sides agree on, and did not before
    for row in mapping:
        outcome = None if row.is_opt_out else _decide_row(row, prospect, crm, link, world, settings)
        if outcome is None:
            continue
        if outcome.change is None:
            if link.baseline.get(outcome.field, NO_BASELINE) != outcome.value:
                news[outcome.field] = outcome.value
        elif outcome.verdict == PLANNED:
            writes.setdefault((outcome.step, outcome.winner), []).append(outcome)
        else:
            left = (outcome.change,)
            actions.append(_action(outcome.step, outcome.winner, prospect, crm, left, None, outcome.verdict))
    for (step, winner), written in writes.items():
        changes = tuple(outcome.change for outcome in written if outcome.change)
        baseline = {outcome.field: outcome.value for outcome in written}
        actions.append(_action(step, winner, prospect, crm, changes, baseline, PLANNED))
    if news:
        actions.append(Action(SYNC_FIELDS, "agree", SETTING, prospect.ref.id, crm.ref, baseline=news))
    return actions


def _action(
    step: str,
    winner: Side | None,
    prospect: Record,
    crm: Record,
    changes: tuple[Change, ...],
    baseline: dict[str, Value] | None,
    verdict: str,
) -> Action:
    event = "update_prospect" if winner == "crm" else "update_crm"
    setting = {CRM_EMPTY: "4", MARKETING_EMPTY: "5"}.get(step, SETTING)
    reason = None if verdict == PLANNED else changes[0].reason
    return Action(step, event, setting, prospect.ref.id, crm.ref, changes, verdict, reason, baseline=baseline)


def _decide_row(
    row: MappedField, prospect: Record, crm: Record, link: Link, world: World, settings: Settings
) -> _Outcome | None:
    """Decide one row; ``None`` where a side has no such field, which is not the same as an empty one.

    A custom field that is not in a record's answer may be hidden from us, or was never filled in: it never wins, but it
    may be written.
    """
    name, ours_known = row.name, row.name in prospect.data
    if not ours_known and not is_custom(name):
        return None
    try:
        known, theirs = read_crm_value(row, crm, world)
    except ValueTypeError as error:
        if row.flows_to_marketing(crm.ref.object):
            change = Change(name, prospect.data.get(name), None, row.behavior, str(error))
            return _Outcome(name, None, "crm", change=change, verdict=REJECTED)
        known, theirs = True, UNREADABLE
    if not known and not is_custom(row.crm_field(crm.ref.object) or ""):
        return None
    try:
        ours = row.read_prospect(prospect.data.get(name))
    except ValueTypeError as error:
        if row.flows_to_crm(crm.ref.object):
            change = Change(row.crm_field(crm.ref.object) or name, None, None, row.behavior, str(error))
            return _Outcome(name, None, "marketing", change=change, verdict=REJECTED)
        ours = UNREADABLE
    if theirs == ours:
        return _Outcome(name, ours)
    baseline = link.baseline.get(name, NO_BASELINE)
    if sides_of(baseline) == (theirs, ours):
        return _Outcome(name, baseline)
    decision = decide(row.behavior, theirs, ours, baseline, crm.edited_at, prospect.edited_at)
    winner = _possible(decision.winner, row, crm.ref.object)
    if (winner == "crm" and not known) or (winner == "marketing" and not ours_known):
        return None
    value = theirs if winner == "crm" else ours
    first = baseline is NO_BASELINE
    reason = "conflict" if decision.conflict else None
    return _write(winner, row, prospect, crm, value, first, reason, world, settings)


def _possible(winner: Side, row: MappedField, crm_object: str) -> Side:
    """Return the winner, or on a row that flows one way its source."""
    if not row.flows_to_marketing(crm_object):
        return "marketing"
    return winner if row.flows_to_crm(crm_object) else "crm"


def _write(
    winner: Side,
    row: MappedField,
    prospect: Record,
    crm: Record,
    value: Value,
    first: bool,
    reason: str | None,
    world: World,
    settings: Settings,
) -> _Outcome:
    """Write the winner's value to the other side, or say why it is not written."""
    if winner == "crm":
        event, target, name, empty_step = "update_prospect", prospect, row.name, CRM_EMPTY
    else:
        event, target, name, empty_step = "update_crm", crm, row.names[crm.ref.object], MARKETING_EMPTY
    step = empty_step if value is None else SYNC_FIELDS
    before = target.data.get(name)
    held = _held_back(value, first, getattr(settings, empty_step), step, row, target.ref.object, name)
    if held:
        return _Outcome(row.name, None, winner, step, Change(name, before, None, row.behavior, held), SKIPPED)
    try:
        written = row.for_prospect(value) if winner == "crm" else row.for_crm(crm.ref.object, value)
    except ValueTypeError as error:
        change = Change(name, before, value, row.behavior, str(error))
        return _Outcome(row.name, None, winner, step, change, REJECTED)
    change = Change(name, before, written, row.behavior, reason)
    if is_quarantined(event, change, row, prospect.ref, crm.ref, world):
        return _Outcome(row.name, None, winner, step, replace(change, reason=QUARANTINED), SKIPPED)
    return _Outcome(row.name, value, winner, step, change)


def _held_back(
    value: Value, first: bool, box: bool, setting: str, row: MappedField, object_name: str, name: str
) -> str | None:
    """Say why an empty winner is not written; ``None`` when it is, or when it is not empty."""
    if value is not None:
        return None
    if row.fields[object_name].required or is_never_emptied(name):
        return "empty_held_back: this field is never emptied"
    if first:
        return "empty_held_back: a pair's first sync empties nothing"
    return None if box else f"empty_held_back: {setting} is off"
