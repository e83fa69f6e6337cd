"""Setting 1, row by row."""

from __future__ import annotations

import pytest

from airflow_provider_insightly.connector.records import Ref
from tests.connector.conftest import Office


@pytest.fixture(autouse=True)
def turned_on(office: Office) -> None:
    """The box was turned on before anything was created."""
    office.settings["create_prospects"] = True
    office.run()
    office.wait(seconds=2)


def reasons(office: Office) -> list[str]:
    return [row["reason"].split(":")[0] for row in office.log(event="create", result="skipped")]


def test_none_with_a_valid_address_is_created_and_linked(office: Office) -> None:
    contact = office.contact("ada@example.com", PHONE="1", TITLE="Countess", EMAIL_OPTED_OUT=False)
    report = office.run()
    assert report.results["create"] == {"applied": 1}
    [prospect] = office.all("Prospect")
    assert {name: prospect[name] for name in ("EMAIL_ADDRESS", "FIRST_NAME", "LAST_NAME", "PHONE", "TITLE")} == {
        "EMAIL_ADDRESS": "ada@example.com",
        "FIRST_NAME": "Ada",
        "LAST_NAME": "Byron",
        "PHONE": "1",
        "TITLE": "Countess",
    }
    assert office.links() == {prospect["PROSPECT_ID"]: Ref("Contacts", contact)}
    assert {row["prospect_id"] for row in office.log(event="create")} == {prospect["PROSPECT_ID"]}


def test_one_unlinked_with_box_6_is_linked_instead(office: Office) -> None:
    prospect = office.prospect("ada@example.com")
    office.run()
    contact = office.contact("ada@example.com")
    office.run()
    assert office.links() == {prospect: Ref("Contacts", contact)}
    assert len(office.all("Prospect")) == 1


def test_one_unlinked_without_box_6_is_email_in_use(office: Office) -> None:
    office.prospect("ada@example.com")
    office.contact("ada@example.com")
    office.run(match_by_email=False)
    assert reasons(office) == ["email_in_use"]
    assert len(office.all("Prospect")) == 1


def test_one_linked_to_another_record_is_email_taken_with_both_ids(office: Office) -> None:
    first = office.contact("ada@example.com")
    office.run()
    second = office.lead("ada@example.com")
    office.run()
    assert reasons(office) == ["email_taken"]
    [row] = office.log(event="create", result="skipped")
    assert f"Contacts {first}" in row["reason"]
    assert f"Leads {second}" in row["reason"]
    assert len(office.all("Prospect")) == 1


def test_several_are_ambiguous(office: Office) -> None:
    office.prospect("ada@example.com")
    office.prospect("ada@example.com")
    office.contact("ada@example.com")
    office.run(match_by_email=False)
    assert reasons(office) == ["ambiguous"]
    assert len(office.all("Prospect")) == 2


@pytest.mark.parametrize("address", [None, "", "ada", "ada@example", "a b@example.com"])
def test_empty_or_malformed_address_waits_for_a_later_change(office: Office, address: str | None) -> None:
    contact = office.contact(address)
    office.run()
    assert office.all("Prospect") == []
    office.edit("Contacts", contact, EMAIL_ADDRESS="ada@example.com")
    office.run()
    assert [prospect["EMAIL_ADDRESS"] for prospect in office.all("Prospect")] == ["ada@example.com"]


def test_a_prospect_that_cannot_be_seen_keeps_its_address(office: Office) -> None:
    """A lost permission: whoever is not listed any more may well be there."""
    prospect, changed = office.prospect("ada@example.com"), office.contact("b@example.com")
    office.run()
    office.in_web_page("/permissions/Prospect/lose")
    contact = office.contact("ada@example.com")
    office.edit("Contacts", changed, EMAIL_ADDRESS="ada@example.com")
    office.run()
    office.in_web_page("/permissions/Prospect/regain")
    assert len(office.all("Prospect")) == 2
    assert reasons(office) == ["email_in_use"]
    office.edit("Contacts", changed, EMAIL_ADDRESS="b@example.com")
    office.run()
    assert office.links()[prospect] == Ref("Contacts", contact)


def test_the_address_of_a_prospect_that_was_deleted_is_free(office: Office) -> None:
    prospect = office.prospect("ada@example.com")
    office.run()
    office.delete("Prospect", prospect)
    contact = office.contact("ada@example.com")
    office.run()
    assert office.all("Prospect") == []  # it is missing, no more
    office.wait(hours=25)
    office.run()
    assert list(office.links().values()) == [Ref("Contacts", contact)]


def test_tombstoned_pair_is_not_created_again(office: Office) -> None:
    contact = office.contact("ada@example.com")
    office.run()
    [prospect] = office.all("Prospect")
    office.delete("Prospect", prospect["PROSPECT_ID"])
    for _ in range(3):
        office.edit("Contacts", contact, PHONE=str(_))
        office.run(delete_grace_hours=0)
    assert office.all("Prospect") == []
    assert office.tombstones() == {(prospect["PROSPECT_ID"], Ref("Contacts", contact))}


