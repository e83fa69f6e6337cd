"""The page of the sample payloads in a browser: it follows what is typed, and sends when it is told to."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DAG_ID, NASTY

pytestmark = [pytest.mark.airflow, pytest.mark.browser]

PAGE = f"/insightly/connectors/{DAG_ID}/payloads"
SENDER = "/insightly/connectors/insightly_send_contacts/payloads"


def test_samples_follow_each_change(company, open_page):
    page = open_page(PAGE)
    body = page.get_by_role("group", name="Body of the request")
    expect(body).to_contain_text('"FIRST_NAME": "First name"')
    page.get_by_role("button", name="SALUTATION").click()
    expect(body).not_to_contain_text("SALUTATION")
    page.get_by_label("Endpoint", exact=True).select_option("delete_lead")
    expect(page.locator("#samples")).to_contain_text("It has no body.")
    page.get_by_label("Endpoint", exact=True).select_option("update_lead")
    expect(page.locator("#samples")).to_contain_text("PUT")
    page.get_by_label("Update mode").select_option("replace")
    expect(page.locator("#problem-allow_replace")).to_contain_text("clears every field")
    expect(page.locator("#samples")).to_contain_text("PUT")  # the samples of before are still there
    page.get_by_label("Yes, clear the fields").check()
    expect(body).to_contain_text('"TITLE": null')


def test_test_data_is_sent_as_it_was_edited_and_shown_as_text(company, open_page):
    page = open_page(SENDER)
    page.get_by_label("Start from a task of this DAG").select_option("create_test_contact")
    editor = page.get_by_label("The record", exact=True)
    expect(editor).to_have_value('{\n  "FIRST_NAME": "Test",\n  "LAST_NAME": "Record"\n}')
    editor.fill(f'{{"FIRST_NAME": "{NASTY}", "LAST_NAME": "Payload"}}')
    expect(page.get_by_role("group", name="Body of the request")).to_contain_text(NASTY)
    page.get_by_role("button", name="Send test data").click()
    expect(page.locator(".answer .badge")).to_have_text("succeeded")
    expect(page.get_by_role("group", name="Body of the answer")).to_contain_text(NASTY)
    link = page.locator(".answer a[data-insightly]")
    record_id = int(link.get_attribute("href").rsplit("/", 1)[1])
    assert company.client.get("Contacts", record_id)["FIRST_NAME"] == NASTY


def test_a_deletion_asks_first(company, open_page):
    contact = company.client.create("Contacts", {"FIRST_NAME": "Gone", "LAST_NAME": "Soon"})
    number = contact["CONTACT_ID"]
    page = open_page(PAGE, width=400)
    page.get_by_label("Endpoint", exact=True).select_option("delete_contact")
    page.get_by_label("Paste JSON").fill(f'{{"CONTACT_ID": {number}}}')
    expect(page.locator("#samples")).to_contain_text(f"/Contacts/{number}")
    page.get_by_role("button", name="Send test data").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"/Contacts/{number}")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert company.client.get("Contacts", number)["FIRST_NAME"] == "Gone"
    page.get_by_role("button", name="Send test data").click()
    dialog.get_by_role("button", name="Delete it").click()
    expect(page.locator(".answer .badge")).to_have_text("succeeded")


def test_records_of_the_connector_are_lent(company, open_page):
    page = open_page(PAGE)
    late = []
    page.route("**/records?*staged=false", lambda route: late.append(route))
    page.reload()
    page.get_by_role("button", name="Records of this connector").click()
    expect(page.get_by_label("Paste JSON")).to_have_value(re.compile('"CONTACT_ID": '))
    expect(page.locator("#samples")).to_contain_text("record 4")

    (example,) = late  # asked for first, answered last
    with page.expect_response("**/records?*staged=false"):
        example.continue_()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_label("Paste JSON")).to_have_value(re.compile('"CONTACT_ID": '))


def test_a_batch_is_shown_and_its_code(company, open_page):
    page = open_page(PAGE)
    page.get_by_label("Configure manually").check()
    page.get_by_label("URL").fill("/Bulk")
    page.get_by_label("Paste JSON").fill("a,b\n1,2\n3,4\n")
    page.get_by_label("Would you like to batch your records together?").check()
    page.get_by_label("Grouping Algorithm").select_option("hoisted_fields")
    expect(page.locator("#problem-grouping_fields")).to_contain_text("needs the list of fields")
    page.get_by_label("Fields to lift out").fill("a")
    expect(page.get_by_role("status").first).to_have_text("2 requests of 2 records.")
    expect(page.locator("#code")).to_contain_text('grouping_options={"fields": ["a"]}')


def test_a_viewer_looks_at_payloads_but_sends_none(company, open_page):
    page = open_page(PAGE, user="viewer")
    page.locator("#template").select_option("create_contact")
    page.get_by_label("Paste JSON").fill('{"FIRST_NAME": "Ada"}')
    expect(page.get_by_role("group", name="Body of the request")).to_contain_text("Ada")
    expect(page.get_by_text("you need the right to trigger this DAG")).to_be_visible()
    expect(page.get_by_role("button", name="Send test data")).to_have_count(0)
    refused = page.request.post(
        f"{page.url}/test",
        data={"settings": {"template": "create_contact"}, "records": "[]"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert refused.status == 403
