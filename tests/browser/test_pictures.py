"""The pictures of the documentation, taken anew from a running Airflow when ``INSIGHTLY_PICTURES=1``."""

from __future__ import annotations

import os

import pytest

from demo.environment import ROOT
from tests.browser.conftest import DAG_ID as COMPANY

pytestmark = [
    *(pytest.mark.airflow, pytest.mark.browser),
    pytest.mark.skipif("INSIGHTLY_PICTURES" not in os.environ, reason="overwrites pictures: INSIGHTLY_PICTURES=1"),
]

PICTURES = ROOT / "docs" / "pictures"
DAG_ID = "insightly_crm_connector"


def test_a_run_of_the_connector_in_the_grid(standalone, insightly_sandbox, open_page):
    insightly_sandbox.reset("demo")
    for conf in ({"dry_run": True}, {"create_prospects": True, "backfill": True}, {}):
        run_id = standalone.trigger(DAG_ID, **conf)
        assert standalone.finish(DAG_ID, run_id, 900) == "success"
    page = open_page(f"/dags/{DAG_ID}", look=False)
    page.set_viewport_size({"width": 1280, "height": 945})
    page.get_by_text("show_prospect_timeline_writes").first.wait_for()
    page.wait_for_timeout(5000)  # the graph beside the grid is laid out
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{DAG_ID}.png")
    assert (PICTURES / f"{DAG_ID}.png").stat().st_size < 200_000


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("connectors", ""),
        ("settings", f"connectors/{COMPANY}/settings"),
        ("mapping", f"connectors/{COMPANY}/mapping"),
        ("log", f"connectors/{COMPANY}/log?result=applied"),
    ],
)
def test_the_pages_in_airflow(company, open_page, name, path):
    page = open_page(f"/insightly/{path}")
    page.screenshot(path=PICTURES / f"{name}.png")
    assert (PICTURES / f"{name}.png").stat().st_size < 200_000


def test_the_timeline(company, open_page):
    record = f"Contacts/{company.contacts[3]['CONTACT_ID']}"
    open_page(f"/insightly/connectors/{COMPANY}/timeline?record={record}").screenshot(path=PICTURES / "timeline.png")


def test_the_sample_payloads(company, open_page):
    page = open_page(f"/insightly/connectors/{COMPANY}/payloads")
    page.locator("#template").select_option("create_contact")
    page.get_by_role("button", name="Example record").click()
    page.get_by_role("group", name="Body of the request").wait_for()
    page.set_viewport_size({"width": 1280, "height": 1240})
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=PICTURES / "payloads.png")
