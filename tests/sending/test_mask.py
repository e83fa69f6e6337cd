"""Fields whose values stand nowhere but in the requests."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox
from airflow_provider_insightly.sending.record import Rejection
from airflow_provider_insightly.sending.replay import read_rejected
from airflow_provider_insightly.sending.settings import from_template
from airflow_provider_insightly.sending.source import read_file
from airflow_provider_insightly.sending.template import get_template
from tests.sending.conftest import Sent, make_client

Run = Callable[..., Sent]


def test_masked_fields_are_written_nowhere(run_send: Run, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.faults(
        [{"kind": "status", "nth": 1, "status": 400, "text": "secret@example.com is taken", "method": "POST"}]
    )
    settings = from_template(get_template("create_contact"), mask_fields=("EMAIL_ADDRESS",))
    records = [{"FIRST_NAME": "Ann", "EMAIL_ADDRESS": "secret@example.com"}] * 2

    sent = run_send(settings, records, via=make_client(insightly_sandbox, concurrency=1))

    written = "".join([*sent.responses, *sent.rejected, *map(str, sent.report.failures)])
    assert (sent.summary["succeeded"], sent.summary["failed"]) == (1, 1)
    assert "secret@example.com" not in written
    assert "*** is taken" in written


@pytest.mark.parametrize("name", ["mail", "EMAIL_ADDRESS"])  # as the source has it; as Insightly does
def test_a_masked_field_that_is_renamed_is_masked_under_both_names(name: str, run_send: Run, insightly_sandbox):
    create = get_template("create_contact")
    settings = from_template(create, rename={"mail": "EMAIL_ADDRESS"}, mask_fields=(name,))
    refused = {"kind": "status", "status": 400, "nth": 2, "method": "POST", "text": "x@secret.example is wrong"}
    insightly_sandbox.faults([refused])
    record = {"FIRST_NAME": "Ann", "mail": "x@secret.example"}

    sent = run_send(settings, [record] * 3, via=make_client(insightly_sandbox, concurrency=1))

    written = "".join((*sent.responses, *sent.rejected, *map(str, sent.report.failures)))
    assert "is wrong" in written
    assert "secret.example" not in written


def test_masked_values_are_taken_out_of_messages_in_every_form(run_send: Run, insightly_sandbox: InsightlySandbox):
    settings = from_template(get_template("create_contact"), mask_fields=("DATE_OF_BIRTH", "Pin__c"))
    insightly_sandbox.faults(
        [{"kind": "status", "status": 400, "nth": 1, "method": "POST", "text": "Pin 12-34 is wrong"}]
    )
    secret = "it's\n" + "secret " * 20
    custom = [{"FIELD_NAME": "Pin__c", "FIELD_VALUE": "12-34"}]
    records = [
        {"FIRST_NAME": "Ann", "CUSTOMFIELDS": custom},
        {"FIRST_NAME": "Bo", "DATE_OF_BIRTH": secret},
        {"FIRST_NAME": "Cy", "DATE_OF_BIRTH": 10**5000},
        {"FIRST_NAME": "Di", "DATE_OF_BIRTH": None, "TAGS": [{"TAG_NAME": "a", "FIELD_NAME": []}]},
    ]

    sent = run_send(settings, records)

    written = "".join((*sent.responses, *sent.rejected, *map(str, sent.report.failures)))
    assert "is wrong" in written
    assert "12-34" not in written
    assert "secret" not in written
    assert sent.summary["failed"] == 3


@pytest.mark.parametrize(
    "pin", [{"Pin__c": "12-34"}, {"CUSTOMFIELDS": [{"FIELD_NAME": "Pin__c", "FIELD_VALUE": "12-34"}]}]
)
def test_a_record_that_was_masked_in_the_rejected_file_is_not_sent_again_as_it_stands_there(
    pin: dict, run_send: Run, insightly_sandbox: InsightlySandbox
):
    settings = from_template(get_template("create_contact"), mask_fields=("Pin__c",))
    sent = run_send(settings, [{**pin, "LAST_NAME": "Lee"}])  # a contact needs a first name

    (again,) = read_rejected(read_file(io.BytesIO("".join(sent.rejected).encode()), "jsonl", "rejected"))

    assert isinstance(again, Rejection)
    assert "was masked in the file" in again.message
