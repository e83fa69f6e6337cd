"""What people do in the web page, and how it shows in the API."""

import pytest


@pytest.fixture
def lead(sandbox):
    return sandbox.add("Leads", FIRST_NAME="Zoë", LAST_NAME="Ng", EMAIL="z@example.com", ORGANISATION_NAME="Øl & Co.")


def custom(**values):
    return [{"FIELD_NAME": name, "FIELD_VALUE": value} for name, value in values.items()]


def convert(sandbox, lead, **body):
    return sandbox.control("POST", f"/leads/{lead['LEAD_ID']}/convert", body)


def test_a_converted_lead_stays_and_names_its_contact_and_organisation(sandbox, lead):
    convert(sandbox, lead)
    after = sandbox.call("GET", f"/Leads/{lead['LEAD_ID']}").json()
    assert after["CONVERTED"] is True
    assert after["CONVERTED_DATE_UTC"] is not None
    contact = sandbox.call("GET", f"/Contacts/{after['CONVERTED_CONTACT_ID']}").json()
    assert (contact["FIRST_NAME"], contact["EMAIL_ADDRESS"]) == ("Zoë", "z@example.com")
    organisation = sandbox.call("GET", f"/Organisations/{after['CONVERTED_ORGANISATION_ID']}").json()
    assert organisation["ORGANISATION_NAME"] == "Øl & Co."
    assert contact["ORGANISATION_ID"] == organisation["ORGANISATION_ID"]


def test_a_conversion_can_make_an_opportunity(sandbox, lead):
    after = convert(sandbox, lead, opportunity="Offer")
    opportunity = sandbox.call("GET", f"/Opportunities/{after['CONVERTED_OPPORTUNITY_ID']}").json()
    assert opportunity["OPPORTUNITY_NAME"] == "Offer"


def test_a_lead_is_converted_once(sandbox, lead):
    convert(sandbox, lead)
    assert sandbox.call("POST", f"/sandbox/leads/{lead['LEAD_ID']}/convert").status_code == 409
    assert sandbox.call("POST", "/sandbox/leads/1/convert").status_code == 404


def test_a_conversion_moves_the_leads_prospect_to_the_contact(sandbox, lead):
    prospect = sandbox.add("Prospect", EMAIL_ADDRESS="z@example.com")["PROSPECT_ID"]
    sandbox.control("POST", f"/records/Prospect/{prospect}", {"LEAD_ID": lead["LEAD_ID"]})
    contact_id = convert(sandbox, lead)["CONVERTED_CONTACT_ID"]
    after = sandbox.call("GET", f"/Prospect/{prospect}").json()
    assert after["CONTACT_ID"] == contact_id
    assert after["LEAD_CONVERSION_DATE_UTC"] is not None


def test_a_merged_away_contact_is_simply_gone_and_fills_the_others_blanks(sandbox):
    gone = sandbox.add("Contacts", FIRST_NAME="A", PHONE="1", EMAIL_ADDRESS="a@example.com")["CONTACT_ID"]
    kept = sandbox.add("Contacts", FIRST_NAME="B", EMAIL_ADDRESS="b@example.com")["CONTACT_ID"]
    sandbox.control("POST", f"/contacts/{gone}/merge-into/{kept}")
    assert sandbox.call("GET", f"/Contacts/{gone}").status_code == 404
    after = sandbox.call("GET", f"/Contacts/{kept}").json()
    assert (after["FIRST_NAME"], after["PHONE"], after["EMAIL_ADDRESS"]) == ("B", "1", "b@example.com")
    assert sandbox.control("GET", "/recycle-bin/Contacts") == {"records": []}
    assert sandbox.call("POST", f"/sandbox/contacts/{kept}/merge-into/{kept}").status_code == 400


