"""What the OpenLineage provider learns of a send, asked for as that provider asks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.providers.sqlite.hooks.sqlite import SqliteHook

from airflow_provider_insightly.operators.records import InsightlyCreateContactOperator, InsightlyUpdateContactOperator
from airflow_provider_insightly.operators.send import (
    InsightlyReplayOperator,
    InsightlySendOperator,
    InsightlyUpsertOperator,
)
from airflow_provider_insightly.transfers.sql_to_insightly import SqlToInsightlyOperator

base = pytest.importorskip("airflow.providers.openlineage.extractors.base")

sqlparser = pytest.importorskip("airflow.providers.openlineage.sqlparser")

CONTACTS = ("insightly://na1", "Contacts")
FILE = ("file", "/data/people.csv")


@pytest.fixture(autouse=True)
def connection(monkeypatch: pytest.MonkeyPatch) -> None:
    described = {"conn_type": "insightly", "password": "key", "extra": {"pod": "na1"}}
    monkeypatch.setenv("AIRFLOW_CONN_INSIGHTLY_DEFAULT", json.dumps(described))


def datasets(operator: Any) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    lineage = base.DefaultExtractor(operator).extract_on_complete(task_instance=None)
    inputs, outputs = ([(each.namespace, each.name) for each in side] for side in (lineage.inputs, lineage.outputs))
    return inputs, outputs


def test_a_file_goes_to_an_object():
    operator = InsightlyCreateContactOperator(task_id="t", records="/data/people.csv")
    assert datasets(operator) == ([FILE], [CONTACTS])


def test_records_from_elsewhere_are_no_file():
    assert datasets(InsightlyCreateContactOperator(task_id="t", records=[])) == ([], [CONTACTS])
    assert datasets(InsightlyCreateContactOperator(task_id="t", records='[{"FIRST_NAME": "Ann"}]')) == ([], [CONTACTS])


def test_what_reads_before_it_writes():
    upsert = InsightlyUpsertOperator(task_id="t", object="Contacts", match_on="EMAIL_ADDRESS", records=[])
    merge = InsightlyUpdateContactOperator(task_id="t", records=[], update_mode="merge")
    assert datasets(upsert) == datasets(merge) == ([CONTACTS], [CONTACTS])


def test_a_url_of_another_host_and_one_that_is_no_object():
    there = InsightlySendOperator(task_id="t", url="http://localhost:8765/v3.1/Leads", records=[])
    assert datasets(there) == ([], [("insightly://localhost:8765", "Leads")])
    assert datasets(InsightlySendOperator(task_id="t", url="/Bulk", records=[])) == ([], [])


def test_a_replay_reads_the_rejected_file_if_there_is_one():
    replay = {"task_id": "t", "template": "create_contact"}
    assert datasets(InsightlyReplayOperator(records="/data/people.csv", **replay)) == ([FILE], [CONTACTS])
    assert datasets(InsightlyReplayOperator(records="None", **replay)) == ([], [CONTACTS])


class Warehouse(SqliteHook):
    """A database with a name; SQLite's own hook tells OpenLineage of none."""

    def get_openlineage_database_info(self, connection: Any) -> Any:
        return sqlparser.DatabaseInfo(scheme="postgres", authority="warehouse:5432", database="sales")


def query(monkeypatch: pytest.MonkeyPatch, hook: type[SqliteHook], sql: str) -> SqlToInsightlyOperator:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", "sqlite:///unused.db")
    operator = SqlToInsightlyOperator(task_id="t", template="create_contact", sql=sql, sql_conn_id="warehouse")
    operator.sql_hook = hook("warehouse")
    return operator


def test_the_tables_of_a_query_go_to_an_object(monkeypatch: pytest.MonkeyPatch):
    sql = "SELECT p.name, m.mail FROM crm.people p JOIN mails m ON m.person = p.id"
    people, mails = (("postgres://warehouse:5432", f"sales.{name}") for name in ("crm.people", "public.mails"))
    inputs, outputs = datasets(query(monkeypatch, Warehouse, sql))
    assert (sorted(inputs), outputs) == ([people, mails], [CONTACTS])


def test_a_query_that_cannot_be_read_or_a_database_without_a_name_is_no_table(monkeypatch: pytest.MonkeyPatch):
    assert datasets(query(monkeypatch, Warehouse, "This is no SQL")) == ([], [CONTACTS])
    assert datasets(query(monkeypatch, SqliteHook, "SELECT name FROM people")) == ([], [CONTACTS])


def test_airflow_finds_it_and_reports_a_failed_task_too():
    operator = InsightlyCreateContactOperator(task_id="t", records="/data/people.csv")
    manager = pytest.importorskip("airflow.providers.openlineage.extractors.manager").ExtractorManager()
    assert manager.get_extractor_class(operator) is base.DefaultExtractor
    assert base.DefaultExtractor(operator).extract_on_failure(task_instance=None).outputs
