"""Setting 2, row by row."""

from __future__ import annotations

import pytest

from tests.connector.conftest import Office


@pytest.fixture
def pair(office: Office) -> tuple[int, int]:
    """A prospect and its Contact, with a@example.com on both."""
    contact, prospect = office.contact("a@example.com"), office.prospect("a@example.com")
    office.run()
    return prospect, contact


def address(office: Office, prospect: int) -> str:
    return str(office.get("Prospect", prospect)["EMAIL_ADDRESS"])


def reasons(office: Office, event: str = "change_email") -> list[str]:
    return [row["reason"].split(":")[0] for row in office.log(event=event) if row["result"] != "applied"]


def test_changed_and_nobody_has_it_is_updated(office: Office, pair: tuple[int, int]) -> None:
    office.edit("Contacts", pair[1], EMAIL_ADDRESS=" B@example.com ")
    office.run()
    assert address(office, pair[0]) == "B@example.com"
    [row] = office.log(event="change_email")
    assert (row["before"], row["after"], row["setting"], row["result"]) == (
        *("a@example.com", "B@example.com"),
        *("2", "applied"),
    )


def test_a_lead_changes_it_too(office: Office) -> None:
    lead, prospect = office.lead("a@example.com"), office.prospect("a@example.com")
    office.run()
    office.edit("Leads", lead, EMAIL="b@example.com")
    office.run()
    assert address(office, prospect) == "b@example.com"


def test_held_by_an_unlinked_prospect_with_box_3_proposes_a_merge(office: Office, pair: tuple[int, int]) -> None:
    holder = office.prospect("b@example.com", PHONE="7")
    office.edit("Contacts", pair[1], EMAIL_ADDRESS="b@example.com")
    report = office.run(delete_or_merge_prospects=True)
    assert address(office, pair[0]) == "a@example.com"
    assert reasons(office, "merge") == ["proposed"] * 2
    assert [(row["prospect_id"], row["field"], row["after"], row["result"]) for row in office.log(event="merge")] == [
        (pair[0], "EMAIL_ADDRESS", "b@example.com", "pending_approval"),
        (holder, "", None, "pending_approval"),
    ]
    office.wait(hours=1)
    report = office.run(delete_or_merge_prospects=True, dry_run=True)
    office.run(delete_or_merge_prospects=True, approve_plan=report.plan_hash)
    survivor = office.get("Prospect", pair[0])
    assert (survivor["EMAIL_ADDRESS"], survivor["PHONE"]) == ("b@example.com", "7")
    assert office.get("Prospect", holder)["DO_NOT_SYNC"] is True
    rows = office.log(event="merge", result="applied")
    assert {(row["prospect_id"], row["field"]) for row in rows} == {
        *[(pair[0], "EMAIL_ADDRESS"), (pair[0], "PHONE")],
        (holder, ""),
    }


def test_held_by_an_unlinked_prospect_without_box_3_is_email_conflict(office: Office, pair: tuple[int, int]) -> None:
    office.prospect("b@example.com")
    office.edit("Contacts", pair[1], EMAIL_ADDRESS="b@example.com")
    office.run()
    assert address(office, pair[0]) == "a@example.com"
    assert reasons(office) == ["email_conflict"]


def test_held_by_a_prospect_of_another_record_is_email_conflict(office: Office, pair: tuple[int, int]) -> None:
    office.contact("b@example.com")
    office.prospect("b@example.com")
    office.run()
    office.edit("Contacts", pair[1], EMAIL_ADDRESS="b@example.com")
    office.run(delete_or_merge_prospects=True)
    assert address(office, pair[0]) == "a@example.com"
    assert reasons(office) == ["email_conflict"]


def test_a_conflict_that_went_away_is_updated(office: Office, pair: tuple[int, int]) -> None:
    holder = office.prospect("b@example.com")
    office.edit("Contacts", pair[1], EMAIL_ADDRESS="b@example.com")
    office.run()
    office.edit("Prospect", holder, EMAIL_ADDRESS="c@example.com")
    office.run()
    assert address(office, pair[0]) == "b@example.com"


