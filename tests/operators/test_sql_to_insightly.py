from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox
from airflow_provider_insightly.transfers.sql_to_insightly import SqlToInsightlyOperator
from tests.sending.test_send import contacts

Execute = Callable[..., Any]


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection ``people_db``: three people in a table."""
    with sqlite3.connect(tmp_path / "people.db") as connection:
        connection.execute("CREATE TABLE people (id INTEGER, name TEXT, age INTEGER)")
        people = [(1, "Zoë", 29), (2, None, 31), (3, "O'Brien", 70)]
        connection.executemany("INSERT INTO people VALUES (?, ?, ?)", people)
    connection.close()
    monkeypatch.setenv(
        "AIRFLOW_CONN_PEOPLE_DB", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "people.db")})
    )


def make(sql: str, **options: Any) -> SqlToInsightlyOperator:
    return SqlToInsightlyOperator(
        **{"task_id": "send", "template": "create_contact", "sql_conn_id": "people_db", "sql": sql, **options}
    )


def test_each_row_is_a_record(database: None, execute: Execute, insightly_sandbox: InsightlySandbox):
    sql = 'SELECT name AS "FIRST_NAME" FROM people WHERE age > ? AND name IS NOT NULL ORDER BY id'

    sent = execute(make(sql, parameters=[20]))

    assert [contact["FIRST_NAME"] for contact in contacts(insightly_sandbox)] == ["Zoë", "O'Brien"]
    assert sent["record_ids"] == [contact["CONTACT_ID"] for contact in contacts(insightly_sandbox)]


def test_no_row_is_no_record(database: None, execute: Execute):
    assert execute(make('SELECT name AS "FIRST_NAME" FROM people WHERE age > 100'))["record_ids"] == []


def test_two_columns_of_one_name_are_refused(database: None, execute: Execute, insightly_sandbox: InsightlySandbox):
    with pytest.raises(AirflowFailException, match="FIRST_NAME more than once"):
        execute(make('SELECT name AS "FIRST_NAME", age AS "FIRST_NAME" FROM people'))
    assert insightly_sandbox.requests() == []


def test_a_connection_to_something_else_is_refused(execute: Execute):
    with pytest.raises(AirflowFailException, match="insightly_default is not one to a SQL database"):
        execute(make("SELECT 1", sql_conn_id="insightly_default"))
