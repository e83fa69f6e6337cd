"""The examples of the README and of docs/connection.md run as they stand."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.airflow


def test_the_hook(load_dag, insightly_sandbox):
    for name in ("Ångström", "Núñez"):
        insightly_sandbox.add("Leads", LAST_NAME=name)
    run = load_dag("hook", "example_hook").test()
    assert run.get_task_instance("count_open_leads").xcom_pull(task_ids="count_open_leads") == 2


def test_the_readmes_dag(load_dag, insightly_sandbox, tmp_path):
    file = tmp_path / "new-customers.csv"
    file.write_text("FIRST_NAME,LAST_NAME\nZoë,O'Brien\nAnn,Lee\n", encoding="utf-8")
    dag = load_dag("readme", "welcome_new_customers")
    create = dag.get_task("create_contacts")
    create.records, create.rejected_path = str(file), str(tmp_path / "rejected.jsonl")

    assert dag.test().state == "success"

    contacts = insightly_sandbox.call("GET", "/Contacts").json()
    assert [(contact["LAST_NAME"], contact["TAGS"]) for contact in contacts] == [
        ("O'Brien", [{"TAG_NAME": "new"}]),
        ("Lee", [{"TAG_NAME": "new"}]),
    ]
