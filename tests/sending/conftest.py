"""A store, a client of the sandbox, and a send from records to its report."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete
from sqlalchemy.engine import Engine

from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.api.retry import RetryPolicy
from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox
from airflow_provider_insightly.sending.journal import Journal
from airflow_provider_insightly.sending.record import Record
from airflow_provider_insightly.sending.report import Report
from airflow_provider_insightly.sending.request import read_items
from airflow_provider_insightly.sending.send import DeliveryPolicy, send
from airflow_provider_insightly.sending.settings import SendSettings, from_template
from airflow_provider_insightly.sending.source import number_records
from airflow_provider_insightly.sending.template import get_template
from airflow_provider_insightly.store.engine import open_store
from airflow_provider_insightly.store.tables import sending_journal, sending_places, sending_sends, sending_throttle


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    """An empty store: in a file, or in the database that INSIGHTLY_TEST_POSTGRES names."""
    url = os.environ.get("INSIGHTLY_TEST_POSTGRES")
    engine = open_store(url or f"sqlite:///{tmp_path / 'store.db'}")
    if url:
        with engine.begin() as connection:
            for table in (sending_sends, sending_journal, sending_throttle, sending_places):
                connection.execute(delete(table))
    yield engine
    engine.dispose()


@pytest.fixture
def client(insightly_sandbox: InsightlySandbox) -> InsightlyClient:
    return make_client(insightly_sandbox)


def make_client(sandbox: InsightlySandbox, **options: Any) -> InsightlyClient:
    """A client that is not slowed down, and that waits for nothing between attempts."""
    defaults = {"requests_per_second": 100_000, "retry": RetryPolicy(attempts=8), "sleep": lambda seconds: None}
    return InsightlyClient(sandbox.api_key, base_url=sandbox.base_url, **{**defaults, **options})


class Sent:
    """A send that has ended: its summary and the lines of its two files."""

    def __init__(self, report: Report, responses: list[str], rejected: list[str]) -> None:
        self.report = report
        self.summary = report.summary()
        self.responses = responses
        self.rejected = rejected


@pytest.fixture
def run_send(store: Engine, client: InsightlyClient) -> Callable[..., Sent]:
    """Send records by a template or by settings, as one attempt of the send ``key``."""

    def run(
        how: str | SendSettings,
        records: Iterable[Mapping[str, Any] | Record],
        key: str = "test",
        policy: DeliveryPolicy | None = None,
        via: InsightlyClient | None = None,
        engine: Engine | None = None,
    ) -> Sent:
        settings = from_template(get_template(how)) if isinstance(how, str) else how
        responses: list[str] = []
        rejected: list[str] = []
        report = Report(key, responses.append, rejected.append, settings.masked)
        target = settings.target
        journal = Journal(engine or store, key, target.name if target else None)
        send(settings, read_items(settings, number_records(records)), via or client, report, journal, policy)
        return Sent(report, responses, rejected)

    return run
