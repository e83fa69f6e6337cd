"""The examples in ``dags.py`` do what the documentation says, each operator run by itself."""

from __future__ import annotations

import json
import runpy
import sqlite3
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox
from demo.environment import ROOT


@pytest.fixture
def context(insightly_sandbox: InsightlySandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What Airflow gives an operator, as far as these look at it."""
    extra = {"base_url": insightly_sandbox.base_url, "requests_per_second": 500}
    described = {"conn_type": "insightly", "password": insightly_sandbox.api_key, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_INSIGHTLY_DEFAULT", json.dumps(described))
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    return {
        "ti": SimpleNamespace(dag_id="d", task_id="t", run_id="r", map_index=-1),
        "params": {"path": str(tmp_path / "contacts.csv")},
        "data_interval_start": datetime(2026, 11, 21, 14, 0, tzinfo=timezone.utc),
        "data_interval_end": datetime(2026, 11, 21, 14, 15, tzinfo=timezone.utc),
    }


def test_the_schedule_of_the_connector():
    text = (ROOT / "docs/connector.md").read_text("utf-8")
    statement = text.partition("## Schedule it")[2].partition("```python\n")[2].partition("```")[0]
    path = str(ROOT / "dags/insightly_crm_connector.py")
    module = {**runpy.run_path(path), "__file__": path}

    exec(compile(statement, path, "exec"), module)

    assert module["dag"].schedule == "*/15 * * * *"


def test_the_rows_that_changed(
    context: dict[str, Any],
    insightly_sandbox: InsightlySandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    from tests.docs.dags import changed

    insightly_sandbox.add("Contacts", FIRST_NAME="Ann", EMAIL_ADDRESS="ann@example.com", PHONE="1")
    path = tmp_path / "warehouse.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE people (mail, first_name, phone, changed_at)")
        rows = [
            ("ann@example.com", "Ann", "2", "2026-11-21T14:00:00+00:00"),
            ("bea@example.com", "Bea", "3", "2026-11-21T14:07:00+00:00"),
            ("too@late.example", "Cy", "4", "2026-11-21T14:15:00+00:00"),
        ]
        database.executemany("INSERT INTO people VALUES (?, ?, ?, ?)", rows)
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    operator = changed.get_task("send_changes")

    operator.render_template_fields(context)
    summary = operator.execute(context)

    contacts = insightly_sandbox.call("GET", "/Contacts").json()
    assert summary["succeeded"] == 2
    assert {(contact["FIRST_NAME"], contact["PHONE"]) for contact in contacts} == {("Ann", "2"), ("Bea", "3")}


def test_an_alert_about_what_failed(context: dict[str, Any], tmp_path: Path):
    from tests.docs.dags import TOLD, alert

    (tmp_path / "contacts.csv").write_text("FIRST_NAME,LAST_NAME\nAnn,Lee\n,Nameless\n")
    operator = alert.get_task("create_contacts")
    operator.render_template_fields(context)

    alert.get_task("tell_what_failed").python_callable(operator.execute(context))

    assert TOLD == ["1 contacts were not sent.\nline 3: FIRST_NAME: is required and has no value"]
