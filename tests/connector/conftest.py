"""A CRM and a Marketing in one sandbox, people who edit them, and a connector that syncs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.engine import Engine

from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.api.retry import NO_RETRY
from airflow_provider_insightly.connector.configuration import Configuration
from airflow_provider_insightly.connector.finishing import Report
from airflow_provider_insightly.connector.log_search import LogFilter, read_log
from airflow_provider_insightly.connector.records import Ref
from airflow_provider_insightly.connector.run import run_connector, utc_now
from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox
from airflow_provider_insightly.store.engine import open_store, writing
from airflow_provider_insightly.store.tables import connector_links, connector_tombstones, metadata

ID_FIELDS = {"Prospect": "PROSPECT_ID", "Contacts": "CONTACT_ID", "Leads": "LEAD_ID"}
MAPPING = [
    {"prospect": "FIRST_NAME", "lead": "FIRST_NAME", "contact": "FIRST_NAME"},
    {"prospect": "LAST_NAME", "lead": "LAST_NAME", "contact": "LAST_NAME"},
    {"prospect": "PHONE", "lead": "PHONE", "contact": "PHONE", "behavior": "Most Recently Updated Value"},
    {"prospect": "TITLE", "lead": "TITLE", "contact": "TITLE", "behavior": "Marketing Value"},
    {"prospect": "MOBILE", "lead": "MOBILE", "contact": "PHONE_MOBILE"},
    {
        "prospect": "OPTED_OUT",
        "lead": "EMAIL_OPTED_OUT",
        "contact": "EMAIL_OPTED_OUT",
        "behavior": "Most Recently Updated Value",
    },
]


class Office:
    """Both sides, and the connector between them."""

    def __init__(self, sandbox: InsightlySandbox, client: InsightlyClient, store: Engine) -> None:
        self.sandbox, self.client, self.store = sandbox, client, store
        self.offset = timedelta()
        self.mapping: list[dict[str, Any]] = MAPPING
        self.settings: dict[str, Any] = {"sweep_hours": 0, "read_lag_seconds": 0}

    def now(self) -> datetime:
        return utc_now() + self.offset

    def wait(self, **time: float) -> None:
        """Let time pass, here and on the server."""
        self.offset += timedelta(**time)
        self.sandbox.settings(clock_offset=self.offset.total_seconds())

    def sleep(self, seconds: float) -> None:
        """Wait without waiting."""
        self.wait(seconds=seconds)

    def contact(self, email: str | None, **fields: Any) -> int:
        body = {"FIRST_NAME": "Ada", "LAST_NAME": "Byron", "EMAIL_ADDRESS": email, **fields}
        return int(self.sandbox.add("Contacts", **body)["CONTACT_ID"])

    def lead(self, email: str | None, **fields: Any) -> int:
        body = {"FIRST_NAME": "Ada", "LAST_NAME": "Byron", "EMAIL": email, **fields}
        return int(self.sandbox.add("Leads", **body)["LEAD_ID"])

    def prospect(self, email: str, **fields: Any) -> int:
        """Add a prospect; the ids of CRM records, which the API cannot write, too."""
        ids = {name: fields.pop(name) for name in ("CONTACT_ID", "LEAD_ID") if name in fields}
        body = {"FIRST_NAME": "Ada", "LAST_NAME": "Byron", "EMAIL_ADDRESS": email, **fields}
        number = int(self.sandbox.add("Prospect", **body)["PROSPECT_ID"])
        if ids:
            self.in_web_page(f"/records/Prospect/{number}", ids)
        return number

    def in_web_page(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Do what people do in the web page, and the API cannot."""
        return self.sandbox.control("POST", path, body or {})

    def edit(self, object_name: str, number: int, **fields: Any) -> None:
        answer = self.sandbox.call("PUT", f"/{object_name}", {ID_FIELDS[object_name]: number, **fields})
        assert answer.ok, answer.text

    def delete(self, object_name: str, number: int) -> None:
        assert self.sandbox.call("DELETE", f"/{object_name}/{number}").ok

    def get(self, object_name: str, number: int) -> dict[str, Any]:
        record: dict[str, Any] = self.sandbox.call("GET", f"/{object_name}/{number}").json()
        return record

    def all(self, object_name: str) -> list[dict[str, Any]]:
        return list(self.client.list(object_name))

    def run(self, **options: Any) -> Report:
        """Sync; settings and the options of a run are told apart by their names."""
        names = ("dry_run", "backfill", "approve_plan", "run_id", "only")
        run = {name: options.pop(name) for name in names if name in options}
        configuration = Configuration.model_validate(
            {"settings": {**self.settings, **options}, "mapping": self.mapping}
        )
        return run_connector(self.client, self.store, "test", configuration, now=self.now, sleep=self.sleep, **run)

    def log(self, **wanted: Any) -> list[dict[str, Any]]:
        with self.store.connect() as connection:
            return list(read_log(connection, "test", LogFilter(**wanted)))

    def links(self) -> dict[int, Ref]:
        with self.store.connect() as connection:
            return {
                row.prospect_id: Ref(row.crm_object, row.crm_id) for row in connection.execute(select(connector_links))
            }

    def tombstones(self) -> set[tuple[int, Ref]]:
        with self.store.connect() as connection:
            rows = connection.execute(select(connector_tombstones))
            return {(row.prospect_id, Ref(row.crm_object, row.crm_id)) for row in rows}

    def writes(self) -> list[tuple[str, str, Any]]:
        """Return the requests that the sandbox received and that were no reads."""
        received = self.sandbox.requests()
        return [(each["method"], each["path"], each["body"]) for each in received if each["method"] != "GET"]


def make_pair(office: Office, email: str = "a@example.com", **fields: Any) -> tuple[int, int]:
    """Add a prospect and its Contact, and link them."""
    contact, prospect = office.contact(email, **fields), office.prospect(email)
    office.run()
    return prospect, contact


def convert_into(office: Office, lead: int, contact: int) -> None:
    """Convert a Lead into a Contact that was there before."""
    office.in_web_page(f"/records/Leads/{lead}", {"CONVERTED": True, "CONVERTED_CONTACT_ID": contact})


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose tables are made: making them takes longer than most tests."""
    path = tmp_path_factory.mktemp("store") / "store.db"
    open_store(f"sqlite:///{path}").dispose()
    return path


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Iterator[Engine]:
    """An empty store: SQLite, or the PostgreSQL database that INSIGHTLY_TEST_POSTGRES names."""
    url = os.environ.get("INSIGHTLY_TEST_POSTGRES")
    if not url:
        shutil.copy(empty_store, tmp_path / "store.db")
    engine = open_store(url or f"sqlite:///{tmp_path / 'store.db'}")
    with writing(engine) as connection:
        for table in metadata.tables.values():
            connection.execute(table.delete())
    yield engine
    engine.dispose()


@pytest.fixture
def office(insightly_sandbox: InsightlySandbox, store: Engine) -> Office:
    client = InsightlyClient(
        insightly_sandbox.api_key, base_url=insightly_sandbox.base_url, requests_per_second=10_000, retry=NO_RETRY
    )
    return Office(insightly_sandbox, client, store)
