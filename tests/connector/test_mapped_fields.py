"""Prospect Field Mapping in the sandbox: pairs, what is written of them, and what is left."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_insightly.connector.mapping import MARKETING_VALUE, MOST_RECENT
from tests.connector.conftest import Office


@pytest.fixture
def pair(office: Office) -> tuple[int, int]:
    """A pair that agrees on everything: FIRST_NAME by CRM Value, TITLE by Marketing Value, PHONE the most recent."""
    values = {"TITLE": "Dr", "PHONE": "1"}
    contact = office.contact("a@example.com", **values, PHONE_MOBILE="9")
    prospect = office.prospect("a@example.com", **values, MOBILE="9")
    office.run()
    office.wait(minutes=10)
    return prospect, contact


def both(office: Office, pair: tuple[int, int], field: str) -> tuple[Any, Any]:
    return office.get("Prospect", pair[0])[field], office.get("Contacts", pair[1])[field]


@pytest.mark.parametrize(
    ("field", "in_crm", "in_marketing", "result"),
    [
        ("FIRST_NAME", "C", None, "C"),
        ("FIRST_NAME", None, "M", "Ada"),
        ("FIRST_NAME", "C", "M", "C"),
        ("TITLE", "C", None, "Dr"),
        ("TITLE", None, "M", "M"),
        ("TITLE", "C", "M", "M"),
        ("PHONE", "C", None, "C"),
        ("PHONE", None, "M", "M"),
    ],
)
def test_pairs_in_the_sandbox_follow_the_table(
    office: Office, pair: tuple[int, int], field: str, in_crm: str | None, in_marketing: str | None, result: str
) -> None:
    if in_crm:
        office.edit("Contacts", pair[1], **{field: in_crm})
    if in_marketing:
        office.edit("Prospect", pair[0], **{field: in_marketing})
    office.run()
    assert both(office, pair, field) == (result, result)
    assert office.run().results == {}


@pytest.mark.parametrize("field", ["FIRST_NAME", "TITLE", "PHONE"])
def test_equal_changes_on_both_sides_agree(office: Office, pair: tuple[int, int], field: str) -> None:
    office.edit("Contacts", pair[1], **{field: "same"})
    office.edit("Prospect", pair[0], **{field: "same"})
    assert office.run().results == {}
    assert office.log(field=field) == []
    assert both(office, pair, field) == ("same", "same")


def test_the_newer_of_two_changes_wins_and_is_logged_as_a_conflict(office: Office, pair: tuple[int, int]) -> None:
    office.edit("Contacts", pair[1], PHONE="2")
    office.wait(minutes=5)
    office.edit("Prospect", pair[0], PHONE="3")
    office.run()
    assert both(office, pair, "PHONE") == ("3", "3")
    [row] = office.log(field="PHONE")
    assert (row["reason"], row["behavior"], row["before"], row["after"]) == ("conflict", MOST_RECENT, "2", "3")


def test_our_own_write_is_no_change_in_the_next_run(office: Office, pair: tuple[int, int]) -> None:
    office.edit("Contacts", pair[1], FIRST_NAME="Augusta")
    office.run()
    office.wait(minutes=1)
    assert office.run().results == {}


def keep_in_capitals(office: Office, monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    """Let the server write a field in capitals."""
    update = office.client.update
    monkeypatch.setattr(
        office.client,
        "update",
        lambda name, record: update(name, {**record, **({field: record[field].upper()} if field in record else {})}),
    )


@pytest.mark.parametrize("field", ["FIRST_NAME", "TITLE", "PHONE"])
def test_a_value_that_the_server_writes_in_another_way_is_no_change_either(
    office: Office, pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    edited, written = ("Prospect", "Contacts") if field == "TITLE" else ("Contacts", "Prospect")
    numbers = dict(zip(("Prospect", "Contacts"), pair, strict=True))
    keep_in_capitals(office, monkeypatch, field)
    office.edit(edited, numbers[edited], **{field: "ada"})
    office.run()
    assert office.get(written, numbers[written])[field] == "ADA"
    assert office.log(field=field)[0]["reason"] == 'Insightly keeps it as "ADA"'
    office.wait(minutes=10)
    for number in numbers.items():
        office.edit(*number, EMAIL_ADDRESS="b@example.com")
    assert office.run(backfill=True).results == {}
    office.edit(edited, numbers[edited], **{field: "grace"})
    office.run()
    assert office.get(written, numbers[written])[field] == "GRACE"


def test_that_both_sides_had_changed_is_told_of_a_value_that_the_server_writes_in_another_way_too(
    office: Office, pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_in_capitals(office, monkeypatch, "FIRST_NAME")
    office.edit("Prospect", pair[0], FIRST_NAME="Augusta")
    office.edit("Contacts", pair[1], FIRST_NAME="Grace")
    office.run()
    assert office.log(field="FIRST_NAME")[0]["reason"] == 'conflict; Insightly keeps it as "GRACE"'


def test_of_a_value_in_two_spellings_a_one_sided_change_is_no_conflict(
    office: Office, pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_in_capitals(office, monkeypatch, "PHONE")
    office.edit("Contacts", pair[1], PHONE="ext 5")
    office.run()
    monkeypatch.undo()
    office.edit("Prospect", pair[0], PHONE="6")
    office.wait(minutes=10)
    office.edit("Contacts", pair[1], LAST_NAME="Lovelace")  # CRM is the newer one, but its PHONE is as before
    office.run()
    assert both(office, pair, "PHONE") == ("6", "6")
    assert office.log(field="PHONE", event="update_crm")[0]["reason"] is None


def test_an_edit_between_reading_and_writing_is_seen_in_the_next_run(office: Office, pair: tuple[int, int]) -> None:
    office.edit("Contacts", pair[1], FIRST_NAME="Augusta")
    original = office.client.update

    def edit_then_update(object_name: str, record: Any) -> Any:
        office.edit("Prospect", pair[0], PHONE="5")
        return original(object_name, record)

    office.client.update = edit_then_update  # type: ignore[method-assign]
    office.run()
    office.client.update = original  # type: ignore[method-assign]
    assert both(office, pair, "PHONE") == ("5", "1")
    office.run()
    assert both(office, pair, "PHONE") == ("5", "5")
    assert both(office, pair, "FIRST_NAME") == ("Augusta", "Augusta")


def test_text_too_long_is_rejected_and_never_cut(office: Office) -> None:
    office.mapping = [{"prospect": "INDUSTRY", "lead": "INDUSTRY", "contact": "PHONE_OTHER"}]
    office.contact("a@example.com", PHONE_OTHER="x" * 129)
    prospect = office.prospect("a@example.com")
    office.run()
    assert office.get("Prospect", prospect)["INDUSTRY"] is None
    [row] = office.log(event="update_prospect")
    assert (row["result"], row["reason"]) == ("rejected", "129 characters do not fit into 128; nothing is cut")


def test_unknown_dropdown_value_rejects_the_field_and_not_the_record(office: Office) -> None:
    for name, kind in (("Contacts", "TEXT"), ("Prospect", "DROPDOWN")):
        options = [{"OPTION_VALUE": "Gold"}] if kind == "DROPDOWN" else []
        body = {"FIELD_NAME": "Tier__c", "FIELD_TYPE": kind, "CUSTOM_FIELD_OPTIONS": options}
        office.in_web_page(f"/custom-fields/{name}", body)
    office.mapping = [
        {"prospect": "Tier__c", "contact": "Tier__c"},
        {"prospect": "PHONE", "contact": "PHONE"},
    ]
    custom = [{"FIELD_NAME": "Tier__c", "FIELD_VALUE": "Silver"}]
    contact = office.contact("a@example.com", PHONE="1", CUSTOMFIELDS=custom)
    prospect = office.prospect("a@example.com")
    office.run()
    assert office.get("Prospect", prospect)["PHONE"] == "1"
    [row] = office.log(field="Tier__c")
    assert (row["result"], row["reason"]) == ("rejected", "the field has no option 'Silver'")
    office.edit("Contacts", contact, CUSTOMFIELDS=[{"FIELD_NAME": "Tier__c", "FIELD_VALUE": "Gold"}])
    office.run()
    values = {field["FIELD_NAME"]: field["FIELD_VALUE"] for field in office.get("Prospect", prospect)["CUSTOMFIELDS"]}
    assert values == {"Tier__c": "Gold"}


def test_a_field_that_the_server_refuses_keeps_no_other_back(office: Office, pair: tuple[int, int]) -> None:
    """What a custom text field holds at the most, nothing tells: only the server knows."""
    original = office.client.update

    def update(name: str, record: Any) -> Any:
        return original(name, {**record, "MOBILE": "9" * 999} if "MOBILE" in record else record)

    office.client.update = update  # type: ignore[method-assign]
    office.edit("Contacts", pair[1], PHONE_MOBILE="10", FIRST_NAME="Augusta", LAST_NAME="King")
    assert office.run().results == {"update_prospect": {"rejected": 1}}
    rows = {row["field"]: (row["result"], row["http_status"]) for row in office.log(event="update_prospect")}
    assert rows == {"MOBILE": ("rejected", 400), "FIRST_NAME": ("applied", 200), "LAST_NAME": ("applied", 200)}
    assert "MOBILE" in office.log(field="MOBILE")[0]["error"]
    assert both(office, pair, "LAST_NAME") == ("King", "King")
    office.client.update = original  # type: ignore[method-assign]
    office.edit("Contacts", pair[1], FIRST_NAME="Ada")
    office.run()
    assert office.get("Prospect", pair[0])["MOBILE"] == "10"


def test_organisation_field_flows_to_marketing_only(office: Office) -> None:
    office.mapping = [
        {"prospect": "ORGANISATION_NAME", "organisation": "ORGANISATION_NAME", "behavior": MARKETING_VALUE}
    ]
    organisation = office.sandbox.add("Organisations", ORGANISATION_NAME="Babbage & Co")["ORGANISATION_ID"]
    office.contact("a@example.com", ORGANISATION_ID=organisation)
    prospect = office.prospect("a@example.com")
    office.run()
    assert office.get("Prospect", prospect)["ORGANISATION_NAME"] == "Babbage & Co"
    office.sandbox.call("PUT", "/Organisations", {"ORGANISATION_ID": organisation, "ORGANISATION_NAME": "Engines"})
    office.run()
    assert office.get("Prospect", prospect)["ORGANISATION_NAME"] == "Engines"
    office.edit("Prospect", prospect, ORGANISATION_NAME="Mine")
    office.run()
    assert office.get("Prospect", prospect)["ORGANISATION_NAME"] == "Engines"
    written_by_the_connector = [body for method, _, body in office.writes() if method == "PUT"]
    assert [body for body in written_by_the_connector if "CONTACT_ID" in body] == []
    assert office.sandbox.requests(method="PUT", path="/v3.1/Organisations")[1:] == []


def test_read_only_fields_are_sources_only(office: Office) -> None:
    office.mapping = [{"prospect": "SCORE", "contact": "Score__c"}]
    body = {"FIELD_NAME": "Score__c", "FIELD_TYPE": "NUMERIC"}
    office.in_web_page("/custom-fields/Contacts", body)
    contact, prospect = office.contact("a@example.com"), office.prospect("a@example.com")
    office.in_web_page(f"/records/Prospect/{prospect}", {"SCORE": 40})
    office.run()
    assert office.get("Contacts", contact)["CUSTOMFIELDS"][0]["FIELD_VALUE"] == 40


def test_a_field_written_back_and_forth_is_quarantined(office: Office, pair: tuple[int, int]) -> None:
    for value in ("2", "1", "2", "1"):
        office.edit("Contacts", pair[1], FIRST_NAME=value)
        office.run()
    assert office.get("Prospect", pair[0])["FIRST_NAME"] == "2"
    results = [row["result"] for row in office.log(field="FIRST_NAME")]
    assert results == ["skipped", "applied", "applied", "applied"]
    assert office.log(field="FIRST_NAME", result="skipped")[0]["reason"].startswith("quarantined")


def test_a_quarantined_field_is_written_once_its_day_is_over(office: Office, pair: tuple[int, int]) -> None:
    for value in ("2", "1", "2", "1"):
        office.edit("Contacts", pair[1], FIRST_NAME=value)
        office.run()
    office.wait(hours=12)
    office.run()
    assert office.get("Prospect", pair[0])["FIRST_NAME"] == "2"
    office.wait(hours=13)
    office.run()
    assert office.get("Prospect", pair[0])["FIRST_NAME"] == "1"
    assert len(office.log(field="FIRST_NAME", result="skipped")) == 1


@pytest.mark.parametrize("values", [{}, {"m": "M", "c": "C"}])
def test_a_fight_over_a_field_of_two_names_is_ended_too(office: Office, values: dict[str, str]) -> None:
    row = {"prospect": "MOBILE", "contact": "PHONE_MOBILE", "behavior": MOST_RECENT, "values": values}
    office.mapping = [row]
    contact, prospect = office.contact("a@example.com", PHONE_MOBILE="c"), office.prospect("a@example.com")
    office.run()
    for _ in range(4):
        office.edit("Prospect", prospect, MOBILE=values.get("m", "m"))
        office.run()
        office.edit("Contacts", contact, PHONE_MOBILE="c")
        office.run()
    rows = [row for row in office.log() if row["field"] in ("MOBILE", "PHONE_MOBILE")]
    assert [row["result"] for row in rows].count("applied") == 3
    assert rows[0]["reason"].startswith("quarantined")


def test_a_value_that_is_undone_time_and_again_is_not_written_for_ever(office: Office, pair: tuple[int, int]) -> None:
    """CRM Value, and somebody who resets the prospect after each run: another connector, say."""
    for _ in range(5):
        office.edit("Prospect", pair[0], FIRST_NAME="x")
        office.run()
    assert [row["result"] for row in office.log(field="FIRST_NAME")] == ["skipped", *["applied"] * 3]


def test_values_that_never_come_back_are_no_fight(office: Office, pair: tuple[int, int]) -> None:
    for number in range(6):
        office.edit("Contacts", pair[1], FIRST_NAME=f"name {number}")
        office.run()
    assert both(office, pair, "FIRST_NAME") == ("name 5", "name 5")


def test_do_not_sync_is_neither_written_nor_read(office: Office, pair: tuple[int, int]) -> None:
    office.edit("Prospect", pair[0], DO_NOT_SYNC=True, PHONE="8")
    office.edit("Contacts", pair[1], FIRST_NAME="Augusta", EMAIL_ADDRESS="b@example.com", EMAIL_OPTED_OUT=True)
    before = len(office.writes())
    office.run(overwrite_opted_out=True)
    assert len(office.writes()) == before
    [row] = office.log(event="gate")
    assert (row["result"], row["setting"], row["prospect_id"]) == ("skipped", "gate", pair[0])


def test_edits_while_a_prospect_was_closed_are_synced_when_it_is_opened(office: Office, pair: tuple[int, int]) -> None:
    office.edit("Prospect", pair[0], DO_NOT_SYNC=True, TITLE="Countess")
    office.edit("Contacts", pair[1], FIRST_NAME="Augusta")
    office.run()
    office.edit("Contacts", pair[1], LAST_NAME="King")
    office.run()
    office.edit("Prospect", pair[0], DO_NOT_SYNC=False)
    office.run()
    names = ("FIRST_NAME", "LAST_NAME", "TITLE")
    assert [both(office, pair, name) for name in names] == [("Augusta",) * 2, ("King",) * 2, ("Countess",) * 2]


def test_a_conversion_a_new_address_and_an_opt_out_are_one_run(office: Office) -> None:
    lead, prospect = office.lead("a@example.com", PHONE="1"), office.prospect("a@example.com", PHONE="1")
    office.run()
    office.in_web_page(f"/leads/{lead}/convert")
    contact = office.get("Leads", lead)["CONVERTED_CONTACT_ID"]
    office.edit("Contacts", contact, EMAIL_ADDRESS="b@example.com", EMAIL_OPTED_OUT=True, PHONE="2")
    office.run(overwrite_opted_out=True)
    found = office.get("Prospect", prospect)
    assert (found["EMAIL_ADDRESS"], found["OPTED_OUT"], found["PHONE"]) == ("b@example.com", True, "2")
    assert office.run(overwrite_opted_out=True).results == {}


def test_a_failed_record_keeps_its_baseline_and_is_tried_again(office: Office, pair: tuple[int, int]) -> None:
    office.edit("Contacts", pair[1], FIRST_NAME="Augusta")
    office.sandbox.faults([{"kind": "status", "status": 500, "method": "PUT", "object": "Prospect", "nth": 1}])
    assert office.run().results == {"update_prospect": {"failed": 1}}
    office.sandbox.faults([])
    assert office.run().results == {"update_prospect": {"applied": 1}}
    assert both(office, pair, "FIRST_NAME") == ("Augusta", "Augusta")


def test_our_own_write_does_not_make_a_side_the_newer_one(office: Office) -> None:
    """CRM's empty PHONE is newer and is held back; writing another field to the prospect must not turn that around."""
    prospect = office.prospect("a@example.com", PHONE="1", FIRST_NAME="Old")
    office.wait(minutes=5)
    contact = office.contact("a@example.com", PHONE=None)
    for backfill in (False, True):
        office.run(backfill=backfill)
        office.wait(minutes=5)
    assert both(office, (prospect, contact), "FIRST_NAME") == ("Ada", "Ada")
    assert both(office, (prospect, contact), "PHONE") == ("1", None)


