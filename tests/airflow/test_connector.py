"""The connector's DAG in real Airflow: what is skipped, what is mapped, what is in XCom, and a quiet last run."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from airflow_provider_insightly.connector.log_search import LogFilter, read_log
from airflow_provider_insightly.hooks.store import open_airflow_store
from tests.connector.company import MAPPING, SETTINGS, Company, log_rows

from .conftest import load_file
from .connectors import add_connector

pytestmark = pytest.mark.airflow

DAG_ID = "company_connector"
BOXES_OFF = ("show_prospect_timeline", "sync_field_labels")
BOXES_ON = (
    "match_by_email",
    "overwrite_opted_out",
    "update_email_addresses",
    "crm_empty_overwrites_marketing",
    "marketing_empty_overwrites_crm",
    "create_prospects",
    "delete_or_merge_prospects",
)
DRY, FIRST, EDITED, QUIET = range(4)


@pytest.fixture(scope="module")
def company(insightly_sandbox_server):
    insightly_sandbox_server.reset()
    company = Company(insightly_sandbox_server)
    company.found()
    return company


@pytest.fixture(scope="module")
def runs(airflow_home, company):
    """A dry run, a real one, one after a day's edits, and a quiet one; with what Insightly received in each."""
    file = add_connector(DAG_ID, SETTINGS, MAPPING)
    sandbox = company.sandbox
    connection = {
        "conn_type": "insightly",
        "password": sandbox.api_key,
        "extra": {"base_url": sandbox.base_url, "requests_per_second": 500},
    }
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(f"AIRFLOW_CONN_{DAG_ID.upper()}", json.dumps(connection))
        for conf in ({"dry_run": True, "backfill": True}, {"backfill": True}, {}, {}):
            if len(found) == EDITED:
                company.edit()
            before = len(sandbox.requests())
            dag = load_file(file, DAG_ID)  # a run keeps its conf
            run = dag.test(run_conf=conf)
            found.append((run, [each for each in sandbox.requests()[before:] if each["method"] != "GET"]))
    return found


def states(run):
    return {ti.task_id: ti.state for ti in run.get_task_instances()}


def report(run):
    return run.get_task_instance("report").xcom_pull(task_ids="report")


def test_every_run_succeeds(runs):
    assert [run.state for run, _ in runs] == ["success"] * 4


def test_a_dry_run_writes_nothing_and_skips_every_step(runs):
    run, writes = runs[DRY]
    assert writes == []
    assert states(run)["breakers"] == states(run)["create_prospects"] == "skipped"
    assert states(run)["report"] == "success"


def test_a_setting_that_is_off_is_a_skipped_task(runs):
    found = states(runs[FIRST][0])
    assert {found[name] for name in BOXES_OFF} == {"skipped"}
    assert {found[f"{name}_writes"] for name in BOXES_OFF} == {"skipped"}
    assert {found[name] for name in BOXES_ON} == {"success"}


def test_the_first_run_links_fills_in_and_creates(runs, company):
    run, writes = runs[FIRST]
    applied = {event: results.get("applied", 0) for event, results in report(run)["results"].items()}
    assert applied == company.first_results
    assert Counter(each["method"] for each in writes) == {
        "POST": applied["create"],
        "PUT": applied["update_prospect"] + applied["update_crm"],
    }


def test_the_ids_of_created_prospects_go_through_xcom(runs, company):
    prospects = company.sandbox.call("GET", "/Prospect", params={"top": 500}).json()
    known = {pair.prospect for pair in company.pairs.values()}
    created = report(runs[FIRST][0])["created_prospect_ids"] + report(runs[EDITED][0])["created_prospect_ids"]
    strangers = {each["PROSPECT_ID"] for each in prospects if each["EMAIL_ADDRESS"].startswith(("s", "both"))}
    assert sorted(created) == sorted({each["PROSPECT_ID"] for each in prospects} - known - strangers)


def test_every_edit_has_its_row_in_the_log(runs, company):
    run, _ = runs[EDITED]
    with open_airflow_store().connect() as connection:
        rows = list(read_log(connection, DAG_ID, LogFilter(run_id=run.run_id)))
    found, expected = log_rows(rows, company.rows)
    assert found - expected == expected - found == {}


def test_the_last_run_is_quiet(runs):
    run, writes = runs[QUIET]
    assert writes == []
    assert report(run)["results"] == {}
