"""Prospect Field Mapping, row by row of its table: whose value wins."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_insightly.connector.mapping import CRM_VALUE, MARKETING_VALUE, MOST_RECENT
from airflow_provider_insightly.connector.rules.mapped_fields import NO_BASELINE, Decision, decide

NOON = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
EARLIER = NOON - timedelta(hours=1)
CRM, MARKETING = Decision("crm"), Decision("marketing")
CRM_AFTER_CONFLICT, MARKETING_AFTER_CONFLICT = Decision("crm", conflict=True), Decision("marketing", conflict=True)


@pytest.mark.parametrize(("behavior", "decision"), [(CRM_VALUE, CRM), (MARKETING_VALUE, MARKETING), (MOST_RECENT, CRM)])
def test_crm_changed_and_marketing_same(behavior: str, decision: Decision) -> None:
    assert decide(behavior, "new", "b", "b", EARLIER, NOON) == decision  # a one-sided change needs no clock


@pytest.mark.parametrize(
    ("behavior", "decision"), [(CRM_VALUE, CRM), (MARKETING_VALUE, MARKETING), (MOST_RECENT, MARKETING)]
)
def test_crm_same_and_marketing_changed(behavior: str, decision: Decision) -> None:
    assert decide(behavior, "b", "new", "b", NOON, EARLIER) == decision


@pytest.mark.parametrize(
    ("behavior", "crm_updated", "marketing_updated", "decision"),
    [
        (CRM_VALUE, EARLIER, NOON, CRM_AFTER_CONFLICT),
        (MARKETING_VALUE, NOON, EARLIER, MARKETING_AFTER_CONFLICT),
        (MOST_RECENT, NOON, EARLIER, CRM_AFTER_CONFLICT),
        (MOST_RECENT, EARLIER, NOON, MARKETING_AFTER_CONFLICT),
        (MOST_RECENT, NOON, NOON + timedelta(seconds=120), CRM_AFTER_CONFLICT),
        (MOST_RECENT, NOON, NOON + timedelta(seconds=121), MARKETING_AFTER_CONFLICT),
        (MOST_RECENT, None, NOON, CRM_AFTER_CONFLICT),
    ],
)
def test_both_changed_is_a_conflict(
    behavior: str, crm_updated: Any, marketing_updated: Any, decision: Decision
) -> None:
    assert decide(behavior, "c", "m", "b", crm_updated, marketing_updated) == decision


@pytest.mark.parametrize(
    ("behavior", "crm_updated", "marketing_updated", "decision"),
    [
        (CRM_VALUE, EARLIER, NOON, CRM),
        (MARKETING_VALUE, NOON, EARLIER, MARKETING),
        (MOST_RECENT, EARLIER, NOON, MARKETING),
        (MOST_RECENT, NOON, EARLIER, CRM),
        (MOST_RECENT, NOON, NOON, CRM),
    ],
)
def test_no_baseline(behavior: str, crm_updated: Any, marketing_updated: Any, decision: Decision) -> None:
    assert decide(behavior, "c", "m", NO_BASELINE, crm_updated, marketing_updated) == decision
