"""Sends by hand and what belongs to them: the examples of docs/operators.md and docs/sending.md."""

from __future__ import annotations

import json

from airflow.sdk import DAG, Asset, ObjectStoragePath, Param, task

from airflow_provider_insightly.operators.records import InsightlyCreateContactOperator
from airflow_provider_insightly.operators.send import (
    InsightlyReplayOperator,
    InsightlySendOperator,
    InsightlyUpsertOperator,
)
from airflow_provider_insightly.transfers.sql_to_insightly import SqlToInsightlyOperator

with DAG("example_manual", schedule=None) as manual:
    # [START manual]
    create = InsightlySendOperator(
        task_id="create_projects",
        method="POST",
        url="/Projects",
        records=[{"name": "Windmill", "STATUS": "NOT STARTED", "row": 1}],
        rename={"name": "PROJECT_NAME"},
        exclude_attributes=["row"],
        headers="X-Source:airflow",
        match_on="PROJECT_NAME",
    )
    # [END manual]

    # [START url_with_fields]
    note = InsightlySendOperator(
        task_id="note",
        method="POST",
        url="/Projects/{record.project}/Notes",
        records=[{"project": "{{ ti.xcom_pull('create_projects')['record_ids'][0] }}", "TITLE": "From Airflow"}],
        exclude_attributes=["project"],
        on_unknown="resend",  # a note too many does no harm
    )
    # [END url_with_fields]

    # [START patch]
    change = InsightlySendOperator(
        task_id="change",
        method="PATCH",
        url="/Projects/{id}",
        id_field="id",
        records=[{"id": "{{ ti.xcom_pull('create_projects')['record_ids'][0] }}", "STATUS": "IN PROGRESS"}],
        patch_fallback="put",
    )
    # [END patch]
    create >> note >> change

with DAG("example_batches", schedule=None) as batches:
    # [START batches]
    InsightlySendOperator(
        task_id="send_in_batches",
        method="POST",
        url="/Contacts",  # stands for an endpoint that takes several records
        records=[{"FIRST_NAME": f"Ann {number}"} for number in range(250)],
        grouping="property_inside_json_object",
        grouping_options={"property": "data.records"},
        batch_size=100,
        batch_bytes=1_000_000,
        on_record_error="continue",
    )
    # [END batches]

with DAG("example_upsert", schedule=None) as upsert:
    # [START upsert]
    InsightlyUpsertOperator(
        task_id="upsert",
        object="Contacts",
        match_on="EMAIL_ADDRESS",
        records=[
            {"FIRST_NAME": "Ann", "EMAIL_ADDRESS": "ann@example.com", "PHONE": "1"},
            {"FIRST_NAME": "Bea", "EMAIL_ADDRESS": "bea@example.com", "PHONE": "2"},
        ],
    )
    # [END upsert]

with DAG("example_replay", schedule=None, params={"rejected": None}) as replay:
    # [START replay]
    InsightlyReplayOperator(task_id="replay", template="create_contact", records="{{ params.rejected }}")
    # [END replay]

with DAG("example_sql", schedule=None) as sql:
    # [START sql]
    SqlToInsightlyOperator(
        task_id="from_sql",
        template="create_contact",
        sql_conn_id="warehouse",
        sql='SELECT first_name AS "FIRST_NAME", mail AS "EMAIL_ADDRESS" FROM people WHERE city = ?',
        parameters=["Zürich"],
        match_on="EMAIL_ADDRESS",
    )
    # [END sql]

# [START asset]
answers = Asset("insightly_answers", uri="insightly://na1/Contacts")

TEST_RECORD = Param(None, type=["null", "object"], description="send this record alone; empty: send the records")

with DAG("example_producer", schedule=None, params={"folder": "/tmp", "test_record": TEST_RECORD}) as producer:
    InsightlyCreateContactOperator(
        task_id="create",
        records=[{"FIRST_NAME": "Ann", "LAST_NAME": "Lee"}],
        test_record="{{ params.test_record | tojson }}",
        responses_path="{{ params.folder }}/answers.jsonl",
        response_webhook="answers_webhook",
        outlets=[answers],
    )

with DAG("example_consumer", schedule=[answers], is_paused_upon_creation=True) as consumer:

    @task
    def read_ids(triggering_asset_events=None) -> list[int]:
        paths = [event.extra["responses_path"] for event in triggering_asset_events[answers]]
        lines = [line for path in paths for line in ObjectStoragePath(path).read_text().splitlines()]
        return [record_id for line in lines for record_id in json.loads(line)["record_ids"]]

    read_ids()
# [END asset]
