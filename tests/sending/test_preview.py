from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox
from airflow_provider_insightly.sending import preview as previewing
from airflow_provider_insightly.sending.grouping import make_grouping
from airflow_provider_insightly.sending.preview import preview
from airflow_provider_insightly.sending.record import Rejection
from airflow_provider_insightly.sending.result import Result
from airflow_provider_insightly.sending.settings import SendSettings, from_template
from airflow_provider_insightly.sending.template import get_template
from tests.sending.conftest import Sent
from tests.sending.test_send import contacts

RECORDS = [{"FIRST_NAME": "Zoë", "row": 1}, {"LAST_NAME": "Nameless", "row": 2}, {"FIRST_NAME": "Ann", "row": 3}]


def test_a_sample_follows_each_setting():
    create = get_template("create_contact")

    first = preview(from_template(create), RECORDS)
    second = preview(from_template(create, exclude_attributes=("row",)), RECORDS)

    assert "Contacts has no such field" in first[0].problem
    assert [sample.problem for sample in second] == ["", "FIRST_NAME: is required and has no value", ""]
    assert second[0].body == '{"FIRST_NAME":"Zoë"}'
    assert str(second[0]).splitlines()[:3] == [
        "# records 0",
        "POST https://api.{pod}.insightly.com/v3.1/Contacts",
        "Authorization: Basic ***",
    ]


def test_a_sample_of_a_batch_and_of_a_deletion():
    grouped = SendSettings(method="POST", url="/Bulk", grouping=make_grouping("json_array"), batch_size=2)
    deletion = from_template(get_template("delete_contact"), id_field="row")

    assert [sample.indices for sample in preview(grouped, RECORDS)] == [(0, 1), (2,)]
    sample = preview(deletion, RECORDS, limit=1, base_url="https://api.eu1.insightly.com/v3.1")[0]
    assert (sample.method, sample.url, sample.body) == ("DELETE", "https://api.eu1.insightly.com/v3.1/Contacts/1", None)
    assert "Content-Type" not in sample.headers


def test_half_a_character_in_the_name_of_a_field_can_be_shown():
    (sample,) = preview(from_template(get_template("create_contact")), [{"A\ud800": 1}])

    assert "A\\ud800: Contacts has no such field" in str(sample).encode().decode()


def test_a_header_of_ours_that_is_given_is_shown_once():
    settings = SendSettings(method="POST", url="/Contacts", headers={"accept": "text/plain"})

    (sample,) = preview(settings, [{"FIRST_NAME": "A"}])

    assert "accept: text/plain" in str(sample)
    assert "application/json" not in sample.headers.get("Accept", "")


def test_masked_fields_are_not_shown():
    settings = from_template(get_template("create_contact"), mask_fields=("EMAIL_ADDRESS", "Pin__c"))

    (sample,) = preview(settings, [{"FIRST_NAME": "A", "EMAIL_ADDRESS": "a@example.com", "Pin__c": "1234"}])

    assert "a@example.com" not in str(sample)
    assert "1234" not in str(sample)


@pytest.mark.parametrize("secret", ["a@example.com", 123456789.0, datetime(2024, 1, 2, 3, tzinfo=timezone.utc)])
def test_masked_fields_are_not_shown_in_the_url(secret: Any):
    settings = SendSettings(method="PUT", url="/Contacts/{record.SECRET}", mask_fields=("SECRET",))
    (sample,) = preview(settings, [{"FIRST_NAME": "A", "SECRET": secret}])
    assert sample.url.endswith("/Contacts/***")


def test_masked_fields_are_not_shown_in_a_reason():
    settings = from_template(get_template("create_contact"), mask_fields=("DATE_OF_BIRTH",))
    (sample,) = preview(settings, [{"FIRST_NAME": "A", "DATE_OF_BIRTH": "the 5th of May"}])
    assert "must be a date" in sample.problem
    assert "5th of May" not in sample.problem


def test_a_test_is_one_request(client: InsightlyClient, insightly_sandbox: InsightlySandbox):
    settings = SendSettings(method="POST", url="/Contacts", grouping=make_grouping("json_array"), batch_size=2)
    people = [{"FIRST_NAME": "A"}, {"FIRST_NAME": "B"}, {"FIRST_NAME": "C"}]

    with pytest.raises(ValueError, match="these records make 2"):
        previewing.test_send(settings, people, client)
    assert not insightly_sandbox.requests()
    previewing.test_send(settings, people[:2], client)
    assert [request["body"] for request in insightly_sandbox.requests()] == [people[:2]]


def test_what_is_shown_is_what_goes_out(run_send: Any, insightly_sandbox: InsightlySandbox):
    settings = from_template(get_template("create_contact"), exclude_attributes=("row",))
    record = {"FIRST_NAME": "Zoë", "DATE_OF_BIRTH": "2000-01-01", "Hobby__c": None, "PHONE": "", "row": 5}

    (sample,) = preview(settings, [record], base_url=insightly_sandbox.base_url)
    sent: Sent = run_send(settings, [record])

    assert sent.summary["succeeded"] == 1
    (received,) = insightly_sandbox.requests(method="POST")
    assert json.loads(sample.body) == received["body"]


def test_a_preview_needs_no_airflow(tmp_path: Path):
    program = (
        "import sys; sys.modules['airflow'] = None\n"
        "from airflow_provider_insightly.sending.preview import preview\n"
        "from airflow_provider_insightly.sending.settings import from_template\n"
        "from airflow_provider_insightly.sending.template import get_template\n"
        "print(preview(from_template(get_template('create_lead')), [{'LAST_NAME': 'Lee'}])[0].body)"
    )
    root = Path(__file__).parents[2]

    command = [sys.executable, "-c", program]
    run = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)

    assert run.stdout == '{"LAST_NAME":"Lee"}\n'


def test_one_record_is_sent_for_real(client: InsightlyClient, insightly_sandbox: InsightlySandbox):
    settings = from_template(get_template("create_contact"))

    result = previewing.test_send(settings, {"FIRST_NAME": "Tess"}, client)
    rejection = previewing.test_send(settings, {}, client)

    assert isinstance(result, Result)
    assert (result.outcome, result.status) == ("succeeded", 201)
    assert isinstance(rejection, Rejection)
    assert [c["FIRST_NAME"] for c in contacts(insightly_sandbox)] == ["Tess"]


def test_a_deletion_asks_for_consent(client: InsightlyClient, insightly_sandbox: InsightlySandbox):
    ann = insightly_sandbox.add("Contacts", FIRST_NAME="Ann")
    settings = from_template(get_template("delete_contact"))
    with pytest.raises(ValueError, match="confirm_delete=True"):
        previewing.test_send(settings, ann, client)

    previewing.test_send(settings, ann, client, confirm_delete=True)

    assert contacts(insightly_sandbox) == []
