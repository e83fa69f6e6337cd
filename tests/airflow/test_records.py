"""The examples of the endpoint templates run in real Airflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.airflow

CSV = """row_number,FIRST_NAME,LAST_NAME,EMAIL_ADDRESS,Hobby__c,EMAIL_OPTED_OUT
1,Zoë,O'Brien,zoe@example.com,Surfing,true
2,,Nameless,none@example.com,,
3,Łukasz,"multi
line",luk@example.com,,no
4,Ann,Lee,ann@example.com,Go,maybe
5,Bob,Ray,bob@example.com,,
"""


def returned(run: Any, task_id: str, map_index: int = -1) -> Any:
    ti = run.get_task_instance(task_id, map_index=map_index)
    return ti.xcom_pull(task_ids=task_id, map_indexes=map_index)


def test_contacts(load_dag, insightly_sandbox, tmp_path: Path):
    path = tmp_path / "contacts.csv"
    path.write_text(CSV, encoding="utf-8")
    dag = load_dag("records", "example_contacts")

    run = dag.test(run_conf={"path": str(path)})

    assert run.state == "success"
    summary = returned(run, "create")
    assert (summary["succeeded"], summary["failed"], summary["skipped"]) == (3, 2, 0)
    rejected = [json.loads(line) for line in Path(summary["rejected_path"]).read_text().splitlines()]
    assert [(line["line"], line["field"]) for line in rejected] == [(3, "FIRST_NAME"), (6, "EMAIL_OPTED_OUT")]
    kept = insightly_sandbox.call("GET", "/Contacts").json()
    assert [(c["FIRST_NAME"], c["LAST_NAME"], c["BACKGROUND"]) for c in kept] == [
        ("Zoë", "O'Brien", "From the fair"),
        ("Łukasz", "multi\nline", "From the fair"),
    ]


def test_other_templates_and_mapped_tasks(load_dag, insightly_sandbox):
    dag = load_dag("records", "example_opportunities")

    run = dag.test()

    assert run.state == "success"
    (opportunity,) = insightly_sandbox.call("GET", "/Opportunities").json()
    assert (opportunity["OPPORTUNITY_STATE"], opportunity["BID_AMOUNT"]) == ("WON", 1_250_000)
    names = [o["ORGANISATION_NAME"] for o in insightly_sandbox.call("GET", "/Organisations").json()]
    assert sorted(names) == ["L'Éolienne", "Sól ehf.", "Wind & Co"]
    (lead,) = insightly_sandbox.call("GET", "/Leads").json()
    assert lead["CUSTOMFIELDS"][0]["FIELD_VALUE"] == "North"
