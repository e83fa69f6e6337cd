"""Setting 6, row by row."""

from __future__ import annotations

from airflow_provider_insightly.connector.records import Ref
from tests.connector.conftest import Office


def test_live_id_is_used(office: Office) -> None:
    contact = office.contact("other@example.com")
    prospect = office.prospect("ada@example.com", CONTACT_ID=contact)
    office.run(match_by_email=False, update_email_addresses=False)
    assert office.links() == {prospect: Ref("Contacts", contact)}


def test_lead_id_is_followed_through_a_conversion(office: Office) -> None:
    lead = office.lead("ada@example.com")
    office.in_web_page(f"/leads/{lead}/convert")
    contact = office.get("Leads", lead)["CONVERTED_CONTACT_ID"]
    prospect = office.prospect("ada@example.com", LEAD_ID=lead)
    office.run(match_by_email=False)
    assert office.links() == {prospect: Ref("Contacts", contact)}


def test_no_id_box_off_is_unmatched_and_never_touched(office: Office) -> None:
    office.contact("ada@example.com", FIRST_NAME="Augusta")
    prospect = office.prospect("ada@example.com")
    office.run(match_by_email=False)
    assert office.links() == {}
    assert office.get("Prospect", prospect)["FIRST_NAME"] == "Ada"


def test_one_contact_is_linked_whatever_the_leads(office: Office) -> None:
    contact = office.contact("ada@example.com")
    office.lead("ada@example.com")
    office.lead("ada@example.com")
    prospect = office.prospect(" ADA@Example.com ")
    office.run()
    assert office.links() == {prospect: Ref("Contacts", contact)}


def test_no_contact_one_open_lead_is_linked(office: Office) -> None:
    lead = office.lead("ada@example.com")
    prospect = office.prospect("ada@example.com")
    office.run()
    assert office.links() == {prospect: Ref("Leads", lead)}


def test_neither_contact_nor_lead_is_unmatched(office: Office) -> None:
    office.contact("a.da@example.com")
    office.lead("ada+news@example.com")
    office.prospect("ada@example.com")
    office.run()
    assert office.links() == {}


def test_several_contacts_without_those_linked_elsewhere_leave_one(office: Office) -> None:
    first, second = office.contact("ada@example.com"), office.contact("ada@example.com")
    holder = office.prospect("holder@example.com", CONTACT_ID=first)
    prospect = office.prospect("ada@example.com")
    office.run(update_email_addresses=False)
    assert office.links() == {holder: Ref("Contacts", first), prospect: Ref("Contacts", second)}


def test_an_id_comes_before_an_address_whichever_prospect_is_older(office: Office) -> None:
    contact = office.contact("ada@example.com")
    by_address = office.prospect("ada@example.com")
    by_id = office.prospect("ada@example.com", CONTACT_ID=contact)
    office.run()
    assert office.links() == {by_id: Ref("Contacts", contact)}
    [row] = office.log(event="match")
    assert (row["prospect_id"], row["reason"]) == (
        by_address,
        f"linked_elsewhere: it belongs to prospect {by_id}",
    )


def test_of_two_ids_of_different_people_the_contact_s_counts(office: Office) -> None:
    contact, lead = office.contact("ada@example.com"), office.lead("grace@example.com")
    prospect = office.prospect("grace@example.com", CONTACT_ID=contact, LEAD_ID=lead)
    office.run(update_email_addresses=False)
    assert office.links() == {prospect: Ref("Contacts", contact)}


def test_several_contacts_are_ambiguous_and_skipped(office: Office) -> None:
    numbers = [office.contact("ada@example.com"), office.contact("ada@example.com")]
    prospect = office.prospect("ada@example.com")
    office.run()
    assert office.links() == {}
    [row] = office.log(event="match")
    assert (row["result"], row["prospect_id"]) == ("skipped", prospect)
    assert row["reason"].startswith("ambiguous")
    assert all(f"Contacts {number}" in row["reason"] for number in numbers)


def test_several_leads_on_ambiguous_oldest_and_newest(office: Office) -> None:
    oldest = office.lead("ada@example.com")
    office.wait(seconds=5)
    newest = office.lead("ada@example.com")
    prospect = office.prospect("ada@example.com")
    office.run(dry_run=True, on_ambiguous="newest")
    assert [(row["event"], row["crm_id"]) for row in office.log(event="link")] == [("link", newest)]
    office.run(on_ambiguous="oldest")
    assert office.links() == {prospect: Ref("Leads", oldest)}


