"""Actions: the changes that a plan is made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from airflow_provider_insightly.connector.records import Ref
from airflow_provider_insightly.connector.values import Value

IDENTITY = "identity"
SYNC_OPT_OUTS = "sync_opt_outs"
SYNC_FIELDS = "sync_fields"

STEPS = (
    IDENTITY,
    "match_by_email",
    SYNC_OPT_OUTS,
    "overwrite_opted_out",
    "update_email_addresses",
    SYNC_FIELDS,
    "crm_empty_overwrites_marketing",
    "marketing_empty_overwrites_crm",
    "create_prospects",
    "delete_or_merge_prospects",
    "sync_field_labels",
    "show_prospect_timeline",
)
"""The order in which a plan is applied: a step for each setting, named after it, and a few for what no box governs."""

PLANNED, SKIPPED, REJECTED, PENDING = "planned", "skipped", "rejected", "pending_approval"
APPLIED, FAILED = "applied", "failed"

TO_MARKETING, TO_CRM, NEITHER = "to_marketing", "to_crm", "local"

_DIRECTIONS = {
    "create": TO_MARKETING,
    "update_prospect": TO_MARKETING,
    "change_email": TO_MARKETING,
    "opt_out_prospect": TO_MARKETING,
    "opt_in_prospect": TO_MARKETING,
    "merge": TO_MARKETING,
    "archive": TO_MARKETING,
    "delete": TO_MARKETING,
    "restore": TO_MARKETING,
    "update_crm": TO_CRM,
    "opt_out_crm": TO_CRM,
    "note": TO_CRM,
}
"""Where each event writes; the others change the connector's own store alone."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field of an action.

    :param field: the name of the field in the record that is written.
    :param before: its value as it was last seen.
    :param after: the value to write.
    :param behavior: the mapping's update behavior, where it decided.
    :param reason: why, where it needs saying: ``conflict``, ``too long`` …
    """

    field: str
    before: Value
    after: Value
    behavior: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One decided change of one record, or the decision to leave it.

    :param step: the task that applies it; one of :data:`STEPS`.
    :param event: what happens: ``create``, ``update_prospect``, ``link`` …
    :param setting: the setting behind it: ``1`` to ``9``, ``mapping`` or ``gate``.
    :param prospect_id: the prospect; ``None`` for one that is to be created.
    :param crm: the Lead or Contact.
    :param changes: its fields.
    :param verdict: ``planned``, or why it is not to be applied: ``skipped``, ``rejected``, ``pending_approval``.
    :param reason: the reason in words.
    :param other: the second record: the surviving prospect of a merge, the record that a link led to before.
    :param baseline: values on which both sides agree once it is done, by prospect field.
    """

    step: str
    event: str
    setting: str
    prospect_id: int | None = None
    crm: Ref | None = None
    changes: tuple[Change, ...] = ()
    verdict: str = PLANNED
    reason: str | None = None
    other: Ref | None = None
    baseline: Mapping[str, Value] | None = None

    @property
    def direction(self) -> str:
        """Where it writes: ``to_marketing``, ``to_crm`` or ``local``."""
        return _DIRECTIONS.get(self.event, NEITHER)

    @property
    def key(self) -> str:
        """A hash of the pair, the event, and each field before and after: the same decision has the same key."""
        changes = [(change.field, change.before, change.after) for change in self.changes]
        parts = [self.prospect_id, self.crm, self.event, self.other, changes, self.verdict, self.reason]
        return hashlib.sha256(_KEY_ENCODER.encode(parts).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return what :meth:`from_json` reads."""
        values = {name: value for name in _ACTION_FIELDS if (value := getattr(self, name)) is not None}
        changes = [{name: getattr(change, name) for name in _CHANGE_FIELDS} for change in self.changes]
        return {**values, "changes": changes}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Action:
        """Read what :meth:`to_json` wrote."""
        read = cls(**data)
        return replace(
            read,
            crm=Ref(*data["crm"]) if data.get("crm") else None,
            other=Ref(*data["other"]) if data.get("other") else None,
            changes=tuple(Change(**change) for change in data["changes"]),
        )


_KEY_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True)
_ACTION_FIELDS = tuple(each.name for each in fields(Action))
_CHANGE_FIELDS = tuple(each.name for each in fields(Change))
