"""A day of a company: every kind of edit on both sides leaves its row in the log, and costs no more than it must."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.connector.company import EDITS_IN_A_UNIT, MAPPING, SETTINGS, Company, log_rows
from tests.connector.conftest import Office

UNIT = int(os.environ.get("INSIGHTLY_COMPANY_UNITS", "1"))


@pytest.fixture
def company(office: Office) -> Company:
    office.settings, office.mapping = dict(SETTINGS), MAPPING
    company = Company(office.sandbox, UNIT)
    company.found()
    return company


def test_a_day_of_a_company(office: Office, company: Company) -> None:
    first = office.run(backfill=True)
    assert {event: results.get("applied", 0) for event, results in first.results.items()} == company.first_results

    company.edit()
    assert company.edits == EDITS_IN_A_UNIT * UNIT
    office.run(run_id="edited")
    found, expected = log_rows(office.log(run_id="edited"), company.rows)
    assert found - expected == expected - found == {}

    before = len(office.writes())
    assert office.run().results == {}
    assert office.writes()[before:] == []


REQUESTS = {"link": 0, "relink": 0, "gate": 0, "tombstone": 0, "archive": 3, "merge": 6}
"""How many requests an action takes that is more, or less, than a write: archiving reads and writes tags, merging reads
and writes both prospects."""


def overhead(office: Office, **options: Any) -> int:
    """Run, and return how many requests it took beyond its changes and pages."""
    before = len(office.sandbox.requests())
    results = office.run(**options).results
    received = office.sandbox.requests()[before:]
    changes = sum(number.get("applied", 0) * REQUESTS.get(event, 1) for event, number in results.items())
    return len(received) - changes - sum("top" in each["query"] for each in received)


def test_requests_are_as_many_as_changes_and_pages_and_at_most_ten_more(office: Office, company: Company) -> None:
    assert overhead(office, backfill=True) <= 10
    company.edit()
    assert overhead(office, sweep_hours=1000) <= 10
    deleted_and_merged = 3 * UNIT  # the sweep asks for each of them by its id
    assert overhead(office) <= deleted_and_merged + 10
    assert overhead(office) <= 10
