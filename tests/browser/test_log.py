"""The log and the timeline in a browser: filters, export, paging, the ways from a row."""

from __future__ import annotations

import csv

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DAG_ID, FIRST_RUN, NASTY, SECOND_RUN

pytestmark = [pytest.mark.airflow, pytest.mark.browser]

BASE = f"/insightly/connectors/{DAG_ID}"


def rows_of(page):
    return page.locator("table.log tbody tr")


def filter_by(page, **values):
    for label, value in values.items():
        field = page.get_by_label(label.capitalize(), exact=True)
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.get_by_role("button", name="Show").click()


@pytest.mark.parametrize(
    ("filters", "column", "text"),
    [
        ({"event": "create"}, "Event", "create"),
        ({"result": "applied"}, "Result", "applied"),
        ({"setting": "2"}, "Event", "update email addresses"),
        ({"field": "PHONE"}, "Field", "PHONE"),
        ({"run": SECOND_RUN}, "Time and run", SECOND_RUN),
        ({"text": "+1 555 0103"}, "Before → after", "+1 555 0103"),
        ({"run": SECOND_RUN, "field": "PHONE", "result": "applied"}, "Before → after", "+1 555 01"),
    ],
)
def test_each_filter_leaves_the_rows_that_are_meant(company, open_page, filters, column, text):
    page = open_page(f"{BASE}/log")
    filter_by(page, **filters)
    expect(page.get_by_role("list", name="Filters in force").get_by_role("listitem")).to_have_count(len(filters))
    cells = rows_of(page).locator(f'td[data-label="{column}"]')
    expect(cells.first).to_be_visible()
    assert all(text in cell for cell in cells.all_inner_texts())


def test_a_time_and_a_record_are_filters_too(company, open_page):
    page = open_page(f"{BASE}/log?from=2000-01-01&until=2000-01-02")
    expect(page.get_by_role("heading", name="No such rows")).to_be_visible()
    number = company.contacts[3]["CONTACT_ID"]
    filter_by(page, **{"from": "", "until": "", "record": f"Contacts/{number}"})
    expect(rows_of(page).first).to_be_visible()
    assert all(
        f"Contacts {number}" in cell for cell in rows_of(page).locator('td[data-label="Records"]').all_inner_texts()
    )


def test_a_filter_that_cannot_be_read_is_named(company, open_page):
    page = open_page(f"{BASE}/log")
    filter_by(page, record="Nonsense/5")
    expect(page.get_by_role("alert")).to_contain_text("Record")
    expect(page.get_by_label("Record", exact=True)).to_have_attribute("aria-invalid", "true")


def test_older_rows_are_a_page_away(company, open_page):
    page = open_page(f"{BASE}/log")
    newest = rows_of(page).first.inner_text()
    page.get_by_role("link", name="Older").first.click()
    expect(rows_of(page).first).not_to_have_text(newest)
    page.get_by_role("link", name="Newer").first.click()
    assert rows_of(page).first.inner_text() == newest


def test_what_is_filtered_is_exported(company, open_page):
    page = open_page(f"{BASE}/log?event=create&run={FIRST_RUN}")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    with download.value.path().open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert {row["event"] for row in rows} == {"create"}
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON Lines").click()
    assert len(download.value.path().read_text().splitlines()) == len(rows)


def test_an_export_also_leaves_the_frame_that_airflow_puts_the_page_in(company, open_page):
    page = open_page("/plugin/insightly", look=False)
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name=DAG_ID).click()
    frame.get_by_role("link", name="Connector Log").click()
    with page.expect_download() as download:
        frame.get_by_role("link", name="CSV").click()
    assert download.value.path().read_text().startswith("id,")


def test_from_a_row_to_the_reason_and_to_the_timeline(company, open_page):
    page = open_page(f"{BASE}/log?run={SECOND_RUN}&field=FIRST_NAME&result=applied")
    page.get_by_role("link", name="Why has").first.click()
    expect(page.get_by_text("Both sides last agreed on")).to_be_visible()
    expect(page.get_by_text(NASTY).first).to_be_visible()
    page.get_by_role("link", name="Timeline of the record").click()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
    expect(page.get_by_text(NASTY).first).to_be_visible()


def test_a_row_leads_to_the_record_in_insightly(company, open_page):
    page = open_page(f"{BASE}/log?run={SECOND_RUN}&field=FIRST_NAME&result=applied", look=False)
    with page.context.expect_event("request", lambda request: "/details/" in request.url) as asked:
        page.locator("a[data-insightly]").first.click()
    assert asked.value.url.startswith(f"{company.sandbox.url}/details/")


def test_a_timeline_is_found_by_an_address(company, open_page):
    page = open_page(f"{BASE}/timeline")
    page.get_by_role("textbox", name="Record").fill(company.contacts[3]["EMAIL_ADDRESS"])
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("region", name="The pair")).to_contain_text(f"Contacts {company.contacts[3]['CONTACT_ID']}")
    expect(page.locator("ol.line li").first).to_be_visible()
