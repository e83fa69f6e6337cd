"""A send that is there to be killed in the middle, and that Airflow tries again."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_insightly.operators.records import InsightlyCreateContactOperator

with DAG("example_retried", schedule=None, is_paused_upon_creation=True, params={"path": "contacts.csv"}):
    InsightlyCreateContactOperator(
        task_id="create",
        records="{{ params.path }}",
        insightly_conn_id="insightly_retried",
        match_on="EMAIL_ADDRESS",
        unknown_wait=1,
        retries=1,
        retry_delay=timedelta(seconds=1),
    )
