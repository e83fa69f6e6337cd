"""Each page in a browser: what it shows, what a click does, who is refused."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DAG_ID, NASTY, SECOND_RUN

pytestmark = [pytest.mark.airflow, pytest.mark.browser]

BASE = f"/insightly/connectors/{DAG_ID}"
PAGES = ["", "/settings", "/mapping", "/log", "/timeline", "/payloads", "/approvals", f"/plan?run={SECOND_RUN}"]


def test_insightly_is_in_the_navigation_of_airflow_and_leads_to_the_connectors(company, open_page):
    page = open_page("/", look=False)  # Airflow's own page may complain about what it likes
    page.get_by_role("link", name="Insightly").or_(page.get_by_role("button", name="Insightly")).first.click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name=DAG_ID).click()
    expect(frame.get_by_role("heading", name=DAG_ID)).to_be_visible()
    frame.get_by_role("link", name="Prospect Field Mapping").click()
    expect(frame.get_by_role("cell", name="ADDRESS_POSTCODE").first).to_be_visible()


def test_a_link_to_airflow_leaves_the_frame(company, open_page):
    page = open_page("/plugin/insightly", look=False)
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="insightly_send_contacts").click()
    page.wait_for_url("**/dags/insightly_send_contacts")


def test_the_overview_says_what_the_last_sync_did(company, open_page):
    page = open_page(BASE)
    tally = page.get_by_role("region", name="At a glance")
    expect(tally.get_by_text("12", exact=True)).to_be_visible()  # updated
    expect(page.get_by_text("requests left today")).to_be_visible()


def test_the_button_beside_the_connection_says_whether_it_works(company, open_page):
    page = open_page(BASE)
    page.get_by_role("button", name=f"Test the connection {DAG_ID}").click()
    expect(page.get_by_role("status")).to_contain_text("Prospects are available.")


def test_the_settings_are_the_nine_boxes_in_the_words_of_the_page(company, open_page):
    from airflow_provider_insightly.connector.settings import BOX_LABELS, BOXES

    page = open_page(f"{BASE}/settings")
    for number, label in BOX_LABELS.items():
        box = page.get_by_label(f"{number}. {label}")
        assert box.is_checked() == (
            BOXES[number]
            in (
                "create_prospects",
                "update_email_addresses",
                "match_by_email",
                "delete_or_merge_prospects",
                "show_prospect_timeline",
            )
        )


def test_turning_a_box_shows_what_would_change_and_writes_nothing(company, standalone, open_page):
    standalone.find(DAG_ID)
    lead = company.client.create("Leads", {"LAST_NAME": "Preview", "EMAIL": "preview@example.com"})
    page = open_page(f"{BASE}/settings")
    page.get_by_label("Look at older records too").check()
    page.get_by_label("3. Automatically delete or merge").uncheck()
    page.get_by_role("button", name="Preview what would change").click()
    if page.get_by_role("dialog").is_visible():
        page.get_by_role("button", name="Activate and preview").click()
    preview = page.get_by_role("region", name="Preview")
    preview.get_by_role("table").first.wait_for(timeout=240_000)
    expect(preview.get_by_role("link", name=f"Leads/{lead['LEAD_ID']}").first).to_be_visible()
    assert "delete_or_merge_prospects: false" in preview.inner_text()
    assert not list(company.client.search("Prospect", field="EMAIL_ADDRESS", value="preview@example.com"))


def test_the_mapping_shows_fields_types_and_behavior(company, open_page):
    page = open_page(f"{BASE}/mapping")
    row = page.get_by_role("row").filter(has_text="MOBILE").first
    assert "PHONE_MOBILE" in row.inner_text()
    assert "Most Recently Updated Value" in row.inner_text()


def test_what_comes_from_records_is_shown_as_text(company, open_page):
    page = open_page(f"{BASE}/plan?run={SECOND_RUN}")
    page.on("dialog", lambda dialog: pytest.fail("a script from a record ran"))
    expect(page.get_by_text(NASTY).first).to_be_visible()


def test_a_held_plan_is_approved_by_a_person_and_then_applied(company, standalone, open_page):
    for number, contact in enumerate(company.contacts[20:40]):
        address = f"moved{number}@example.com"
        company.client.update("Contacts", {"CONTACT_ID": contact["CONTACT_ID"], "EMAIL_ADDRESS": address})
    run = standalone.trigger(DAG_ID)
    path = f"/dags/{DAG_ID}/dagRuns/{run}/taskInstances/approve_plan"
    standalone.wait_until(
        "the question", lambda: standalone.call("GET", path)["state"] in ("awaiting_input", "deferred")
    )
    viewer = open_page(f"{BASE}/approvals", user="viewer")
    expect(viewer.get_by_text("email_changes")).to_be_visible()
    assert not viewer.get_by_role("button", name="Approve").count()

    page = open_page(f"{BASE}/approvals")
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("status").get_by_text("Approved").wait_for()
    assert standalone.finish(DAG_ID, run) == "success"
    assert list(company.client.search("Prospect", field="EMAIL_ADDRESS", value="moved0@example.com"))
    page.reload()
    expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()


@pytest.mark.parametrize("path", ["/insightly/", *(f"{BASE}{page}" for page in PAGES)])
def test_nobody_sees_a_page_without_signing_in(company, open_page, path):
    page = open_page(path, user=None, look=False)
    expect(page.get_by_role("heading", name="Please sign in")).to_be_visible()
    assert DAG_ID not in page.inner_text("main")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/insightly/", *(f"{BASE}{page}" for page in PAGES)])
def test_axe_finds_nothing_serious(company, open_page, path, theme):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(open_page(path, theme=theme)).response["violations"]
    serious = [violation for violation in found if violation["impact"] in ("serious", "critical")]
    assert not serious, [(each["id"], [node["html"] for node in each["nodes"]]) for each in serious]


@pytest.mark.parametrize("path", ["/insightly/", *(f"{BASE}{page}" for page in PAGES)])
def test_a_telephone_shows_the_pages_without_scrolling_sideways(company, open_page, path):
    page = open_page(path, width=400)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_the_tabs_and_forms_can_be_used_by_keyboard(company, open_page):
    page = open_page(f"{BASE}/settings")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "create_prospects"
    page.keyboard.press("Space")
    assert not page.get_by_label("1. Automatically create prospects").is_checked()
