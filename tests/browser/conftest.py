"""The pages in a real browser, against a running Airflow and the sandbox.

Most of what the pages show is put into the store by runs in this process, which takes seconds; what a click starts goes
through Airflow's scheduler.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.connector.configuration import Configuration, load_configuration
from airflow_provider_insightly.connector.overview import note_configuration
from airflow_provider_insightly.connector.run import run_connector, utc_now
from airflow_provider_insightly.store.engine import open_store, writing
from demo.environment import ROOT
from tests.airflow.connectors import add_connector

DAG_ID = CONN_ID = "browser_connector"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FIRST_RUN, SECOND_RUN = "manual__first", "manual__second"
NASTY = "<script>alert(1)</script>"

SHIPPED = yaml.safe_load((ROOT / "dags/insightly_crm_connector.yaml").read_text())
SETTINGS = {
    **SHIPPED["settings"],
    "create_prospects": True,
    "delete_or_merge_prospects": True,
    "show_prospect_timeline": True,
    "approval": "ask",
    "breakers": {"email_changes": {"count": 5, "percent": 1}},
}
# The file has to be there before Airflow starts: it looks for new ones seldom.
CONFIGURATION_FILE = add_connector(DAG_ID, SETTINGS, SHIPPED["mapping"]).with_suffix(".yaml")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM is None:
        here = Path(__file__).parent
        for item in items:
            if here in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="no Chromium is installed: apt-get install chromium"))


@pytest.fixture(scope="session")
def company(standalone, insightly_sandbox_server) -> Any:
    """A company in the sandbox that was synced twice, with edits in between."""
    sandbox = insightly_sandbox_server
    sandbox.reset("demo")
    engine = open_store(standalone.store_url)
    client = InsightlyClient(sandbox.api_key, base_url=sandbox.base_url, requests_per_second=1000)
    configuration = load_configuration(CONFIGURATION_FILE)
    sync(client, engine, configuration, FIRST_RUN, backfill=True)
    contacts = list(client.list("Contacts"))
    for number, contact in enumerate(contacts[:12]):
        client.update("Contacts", {"CONTACT_ID": contact["CONTACT_ID"], "PHONE": f"+1 555 01{number:02}"})
    client.update("Contacts", {"CONTACT_ID": contacts[0]["CONTACT_ID"], "FIRST_NAME": NASTY})
    sync(client, engine, configuration, SECOND_RUN)
    return Company(sandbox, client, engine, contacts)


def sync(client: InsightlyClient, engine: Any, configuration: Configuration, run_id: str, **options: Any) -> None:
    run_connector(client, engine, CONN_ID, configuration, run_id=run_id, sleep=lambda _: None, **options)
    with writing(engine) as connection:
        note_configuration(
            connection, CONN_ID, configuration, {}, dag_id=DAG_ID, run_id=run_id, dry_run=False, now=utc_now()
        )


class Company:
    """What is in Insightly, and the store that knows it.

    :param contacts: the contacts as they were before the edits; the first has a nasty name since.
    """

    def __init__(self, sandbox: Any, client: InsightlyClient, engine: Any, contacts: list[dict[str, Any]]) -> None:
        self.sandbox, self.client, self.engine, self.contacts = sandbox, client, engine, contacts


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, standalone) -> Iterator[Callable[..., Any]]:
    """Return how to open an address as somebody; what the browser complains about fails the test."""
    contexts, complaints = [], []

    def open_page(path: str, user: str | None = "admin", width: int = 1280, theme: str = "light", look: bool = True):
        context = chromium.new_context(viewport={"width": width, "height": 900}, accept_downloads=True)
        contexts.append(context)
        context.set_default_timeout(60_000)
        context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
        if user is not None:
            context.add_cookies([{"name": "_token", "value": standalone.token(user), "url": standalone.url}])
        page = context.new_page()
        if look:
            page.on("pageerror", lambda error: complaints.append(f"{path}: {error}"))
            page.on("console", lambda line: complaints.append(f"{path}: {line.text}") if line.type == "error" else None)
        page.goto(f"{standalone.url}{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints
