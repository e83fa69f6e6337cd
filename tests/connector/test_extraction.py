"""Reading both sides while people work, records vanish and lists lag behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from airflow_provider_insightly.connector import extraction
from airflow_provider_insightly.connector.configuration import Configuration
from airflow_provider_insightly.connector.extraction import IncompleteReadError, extract, steady_pages
from airflow_provider_insightly.connector.mapping import FieldMapping, check_mapping
from airflow_provider_insightly.connector.records import OWN_FIELDS, Record, Ref, read_record
from airflow_provider_insightly.connector.run import run_connector
from airflow_provider_insightly.connector.staging import read_records, stage
from airflow_provider_insightly.connector.state import read_time
from airflow_provider_insightly.store.engine import writing
from airflow_provider_insightly.store.tables import connector_changes, connector_links, connector_records
from tests.connector.conftest import MAPPING, Office

HOBBY = {"prospect": "Hobby__c", "lead": "Hobby__c", "contact": "Hobby__c"}


def missing(office: Office, object_name: str) -> list[int]:
    table = connector_records.c
    with office.store.connect() as connection:
        query = select(table.record_id).where(table.object == object_name, table.missing_since.is_not(None))
        return list(connection.execute(query).scalars())


def staged(office: Office, ref: Ref) -> Record:
    with office.store.connect() as connection:
        [record] = read_records(connection, "test", [ref])
    return record


def between_pages(
    office: Office, monkeypatch: pytest.MonkeyPatch, read: int, meanwhile: Callable[[str, dict[str, Any]], None]
) -> None:
    """Let lists have two records on a page, and something happen when so many pages of a list were read."""
    original = office.client.pages
    monkeypatch.setattr(extraction, "LARGEST_PAGE", 2)

    def pages(path: str, **options: Any) -> Iterator[Any]:
        for number, page in enumerate(original(path, top=2, **options), start=1):
            yield page
            if number == read:
                meanwhile(path, options.get("params") or {})

    monkeypatch.setattr(office.client, "pages", pages)


def once(action: Callable[[], object]) -> Callable[[], None]:
    left = [action]
    return lambda: left.pop()() if left else None


def test_a_record_deleted_between_two_pages_hides_no_other(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Later records move up, past the start of the next page; the list is not read again from its start."""
    contacts = [office.contact(f"{number}@example.com") for number in range(10)]
    delete = once(lambda: office.delete("Contacts", contacts[0]))
    between_pages(office, monkeypatch, 4, lambda path, params: delete() if path == "/Contacts" else None)
    mapping = check_mapping(FieldMapping.model_validate(row) for row in MAPPING)
    found = extract(office.client, office.store, "test", "Contacts", mapping, overlap_seconds=300, now=office.now)
    with office.store.connect() as connection:
        known = read_records(connection, "test", [Ref("Contacts", number) for number in contacts])
    assert len(known) == 10
    assert found.pages == 5 + 2  # the page before, and its own again