def test_two_records_with_one_address_get_one_prospect(office: Office) -> None:
    contact = office.contact("ada@example.com")
    office.lead("ADA@example.com")
    office.run()
    [prospect] = office.all("Prospect")
    assert office.links() == {prospect["PROSPECT_ID"]: Ref("Contacts", contact)}
    assert reasons(office) == ["email_taken"]


def test_opted_out_at_birth_by_the_crm_record(office: Office) -> None:
    office.contact("ada@example.com", EMAIL_OPTED_OUT=True)
    office.run()
    assert [prospect["OPTED_OUT"] for prospect in office.all("Prospect")] == [True]


def test_opted_out_at_birth_by_the_ledger(office: Office) -> None:
    former = office.prospect("ada@example.com", OPTED_OUT=True)
    office.run()
    office.delete("Prospect", former)
    office.run(delete_grace_hours=0)
    office.contact("Ada@Example.com", EMAIL_OPTED_OUT=False)
    office.run(delete_grace_hours=0)
    assert [prospect["OPTED_OUT"] for prospect in office.all("Prospect")] == [True]


def test_older_records_get_no_prospect_but_by_backfill(office: Office) -> None:
    office.run(create_prospects=False)
    office.contact("ada@example.com")
    office.wait(seconds=10)
    office.run()
    assert office.all("Prospect") == []
    office.run(backfill=True)
    assert len(office.all("Prospect")) == 1


def test_records_from_the_time_when_the_box_was_off_get_no_prospect(office: Office) -> None:
    for address, on in (("a@example.com", True), ("b@example.com", False), ("c@example.com", True)):
        office.run(create_prospects=on)
        office.wait(seconds=2)
        office.contact(address)
        office.run(create_prospects=on)
        office.wait(seconds=2)
    assert [prospect["EMAIL_ADDRESS"][0] for prospect in office.all("Prospect")] == ["a", "c"]


def test_box_off_creates_nothing(office: Office) -> None:
    office.contact("ada@example.com")
    office.run(create_prospects=False, backfill=True)
    assert office.all("Prospect") == []


def test_converted_leads_get_no_prospect_of_their_own(office: Office) -> None:
    lead = office.lead("ada@example.com")
    office.in_web_page(f"/leads/{lead}/convert")
    office.run()
    [prospect] = office.all("Prospect")
    contact = office.get("Leads", lead)["CONVERTED_CONTACT_ID"]
    assert office.links() == {prospect["PROSPECT_ID"]: Ref("Contacts", contact)}


LOST = {"method": "POST", "object": "Prospect"}


def test_a_prospect_whose_answer_was_lost_twice_is_ours_though_box_6_is_off(office: Office) -> None:
    contact = office.contact("ada@example.com")
    office.sandbox.faults([{**LOST, "kind": "drop_before", "nth": 1}, {**LOST, "kind": "drop_after_commit", "nth": 2}])
    assert office.run(match_by_email=False).results["create"] == {"failed": 1}
    office.run(match_by_email=False)
    [prospect] = office.all("Prospect")
    assert office.links() == {prospect["PROSPECT_ID"]: Ref("Contacts", contact)}


def test_an_edit_of_a_prospect_whose_answer_was_lost_is_not_taken_for_agreed(office: Office) -> None:
    contact = office.contact("ada@example.com", PHONE="1")
    office.sandbox.faults([{**LOST, "kind": "drop_before", "nth": 1}, {**LOST, "kind": "drop_after_commit", "nth": 2}])
    office.run()
    office.sandbox.faults([])
    [prospect] = office.all("Prospect")
    office.wait(minutes=10)
    office.edit("Prospect", prospect["PROSPECT_ID"], PHONE="2", LAST_NAME="Lovelace")
    for _ in range(2):
        office.run()
    assert office.get("Contacts", contact)["PHONE"] == "2"  # the newer one
    assert office.get("Prospect", prospect["PROSPECT_ID"])["LAST_NAME"] == "Byron"  # by CRM Value


def test_a_prospect_that_lists_do_not_show_yet_is_not_created_again(office: Office) -> None:
    contact = office.contact("ada@example.com")
    office.sandbox.faults([{**LOST, "kind": "drop_before", "nth": 1}, {**LOST, "kind": "drop_after_commit", "nth": 2}])
    office.run(match_by_email=False)
    office.sandbox.settings(read_lag=20)
    office.run(match_by_email=False, read_lag_seconds=30)
    office.sandbox.settings(read_lag=0)
    [prospect] = office.all("Prospect")
    assert office.links() == {prospect["PROSPECT_ID"]: Ref("Contacts", contact)}


def test_a_create_that_was_refused_makes_no_later_prospect_ours(office: Office) -> None:
    office.contact("ada@example.com")
    office.sandbox.faults([{**LOST, "kind": "status", "status": 429, "nth": 1}])
    assert office.run(match_by_email=False).results["create"] == {"failed": 1}
    office.prospect("ada@example.com")
    office.run(match_by_email=False)
    assert office.links() == {}
    assert reasons(office) == ["email_in_use"]