@pytest.mark.parametrize("fills", [True, False])
def test_tags_that_a_merge_joins_do_not_make_a_side_the_newer_one(office: Office, fills: bool) -> None:
    prospect = office.prospect("a@example.com", PHONE="1")
    lost_prospect = office.prospect("b@example.com", PHONE=None, DESCRIPTION="from a fair" if fills else None)
    office.in_web_page(f"/records/Prospect/{lost_prospect}", {"TAGS": [{"TAG_NAME": "vip"}]})
    office.wait(minutes=5)
    contact, lost = office.contact("a@example.com", PHONE=None), office.contact("b@example.com")
    office.run()
    office.delete("Contacts", lost)
    merges = {f"Contacts/{lost}": f"Contacts/{contact}"}
    for _ in range(3):
        office.wait(minutes=5)
        office.run(delete_or_merge_prospects=True, delete_grace_hours=0, merge_map=merges, backfill=True)
    assert office.get("Prospect", prospect)["TAGS"] == [{"TAG_NAME": "vip"}]
    assert both(office, (prospect, contact), "PHONE") == ("1", None)


def test_a_lossy_pair_is_one_way(office: Office) -> None:
    office.mapping = [{"prospect": "EMPLOYEE_COUNT", "contact": "TITLE"}]  # not every text is a number
    contact = office.contact("a@example.com", TITLE="a dozen")
    prospect = office.prospect("a@example.com", EMPLOYEE_COUNT=12)
    for title in ("13", "many"):
        office.run()
        assert office.get("Contacts", contact)["TITLE"] == "12"
        office.edit("Contacts", contact, TITLE=title)
    office.run()
    assert office.get("Contacts", contact)["TITLE"] == "12"
    assert office.get("Prospect", prospect)["EMPLOYEE_COUNT"] == 12


def test_a_value_that_cannot_be_read_is_rejected_where_it_would_flow(office: Office) -> None:
    office.mapping = [{"prospect": "EMPLOYEE_COUNT", "contact": "TITLE", "type": "number"}]
    contact = office.contact("a@example.com", TITLE="a dozen")
    prospect = office.prospect("a@example.com", EMPLOYEE_COUNT=12)
    office.run()
    [row] = office.log(field="EMPLOYEE_COUNT")
    assert (row["result"], row["reason"]) == ("rejected", "'a dozen' is not a number")
    assert office.get("Prospect", prospect)["EMPLOYEE_COUNT"] == 12
    office.edit("Contacts", contact, TITLE="13")
    office.run()
    assert office.get("Prospect", prospect)["EMPLOYEE_COUNT"] == 13
