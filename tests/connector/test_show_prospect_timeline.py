"""Setting 8: visits and the connector's own events, on the page and as one Note a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_insightly.connector.records import Ref
from airflow_provider_insightly.connector.timeline import read_timeline
from tests.connector.conftest import Office

NOTES = {"show_prospect_timeline": True, "publish": "note"}


@pytest.fixture
def pair(office: Office) -> tuple[int, int]:
    contact, prospect = office.contact("a@example.com", FIRST_NAME="Augusta"), office.prospect("a@example.com")
    office.run(**NOTES)
    return prospect, contact


def visit(office: Office, prospect: int, **fields: Any) -> None:
    office.in_web_page(f"/prospect/{prospect}/visits", fields)


def notes(office: Office, contact: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = office.sandbox.call("GET", f"/Contacts/{contact}/Notes").json()
    return found


def timeline(office: Office, ref: Ref) -> list[str]:
    with office.store.connect() as connection:
        return [entry.text for entry in read_timeline(connection, "test", ref).entries]


def test_visits_and_own_events_are_merged_by_time(office: Office, pair: tuple[int, int]) -> None:
    office.wait(minutes=5)
    visit(office, pair[0], MKT_SOURCE="newsletter", PAGE_VIEW_COUNT=3)
    office.run(show_prospect_timeline=True)
    expected = ["Visit: 3 page views from newsletter", "Connector: update_prospect FIRST_NAME", "Connector: link"]
    assert timeline(office, Ref("Contacts", pair[1])) == expected
    assert timeline(office, Ref("Prospect", pair[0])) == expected
    assert notes(office, pair[1]) == []


def test_visits_before_the_link_are_shown_too(office: Office) -> None:
    prospect = office.prospect("a@example.com")
    visit(office, prospect)
    contact = office.contact("a@example.com")
    for _ in range(2):
        office.run(show_prospect_timeline=True)
    assert "Visit: 1 page view" in timeline(office, Ref("Contacts", contact))


def test_box_off_reads_no_visits(office: Office, pair: tuple[int, int]) -> None:
    visit(office, pair[0])
    office.run()
    assert [each for each in office.sandbox.requests() if "MarketingVisits" in each["path"]] == []


def test_only_active_prospects_cost_a_request(office: Office, pair: tuple[int, int]) -> None:
    office.contact("b@example.com")
    other = office.prospect("b@example.com")
    visit(office, other)
    for _ in range(3):
        office.run(show_prospect_timeline=True)
    paths = [each["path"] for each in office.sandbox.requests() if "MarketingVisits" in each["path"]]
    assert paths == [f"/v3.1/MarketingVisits/{other}"]


def test_one_note_a_day_never_written_twice(office: Office, pair: tuple[int, int]) -> None:
    office.wait(days=1)
    day = office.now().date()
    visit(office, pair[0], MKT_SOURCE="search")
    visit(office, pair[0], MKT_SOURCE="newsletter")
    office.run(**NOTES)
    assert notes(office, pair[1]) == []  # the day is not over
    for _ in range(3):
        office.wait(days=1)
        office.run(**NOTES)
    [note] = notes(office, pair[1])
    assert note["TITLE"] == f"Prospect timeline {day}, prospect {pair[0]}"
    assert sorted(line[6:] for line in note["BODY"].splitlines()) == [
        "Visit: 1 page view from newsletter",
        "Visit: 1 page view from search",
    ]


def test_a_note_whose_answer_was_lost_is_found_again(office: Office, pair: tuple[int, int]) -> None:
    visit(office, pair[0])
    office.wait(days=1)
    office.sandbox.faults([{"kind": "drop_after_commit", "method": "POST", "nth": 1}])
    office.run(**NOTES)
    office.sandbox.faults([])
    office.wait(days=1)
    office.run(**NOTES)
    assert len(notes(office, pair[1])) == 1


def test_a_lead_gets_the_note_where_there_is_no_contact(office: Office) -> None:
    lead, prospect = office.lead("a@example.com"), office.prospect("a@example.com")
    office.run(**NOTES)
    visit(office, prospect)
    office.run(**NOTES)
    office.wait(days=1)
    office.run(**NOTES)
    assert len(office.sandbox.call("GET", f"/Leads/{lead}/Notes").json()) == 1


def test_the_contact_of_a_converted_lead_gets_the_note(office: Office) -> None:
    lead, prospect = office.lead("a@example.com"), office.prospect("a@example.com")
    office.run(**NOTES)
    visit(office, prospect)
    office.run(**NOTES)
    office.in_web_page(f"/leads/{lead}/convert")
    office.wait(days=1)
    office.run(**NOTES)
    assert len(notes(office, office.get("Leads", lead)["CONVERTED_CONTACT_ID"])) == 1


def test_nothing_is_written_of_a_prospect_that_is_closed(office: Office, pair: tuple[int, int]) -> None:
    visit(office, pair[0])
    office.run(**NOTES)
    office.edit("Prospect", pair[0], DO_NOT_SYNC=True)
    office.wait(days=1)
    office.run(**NOTES)
    assert notes(office, pair[1]) == []


def test_days_before_the_setting_was_on_get_no_note(office: Office) -> None:
    contact, prospect = office.contact("a@example.com"), office.prospect("a@example.com")
    office.run()
    yesterday = (office.now() - timedelta(days=1)).strftime("%Y-%m-%d 12:00:00")
    visit(office, prospect, FIRST_PAGE_VIEW_DATE_UTC=yesterday, LAST_PAGE_VIEW_DATE_UTC=yesterday)
    for _ in range(2):
        office.run(**NOTES)
        office.wait(days=1)
    assert notes(office, contact) == []
    assert "Visit: 1 page view" in timeline(office, Ref("Contacts", contact))