def test_of_two_that_want_the_address_of_one_holder_one_gets_it(office: Office, pair: tuple[int, int]) -> None:
    other, other_prospect = office.contact("b@example.com"), office.prospect("b@example.com")
    office.run()
    holder = office.prospect("h@example.com", PHONE="7")
    for contact in (pair[1], other):
        office.edit("Contacts", contact, EMAIL_ADDRESS="h@example.com")
    plan = office.run(delete_or_merge_prospects=True, dry_run=True).plan_hash
    office.run(delete_or_merge_prospects=True, approve_plan=plan)
    merged = {row["prospect_id"] for row in office.log(event="merge", result="applied")}
    assert merged == {holder, pair[0]}
    assert (address(office, pair[0]), address(office, other_prospect)) == ("h@example.com", "b@example.com")
    assert reasons(office) == ["email_conflict"]


def test_a_chain_of_changes_is_done_in_two_runs(office: Office, pair: tuple[int, int]) -> None:
    other, other_prospect = office.contact("b@example.com"), office.prospect("b@example.com")
    office.run()
    office.edit("Contacts", pair[1], EMAIL_ADDRESS="b@example.com")
    office.edit("Contacts", other, EMAIL_ADDRESS="c@example.com")
    for _ in range(2):
        office.run()
    assert (address(office, pair[0]), address(office, other_prospect)) == ("b@example.com", "c@example.com")


def test_two_that_swap_their_addresses_are_left_to_a_person(office: Office, pair: tuple[int, int]) -> None:
    other, other_prospect = office.contact("b@example.com"), office.prospect("b@example.com")
    office.run()
    office.edit("Contacts", pair[1], EMAIL_ADDRESS="b@example.com")
    office.edit("Contacts", other, EMAIL_ADDRESS="a@example.com")
    for _ in range(3):
        office.run()
    assert (address(office, pair[0]), address(office, other_prospect)) == ("a@example.com", "b@example.com")
    assert reasons(office) == ["email_conflict"] * 2


def test_the_same_malformed_address_on_both_sides_is_no_change(office: Office) -> None:
    contact = office.contact("ada")
    office.prospect("ada", CONTACT_ID=contact)
    office.run()
    assert office.log(event="change_email") == []


@pytest.mark.parametrize(("value", "reason"), [(None, "email_empty"), ("  ", "email_empty"), ("b@", "email_malformed")])
def test_emptied_or_malformed_never_clears(
    office: Office, pair: tuple[int, int], value: str | None, reason: str
) -> None:
    office.edit("Contacts", pair[1], EMAIL_ADDRESS=value)
    office.run(crm_empty_overwrites_marketing=True)
    assert address(office, pair[0]) == "a@example.com"
    assert reasons(office) == [reason]


def test_case_or_space_alone_is_no_change(office: Office, pair: tuple[int, int]) -> None:
    office.edit("Contacts", pair[1], EMAIL_ADDRESS=" A@Example.com ")
    office.run()
    assert address(office, pair[0]) == "a@example.com"
    assert office.log(event="change_email") == []


def test_box_off_keeps_the_link_and_logs_it_once(office: Office, pair: tuple[int, int]) -> None:
    links = office.links()
    office.edit("Contacts", pair[1], EMAIL_ADDRESS="b@example.com")
    for number in range(3):
        office.edit("Contacts", pair[1], PHONE=str(number))
        office.run(update_email_addresses=False)
    assert office.links() == links
    assert address(office, pair[0]) == "a@example.com"
    assert reasons(office) == ["email_diverged"]


def test_only_the_prospect_changed_it_is_restored_from_crm(office: Office, pair: tuple[int, int]) -> None:
    office.edit("Prospect", pair[0], EMAIL_ADDRESS="b@example.com")
    office.run()
    assert address(office, pair[0]) == "a@example.com"
    assert office.get("Contacts", pair[1])["EMAIL_ADDRESS"] == "a@example.com"


def test_only_the_prospect_changed_it_with_the_box_off_is_diverged(office: Office, pair: tuple[int, int]) -> None:
    office.edit("Prospect", pair[0], EMAIL_ADDRESS="b@example.com")
    office.run(update_email_addresses=False)
    assert address(office, pair[0]) == "b@example.com"
    assert reasons(office) == ["email_diverged"]
