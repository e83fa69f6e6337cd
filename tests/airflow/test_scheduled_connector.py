"""The connector's DAG through Airflow's own scheduler and workers: at size, with killed tasks, waiting for a person.

These runs take minutes: they are left out unless ``INSIGHTLY_SCHEDULER=1``. ``INSIGHTLY_COMPANY_UNITS=10`` makes the
company one of 2,000 Contacts, 1,000 Leads and 3,000 prospects, with 300 edits. Run by ``python -m tests.postgres``, the
store is on PostgreSQL.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from functools import partial

import pytest

from airflow_provider_insightly.connector.log_search import LogFilter, read_log
from airflow_provider_insightly.store.engine import open_store
from tests.connector.company import EDITS_IN_A_UNIT, MAPPING, SETTINGS, Company, log_rows

from .connectors import add_connector

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.skipif("INSIGHTLY_SCHEDULER" not in os.environ, reason="takes minutes: INSIGHTLY_SCHEDULER=1"),
]

UNIT = int(os.environ.get("INSIGHTLY_COMPANY_UNITS", "1"))
PATIENCE = 1200
KILLED = ["extract_contacts", "plan", "sync_fields_writes", "create_prospects_writes", "report"]
HELD = {**SETTINGS, "delete_mode": "delete", "breakers": {"creates": {"count": 0, "percent": 0}}}


@pytest.fixture
def start(standalone, insightly_sandbox):
    """Return a connector of this test: its DAG in the scheduler, its connection, its company."""

    def make(dag_id, settings=SETTINGS, unit=1):
        add_connector(dag_id, settings, MAPPING)
        standalone.connect(dag_id, insightly_sandbox)
        company = Company(insightly_sandbox, unit)
        company.found()
        return company

    return make


def run(standalone, dag_id, **conf):
    """Run to the end; return the run's id and its report."""
    run_id = standalone.trigger(dag_id, **conf)
    assert standalone.finish(dag_id, run_id, PATIENCE) == "success"
    return run_id, standalone.xcom(dag_id, run_id, "report")


def read_store(standalone, dag_id, run_id):
    store = open_store(standalone.store_url)
    with store.connect() as connection:
        rows = list(read_log(connection, dag_id, LogFilter(run_id=run_id)))
    store.dispose()
    return rows


def writes(sandbox):
    return [(each["method"], each["path"]) for each in sandbox.requests() if each["method"] != "GET"]


def applied(report):
    return {event: results["applied"] for event, results in report["results"].items() if "applied" in results}


def test_a_day_of_a_company(standalone, start, insightly_sandbox):
    company = start("scheduled_connector", unit=UNIT)
    _, first = run(standalone, "scheduled_connector", backfill=True)
    assert applied(first) == company.first_results
    assert len(set(first["created_prospect_ids"])) == company.first_results["create"]

    company.edit()
    assert company.edits == EDITS_IN_A_UNIT * UNIT
    run_id, report = run(standalone, "scheduled_connector")
    found, expected = log_rows(read_store(standalone, "scheduled_connector", run_id), company.rows)
    assert found - expected == expected - found == {}
    created = [insightly_sandbox.call("GET", f"/Prospect/{number}").json() for number in report["created_prospect_ids"]]
    assert {prospect["EMAIL_ADDRESS"] for prospect in created} == {
        row.after for row in company.rows if row.event == "create"
    }

    before = writes(insightly_sandbox)
    _, quiet = run(standalone, "scheduled_connector")
    assert quiet["results"] == {}
    assert writes(insightly_sandbox) == before