def test_many_records_deleted_at_once_hide_no_others(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a page of them: those that were counted before they vanished make up for others that were not seen."""
    contacts = [office.contact(f"{number}@example.com") for number in range(16)]
    delete = once(lambda: [office.delete("Contacts", number) for number in contacts[:5]])
    between_pages(office, monkeypatch, 4, lambda path, params: delete() if path == "/Contacts" else None)
    mapping = check_mapping(FieldMapping.model_validate(row) for row in MAPPING)
    extract(office.client, office.store, "test", "Contacts", mapping, overlap_seconds=300, now=office.now)
    with office.store.connect() as connection:
        known = read_records(connection, "test", [Ref("Contacts", number) for number in contacts])
    assert len(known) == 16


def test_a_count_that_falls_again_and_again_is_not_followed_for_ever(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two servers that do not agree on it, say."""
    for number in range(6):
        office.contact(f"{number}@example.com")
    between_pages(office, monkeypatch, 0, lambda path, params: None)
    pages = office.client.pages

    def counted_by_two(path: str, **options: Any) -> Iterator[Any]:
        for number, page in enumerate(pages(path, **options)):
            yield replace(page, total=page.total - number % 2)

    monkeypatch.setattr(office.client, "pages", counted_by_two)
    with pytest.raises(IncompleteReadError, match="fell 3 times"):
        for _ in zip(range(100), steady_pages(office.client, "/Contacts"), strict=False):
            pass


def test_a_sweep_during_which_records_are_deleted_concludes_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts = [office.contact(f"{number}@example.com") for number in range(6)]
    office.run()
    office.wait(hours=1)
    delete = once(lambda: office.delete("Contacts", contacts[0]))
    between_pages(
        office, monkeypatch, 1, lambda path, params: delete() if path == "/Contacts" and "brief" in params else None
    )
    office.run()
    assert missing(office, "Contacts") == []
    office.run()
    assert missing(office, "Contacts") == [contacts[0]]


def test_an_edit_between_two_pages_is_seen_by_the_next_run(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    contacts = [office.contact(f"{number}@example.com") for number in range(6)]
    prospect = office.prospect("0@example.com")
    edit = once(lambda: office.edit("Contacts", contacts[0], FIRST_NAME="Grace"))
    between_pages(office, monkeypatch, 2, lambda path, params: edit() if path == "/Contacts" else None)
    office.run(sweep_hours=24)
    assert office.get("Prospect", prospect)["FIRST_NAME"] == "Ada"
    office.wait(hours=1)
    office.run(sweep_hours=24)
    assert office.get("Prospect", prospect)["FIRST_NAME"] == "Grace"


def test_a_watermark_without_a_server_clock_counts_from_the_start_of_the_reading(office: Office) -> None:
    office.contact("a@example.com")
    began, original = office.now(), office.client.pages

    def slow_and_without_date(path: str, **options: Any) -> Iterator[Any]:
        for page in original(path, **options):
            office.wait(minutes=10)
            yield type(page)(page.records, page.total, page.skip, None)

    office.client.pages = slow_and_without_date  # type: ignore[method-assign]
    office.run(sweep_hours=24)
    with office.store.connect() as connection:
        watermark = read_time(connection, "test", "watermark Contacts")
    assert watermark is not None
    assert watermark - began < timedelta(minutes=1)


def test_a_lagging_list_does_not_undo_a_custom_field_that_was_filled_in_for_the_first_time(office: Office) -> None:
    """A record has other fields then, as after a change of the mapping; the rest of the old state counts as little."""
    for name in ("Prospect", "Contacts", "Leads"):
        office.in_web_page(f"/custom-fields/{name}", {"FIELD_NAME": "Hobby__c", "FIELD_TYPE": "TEXT"})
    office.mapping = [*MAPPING, HOBBY]
    contact, prospect = office.contact("a@example.com", PHONE="1"), office.prospect("a@example.com", PHONE="1")
    office.run()
    office.wait(seconds=10)
    hobby = [{"FIELD_NAME": "Hobby__c", "FIELD_VALUE": "Chess"}]
    office.edit("Contacts", contact, PHONE="2", CUSTOMFIELDS=hobby)
    office.sandbox.settings(read_lag=60, clock_offset=office.offset.total_seconds())
    office.wait(seconds=61)
    office.run(sweep_hours=24)
    assert office.get("Prospect", prospect)["PHONE"] == "2"
    office.wait(seconds=2)
    assert office.run(sweep_hours=24).results == {}  # the search still shows the prospect as it was
    assert office.get("Contacts", contact)["PHONE"] == "2"


def test_a_lagging_list_does_not_make_a_record_older(office: Office) -> None:
    """Which side is newer goes by the time, also where nothing that is mapped has changed."""
    now = office.now()
    record = Record(Ref("Contacts", 1), {"FIRST_NAME": "Ada"}, now, now)
    earlier = replace(record, updated_at=now - timedelta(hours=1), edited_at=now - timedelta(hours=1))
    with writing(office.store) as connection:
        for each in (record, earlier):
            stage(connection, "test", [each], now)
    assert staged(office, record.ref).edited_at == now


def test_a_record_that_is_back_is_looked_at_again(office: Office) -> None:
    """While it counted as missing, its partner was looked at in vain."""
    office.settings["sweep_hours"] = 24
    contact, prospect = office.contact("a@example.com"), office.prospect("a@example.com")
    office.run()
    office.wait(minutes=10)
    office.edit("Contacts", contact, FIRST_NAME="Grace")
    office.sandbox.faults([{"kind": "status", "status": 404, "method": "PUT", "nth": 1}])
    office.run()
    assert missing(office, "Prospect") == [prospect]
    office.wait(minutes=10)
    office.run()
    office.edit("Prospect", prospect, FAX="1")  # nothing that is mapped
    office.run()
    assert office.get("Prospect", prospect)["FIRST_NAME"] == "Grace"


def test_a_record_that_was_only_named_is_read_when_it_can_be_seen(office: Office) -> None:
    contact = office.contact("a@example.com", FIRST_NAME="Grace")
    prospect = office.prospect("b@example.com", CONTACT_ID=contact)
    office.wait(hours=1)
    office.in_web_page("/permissions/Contacts/lose")
    office.run()
    assert office.links() == {prospect: Ref("Contacts", contact)}
    office.wait(hours=1)
    office.in_web_page("/permissions/Contacts/regain")
    office.run()
    assert office.get("Prospect", prospect)["FIRST_NAME"] == "Grace"


def test_many_records_that_come_into_view_are_read_page_by_page(office: Office) -> None:
    for number in range(30):
        office.contact(f"{number}@example.com")
    office.wait(hours=1)
    office.in_web_page("/permissions/Contacts/lose")
    office.run()
    office.wait(hours=1)
    office.in_web_page("/permissions/Contacts/regain")
    before = len(office.sandbox.requests())
    report = office.run(create_prospects=True, backfill=True)
    assert report.results["create"] == {"applied": 30}
    assert len(office.sandbox.requests()) - before <= 30 + 7 + 1  # creates, pages, GET /Instance


@pytest.mark.parametrize(
    ("name", "kept"), [("a\0b", "ab"), ("half \ud83d", "half ?"), ("Zoë 🙂", "Zoë 🙂")], ids=["null", "half", "whole"]
)
def test_text_that_no_database_keeps_stops_nobody(office: Office, name: str, kept: str) -> None:
    answer = {"CONTACT_ID": 1, "FIRST_NAME": name, "LAST_NAME": "Byron", "EMAIL_ADDRESS": "a@example.com"}
    record = read_record("Contacts", answer, frozenset(OWN_FIELDS["Contacts"]))
    with writing(office.store) as connection:
        stage(connection, "test", [record], office.now())
    assert staged(office, record.ref).data["FIRST_NAME"] == kept


def test_an_address_that_grows_when_it_is_casefolded_stops_nobody(office: Office) -> None:
    office.contact("ß" * 240 + "@example.com", FIRST_NAME="Grace")
    prospect = office.prospect("ß" * 100 + "@example.com")
    contact = office.contact("ß" * 100 + "@example.com", FIRST_NAME="Grace")
    office.run()
    assert office.links() == {prospect: Ref("Contacts", contact)}


def test_one_answer_with_a_clock_that_is_ahead_hides_no_later_edit(office: Office) -> None:
    contact, prospect = office.contact("a@example.com"), office.prospect("a@example.com")
    office.sandbox.faults([{"kind": "clock_skew", "seconds": 7200, "object": "Contacts", "method": "GET", "nth": 1}])
    office.run(sweep_hours=24)
    office.wait(hours=1)
    office.edit("Contacts", contact, FIRST_NAME="Grace")
    office.run(sweep_hours=24)
    assert office.get("Prospect", prospect)["FIRST_NAME"] == "Grace"


def test_instances_in_one_store_do_not_mix(office: Office) -> None:
    """The other instance has the same ids: what is done for one is as if it were alone."""
    contact, prospect = office.contact("a@example.com"), office.prospect("a@example.com")
    office.contact("b@example.com", EMAIL_OPTED_OUT=True)

    def run(instance: str, run_id: str) -> dict[str, dict[str, int]]:
        configuration = Configuration.model_validate({"settings": office.settings, "mapping": office.mapping})
        options = {"run_id": run_id, "now": office.now, "sleep": office.sleep}
        return run_connector(office.client, office.store, instance, configuration, **options).results  # type: ignore[arg-type]

    assert run("one", "same") == run("two", "same") == {"link": {"applied": 1}}
    office.wait(hours=1)
    office.edit("Contacts", contact, FIRST_NAME="Grace")
    assert run("one", "next") == {"update_prospect": {"applied": 1}}
    office.delete("Prospect", prospect)
    office.wait(hours=30)
    assert run("one", "last") == {}  # missing since now
    office.wait(hours=30)
    assert run("one", "end") == {"tombstone": {"applied": 1}}
    assert run("two", "next") == {}
    office.wait(hours=30)
    assert run("two", "end") == {"tombstone": {"applied": 1}}
    tables = (connector_links, connector_changes)
    with office.store.connect() as connection:
        assert [connection.execute(select(table)).all() for table in tables] == [[], []]
