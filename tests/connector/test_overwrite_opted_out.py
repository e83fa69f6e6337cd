"""Setting 7, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_insightly.connector import run
from airflow_provider_insightly.connector.mapping import CRM_VALUE, MARKETING_VALUE, MOST_RECENT
from airflow_provider_insightly.connector.plans import release
from airflow_provider_insightly.connector.records import Ref
from tests.connector.conftest import MAPPING, Office

UNMAPPED = [row for row in MAPPING if row["prospect"] != "OPTED_OUT"]
CRM_WINS = [*UNMAPPED, {**MAPPING[-1], "behavior": CRM_VALUE}]


def pair(office: Office, *, prospect: bool, crm: bool) -> tuple[int, int]:
    contact = office.contact("a@example.com", EMAIL_OPTED_OUT=crm)
    return office.prospect("a@example.com", OPTED_OUT=prospect), contact


def opted_out(office: Office, numbers: tuple[int, int]) -> tuple[bool, bool]:
    prospect, contact = office.get("Prospect", numbers[0]), office.get("Contacts", numbers[1])
    return prospect["OPTED_OUT"], contact["EMAIL_OPTED_OUT"]


def test_no_and_yes_with_the_box_on_and_mapped_opts_the_prospect_out(office: Office) -> None:
    numbers = pair(office, prospect=False, crm=True)
    office.run(overwrite_opted_out=True)
    assert opted_out(office, numbers) == (True, True)


@pytest.mark.parametrize("behavior", [CRM_VALUE, MARKETING_VALUE, MOST_RECENT])
def test_no_and_yes_is_carried_with_every_behavior(office: Office, behavior: str) -> None:
    office.mapping = [*UNMAPPED, {**MAPPING[-1], "behavior": behavior}]
    numbers = pair(office, prospect=False, crm=True)
    office.run(overwrite_opted_out=True)
    assert opted_out(office, numbers) == (True, True)


def test_a_row_for_leads_alone_carries_no_opt_out_of_contacts(office: Office) -> None:
    office.mapping = [*UNMAPPED, {"prospect": "OPTED_OUT", "lead": "EMAIL_OPTED_OUT"}]
    numbers = pair(office, prospect=False, crm=True)
    office.lead("b@example.com", EMAIL_OPTED_OUT=True)
    other = office.prospect("b@example.com")
    office.run(overwrite_opted_out=True)
    assert opted_out(office, numbers) == (False, True)
    assert office.get("Prospect", other)["OPTED_OUT"] is True


@pytest.mark.parametrize(("box", "mapping"), [(False, MAPPING), (True, UNMAPPED), (False, UNMAPPED)])
def test_no_and_yes_with_the_box_off_or_unmapped_is_logged(office: Office, box: bool, mapping: list[dict]) -> None:
    office.mapping = mapping
    numbers = pair(office, prospect=False, crm=True)
    office.run(overwrite_opted_out=box)
    assert opted_out(office, numbers) == (False, True)
    [row] = office.log(event="opt_out_prospect")
    assert row["reason"].startswith("opt_out_divergence")


@pytest.mark.parametrize("box", [True, False])
def test_yes_and_no_is_never_opted_in_and_carried_to_crm(office: Office, box: bool) -> None:
    numbers = pair(office, prospect=True, crm=False)
    office.run(overwrite_opted_out=box)
    assert opted_out(office, numbers) == (True, True)


@pytest.mark.parametrize("box", [True, False])
def test_yes_and_no_with_crm_value_leaves_crm_as_it_is(office: Office, box: bool) -> None:
    office.mapping = CRM_WINS
    numbers = pair(office, prospect=True, crm=False)
    office.run(overwrite_opted_out=box)
    assert opted_out(office, numbers) == (True, False)


def test_unticked_in_crm_with_the_box_and_allow_opt_in_opts_in_with_evidence(office: Office) -> None:
    numbers = pair(office, prospect=True, crm=True)
    office.run(overwrite_opted_out=True)
    office.edit("Contacts", numbers[1], EMAIL_OPTED_OUT=False)
    office.run(overwrite_opted_out=True, allow_opt_in_from_crm=True)
    assert opted_out(office, numbers) == (False, False)
    [row] = office.log(event="opt_in_prospect")
    assert f"Contacts {numbers[1]}" in row["reason"]
    assert office.run(overwrite_opted_out=True, allow_opt_in_from_crm=True).results == {}


@pytest.mark.parametrize("options", [{"overwrite_opted_out": True}, {"allow_opt_in_from_crm": True}])
def test_unticked_in_crm_without_both_settings_stays_opted_out(office: Office, options: dict[str, bool]) -> None:
    numbers = pair(office, prospect=True, crm=True)
    office.run(**options)
    office.edit("Contacts", numbers[1], EMAIL_OPTED_OUT=False)
    office.run(**options)
    assert opted_out(office, numbers) == (True, True)


def test_a_contact_that_never_opted_out_does_not_opt_the_prospect_of_its_lead_in(office: Office) -> None:
    """A Lead that opted out is converted into a Contact that was there before: nobody un-ticked anything."""
    lead, prospect = (
        office.lead("a@example.com", EMAIL_OPTED_OUT=True),
        office.prospect("a@example.com", OPTED_OUT=True),
    )
    options = {"overwrite_opted_out": True, "allow_opt_in_from_crm": True}
    office.run(**options)
    contact = office.contact("a@example.com")
    office.in_web_page(f"/records/Leads/{lead}", {"CONVERTED": True, "CONVERTED_CONTACT_ID": contact})
    office.run(**options)
    assert office.links() == {prospect: Ref("Contacts", contact)}
    assert opted_out(office, (prospect, contact)) == (True, True)


def test_a_read_that_lags_behind_an_opt_in_does_not_undo_it(office: Office) -> None:
    numbers = pair(office, prospect=True, crm=True)
    options = {"overwrite_opted_out": True, "allow_opt_in_from_crm": True}
    office.run(**options)
    office.wait(seconds=2)
    office.edit("Contacts", numbers[1], EMAIL_OPTED_OUT=False)
    office.sandbox.settings(read_lag=60, clock_offset=office.offset.total_seconds())
    office.wait(seconds=61)
    office.run(**options)
    office.wait(seconds=2)
    office.run(**options)  # the search still shows the prospect as it was before we opted it in
    office.sandbox.settings(read_lag=0)
    office.edit("Contacts", numbers[1], PHONE="1")
    office.run(**options)
    assert opted_out(office, numbers) == (False, False)


def test_the_ledger_outlives_the_prospect(office: Office) -> None:
    contact = office.contact("a@example.com")
    first = office.prospect("a@example.com", OPTED_OUT=True)
    office.run()
    office.delete("Prospect", first)
    office.run(delete_grace_hours=0)
    other = office.contact("a@example.com")
    second = office.prospect("a@example.com", OPTED_OUT=False, CONTACT_ID=other)
    office.run(delete_grace_hours=0)
    assert office.get("Prospect", second)["OPTED_OUT"] is True
    assert contact != other


@pytest.mark.parametrize("merged", [False, True])
def test_an_opt_out_while_a_person_ponders_the_plan_outlives_the_deletion(
    office: Office, monkeypatch: pytest.MonkeyPatch, merged: bool
) -> None:
    prospect, contact = pair(office, prospect=False, crm=False)
    kept = office.contact("b@example.com", FIRST_NAME="Betty")
    office.prospect("b@example.com")
    office.run()
    office.delete("Contacts", contact)
    options = {"delete_or_merge_prospects": True, "delete_mode": "delete", "delete_grace_hours": 0}
    options |= {"merge_map": {f"Contacts/{contact}": f"Contacts/{kept}"}} if merged else {}
    plan = office.run(**options, dry_run=True).plan_hash

    def opt_out_and_release(*args: Any) -> str:
        office.edit("Prospect", prospect, OPTED_OUT=True)
        return release(*args)

    monkeypatch.setattr(run, "release", opt_out_and_release)
    office.run(**options, approve_plan=plan)
    monkeypatch.undo()
    assert prospect not in [each["PROSPECT_ID"] for each in office.all("Prospect")]
    office.contact("a@example.com")
    office.run(create_prospects=True, backfill=True)
    assert [each["OPTED_OUT"] for each in office.all("Prospect") if each["EMAIL_ADDRESS"][0] == "a"] == [True]


def test_the_ledger_follows_an_address_change(office: Office) -> None:
    """With the new address comes its opt-out, in one request: no mail can go out between the two."""
    former = office.prospect("b@example.com", OPTED_OUT=True)
    contact, prospect = office.contact("a@example.com"), office.prospect("a@example.com")
    office.run()
    office.delete("Prospect", former)
    office.run(delete_grace_hours=0)
    office.edit("Contacts", contact, EMAIL_ADDRESS="b@example.com")
    before = len(office.writes())
    office.run()
    changed = {"PROSPECT_ID": prospect, "EMAIL_ADDRESS": "b@example.com", "OPTED_OUT": True}
    assert [body for _, _, body in office.writes()[before:]] == [changed]
    office.run()
    assert opted_out(office, (prospect, contact)) == (True, True)


def test_opt_outs_are_the_first_writes_of_a_run(office: Office) -> None:
    pair(office, prospect=False, crm=True)
    office.prospect("z@example.com")
    office.contact("z@example.com", PHONE="5")
    office.run(overwrite_opted_out=True)
    puts = [body for method, _, body in office.writes() if method == "PUT"]
    assert puts[0]["OPTED_OUT"] is True
    assert len(puts) > 1