def test_tasks_whose_process_is_killed_are_tried_again_and_the_run_ends_the_same(standalone, start, insightly_sandbox):
    company = start("killed_in_scheduler")
    run(standalone, "killed_in_scheduler", backfill=True)
    company.edit()
    insightly_sandbox.settings(latency_ms=300)  # so that there is time to kill
    run_id = standalone.trigger("killed_in_scheduler")
    for task_id in KILLED:
        at_work = partial(find_process, standalone, "killed_in_scheduler", run_id, task_id)
        os.kill(standalone.wait_until(f"{task_id} at work", at_work, pause=0.05), signal.SIGKILL)
    insightly_sandbox.settings(latency_ms=0)
    assert standalone.finish("killed_in_scheduler", run_id, PATIENCE) == "success"
    tries = {each["task_id"]: each["try_number"] for each in standalone.tasks("killed_in_scheduler", run_id)}
    assert {task_id for task_id, number in tries.items() if number > 1} == set(KILLED)

    found, expected = log_rows(read_store(standalone, "killed_in_scheduler", run_id), company.rows)
    assert found - expected == expected - found == {}
    before = writes(insightly_sandbox)
    _, quiet = run(standalone, "killed_in_scheduler")
    assert quiet["results"] == {}
    assert writes(insightly_sandbox) == before


def find_process(standalone, dag_id, run_id, task_id):
    """Return the process of a task that runs."""
    tasks = standalone.tasks(dag_id, run_id)
    return next((each["pid"] for each in tasks if each["task_id"] == task_id and each["state"] == "running"), None)


def waiting(standalone, dag_id, run_id):
    """Wait until the run waits for a person; return what it asks."""

    def asked():
        tasks = {each["task_id"]: each["state"] for each in standalone.tasks(dag_id, run_id)}
        return tasks["approve_plan"] in ("awaiting_input", "deferred")

    standalone.wait_until("a question", asked, PATIENCE)
    return standalone.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/approve_plan/-1/hitlDetails")


def test_a_plan_that_a_breaker_holds_waits_for_a_yes_and_then_writes(standalone, start, insightly_sandbox):
    """The question in the UI, answered with yes, with no, and by the command line."""
    company = start("asking_connector", {**HELD, "approval": "ask"})
    before = writes(insightly_sandbox)

    refused = standalone.trigger("asking_connector", backfill=True)
    question = waiting(standalone, "asking_connector", refused)
    assert "creates: 30 of 300 prospects" in question["body"]
    assert writes(insightly_sandbox) == before
    standalone.answer("asking_connector", refused, "Reject", PATIENCE)
    assert standalone.finish("asking_connector", refused, PATIENCE) == "failed"
    assert writes(insightly_sandbox) == before

    approved = standalone.trigger("asking_connector", backfill=True)
    waiting(standalone, "asking_connector", approved)
    assert writes(insightly_sandbox) == before
    standalone.answer("asking_connector", approved, "Approve", PATIENCE)
    assert standalone.finish("asking_connector", approved, PATIENCE) == "success"
    assert applied(standalone.xcom("asking_connector", approved, "report")) == company.first_results

    company.edit()
    before = writes(insightly_sandbox)
    by_hash = standalone.trigger("asking_connector")
    question = waiting(standalone, "asking_connector", by_hash)
    assert "2 likely merges or deletes for good wait for a yes" in question["body"]
    assert writes(insightly_sandbox) == before
    plan_hash = standalone.xcom("asking_connector", by_hash, "plan")["hash"]
    who = ["--conn-id", "asking_connector", "--by", "Ada", "--yes"]
    said = standalone.command("connector", "approve", plan_hash, *who)
    assert "Clear the task breakers" in said
    standalone.clear("asking_connector", by_hash, "breakers")
    assert standalone.finish("asking_connector", by_hash, PATIENCE) == "success"
    results = standalone.xcom("asking_connector", by_hash, "report")["results"]
    assert results["delete"] == results["merge"] == {"applied": 1}
    assert sum(results["create"].values()) == 3


def test_without_a_yes_what_waits_is_left_and_the_rest_is_applied(standalone, start, insightly_sandbox):
    """Deletes for good wait with ``approval: fail``, too, and hold nothing else."""
    company = start("leaving_connector", {**SETTINGS, "delete_mode": "delete"})
    run(standalone, "leaving_connector", backfill=True)
    company.edit()
    deleted = insightly_sandbox.requests(method="DELETE")  # by people
    _, report = run(standalone, "leaving_connector")
    assert report["results"]["delete"] == report["results"]["merge"] == {"pending_approval": 1}
    rest = [row.event for row in company.rows if row.event not in ("archive", "merge") and row.result == "applied"]
    assert applied(report) == Counter(rest)
    assert insightly_sandbox.requests(method="DELETE") == deleted
