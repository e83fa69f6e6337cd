"""Seeds: reproducible, and as varied as their users need."""

import pytest

from airflow_provider_insightly.api.catalogue import objects
from airflow_provider_insightly.sandbox import seeds
from airflow_provider_insightly.sandbox.sandbox import Sandbox
from airflow_provider_insightly.sandbox.selections import Selection

OBJECTS = ("Organisations", "Contacts", "Leads", "Prospect", "Opportunities", "Tasks", "MarketingVisits")


def read(seed, number=1):
    store = Sandbox(["key"], seed=seed, seed_number=number).store
    return {name: store.records(Selection(name)) for name in OBJECTS}


@pytest.fixture(scope="module")
def demo():
    return read("demo")


def test_the_same_number_makes_the_same_records_and_another_others(demo):
    assert read("demo") == demo
    assert read("demo", 2)["Contacts"] != demo["Contacts"]


def test_every_record_has_every_key(demo):
    for name, records in demo.items():
        assert records
        for record in records:
            assert list(record) == list(objects()[name].fields)


def test_some_prospects_are_linked_some_share_an_address_and_some_are_alone(demo):
    in_crm = {record["EMAIL_ADDRESS"] for record in demo["Contacts"]} | {record["EMAIL"] for record in demo["Leads"]}
    linked = [record for record in demo["Prospect"] if record["CONTACT_ID"] or record["LEAD_ID"]]
    alone = [record for record in demo["Prospect"] if record not in linked]
    assert any(record["CONTACT_ID"] for record in linked)
    assert any(record["LEAD_ID"] for record in linked)
    assert any(record["EMAIL_ADDRESS"] in in_crm for record in alone)
    assert any(record["EMAIL_ADDRESS"].lower() in in_crm and record["EMAIL_ADDRESS"] not in in_crm for record in alone)
    assert any(record["EMAIL_ADDRESS"].lower() not in in_crm for record in alone)


def test_prospects_are_linked_to_records_that_are_there(demo):
    contacts = {record["CONTACT_ID"] for record in demo["Contacts"]}
    leads = {record["LEAD_ID"] for record in demo["Leads"]}
    assert {record["CONTACT_ID"] for record in demo["Prospect"]} - {None} <= contacts
    assert {record["LEAD_ID"] for record in demo["Prospect"]} - {None} <= leads


def test_two_contacts_share_an_address_and_some_have_none(demo):
    addresses = [record["EMAIL_ADDRESS"] for record in demo["Contacts"]]
    assert None in addresses
    assert len(set(addresses)) < len(addresses) - addresses.count(None)


def test_people_have_opted_out_on_both_sides_and_one_is_not_to_be_synced(demo):
    assert any(record["EMAIL_OPTED_OUT"] for record in demo["Contacts"])
    assert any(record["OPTED_OUT"] for record in demo["Prospect"])
    assert sum(record["DO_NOT_SYNC"] for record in demo["Prospect"]) == 1


def test_one_lead_has_been_converted(demo):
    converted = [record for record in demo["Leads"] if record["CONVERTED"]]
    assert [record["CONVERTED_CONTACT_ID"] for record in converted] == [demo["Contacts"][0]["CONTACT_ID"]]


def test_names_have_accents_and_apostrophes_and_custom_fields_are_defined(demo, sandbox):
    names = "".join(record["FIRST_NAME"] + record["LAST_NAME"] for record in demo["Contacts"])
    assert not names.isascii()
    assert "'" in names
    sandbox.reset("demo")
    kinds = {field["FIELD_NAME"]: field["FIELD_TYPE"] for field in sandbox.call("GET", "/CustomFields/Contacts").json()}
    used = {field["FIELD_NAME"] for record in demo["Contacts"] for field in record["CUSTOMFIELDS"]}
    assert used <= set(kinds)
    assert {"TEXT", "DROPDOWN", "BIT", "NUMERIC", "MULTISELECT"} <= set(kinds.values())


def test_what_a_seed_holds_can_be_written_back(sandbox):
    sandbox.reset("demo")
    for name in ("Contacts", "Leads", "Prospect", "Organisations", "Opportunities"):
        for record in sandbox.call("GET", f"/{name}").json()[:10]:
            assert sandbox.call("PUT", f"/{name}", record).status_code == 200


def test_the_large_seed_has_what_a_load_test_needs():
    size = seeds.LARGE
    assert (size.contacts, size.leads, size.prospects) == (100_000, 20_000, 100_000)


def test_the_fixture_waits_for_a_large_seed_as_long_as_it_takes(sandbox, mocker):
    request = mocker.patch.object(sandbox._session, "request")
    sandbox.reset("large")
    assert request.call_args.kwargs["timeout"] >= 300
