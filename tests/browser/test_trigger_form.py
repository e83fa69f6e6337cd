"""Airflow's own trigger form, filled in by a person: what it sends is what the DAG gets."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.airflow, pytest.mark.browser]

CONNECTOR = "insightly_crm_connector"


def open_form(page: Page) -> Locator:
    page.get_by_role("button", name="Trigger").first.click()
    form = page.get_by_role("dialog")
    expect(form.get_by_text("Run Parameters")).to_be_visible()
    return form


def trigger(form: Locator, standalone, dag_id: str) -> dict:
    """Press the form's button; return the run that began."""
    known = {run["dag_run_id"] for run in standalone.call("GET", f"/dags/{dag_id}/dagRuns")["dag_runs"]}
    button = form.get_by_role("button", name="Trigger")
    expect(button).to_be_enabled()
    button.click()

    def begun() -> dict | None:
        runs = standalone.call("GET", f"/dags/{dag_id}/dagRuns")["dag_runs"]
        return next((run for run in runs if run["dag_run_id"] not in known), None)

    return standalone.wait_until("a run", begun)


def test_the_connector_starts_from_the_form_with_the_boxes_of_its_file(standalone, insightly_sandbox, open_page):
    standalone.find(CONNECTOR)
    form = open_form(open_page(f"/dags/{CONNECTOR}", look=False))
    boxes = {
        box.get_attribute("name").removeprefix("element_"): box.is_checked()
        for box in form.locator("input[type=checkbox][name^=element_]").all()
    }
    assert len(boxes) == 9 + len(["dry_run", "backfill"])
    assert [name for name, checked in boxes.items() if checked] == ["update_email_addresses", "match_by_email"]

    for name in ("dry_run", "create_prospects"):
        form.locator(f"input[name=element_{name}]").dispatch_event("click")
    run = trigger(form, standalone, CONNECTOR)

    assert run["conf"] == {**boxes, "dry_run": True, "create_prospects": True, "approve_plan": None, "record": None}
    standalone.call("PATCH", f"/dags/{CONNECTOR}/dagRuns/{run['dag_run_id']}", state="failed")  # what it does is tested


def test_a_test_record_is_typed_into_the_form(standalone, insightly_sandbox, open_page):
    standalone.find("example_producer")
    form = open_form(open_page("/dags/example_producer", look=False))
    form.locator("input[name=element_folder]").fill(str(standalone.home))
    form.locator(".monaco-editor").first.click()
    form.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    form.page.evaluate("text => navigator.clipboard.writeText(text)", json.dumps({"FIRST_NAME": "Tess"}))
    form.page.keyboard.press("ControlOrMeta+A")
    form.page.keyboard.press("ControlOrMeta+V")  # typed, the editor would close each bracket a second time
    run = trigger(form, standalone, "example_producer")

    assert standalone.finish("example_producer", run["dag_run_id"]) == "success"
    assert [c["FIRST_NAME"] for c in insightly_sandbox.call("GET", "/Contacts").json()] == ["Tess"]
