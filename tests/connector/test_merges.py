"""Setting 3: CRM records that were merged, or converted into one that has a prospect."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_insightly.connector.explanation import explain
from airflow_provider_insightly.connector.links import pair_up
from airflow_provider_insightly.connector.records import Ref
from tests.connector.conftest import Office, convert_into, make_pair

ON = {"delete_or_merge_prospects": True, "delete_grace_hours": 0}
OFF = {"delete_or_merge_prospects": False, "delete_grace_hours": 0}
BOTH = pytest.mark.parametrize("options", [ON, OFF], ids=["on", "off"])


def reasons(office: Office, event: str) -> list[str]:
    return [row["reason"].split(":")[0] for row in office.log(event=event)]


def converted_into_a_contact_with_a_prospect(office: Office) -> tuple[int, int, int, int]:
    lead, lost = office.lead("a@example.com", PHONE="7"), office.prospect("a@example.com", PHONE="7", OPTED_OUT=True)
    office.run()
    office.in_web_page(f"/leads/{lead}/convert")
    contact = office.get("Leads", lead)["CONVERTED_CONTACT_ID"]
    office.edit("Contacts", contact, EMAIL_ADDRESS="q@example.com", PHONE=None)
    kept = office.prospect("q@example.com", CONTACT_ID=contact)
    office.in_web_page(f"/records/Prospect/{lost}", {"CONTACT_ID": None, "TAGS": [{"TAG_NAME": "vip"}]})
    with office.store.begin() as connection:  # the other pair was made by a run of its own
        pair_up(connection, "test", kept, Ref("Contacts", contact), "id", {}, office.now())
    return lost, kept, lead, contact


def test_lead_converted_into_a_contact_with_a_prospect_merges_on(office: Office) -> None:
    lost, kept, lead, contact = converted_into_a_contact_with_a_prospect(office)
    office.run(**ON)
    assert office.links() == {kept: Ref("Contacts", contact)}
    assert (lost, Ref("Leads", lead)) in office.tombstones()
    survivor, other = office.get("Prospect", kept), office.get("Prospect", lost)
    assert (survivor["PHONE"], survivor["OPTED_OUT"]) == ("7", True)
    assert "vip" in {tag["TAG_NAME"] for tag in survivor["TAGS"]}
    assert other["DO_NOT_SYNC"] is True
    assert "crm_merged" in {tag["TAG_NAME"] for tag in other["TAGS"]}


def test_lead_converted_into_a_contact_with_a_prospect_is_reported_off(office: Office) -> None:
    lost, kept, lead, contact = converted_into_a_contact_with_a_prospect(office)
    office.run(**OFF)
    assert office.links() == {kept: Ref("Contacts", contact)}
    assert (lost, Ref("Leads", lead)) in office.tombstones()
    assert office.get("Prospect", lost)["DO_NOT_SYNC"] is False
    assert reasons(office, "tombstone") == ["converted"]


def merge_two(office: Office) -> tuple[int, int, int, int]:
    """Two pairs, one Contact merged into the other: it had the phone number that the other lacks."""
    lost_prospect, lost = make_pair(office, "a@example.com", PHONE="7", PHONE_MOBILE="70")
    kept_prospect, kept = make_pair(office, "b@example.com", PHONE=None)
    office.edit("Prospect", lost_prospect, DESCRIPTION="from a fair")
    office.wait(seconds=5)
    office.edit("Contacts", kept, EMAIL_ADDRESS="a@example.com")
    office.in_web_page(f"/contacts/{lost}/merge-into/{kept}")
    return lost_prospect, lost, kept_prospect, kept


def test_merged_and_both_have_prospects_merges_on(office: Office) -> None:
    lost_prospect, lost, kept_prospect, kept = merge_two(office)
    for _ in range(2):
        office.run(**ON)
    assert office.links() == {kept_prospect: Ref("Contacts", kept)}
    assert (lost_prospect, Ref("Contacts", lost)) in office.tombstones()
    survivor = office.get("Prospect", kept_prospect)
    assert (survivor["PHONE"], survivor["MOBILE"], survivor["DESCRIPTION"]) == ("7", "70", "from a fair")
    assert office.get("Prospect", lost_prospect)["DO_NOT_SYNC"] is True


def test_a_merge_that_was_cut_short_closes_no_survivor(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    lost, _, kept, _ = merge_two(office)
    send = office.client._send

    def die_after_closing(prepared: Any) -> Any:
        answer = send(prepared)
        if b'"DO_NOT_SYNC": true' in (prepared.body or b""):
            raise KeyboardInterrupt
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(office.client, "_send", die_after_closing)
        with pytest.raises(KeyboardInterrupt):
            office.run(**ON, run_id="cut short")
    assert office.get("Prospect", lost)["DO_NOT_SYNC"] is True
    office.run(**ON, run_id="cut short")
    survivor = office.get("Prospect", kept)
    assert (survivor["DO_NOT_SYNC"], survivor["TAGS"], survivor["PHONE"]) == (False, [], "7")
    filled = office.log(event="merge", record=Ref("Prospect", kept), field="DESCRIPTION")
    assert [(row["before"], row["after"], row["result"]) for row in filled] == [(None, "from a fair", "applied")]


def test_the_survivor_of_a_merge_gets_the_address_of_the_lost_one_where_crm_says_so(office: Office) -> None:
    lost_prospect, _, kept_prospect, _ = merge_two(office)
    office.run(**ON)
    assert office.get("Prospect", kept_prospect)["EMAIL_ADDRESS"] == "a@example.com"
    assert [row["result"] for row in office.log(event="merge", record=Ref("Prospect", lost_prospect))] == ["applied"]
    assert office.run(**ON).results == {}


def test_a_merged_prospect_gives_its_address_in_a_later_run_too(office: Office) -> None:
    lost_prospect, lost = make_pair(office, "a@example.com", PHONE="7")
    kept_prospect, kept = make_pair(office, "b@example.com")
    office.delete("Contacts", lost)
    office.run(**ON, merge_map={f"Contacts/{lost}": f"Contacts/{kept}"})
    office.edit("Contacts", kept, EMAIL_ADDRESS="a@example.com")
    office.run(**ON)
    assert office.get("Prospect", kept_prospect)["EMAIL_ADDRESS"] == "a@example.com"
    assert office.get("Prospect", lost_prospect)["DO_NOT_SYNC"] is True


def test_a_merge_logs_what_it_filled_in_on_the_survivor(office: Office) -> None:
    lost_prospect, lost, kept_prospect, kept = merge_two(office)
    office.run(**ON)
    [row] = office.log(event="merge", record=Ref("Prospect", lost_prospect))
    what = f"prospect {lost_prospect} is merged into {kept_prospect}"
    reason = f"merged: Contacts {lost} was merged into Contacts {kept}; {what}"
    assert (row["crm_id"], row["reason"], row["result"], row["http_status"]) == (lost, reason, "applied", 200)
    [row] = office.log(event="merge", record=Ref("Prospect", kept_prospect))  # what CRM filled in was synced before
    assert (row["field"], row["before"], row["after"], row["result"]) == (
        *("DESCRIPTION", None),
        *("from a fair", "applied"),
    )
    with office.store.connect() as connection:
        lines = explain(connection, "test", Ref("Prospect", kept_prospect), "DESCRIPTION", ()).lines
    assert "merge DESCRIPTION None → 'from a fair': applied" in lines[-1]


def test_a_merge_that_fills_blanks_and_joins_tags_takes_six_requests(office: Office) -> None:
    lost, _, kept, _ = merge_two(office)
    office.in_web_page(f"/records/Prospect/{lost}", {"TAGS": [{"TAG_NAME": "vip"}]})
    before = len(office.sandbox.requests())
    office.run(**ON)
    sent = [(each["method"], each["path"].split("/", 3)[-1]) for each in office.sandbox.requests()[before:]]
    begun = sent.index(("GET", f"{kept}"))
    assert sent[begun:] == [
        *[("GET", f"{kept}"), ("GET", f"{lost}")],
        *[("PUT", f"{kept}/Tags"), ("PUT", "Prospect")],
        *[("PUT", f"{lost}/Tags"), ("PUT", "Prospect")],
    ]


@pytest.mark.parametrize("closed", ["lost", "survivor"])
def test_a_prospect_that_is_closed_is_not_merged(office: Office, closed: str) -> None:
    lost_prospect, lost, kept_prospect, kept = merge_two(office)
    number = lost_prospect if closed == "lost" else kept_prospect
    office.edit("Prospect", number, DO_NOT_SYNC=True)
    before = office.get("Prospect", number)
    office.run(**ON)
    assert office.get("Prospect", number) == before
    assert office.log(event="merge") == []
    assert office.tombstones() == {(lost_prospect, Ref("Contacts", lost))}
    assert office.links() == {kept_prospect: Ref("Contacts", kept)}


def test_nothing_is_merged_into_a_prospect_that_was_deleted(office: Office) -> None:
    lead, prospect = office.lead("a@example.com"), office.prospect("a@example.com")
    deleted, contact = make_pair(office, "b@example.com")
    convert_into(office, lead, contact)
    office.delete("Prospect", deleted)
    office.run(**ON)
    assert office.links() == {prospect: Ref("Contacts", contact)}
    assert office.log(event="merge") == []


def test_a_merge_into_a_prospect_that_is_missing_leaves_the_other_as_it_is(office: Office) -> None:
    lead, prospect = office.lead("a@example.com"), office.prospect("a@example.com")
    deleted, contact = make_pair(office, "b@example.com")
    convert_into(office, lead, contact)
    office.delete("Prospect", deleted)
    options = {**ON, "sweep_hours": 24}  # that it was deleted shows while it is merged, before any sweep
    assert office.run(**options).results["merge"] == {"failed": 1}
    office.wait(hours=25)
    office.run(**options)
    assert office.links() == {prospect: Ref("Contacts", contact)}


def test_merged_with_delete_mode_waits_for_a_person_and_then_deletes(office: Office) -> None:
    lost_prospect, _, kept_prospect, kept = merge_two(office)
    options = {**ON, "delete_mode": "delete"}
    assert office.run(**options).results["merge"] == {"pending_approval": 1}
    assert len(office.all("Prospect")) == 2
    plan = office.run(**options, dry_run=True).plan_hash
    office.run(**options, approve_plan=plan)
    assert [prospect["PROSPECT_ID"] for prospect in office.all("Prospect")] == [kept_prospect]
    assert office.get("Prospect", kept_prospect)["DESCRIPTION"] == "from a fair"
    assert office.links() == {kept_prospect: Ref("Contacts", kept)}
    assert lost_prospect not in office.links()


def test_merged_and_both_have_prospects_buries_the_losers_link_off(office: Office) -> None:
    lost_prospect, lost, kept_prospect, kept = merge_two(office)
    office.run(**OFF)
    assert office.links() == {kept_prospect: Ref("Contacts", kept)}
    assert office.tombstones() == {(lost_prospect, Ref("Contacts", lost))}
    assert office.get("Prospect", lost_prospect)["DO_NOT_SYNC"] is False


def merge_one(office: Office) -> tuple[int, int, int]:
    prospect, lost = make_pair(office, "a@example.com", PHONE="7", PHONE_MOBILE="70")
    kept = office.contact("b@example.com", PHONE="7")
    office.run()
    office.wait(seconds=5)
    office.in_web_page(f"/contacts/{lost}/merge-into/{kept}")
    return prospect, lost, kept


def test_merged_and_only_the_lost_one_has_a_prospect_relinks_on(office: Office) -> None:
    prospect, lost, kept = merge_one(office)
    for _ in range(2):
        office.run(**ON)
    assert office.links() == {prospect: Ref("Contacts", kept)}
    assert (prospect, Ref("Contacts", lost)) in office.tombstones()
    assert office.get("Prospect", prospect)["EMAIL_ADDRESS"] == "b@example.com"


def test_merged_and_only_the_lost_one_has_a_prospect_is_buried_off(office: Office) -> None:
    prospect, lost, _ = merge_one(office)
    office.run(**OFF)
    assert office.links() == {}
    assert office.tombstones() == {(prospect, Ref("Contacts", lost))}
    assert office.get("Prospect", prospect)["EMAIL_ADDRESS"] == "a@example.com"


def test_a_stated_merge_needs_no_signs(office: Office) -> None:
    prospect, lost = make_pair(office)
    kept = office.contact("other@example.com", FIRST_NAME="Grace", LAST_NAME="Hopper")
    office.run()
    office.delete("Contacts", lost)
    office.run(**ON, merge_map={f"Contacts/{lost}": f"Contacts/{kept}"})
    assert office.links() == {prospect: Ref("Contacts", kept)}


def test_a_stated_merge_counts_more_than_a_lead_with_the_address(office: Office) -> None:
    prospect, lost = make_pair(office)
    kept = office.contact("other@example.com", FIRST_NAME="Grace", LAST_NAME="Hopper")
    office.lead("a@example.com")
    office.run()
    office.delete("Contacts", lost)
    office.run(**ON, merge_map={f"Contacts/{lost}": f"Contacts/{kept}"})
    assert office.links() == {prospect: Ref("Contacts", kept)}


def test_stated_merges_are_followed_to_the_last(office: Office) -> None:
    prospect, lost = make_pair(office)
    between, kept = office.contact("b@example.com", FIRST_NAME="Betty"), office.contact("c@example.com", FIRST_NAME="C")
    office.run()
    for number in (lost, between):
        office.delete("Contacts", number)
    stated = {f"Contacts/0{lost}": f"Contacts/{between}", f"Contacts/{between}": f"Contacts/{kept}"}
    office.run(**ON, merge_map=stated)
    assert office.links() == {prospect: Ref("Contacts", kept)}


def test_a_stated_merge_is_followed_through_the_conversion_of_the_survivor(office: Office) -> None:
    lost, prospect = office.lead("a@example.com"), office.prospect("a@example.com")
    kept = office.lead("b@example.com", FIRST_NAME="Betty")
    office.run()
    office.delete("Leads", lost)
    office.in_web_page(f"/leads/{kept}/convert")
    office.run(**ON, merge_map={f"Leads/{lost}": f"Leads/{kept}"})
    assert office.links() == {prospect: Ref("Contacts", office.get("Leads", kept)["CONVERTED_CONTACT_ID"])}


@BOTH
def test_a_stated_merge_waits_for_a_survivor_that_is_not_found(office: Office, options: dict[str, Any]) -> None:
    prospect, lost = make_pair(office)
    kept = office.contact("b@example.com", FIRST_NAME="Betty")
    office.run()
    office.delete("Contacts", lost)
    stated = {f"Contacts/{lost}": "Contacts/987654"}
    for _ in range(2):
        office.run(**options, merge_map=stated)
    assert office.links() == {prospect: Ref("Contacts", lost)}
    assert office.get("Prospect", prospect)["DO_NOT_SYNC"] is False
    [row] = office.log(event="relink")
    assert (row["result"], row["reason"]) == (
        "skipped",
        f"merge_map: Contacts {lost} was merged into Contacts 987654, which was not found",
    )
    office.run(**ON, merge_map={f"Contacts/{lost}": f"Contacts/{kept}"})
    assert office.links() == {prospect: Ref("Contacts", kept)}


def test_a_stated_merge_is_done_when_its_survivor_is_seen(office: Office) -> None:
    prospect, lost = make_pair(office)
    office.delete("Contacts", lost)
    stated = {f"Contacts/{lost}": f"Contacts/{lost + 1}"}
    office.run(**ON, merge_map=stated)
    kept = office.contact("b@example.com", FIRST_NAME="Betty")
    assert kept == lost + 1
    office.run(**ON, merge_map=stated)
    assert office.links() == {prospect: Ref("Contacts", kept)}


def test_an_uncertain_merge_is_proposed_and_not_done(office: Office) -> None:
    prospect, lost = make_pair(office, FIRST_NAME="Ada")
    office.wait(seconds=5)
    office.contact("a@example.com", FIRST_NAME="Grace", LAST_NAME="Hopper")
    office.delete("Contacts", lost)
    office.run(**ON)
    assert [row["result"] for row in office.log(event="relink")] == ["pending_approval"]
    assert reasons(office, "relink") == ["proposed"]
    assert office.links() == {prospect: Ref("Contacts", lost)}
    assert office.get("Prospect", prospect)["DO_NOT_SYNC"] is False


def test_a_proposed_merge_is_done_when_approved_and_the_new_pair_is_synced(office: Office) -> None:
    prospect, lost = make_pair(office, FIRST_NAME="Ada")
    office.wait(seconds=5)
    kept = office.contact("a@example.com", FIRST_NAME="Grace", LAST_NAME="Hopper")
    office.delete("Contacts", lost)
    office.run(**ON)
    plan = office.run(**ON, dry_run=True).plan_hash
    office.run(**ON, approve_plan=plan)
    assert office.links() == {prospect: Ref("Contacts", kept)}
    office.run(**ON)
    assert office.get("Prospect", prospect)["FIRST_NAME"] == "Grace"


@pytest.mark.parametrize("way", ["matched", "created"])
def test_a_proposed_merge_into_a_record_that_gets_a_prospect_in_the_same_run_is_proposed_anew(
    office: Office, way: str
) -> None:
    """The rest of a plan does not count on a person's yes."""
    options = {**ON, "update_email_addresses": False, "create_prospects": way == "created"}
    prospect, lost = make_pair(office)
    office.run(**options)
    office.wait(seconds=5)
    office.edit("Prospect", prospect, EMAIL_ADDRESS="old@example.com")
    kept = office.contact("a@example.com", FIRST_NAME="Grace", LAST_NAME="Hopper")
    if way == "matched":
        office.prospect("a@example.com")
    office.delete("Contacts", lost)
    plan = office.run(**options, dry_run=True).plan_hash
    office.run(**options, approve_plan=plan)
    [other] = office.links().keys() - {prospect}
    assert office.links() == {prospect: Ref("Contacts", lost), other: Ref("Contacts", kept)}
    [row, *_] = office.log(event="relink")
    assert (row["result"], row["error"]) == ("failed", f"Contacts {kept} belongs to prospect {other} by now")
    plan = office.run(**options, dry_run=True).plan_hash
    assert office.run(**options, approve_plan=plan).results["merge"] == {"applied": 1}
    assert office.links() == {other: Ref("Contacts", kept)}


def test_a_blank_that_the_connector_filled_is_no_sign_of_a_merge(office: Office) -> None:
    prospect, deleted = make_pair(office, PHONE="7", TITLE="Dr")
    office.wait(seconds=5)
    namesake = office.contact("b@example.com", PHONE="7")
    office.prospect("b@example.com", TITLE="Dr")
    office.run()
    assert office.get("Contacts", namesake)["TITLE"] == "Dr"
    office.delete("Contacts", deleted)
    office.run(**ON)
    assert office.log(event="merge") == []
    assert reasons(office, "archive") == ["deleted"]
    assert (prospect, Ref("Contacts", deleted)) in office.tombstones()
