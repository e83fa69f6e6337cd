"""Sends by endpoint template: the examples of docs/operators.md."""

from __future__ import annotations

from airflow.sdk import DAG, task

from airflow_provider_insightly.operators.records import (
    InsightlyCreateContactOperator,
    InsightlyCreateOpportunityOperator,
    InsightlyDeleteContactOperator,
    InsightlyRecordsOperator,
    InsightlyUpdateContactOperator,
    InsightlyUpdateOpportunityOperator,
)

with DAG("example_contacts", schedule=None, is_paused_upon_creation=True, params={"path": "contacts.csv"}) as contacts:
    # [START create_contact]
    create = InsightlyCreateContactOperator(
        task_id="create",
        records="{{ params.path }}",
        exclude_attributes=["row_number"],
        match_on="EMAIL_ADDRESS",
        on_record_error="continue",
        responses_path="{{ params.path }}.responses.jsonl",
        rejected_path="{{ params.path }}.rejected.jsonl",
    )
    # [END create_contact]

    @task
    def note_source(summary: dict) -> list[dict]:
        return [{"CONTACT_ID": number, "BACKGROUND": "From the fair"} for number in summary["record_ids"] if number]

    # [START update_contact]
    update = InsightlyUpdateContactOperator(
        task_id="update",
        records=note_source(create.output),
        id_field="CONTACT_ID",
        update_mode="merge",
    )
    # [END update_contact]

    @task
    def pick_last(summary: dict) -> list[dict]:
        return [{"CONTACT_ID": summary["record_ids"][-1]}]

    # [START delete_contact]
    delete = InsightlyDeleteContactOperator(task_id="delete", records=pick_last(update.output))
    # [END delete_contact]


with DAG("example_opportunities", schedule=None, is_paused_upon_creation=True) as opportunities:
    # [START opportunities]
    opportunity = InsightlyCreateOpportunityOperator(
        task_id="create_opportunity",
        records={"OPPORTUNITY_NAME": "Windmill, 2 MW", "BID_AMOUNT": 1_250_000, "OPPORTUNITY_STATE": "OPEN"},
    )
    win = InsightlyUpdateOpportunityOperator(
        task_id="win_opportunity",
        records=[{"id": "{{ ti.xcom_pull('create_opportunity')['record_ids'][0] }}", "OPPORTUNITY_STATE": "WON"}],
        id_field="id",
    )
    opportunity >> win
    # [END opportunities]

    # [START any_object]
    lead = InsightlyRecordsOperator(
        task_id="create_lead",
        template="create_lead",
        records=[{"LAST_NAME": "Ångström", "EMAIL": "anders@example.com", "Region__c": "North"}],
    )
    # [END any_object]

    # [START mapped]
    InsightlyRecordsOperator.partial(
        task_id="create_organisations",
        template="create_organisation",
        map_index_template="{{ task.records[0]['ORGANISATION_NAME'] }}",
    ).expand(
        records=[
            [{"ORGANISATION_NAME": "Wind & Co"}],
            [{"ORGANISATION_NAME": "Sól ehf."}, {"ORGANISATION_NAME": "L'Éolienne"}],
        ]
    )
    # [END mapped]