def test_dead_id_takes_the_delete_path_and_is_not_matched_by_address_on(office: Office) -> None:
    office.contact("ada@example.com")
    prospect = office.prospect("ada@example.com", CONTACT_ID=987_654)
    options = {"delete_or_merge_prospects": True, "delete_grace_hours": 0}
    office.run(**options)
    assert office.links() == {prospect: Ref("Contacts", 987_654)}
    office.run(**options)
    assert office.links() == {}
    assert office.tombstones() == {(prospect, Ref("Contacts", 987_654))}
    assert office.get("Prospect", prospect)["DO_NOT_SYNC"] is True


def test_dead_id_is_buried_off_and_the_address_counts_from_the_next_run_on(office: Office) -> None:
    contact = office.contact("ada@example.com")
    prospect = office.prospect("ada@example.com", CONTACT_ID=987_654)
    for _ in range(2):
        office.run(delete_grace_hours=0)
        assert office.links().get(prospect) != Ref("Contacts", contact)
    office.edit("Prospect", prospect, PHONE="1")
    office.run(delete_grace_hours=0)
    assert office.links() == {prospect: Ref("Contacts", contact)}


def test_an_id_that_appears_within_the_grace_period_is_used(office: Office) -> None:
    """A list that lags, or a permission that came later."""
    contact = office.contact("ada@example.com", FIRST_NAME="Augusta")
    prospect = office.prospect("ada@example.com", CONTACT_ID=contact)
    office.in_web_page("/permissions/Contacts/lose")
    office.run(match_by_email=False)
    office.in_web_page("/permissions/Contacts/regain")
    office.run(match_by_email=False)
    assert office.get("Prospect", prospect)["FIRST_NAME"] == "Augusta"


def test_a_contact_that_cannot_be_seen_is_waited_for(office: Office) -> None:
    """A lost permission: the open Lead with its address must not take its place."""
    contact = office.contact("ada@example.com")
    office.lead("ada@example.com")
    office.run()
    office.in_web_page("/permissions/Contacts/lose")
    prospect = office.prospect("ada@example.com")
    office.run()
    assert office.links() == {}
    office.in_web_page("/permissions/Contacts/regain")
    office.run()
    assert office.links() == {prospect: Ref("Contacts", contact)}


def test_a_lead_is_linked_once_the_contact_counts_as_deleted(office: Office) -> None:
    contact, lead = office.contact("ada@example.com"), office.lead("ada@example.com")
    office.run()
    office.delete("Contacts", contact)
    prospect = office.prospect("ada@example.com")
    office.run()
    assert office.links() == {}
    office.wait(hours=25)
    office.run()
    assert office.links() == {prospect: Ref("Leads", lead)}


def test_a_missing_contact_that_is_linked_elsewhere_is_not_waited_for(office: Office) -> None:
    first, holder = office.contact("ada@example.com"), office.prospect("ada@example.com")
    office.run()
    office.delete("Contacts", first)
    second, prospect = office.contact("ada@example.com"), office.prospect("ada@example.com")
    office.run()
    assert office.links() == {holder: Ref("Contacts", first), prospect: Ref("Contacts", second)}


def test_linked_pair_is_never_matched_again(office: Office) -> None:
    contact = office.contact("ada@example.com")
    prospect = office.prospect("ada@example.com")
    office.run()
    office.contact("new@example.com")
    office.edit("Prospect", prospect, EMAIL_ADDRESS="new@example.com")
    office.run(update_email_addresses=False)
    assert office.links() == {prospect: Ref("Contacts", contact)}


def test_converted_leads_are_not_candidates(office: Office) -> None:
    lead = office.lead("ada@example.com")
    office.in_web_page(f"/leads/{lead}/convert")
    prospect = office.prospect("ada@example.com")
    office.run()
    assert office.links() == {prospect: Ref("Contacts", office.get("Leads", lead)["CONVERTED_CONTACT_ID"])}


def test_do_not_sync_is_not_linked(office: Office) -> None:
    office.contact("ada@example.com")
    office.prospect("ada@example.com", DO_NOT_SYNC=True)
    office.run()
    assert office.links() == {}


def test_second_run_writes_nothing(office: Office) -> None:
    office.contact("ada@example.com", FIRST_NAME="Augusta", PHONE="1")
    office.prospect("ada@example.com", TITLE="Countess")
    office.run()
    before = len(office.writes())
    report = office.run()
    assert len(office.writes()) == before
    assert report.results == {}
