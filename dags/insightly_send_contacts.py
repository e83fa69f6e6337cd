"""Contacts from a CSV file to Insightly, and what can be done with the ids that come back.

`create_contacts` sends each row once, at the rate that Insightly bears, and returns the new ids in XCom. Two rows of
the file cannot be sent; they are in `rejected.jsonl` with their line and the reason.
"""

from __future__ import annotations

import os
from pathlib import Path

from airflow.sdk import dag

from airflow_provider_insightly.operators.records import (
    InsightlyCreateContactOperator,
    InsightlyDeleteContactOperator,
    InsightlyUpdateContactOperator,
)

CONTACTS = Path(__file__).parent / "data" / "contacts.csv"
OUTPUT = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser() / "insightly" / "{{ run_id }}"


def created_by(task_id: str, **fields: str):
    """Return a function that Airflow calls when a task runs, and that yields a record for each id in XCom.

    :param task_id: the task that returned the ids.
    :param fields: what each record is to say besides.
    """

    def records(context, jinja_env):
        ids = context["ti"].xcom_pull(task_ids=task_id)["record_ids"]
        return [{"CONTACT_ID": contact_id, **fields} for contact_id in ids if contact_id]

    return records


@dag(schedule=None, catchup=False, tags=["insightly"], doc_md=__doc__)
def insightly_send_contacts():
    create = InsightlyCreateContactOperator(
        task_id="create_contacts",
        records=str(CONTACTS),
        match_on=["FIRST_NAME", "LAST_NAME"],
        # The file is known to hold rows that cannot be sent. Without this line the task would fail because of them.
        on_record_error="continue",
        rejected_path=f"{OUTPUT}/rejected.jsonl",
        responses_path=f"{OUTPUT}/responses.jsonl",
    )

    update = InsightlyUpdateContactOperator(
        task_id="update_contacts", records=created_by("create_contacts", BACKGROUND="Imported from contacts.csv")
    )
    try_out = InsightlyCreateContactOperator(
        task_id="create_test_contact", records={"FIRST_NAME": "Test", "LAST_NAME": "Record"}
    )
    remove = InsightlyDeleteContactOperator(task_id="delete_test_contact", records=created_by("create_test_contact"))

    # A test record comes and goes first: whatever is wrong with the connection shows before 200 contacts are sent.
    try_out >> remove >> create >> update


contacts = insightly_send_contacts()
