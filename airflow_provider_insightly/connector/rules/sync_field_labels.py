"""Setting 9: a primary field's label is carried to the labels of the secondary fields that were cloned from it.

The API cannot write labels. The connector keeps the labels of its mapping, and lists what to type in Insightly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airflow_provider_insightly.connector.actions import SKIPPED, Action, Change
from airflow_provider_insightly.connector.mapping import MappedField
from airflow_provider_insightly.connector.records import CONTACTS, LEADS, PROSPECT
from airflow_provider_insightly.connector.settings import Settings

STEP = "sync_field_labels"
SETTING = "9"

_SIDES = {"prospect": PROSPECT, "lead": LEADS, "contact": CONTACTS}


def sync_labels(mapping: Sequence[MappedField], kept: Mapping[str, str], settings: Settings) -> list[Action]:
    """Compare the labels in Insightly with those that the connector keeps.

    :param kept: the kept labels by field, as ``Contacts.Hobby__c``.

    Source: "any changes made to the label of the primary field will be automatically reflected in the field labels of
    the secondary fields cloned from the primary field".
    """
    if not settings.sync_field_labels:
        return []
    return [action for row in mapping if row.row.primary for action in _sync_row(row, kept)]


def _sync_row(row: MappedField, kept: Mapping[str, str]) -> list[Action]:
    labels = {f"{name}.{row.names[name]}": info.label for name, info in row.fields.items()}
    known = {place: label for place, label in labels.items() if label is not None}
    side = _SIDES[row.row.primary or "prospect"]
    primary = f"{side}.{row.names.get(side)}"
    if primary not in known:
        return []
    secondary = [place for place in known if place != primary]
    now_kept = {place: kept.get(place, known[place]) for place in secondary}
    actions = []
    if kept.get(primary, known[primary]) != known[primary]:
        changes = tuple(Change(place, now_kept[place], known[primary]) for place in secondary)
        now_kept = dict.fromkeys(secondary, known[primary])
        reason = f"the label of {primary} changed from {kept[primary]!r}"
        baseline = {**now_kept, primary: known[primary]}
        actions.append(Action(STEP, "label", SETTING, changes=changes, reason=reason, baseline=baseline))
    elif {**now_kept, primary: known[primary]} != {place: kept.get(place) for place in known}:
        actions.append(Action(STEP, "agree", SETTING, baseline={**now_kept, primary: known[primary]}))
    for place in secondary:
        if known[place] != now_kept[place]:
            reason = f"label_drift: in Insightly, change the label of {place} to {now_kept[place]!r}"
            change = Change(place, known[place], now_kept[place])
            actions.append(Action(STEP, "label_drift", SETTING, changes=(change,), verdict=SKIPPED, reason=reason))
    return actions
