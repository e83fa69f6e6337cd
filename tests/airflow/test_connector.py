"""The connector's DAG in real Airflow: what is skipped, what is mapped, what is in XCom, and a quiet second run."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from demo.environment import ROOT

from .conftest import load_file

pytestmark = pytest.mark.airflow

BOXES_OFF = (
    "overwrite_opted_out",
    "crm_empty_overwrites_marketing",
    "marketing_empty_overwrites_crm",
    "delete_or_merge_prospects",
    "show_prospect_timeline",
    "sync_field_labels",
)


@pytest.fixture(scope="module")
def runs(airflow_home, insightly_sandbox_server):
    """Three runs: a dry one, a real one, and one that finds nothing; with what Insightly received in each."""
    sandbox = insightly_sandbox_server
    sandbox.reset()
    people = [("Ada", "ada@example.com"), ("Grace", "grace@example.com"), ("Mary", "mary@example.com")]
    for first_name, address in people:
        sandbox.add("Contacts", FIRST_NAME=first_name, LAST_NAME="X", EMAIL_ADDRESS=address)
    sandbox.add("Leads", LAST_NAME="Lead", EMAIL="lead@example.com")
    sandbox.add("Prospect", FIRST_NAME="A.", EMAIL_ADDRESS="ada@example.com")
    connection = {
        "conn_type": "insightly",
        "password": sandbox.api_key,
        "extra": {"base_url": sandbox.base_url, "requests_per_second": 500},
    }
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_INSIGHTLY_DEFAULT", json.dumps(connection))
        for conf in ({"dry_run": True}, {}, {"backfill": False}):
            before = len(sandbox.requests())
            dag = load_file(ROOT / "dags/insightly_crm_connector", "insightly_crm_connector")  # a run keeps its conf
            run = dag.test(run_conf={"create_prospects": True, "backfill": True, **conf})
            found.append((run, [each for each in sandbox.requests()[before:] if each["method"] != "GET"]))
    return found


def states(run):
    return {ti.task_id: ti.state for ti in run.get_task_instances()}


def test_every_run_succeeds(runs):
    assert [run.state for run, _ in runs] == ["success"] * 3


def test_a_dry_run_writes_nothing_and_skips_every_step(runs):
    run, writes = runs[0]
    assert writes == []
    assert states(run)["breakers"] == states(run)["create_prospects"] == "skipped"
    assert states(run)["report"] == "success"


def test_a_setting_that_is_off_is_a_skipped_task(runs):
    found = states(runs[1][0])
    assert {found[name] for name in BOXES_OFF} == {"skipped"}
    assert {found[f"{name}_writes"] for name in BOXES_OFF} == {"skipped"}
    assert {found[name] for name in ("match_by_email", "update_email_addresses", "create_prospects")} == {"success"}


def test_the_ids_of_created_prospects_go_through_xcom(runs, insightly_sandbox_server):
    run, writes = runs[1]
    report = run.get_task_instance("report").xcom_pull(task_ids="report")
    prospects = insightly_sandbox_server.call("GET", "/Prospect").json()
    created = [each["PROSPECT_ID"] for each in prospects if each["EMAIL_ADDRESS"] != "ada@example.com"]
    assert sorted(report["created_prospect_ids"]) == created
    assert len(created) == 3
    assert Counter(each["method"] for each in writes) == {"POST": 3, "PUT": 1}
    assert report["results"]["create"] == {"applied": 3}


def test_the_second_run_is_quiet(runs):
    run, writes = runs[2]
    assert writes == []
    assert run.get_task_instance("report").xcom_pull(task_ids="report")["results"] == {}
