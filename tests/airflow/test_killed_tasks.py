"""Any task of the connector may be killed at any moment: cleared, the run ends as one in which nothing happened.

Each task is a process of its own, as in Airflow, and dies by SIGKILL at a request, before or after Insightly answered
it, or when it is about to commit to the store.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException
from sqlalchemy import event, select
from sqlalchemy.engine import Engine

from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.connector.log_search import LogFilter, read_log
from airflow_provider_insightly.hooks.store import open_airflow_store
from airflow_provider_insightly.store.tables import (
    connector_changes,
    connector_links,
    connector_opt_outs,
    connector_tombstones,
)
from tests.connector.company import ID_FIELDS, MAPPING, SETTINGS, Company
from tests.connector.conftest import empty_store

from .conftest import load_file
from .connectors import add_connector

pytestmark = pytest.mark.airflow

__all__ = ["empty_store"]

DAG_ID = "killed_connector"
RUNS = int(os.environ.get("INSIGHTLY_KILLED_RUNS", "2"))
KILLS_OF_A_TASK = 2
VOLATILE = ("DATE_CREATED_UTC", "DATE_UPDATED_UTC", "ETag")


@dataclass
class Run:
    """A run of the DAG, a process for each attempt at a task.

    :param kill_at: chooses at which of so many moments the next attempt at a task dies; ``None``: it lives.
    """

    dag: Any
    conf: dict[str, Any]
    run_id: str
    kill_at: Callable[[str], int | None] = lambda task_id: None
    xcom: dict[str, Any] = field(default_factory=dict)
    moments: Counter[str] = field(default_factory=Counter)
    """At how many moments each task could have died."""
    killed: int = 0

    def finish(self) -> Run:
        params = {**{name: param.value for name, param in self.dag.params.items()}, **self.conf}
        self.context = {"params": params, "run_id": self.run_id, "dag": self.dag, "ti": self}
        for task in self.dag.topological_sort():
            self.xcom[task.task_id] = self._run_task(task)
        return self

    def xcom_pull(self, task_ids: str) -> Any:
        return self.xcom[task_ids]

    def _run_task(self, task: Any) -> Any:
        if not task.is_mapped:
            return self._run_until_done(task)
        chunks = self.xcom[task.task_id.removesuffix("_writes")] or []  # none when that step was skipped
        return [self._run_until_done(task.unmap({"chunk": chunk})) for chunk in chunks]

    def _run_until_done(self, operator: Any) -> Any:
        for _ in range(KILLS_OF_A_TASK):
            moment = self.kill_at(operator.task_id)
            status, answer = self._attempt(operator, moment)
            if not os.WIFSIGNALED(status):
                break
            self.killed += 1
        else:
            status, answer = self._attempt(operator, None)
        assert status == 0, f"{operator.task_id} failed: {answer}"
        self.moments[operator.task_id] += answer["moments"]
        return answer["value"]

    def _attempt(self, operator: Any, kill_at: int | None) -> tuple[int, Any]:
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            os.close(reading)
            live(operator, self.context, kill_at, writing)
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as pipe:
            said = pipe.read()
        status = os.waitpid(process, 0)[1]
        return status, json.loads(said) if said else None


def live(operator: Any, context: dict[str, Any], kill_at: int | None, writing: int) -> NoReturn:
    """Be a worker: execute, say what came of it, and end; or die at a moment."""
    passed = 0

    def moment(*args: Any) -> None:
        nonlocal passed
        passed += 1
        if passed == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    send = InsightlyClient._send

    def send_or_die(self: InsightlyClient, prepared: Any) -> Any:
        moment()
        answer = send(self, prepared)
        moment()
        return answer

    InsightlyClient._send = send_or_die  # type: ignore[method-assign]  # this process is the task's alone
    event.listen(Engine, "commit", moment)
    status, answer = 1, {}
    try:
        answer = {"value": operator.execute(context), "moments": passed}
        status = 0
    except AirflowSkipException:
        answer, status = {"value": None, "moments": passed}, 0
    except Exception as error:  # noqa: BLE001  # the parent names it
        answer = {"error": repr(error)}
    finally:
        os.write(writing, json.dumps(answer).encode())
        os._exit(status)


@pytest.fixture
def company(
    insightly_sandbox: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_store: Path
) -> Iterator[Company]:
    """A company whose people have worked for a day since the first run; places of the dead stay taken for a while."""
    connection = {
        "conn_type": "insightly",
        "password": insightly_sandbox.api_key,
        "extra": {"base_url": insightly_sandbox.base_url, "requests_per_second": 1000, "concurrency": 100},
    }
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))  # where the store is
    monkeypatch.setenv(f"AIRFLOW_CONN_{DAG_ID.upper()}", json.dumps(connection))
    shutil.copy(empty_store, tmp_path / "insightly.db")
    company = Company(insightly_sandbox)
    company.found()
    run({"backfill": True})
    company.edit()
    return company


def run(conf: dict[str, Any], **options: Any) -> Run:
    dag = load_file(add_connector(DAG_ID, SETTINGS, MAPPING), DAG_ID)
    return Run(dag, conf, f"run {conf}", **options).finish()


def state(company: Company, report: dict[str, Any]) -> dict[str, Counter[str]]:
    """Return what both sides, the store and XCom hold."""
    found: dict[str, Any] = {"report": [report["created_prospect_ids"], report["results"]]}
    for name in ID_FIELDS:
        records = company.sandbox.call("GET", f"/{name}", params={"top": 500}).json()
        found[name] = [{key: value for key, value in record.items() if key not in VOLATILE} for record in records]
    links, graves, out, queue = connector_links.c, connector_tombstones.c, connector_opt_outs.c, connector_changes.c
    queries = {
        "links": select(links.prospect_id, links.crm_object, links.crm_id, links.baseline),
        "graves": select(graves.prospect_id, graves.crm_object, graves.crm_id, graves.reason),
        "opt-outs": select(out.address_hash, out.source),
        "queue": select(queue.object, queue.record_id),
    }
    store = open_airflow_store()
    with store.connect() as connection:
        found |= {name: [list(row) for row in connection.execute(query)] for name, query in queries.items()}
        kept = ("event", "setting", "result", "crm_object", "crm_id", "prospect_id", "field", "before", "after")
        found["log"] = [[row[name] for name in kept] for row in read_log(connection, DAG_ID, LogFilter())]
    store.dispose()
    return {name: Counter(json.dumps(row, sort_keys=True) for row in rows) for name, rows in found.items()}


def copy_database(source: Path, target: Path) -> None:
    """Copy a database with what lies in its write-ahead log."""
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


def test_a_run_whose_tasks_are_killed_ends_like_one_in_which_nothing_happened(company: Company, tmp_path: Path) -> None:
    store = tmp_path / "insightly.db"
    company.sandbox.control("POST", "/snapshots/edited")
    copy_database(store, tmp_path / "edited.db")

    undisturbed = run({})
    expected = state(company, undisturbed.xcom["report"])
    assert undisturbed.killed == 0

    for number in range(RUNS):
        company.sandbox.control("POST", "/snapshots/edited/restore")
        copy_database(tmp_path / "edited.db", store)
        chance = random.Random(number)

        def kill_at(task_id: str, chance: random.Random = chance) -> int | None:
            return chance.randint(1, undisturbed.moments[task_id]) if undisturbed.moments[task_id] else None

        disturbed = run({}, kill_at=kill_at)
        assert disturbed.killed >= sum(moments > 0 for moments in undisturbed.moments.values())
        found = state(company, disturbed.xcom["report"])
        differing = {name: (found[name] - known, known - found[name]) for name, known in expected.items()}
        assert {name: both for name, both in differing.items() if any(both)} == {}, f"with the seed {number}"

    writes = len(company.sandbox.requests()) - len(company.sandbox.requests(method="GET"))
    assert run({"backfill": False}).xcom["report"]["results"] == {}
    assert len(company.sandbox.requests()) - len(company.sandbox.requests(method="GET")) == writes
