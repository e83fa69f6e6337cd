"""Examples of docs/operators.md and docs/sending.md."""

from __future__ import annotations

import json
from datetime import datetime

from airflow.providers.common.sql.hooks.sql import DbApiHook
from airflow.sdk import DAG, ObjectStoragePath, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_insightly.operators.records import InsightlyCreateContactOperator
from airflow_provider_insightly.operators.send import InsightlyUpsertOperator

TOLD: list[str] = []
tell = TOLD.append

# [START changed]
SQL = "SELECT mail, first_name, phone FROM people WHERE changed_at >= ? AND changed_at < ?"


def changed_people(context, jinja_env):
    hook = DbApiHook.get_hook("warehouse")
    interval = [context["data_interval_start"].isoformat(), context["data_interval_end"].isoformat()]
    for mail, first_name, phone in hook.get_records(SQL, parameters=interval):
        yield {"EMAIL_ADDRESS": mail, "FIRST_NAME": first_name, "PHONE": phone}


with DAG(
    "changed_people",
    schedule=CronDataIntervalTimetable("*/15 * * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
) as changed:
    InsightlyUpsertOperator(task_id="send_changes", object="Contacts", match_on="EMAIL_ADDRESS", records=changed_people)
# [END changed]

# [START alert]
with DAG("new_customers", schedule=None) as alert:
    create = InsightlyCreateContactOperator(
        task_id="create_contacts",
        records="{{ params.path }}",
        rejected_path="{{ params.path }}.rejected.jsonl",
        on_record_error="continue",  # the task succeeds; the next one tells what failed
    )

    @task
    def tell_what_failed(created: dict) -> None:
        if created["failed"]:
            lines = ObjectStoragePath(created["rejected_path"]).read_text().splitlines()
            reasons = [f"line {failed['line']}: {failed['message']}" for failed in map(json.loads, lines[:10])]
            tell("\n".join([f"{created['failed']} contacts were not sent.", *reasons]))  # by mail, to a chat …

    tell_what_failed(create.output)
    # [END alert]
