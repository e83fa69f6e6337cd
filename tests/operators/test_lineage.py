"""What the OpenLineage provider learns of a send, asked for as that provider asks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_insightly.operators.records import InsightlyCreateContactOperator, InsightlyUpdateContactOperator
from airflow_provider_insightly.operators.send import (
    InsightlyReplayOperator,
    InsightlySendOperator,
    InsightlyUpsertOperator,
)

base = pytest.importorskip("airflow.providers.openlineage.extractors.base")

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


def test_airflow_finds_it_and_reports_a_failed_task_too():
    operator = InsightlyCreateContactOperator(task_id="t", records="/data/people.csv")
    manager = pytest.importorskip("airflow.providers.openlineage.extractors.manager").ExtractorManager()
    assert manager.get_extractor_class(operator) is base.DefaultExtractor
    assert base.DefaultExtractor(operator).extract_on_failure(task_instance=None).outputs
