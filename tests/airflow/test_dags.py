"""The DAGs that a user starts from, each run as it is."""

from __future__ import annotations

import csv
import json
from collections import Counter

import pytest

from demo.environment import ROOT

from .conftest import load_file

CONTACTS = ROOT / "dags/data/contacts.csv"
INVALID_LINES = {
    99: "FIRST_NAME: is required and has no value",
    156: "PHONE: has 320 characters, the field takes at most 255",
}


def rows_that_are_valid():
    """The rows of the file as Insightly is to keep them: text byte for byte, empty cells null."""
    with CONTACTS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["FIRST_NAME"] and len(row["PHONE"]) <= 255:
                opted_out = row.pop("EMAIL_OPTED_OUT")
                yield {name: cell or None for name, cell in row.items()}, opted_out == "true"


def flat(contact):
    """A contact of the API as a row of the file."""
    custom = {field["FIELD_NAME"]: field["FIELD_VALUE"] for field in contact["CUSTOMFIELDS"]}
    columns = next(rows_that_are_valid())[0]
    row = {name: custom.get(name) if name.endswith("__c") else contact[name] for name in columns}
    return row, bool(contact["EMAIL_OPTED_OUT"])


@pytest.fixture(scope="module")
def contacts_run(airflow_home, insightly_sandbox_server):
    """One run of the DAG for all tests below, which only look at what it left."""
    sandbox = insightly_sandbox_server
    sandbox.reset()
    connection = {
        "conn_type": "insightly",
        "password": sandbox.api_key,
        "extra": {"base_url": sandbox.base_url, "requests_per_second": 500},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_INSIGHTLY_DEFAULT", json.dumps(connection))
        yield load_file(ROOT / "dags/insightly_send_contacts", "insightly_send_contacts").test()


def test_every_valid_row_of_the_file_is_in_insightly_once_byte_for_byte(contacts_run, insightly_sandbox_server):
    assert contacts_run.state == "success"
    contacts = insightly_sandbox_server.call("GET", "/Contacts", params={"top": 500}).json()

    def key(row):
        return json.dumps(row, sort_keys=True)

    assert Counter(key(flat(contact)) for contact in contacts) == Counter(key(row) for row in rows_that_are_valid())
    assert {contact["BACKGROUND"] for contact in contacts} == {"Imported from contacts.csv"}


def test_the_ids_in_xcom_are_those_of_the_rows(contacts_run, insightly_sandbox_server):
    sent = contacts_run.get_task_instance("create_contacts").xcom_pull(task_ids="create_contacts")
    with CONTACTS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert (sent["succeeded"], sent["failed"], len(sent["record_ids"])) == (198, 2, len(rows))
    contacts = insightly_sandbox_server.call("GET", "/Contacts", params={"top": 500}).json()
    last_names = {contact["CONTACT_ID"]: contact["LAST_NAME"] for contact in contacts}
    pairs = zip(sent["record_ids"], rows, strict=True)
    assert all(last_names[contact_id] == row["LAST_NAME"] for contact_id, row in pairs if contact_id)


def test_the_invalid_rows_are_reported_with_line_and_reason(contacts_run):
    sent = contacts_run.get_task_instance("create_contacts").xcom_pull(task_ids="create_contacts")
    with open(sent["rejected_path"], encoding="utf-8") as file:
        rejected = [json.loads(line) for line in file]
    assert {row["line"]: row["message"] for row in rejected} == INVALID_LINES


def test_the_test_record_came_and_went(contacts_run, insightly_sandbox_server):
    [deletion] = insightly_sandbox_server.requests(method="DELETE")
    created = contacts_run.get_task_instance("create_test_contact").xcom_pull(task_ids="create_test_contact")
    assert deletion["path"] == f"/v3.1/Contacts/{created['record_ids'][0]}"
