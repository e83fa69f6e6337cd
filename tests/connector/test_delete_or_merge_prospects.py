"""Setting 3, row by row but for merges, and the sweeps that it stands on."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_insightly.connector.records import Ref
from tests.connector.conftest import Office, convert_into, make_pair

ON = {"delete_or_merge_prospects": True, "delete_grace_hours": 0}
OFF = {"delete_or_merge_prospects": False, "delete_grace_hours": 0}
BOTH = pytest.mark.parametrize("options", [ON, OFF], ids=["on", "off"])


def reasons(office: Office, event: str) -> list[str]:
    return [row["reason"].split(":")[0] for row in office.log(event=event)]


@BOTH
def test_lead_converted_and_contact_without_prospect_relinks(office: Office, options: dict[str, Any]) -> None:
    lead, prospect = office.lead("a@example.com"), office.prospect("a@example.com")
    office.run()
    office.in_web_page(f"/leads/{lead}/convert")
    contact = office.get("Leads", lead)["CONVERTED_CONTACT_ID"]
    office.edit("Contacts", contact, LAST_NAME="Lovelace")
    office.run(**options)
    assert office.links() == {prospect: Ref("Contacts", contact)}
    assert office.get("Prospect", prospect)["LAST_NAME"] == "Lovelace"


def test_a_conversion_leads_back_to_a_contact_whose_pair_had_ended(office: Office) -> None:
    prospect, contact = make_pair(office)
    office.delete("Contacts", contact)
    office.run(**OFF)
    office.in_web_page(f"/recycle-bin/Contacts/{contact}/restore")
    lead = office.lead("a@example.com")
    office.run(**OFF)
    assert office.links() == {prospect: Ref("Leads", lead)}
    convert_into(office, lead, contact)
    for _ in range(2):
        office.run(**OFF)
    assert office.links() == {prospect: Ref("Contacts", contact)}
    assert office.tombstones() == {(prospect, Ref("Leads", lead))}


@BOTH
def test_contact_gone_and_new_lead_with_its_address_relinks(office: Office, options: dict[str, Any]) -> None:
    prospect, contact = make_pair(office)
    office.in_web_page(f"/contacts/{contact}/change-to-lead")
    office.run(**options)
    [lead] = office.all("Leads")
    assert office.links() == {prospect: Ref("Leads", lead["LEAD_ID"])}
    assert office.get("Prospect", prospect)["DO_NOT_SYNC"] is False


def test_deleted_is_archived_on(office: Office) -> None:
    prospect, contact = make_pair(office)
    office.delete("Contacts", contact)
    office.run(**ON)
    record = office.get("Prospect", prospect)
    assert record["DO_NOT_SYNC"] is True
    assert [tag["TAG_NAME"] for tag in record["TAGS"]] == ["crm_deleted"]
    assert office.links() == {}
    assert office.tombstones() == {(prospect, Ref("Contacts", contact))}
    assert office.run(**ON).results == {}


def test_deleted_with_delete_mode_waits_for_a_person_and_then_deletes(office: Office) -> None:
    prospect, contact = make_pair(office)
    office.delete("Contacts", contact)
    report = office.run(**ON, delete_mode="delete")
    assert report.results["delete"] == {"pending_approval": 1}
    assert office.get("Prospect", prospect)["PROSPECT_ID"] == prospect
    plan = office.run(**ON, delete_mode="delete", dry_run=True).plan_hash
    office.run(**ON, delete_mode="delete", approve_plan=plan)
    assert office.all("Prospect") == []
    assert office.tombstones() == {(prospect, Ref("Contacts", contact))}


def test_deleted_is_unlinked_off_and_the_prospect_lives_on(office: Office) -> None:
    prospect, contact = make_pair(office)
    office.delete("Contacts", contact)
    office.run(**OFF)
    assert office.links() == {}
    assert office.tombstones() == {(prospect, Ref("Contacts", contact))}
    assert office.get("Prospect", prospect)["DO_NOT_SYNC"] is False


def test_restored_undoes_the_archive_and_leaves_the_opt_out(office: Office) -> None:
    prospect, contact = make_pair(office)
    office.edit("Prospect", prospect, OPTED_OUT=True)
    office.delete("Contacts", contact)
    office.run(**ON)
    office.in_web_page(f"/recycle-bin/Contacts/{contact}/restore")
    office.run(**ON)
    record = office.get("Prospect", prospect)
    assert (record["DO_NOT_SYNC"], record["OPTED_OUT"], record["TAGS"]) == (False, True, [])
    assert office.links() == {prospect: Ref("Contacts", contact)}
    assert office.tombstones() == set()


def test_restored_with_the_box_off_changes_nothing(office: Office) -> None:
    prospect, contact = make_pair(office)
    office.delete("Contacts", contact)
    office.run(**OFF)
    office.in_web_page(f"/recycle-bin/Contacts/{contact}/restore")
    office.run(**OFF)
    assert office.links() == {}
    assert office.tombstones() == {(prospect, Ref("Contacts", contact))}


@BOTH
def test_prospect_deleted_in_marketing_buries_the_link_and_leaves_crm(office: Office, options: dict[str, Any]) -> None:
    prospect, contact = make_pair(office)
    before = office.get("Contacts", contact)
    office.delete("Prospect", prospect)
    office.run(**options)
    assert office.links() == {}
    assert office.tombstones() == {(prospect, Ref("Contacts", contact))}
    assert office.get("Contacts", contact) == before


def test_an_edit_while_the_other_side_could_not_be_seen_is_synced_when_it_can(office: Office) -> None:
    prospect, contact = make_pair(office)
    office.in_web_page("/permissions/Contacts/lose")
    office.edit("Prospect", prospect, TITLE="Countess")
    office.run()
    office.in_web_page("/permissions/Contacts/regain")
    office.run()
    assert office.get("Contacts", contact)["TITLE"] == "Countess"


def test_missing_within_the_grace_period_deletes_nothing(office: Office) -> None:
    prospect, contact = make_pair(office)
    office.delete("Contacts", contact)
    office.run(delete_or_merge_prospects=True)
    office.wait(hours=23)
    office.run(delete_or_merge_prospects=True)
    assert office.links() == {prospect: Ref("Contacts", contact)}
    office.wait(hours=2)
    office.run(delete_or_merge_prospects=True)
    assert office.links() == {}


def test_an_incomplete_sweep_deletes_nothing(office: Office) -> None:
    prospect, contact = make_pair(office)
    office.delete("Contacts", contact)
    original = office.client.pages

    def one_page_short(path: str, **options: Any) -> Any:
        for page in original(path, **options):
            brief = (options.get("params") or {}).get("brief")
            yield type(page)(page.records, (page.total or 0) + 1 if brief else page.total, page.skip, page.server_time)

    office.client.pages = one_page_short  # type: ignore[method-assign]
    office.run(**ON)
    assert office.links() == {prospect: Ref("Contacts", contact)}
    assert office.tombstones() == set()


def test_a_lost_permission_that_looks_like_a_mass_delete_is_held(office: Office) -> None:
    for number in range(5):
        office.contact(f"{number}@example.com")
        office.prospect(f"{number}@example.com")
    office.run()
    office.in_web_page("/permissions/Contacts/lose")
    breakers = {"deletes": {"count": 2, "percent": 5}}
    before = len(office.writes())
    with pytest.raises(Exception, match=r"deletes: 5 of 5 pairs \(allowed: 2 or 5.0 %\)"):
        office.run(**ON, breakers=breakers)
    assert len(office.writes()) == before
    assert len(office.links()) == 5
    office.in_web_page("/permissions/Contacts/regain")
    office.run(**ON, breakers=breakers)
    assert len(office.links()) == 5


def test_a_sweep_finds_records_that_no_list_showed(office: Office) -> None:
    """What a reading missed (a page that shifted) is found by its id."""
    office.run()
    office.wait(hours=1)
    prospect, contact = office.prospect("a@example.com"), office.contact("a@example.com")
    original = office.client.pages

    def without_searches(path: str, **options: Any) -> Any:
        return iter(()) if "Search" in path else original(path, **options)

    office.client.pages = without_searches  # type: ignore[method-assign]
    office.run()
    assert office.links() == {prospect: Ref("Contacts", contact)}
