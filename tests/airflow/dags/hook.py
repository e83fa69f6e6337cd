"""The hook in a task of one's own: the example of docs/connection.md."""

from __future__ import annotations

from airflow.sdk import DAG, task

with DAG("example_hook", schedule=None) as hook_dag:
    # [START hook]
    @task
    def count_open_leads() -> int:
        from airflow_provider_insightly.hooks.insightly import InsightlyHook

        client = InsightlyHook("insightly_default").get_conn()
        return sum(not lead["CONVERTED"] for lead in client.list("Leads", brief=True))

    # [END hook]

    count_open_leads()