def test_a_merge_joins_tags_custom_fields_and_links_and_what_named_the_one_names_the_other(sandbox):
    organisation = sandbox.add("Organisations", ORGANISATION_NAME="Øl")["ORGANISATION_ID"]
    kept = sandbox.add("Contacts", FIRST_NAME="B", TAGS=[{"TAG_NAME": "x"}], CUSTOMFIELDS=custom(A__c="kept"))
    link_to_kept = {"LINK_OBJECT_NAME": "Contact", "LINK_OBJECT_ID": kept["CONTACT_ID"]}
    link_to_org = {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": organisation}
    gone = sandbox.add(
        "Contacts",
        FIRST_NAME="A",
        TAGS=[{"TAG_NAME": "x"}, {"TAG_NAME": "y"}],
        CUSTOMFIELDS=custom(A__c="gone", B__c="gone"),
        LINKS=[link_to_kept, link_to_org],
    )["CONTACT_ID"]
    note = sandbox.call("POST", f"/Contacts/{gone}/Notes", {"TITLE": "Hello"}).json()["NOTE_ID"]
    ticket = sandbox.add("Ticket", SUBJECT="Help", TICKET_STATUS="open", CONTACT_ID=gone)["TICKET_ID"]
    path = f"/Contacts/{kept['CONTACT_ID']}"
    sandbox.control("POST", f"/contacts/{gone}/merge-into/{kept['CONTACT_ID']}")

    after = sandbox.call("GET", path).json()
    assert after["TAGS"] == [{"TAG_NAME": "x"}, {"TAG_NAME": "y"}]
    assert {each["FIELD_NAME"]: each["FIELD_VALUE"] for each in after["CUSTOMFIELDS"]} == {
        "A__c": "kept",
        "B__c": "gone",
    }
    assert [(link["OBJECT_ID"], link["LINK_OBJECT_ID"]) for link in after["LINKS"]] == [
        (kept["CONTACT_ID"], organisation)
    ]
    other_end = sandbox.call("GET", f"/Organisations/{organisation}/Links").json()
    assert [link["LINK_OBJECT_ID"] for link in other_end] == [kept["CONTACT_ID"]]
    assert [each["NOTE_ID"] for each in sandbox.call("GET", f"{path}/Notes").json()] == [note]
    assert sandbox.call("GET", f"/Ticket/{ticket}").json()["CONTACT_ID"] == kept["CONTACT_ID"]


def test_the_people_of_an_organisation_that_was_merged_away_belong_to_the_one_that_stays(sandbox):
    gone, kept = (sandbox.add("Organisations", ORGANISATION_NAME=name)["ORGANISATION_ID"] for name in "ab")
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë", ORGANISATION_ID=gone)["CONTACT_ID"]
    sandbox.control("POST", f"/organisations/{gone}/merge-into/{kept}")
    assert sandbox.call("GET", f"/Contacts/{contact}").json()["ORGANISATION_ID"] == kept


def test_a_contact_changed_to_a_lead_keeps_its_links(sandbox):
    organisation = sandbox.add("Organisations", ORGANISATION_NAME="Øl")["ORGANISATION_ID"]
    link = {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": organisation}
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë", LINKS=[link])["CONTACT_ID"]
    lead = sandbox.control("POST", f"/contacts/{contact}/change-to-lead")
    assert [(each["OBJECT_NAME"], each["LINK_OBJECT_ID"]) for each in lead["LINKS"]] == [("Lead", organisation)]
    (other,) = sandbox.call("GET", f"/Organisations/{organisation}/Links").json()
    assert (other["LINK_OBJECT_NAME"], other["LINK_OBJECT_ID"]) == ("Lead", lead["LEAD_ID"])


def test_a_contact_changed_to_a_lead_is_gone_and_a_lead_has_its_values(sandbox):
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë", LAST_NAME="Ng", EMAIL_ADDRESS="z@example.com", PHONE="1")
    lead = sandbox.control("POST", f"/contacts/{contact['CONTACT_ID']}/change-to-lead")
    assert sandbox.call("GET", f"/Contacts/{contact['CONTACT_ID']}").status_code == 404
    found = sandbox.call("GET", f"/Leads/{lead['LEAD_ID']}").json()
    assert [found[name] for name in ("FIRST_NAME", "LAST_NAME", "EMAIL", "PHONE")] == [
        "Zoë",
        "Ng",
        "z@example.com",
        "1",
    ]


def test_a_deleted_record_can_be_restored_with_its_id(sandbox):
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë")
    path = f"/Contacts/{contact['CONTACT_ID']}"
    sandbox.call("DELETE", path)
    assert sandbox.control("GET", "/recycle-bin/Contacts") == {"records": [contact]}
    sandbox.settings(clock_offset=60)
    restored = sandbox.control("POST", f"/recycle-bin/Contacts/{contact['CONTACT_ID']}/restore")
    assert sandbox.call("GET", path).json() == restored
    assert restored["FIRST_NAME"] == "Zoë"
    assert restored["DATE_UPDATED_UTC"] > contact["DATE_UPDATED_UTC"]
    assert sandbox.call("POST", f"/sandbox/recycle-bin/Contacts/{contact['CONTACT_ID']}/restore").status_code == 404


def test_a_restored_records_links_show_at_both_ends_again(sandbox):
    organisation = sandbox.add("Organisations", ORGANISATION_NAME="Øl")["ORGANISATION_ID"]
    link = {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": organisation}
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë", LINKS=[link])["CONTACT_ID"]
    ends = [("Contacts", contact), ("Organisations", organisation)]
    before = [sandbox.call("GET", f"/{name}/{number}/Links").json() for name, number in ends]
    assert [len(links) for links in before] == [1, 1]
    for (name, number), (other, other_number) in (ends, ends[::-1]):
        sandbox.call("DELETE", f"/{name}/{number}")
        assert sandbox.call("GET", f"/{other}/{other_number}/Links").json() == []
        sandbox.control("POST", f"/recycle-bin/{name}/{number}/restore")
        assert [sandbox.call("GET", f"/{each}/{its}/Links").json() for each, its in ends] == before


def test_a_prospect_unsubscribes(sandbox):
    prospect = sandbox.add("Prospect", EMAIL_ADDRESS="p@example.com")["PROSPECT_ID"]
    sandbox.control("POST", f"/prospect/{prospect}/unsubscribe")
    assert sandbox.call("GET", f"/Prospect/{prospect}").json()["OPTED_OUT"] is True


def test_a_lost_permission_looks_like_a_mass_delete_to_that_user_alone(sandbox):
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë")
    other = (sandbox.second_api_key, "")
    path = f"/Contacts/{contact['CONTACT_ID']}"
    sandbox.control("POST", "/permissions/Contacts/lose")
    assert sandbox.call("GET", "/Contacts", params={"count_total": "true"}).headers["X-Total-Count"] == "0"
    assert sandbox.call("GET", path).status_code == 404
    assert sandbox.call("PUT", path, {"PHONE": "1"}).status_code == 404
    assert sandbox.call("GET", path, auth=other).json() == contact
    sandbox.control("POST", "/permissions/Contacts/regain")
    assert sandbox.call("GET", "/Contacts").json() == [contact]


def test_whether_a_lost_permission_can_be_told_from_a_delete_is_a_setting(sandbox):
    contact, deleted = (sandbox.add("Contacts", FIRST_NAME=name)["CONTACT_ID"] for name in "ab")
    sandbox.call("DELETE", f"/Contacts/{deleted}")
    sandbox.control("POST", "/permissions/Contacts/lose")
    sandbox.settings(no_access="forbidden")
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/Notes")):
        answer = sandbox.call(method, f"/Contacts/{contact}{path}", {})
        assert (answer.status_code, answer.text) == (403, "API User does not have access to Record.")
        assert sandbox.call(method, f"/Contacts/{deleted}{path}", {}).status_code == 404
    assert sandbox.call("GET", "/Contacts").json() == []


def test_a_permission_can_be_lost_for_some_records(sandbox):
    first, second = (sandbox.add("Contacts", FIRST_NAME=name)["CONTACT_ID"] for name in "ab")
    sandbox.control("POST", "/permissions/Contacts/lose", {"record_ids": [first]})
    assert [record["CONTACT_ID"] for record in sandbox.call("GET", "/Contacts").json()] == [second]


def test_a_custom_field_is_added_relabelled_and_removed(sandbox):
    sandbox.control("POST", "/custom-fields/Contacts", {"FIELD_NAME": "Hobby__c", "FIELD_LABEL": "Hobby"})
    sandbox.control("POST", "/custom-fields/Contacts", {"FIELD_NAME": "Hobby__c", "FIELD_LABEL": "Pastime"})
    labels = [field["FIELD_LABEL"] for field in sandbox.call("GET", "/CustomFields/Contacts").json()]
    assert labels == ["Pastime"]
    sandbox.control("DELETE", "/custom-fields/Contacts/Hobby__c")
    assert sandbox.call("GET", "/CustomFields/Contacts").json() == []
    assert sandbox.call("POST", "/sandbox/custom-fields/Contacts", {"FIELD_NAME": "Hobby"}).status_code == 400


def test_a_record_can_be_edited_with_its_read_only_fields(sandbox):
    prospect = sandbox.add("Prospect", EMAIL_ADDRESS="p@example.com")["PROSPECT_ID"]
    sandbox.control("POST", f"/records/Prospect/{prospect}", {"SCORE": 42})
    assert sandbox.call("GET", f"/Prospect/{prospect}").json()["SCORE"] == 42
    source = sandbox.call("GET", "/LeadSources").json()[0]
    sandbox.control("POST", f"/records/LeadSources/{source['LEAD_SOURCE_ID']}", {"LEAD_SOURCE": "Fair"})
    assert sandbox.call("GET", "/LeadSources").json()[0] == {**source, "LEAD_SOURCE": "Fair"}
    assert sandbox.call("POST", f"/sandbox/records/Prospect/{prospect}", {"NONSENSE": 1}).status_code == 400
