from airflow.sdk import dag, task

from airflow_provider_insightly.operators.records import InsightlyCreateContactOperator, InsightlyUpdateContactOperator


@dag(schedule=None)
def welcome_new_customers():
    create = InsightlyCreateContactOperator(
        task_id="create_contacts",
        records="s3://crm/new-customers.csv",  # or a list, the output of a task, a file on any storage
        rejected_path="s3://crm/rejected.jsonl",
    )

    @task
    def tag_them(created: dict) -> list[dict]:
        return [{"CONTACT_ID": contact_id, "TAGS": [{"TAG_NAME": "new"}]} for contact_id in created["record_ids"]]

    InsightlyUpdateContactOperator(task_id="tag_contacts", records=tag_them(create.output))


welcome = welcome_new_customers()
