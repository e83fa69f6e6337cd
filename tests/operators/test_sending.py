from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, TaskDeferred
from sqlalchemy import update

from airflow_provider_insightly.links.record import InsightlyRecordLink
from airflow_provider_insightly.operators.records import (
    InsightlyCreateContactOperator,
    InsightlyDeleteContactOperator,
    InsightlyRecordsOperator,
    InsightlyUpdateContactOperator,
)
from airflow_provider_insightly.operators.send import (
    InsightlyReplayOperator,
    InsightlySendOperator,
    InsightlyUpsertOperator,
)
from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox
from airflow_provider_insightly.store.tables import sending_sends
from tests.sending.conftest import make_client
from tests.sending.test_send import contacts, emails

Execute = Callable[..., Any]


def test_a_wrong_key_fails_for_good_with_one_request(execute: Execute, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.faults([{"kind": "status", "status": 401, "rate": 1}])

    with pytest.raises(AirflowFailException, match="API key"):
        execute(InsightlyCreateContactOperator(task_id="create", records=emails(20)))

    assert len(insightly_sandbox.requests()) == 1


def test_rejected_records_fail_the_task_with_the_ids_of_the_others_in_xcom(
    execute: Execute, insightly_sandbox, tmp_path
):
    path = tmp_path / "rejected.jsonl"
    operator = InsightlyCreateContactOperator(
        task_id="create", records=[*emails(2), {"FIRST_NAME": None}], rejected_path=str(path)
    )

    with pytest.raises(AirflowFailException, match="1 of 3 records failed:\n  record 2: FIRST_NAME: is required"):
        execute(operator)

    pushed = execute.pushed["return_value"]
    assert (pushed["succeeded"], pushed["failed"], pushed["rejected_path"]) == (2, 1, str(path))
    assert len(contacts(insightly_sandbox)) == 2


def test_ids_stay_out_of_xcom_where_that_is_off(execute: Execute, insightly_sandbox: InsightlySandbox):
    operator = InsightlyCreateContactOperator(task_id="create", records=[{"LAST_NAME": "Lee"}], do_xcom_push=False)

    with pytest.raises(AirflowFailException, match="1 of 1 records failed"):
        execute(operator)

    assert execute.pushed == {}


def test_what_may_heal_lets_airflow_retry(execute: Execute, insightly_sandbox: InsightlySandbox, mocker):
    insightly_sandbox.faults([{"kind": "status", "status": 503, "rate": 1}])
    operator = InsightlyCreateContactOperator(task_id="create", records=emails(1))
    mocker.patch.object(operator.hook, "client", return_value=make_client(insightly_sandbox))

    with pytest.raises(AirflowException) as raised:
        execute(operator)

    assert not isinstance(raised.value, AirflowFailException)


@pytest.mark.parametrize(("ratio", "fails"), [(0.0, True), (0.2, True), (0.25, False)])
def test_the_share_that_may_fail(ratio: float, fails: bool, execute: Execute, insightly_sandbox: InsightlySandbox):
    records = [*emails(3), {"LAST_NAME": "Nameless"}]
    operator = InsightlyCreateContactOperator(task_id="create", records=records, max_failure_ratio=ratio)

    if fails:
        with pytest.raises(AirflowFailException):
            execute(operator)
    else:
        assert execute(operator)["failed"] == 1


def test_the_quota_puts_the_task_off_and_it_goes_on_where_it_was(execute: Execute, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.settings(daily_quota=5)
    operator = InsightlyCreateContactOperator(task_id="create", records=emails(12), deferrable=True)

    with pytest.raises(TaskDeferred) as deferred:
        execute(operator)
    assert insightly_sandbox.api_key not in str(deferred.value.trigger.serialize())

    insightly_sandbox.settings(daily_quota=0)
    summary = execute(operator, deferred.value.method_name)
    assert (summary["skipped"], summary["succeeded"], len(set(summary["record_ids"]))) == (5, 7, 12)
    assert len(contacts(insightly_sandbox)) == 12


def test_the_quota_without_deferring_fails_with_the_time(execute: Execute, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.settings(daily_quota=2)

    with pytest.raises(AirflowFailException, match=r"Clear the task after \d{4}-.* UTC .*deferrable=True"):
        execute(InsightlyCreateContactOperator(task_id="create", records=emails(5)))


def test_the_link_leads_to_the_record(execute: Execute, insightly_sandbox: InsightlySandbox):
    operator = InsightlyCreateContactOperator(task_id="create", records={"FIRST_NAME": "Ann"})

    (contact_id,) = execute(operator)["record_ids"]

    link = InsightlyRecordLink().get_link(operator, ti_key=None)
    assert link == f"{insightly_sandbox.url}/details/Contact/{contact_id}"
    deleted = InsightlyDeleteContactOperator(task_id="delete", records={"CONTACT_ID": contact_id})
    execute(deleted)
    assert InsightlyRecordLink().get_link(deleted, ti_key=None) == ""


@pytest.mark.parametrize("mask_fields", [["EMAIL_ADDRESS"], "EMAIL_ADDRESS"])
def test_neither_key_nor_masked_values_are_logged(
    mask_fields: Any, execute: Execute, insightly_sandbox: InsightlySandbox, caplog, tmp_path: Path
):
    insightly_sandbox.faults([{"kind": "status", "status": 400, "nth": 2, "text": "ann@secret.example is wrong"}])
    records = [{"FIRST_NAME": "Ann", "EMAIL_ADDRESS": "ann@secret.example"}] * 3
    path = tmp_path / "rejected.jsonl"
    operator = InsightlyCreateContactOperator(
        task_id="create", records=records, mask_fields=mask_fields, rejected_path=str(path)
    )

    with caplog.at_level(logging.DEBUG), pytest.raises(AirflowFailException) as raised:
        execute(operator)

    shown = caplog.text + str(raised.value) + json.dumps(execute.pushed) + path.read_text()
    assert "1 of 3 records failed" in shown
    assert "ann@secret.example" not in shown
    assert insightly_sandbox.api_key not in shown


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ("contacts.xlsx", "must end in"),
        (None, "returned nothing"),
        ("[1, 2]", "must be an object"),
    ],
)
def test_sources_that_cannot_be_read(records: Any, message: str, execute: Execute, insightly_sandbox: InsightlySandbox):
    with pytest.raises(AirflowFailException, match=message):
        execute(InsightlyCreateContactOperator(task_id="create", records=records))
    assert insightly_sandbox.requests() == []


def test_bare_ids_stand_for_records_where_there_is_an_id_field(execute: Execute, insightly_sandbox: InsightlySandbox):
    ids = [insightly_sandbox.add("Contacts", FIRST_NAME="Ann")["CONTACT_ID"] for _ in range(3)]

    summary = execute(InsightlyDeleteContactOperator(task_id="delete", records=ids[:2]))
    execute(InsightlyDeleteContactOperator(task_id="delete_rest", records=f"[{ids[2]}]"))

    assert summary["record_ids"] == ids[:2]
    assert contacts(insightly_sandbox) == []
    with pytest.raises(AirflowFailException, match="record 0: CONTACT_ID: the id of the record is missing"):
        execute(InsightlyDeleteContactOperator(task_id="none", records=[None]))


def test_a_file_that_is_not_there_yet_lets_airflow_retry(execute: Execute, tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        execute(InsightlyCreateContactOperator(task_id="create", records=str(tmp_path / "late.csv")))


def test_records_from_a_function_that_yields(execute: Execute, insightly_sandbox: InsightlySandbox):
    def people(context: Any, jinja_env: Any) -> Any:
        yield from emails(3)

    operator = InsightlyCreateContactOperator(task_id="create", records=people)
    operator.render_template_fields({})

    assert execute(operator)["succeeded"] == 3


def test_settings_that_cannot_work_fail_before_any_request(execute: Execute, insightly_sandbox: InsightlySandbox):
    for operator, message in (
        (InsightlyRecordsOperator(task_id="a", template="create_contac", records=emails(1)), "create_contact"),
        (InsightlyUpdateContactOperator(task_id="b", update_mode="replace", records=emails(1)), "allow_replace"),
        (InsightlyCreateContactOperator(task_id="c", update_mode="merge", records=emails(1)), "for updates"),
        (InsightlyCreateContactOperator(task_id="d", on_unknown="guess", records=emails(1)), "fail or resend"),
        (InsightlySendOperator(task_id="e", url="https://evil.example/x", records=emails(1)), "another host"),
        (InsightlySendOperator(task_id="f", url="/Contacts", headers="A:b\r\nC:d", records=emails(1)), "header A"),
        (InsightlySendOperator(task_id="g", url="/Contacts", headers={"Authorization": "x"}, records=[]), "remove it"),
        (InsightlySendOperator(task_id="h", url="/Contacts", grouping_options={"a": 1}, records=[]), "no grouping"),
        (InsightlyUpsertOperator(task_id="i", object="Emails", match_on="X", records=[]), "no create"),
        (InsightlyUpsertOperator(task_id="j", object="Contacts", match_on="", records=[]), "match_on"),
    ):
        with pytest.raises(AirflowFailException, match=message):
            execute(operator)
    assert insightly_sandbox.requests() == []


def test_batching_with_a_field_in_the_url_is_an_error_when_the_dag_is_parsed():
    with pytest.raises(ValueError, match=r"remove the grouping, or \{record"):
        InsightlySendOperator(task_id="a", url="/Contacts/{record.ID}/Notes", grouping="json_array", records=[])


def test_a_file_of_an_earlier_attempt_does_not_stay(execute: Execute, insightly_sandbox, tmp_path: Path):
    path = tmp_path / "out" / "rejected.jsonl"
    path.parent.mkdir()
    path.write_text("old\n")

    summary = execute(InsightlyCreateContactOperator(task_id="a", records=emails(1), rejected_path=str(path)))

    assert summary["rejected_path"] is None
    assert not path.exists()


def test_a_replay_looks_up_what_the_send_left_in_doubt(execute: Execute, insightly_sandbox, tmp_path: Path):
    insightly_sandbox.faults([{"kind": "drop_after_commit", "nth": 2, "method": "POST"}])
    path = tmp_path / "rejected.jsonl"
    send = InsightlyCreateContactOperator(task_id="a", records=emails(4), rejected_path=str(path))
    with pytest.raises(AirflowFailException, match="match_on"):
        execute(send)

    summary = execute(
        InsightlyReplayOperator(
            task_id="b", template="create_contact", records=str(path), match_on="EMAIL_ADDRESS", unknown_wait=0.2
        )
    )

    assert summary["succeeded"] == 1
    assert len(contacts(insightly_sandbox)) == 4


def test_a_replay_of_a_send_by_hand(execute: Execute, insightly_sandbox: InsightlySandbox, tmp_path: Path):
    insightly_sandbox.faults([{"kind": "status", "status": 400, "nth": 1}])
    path = tmp_path / "rejected.jsonl"
    with pytest.raises(AirflowFailException):
        execute(InsightlySendOperator(task_id="a", url="/Contacts", records=emails(3), rejected_path=str(path)))

    summary = execute(InsightlyReplayOperator(task_id="b", url="/Contacts", records=str(path)))

    assert summary["succeeded"] == 1
    assert len(contacts(insightly_sandbox)) == 3


def test_a_test_record_of_a_deletion_asks_for_consent(execute: Execute, insightly_sandbox: InsightlySandbox):
    ann = insightly_sandbox.add("Contacts", FIRST_NAME="Ann")
    record = json.dumps({"CONTACT_ID": ann["CONTACT_ID"]})
    with pytest.raises(AirflowFailException, match="confirm_delete"):
        execute(InsightlyDeleteContactOperator(task_id="a", records=[], test_record=record))

    execute(InsightlyDeleteContactOperator(task_id="b", records=[], test_record=record, confirm_delete=True))

    assert contacts(insightly_sandbox) == []


@pytest.mark.parametrize(("days", "is_forgotten"), [(None, True), ("200", False), ("0", False)])
def test_the_journal_of_old_sends_is_removed_and_they_are_not_sent_again(
    days: str | None, is_forgotten: bool, execute: Execute, insightly_sandbox, tmp_path, monkeypatch
):
    if days is not None:
        monkeypatch.setenv("AIRFLOW__INSIGHTLY__JOURNAL_DAYS", days)
    operator = InsightlyCreateContactOperator(task_id="create", records=emails(3))
    execute(operator, run_id="old")
    store = operator.hook.store()
    with store.begin() as connection:
        connection.execute(update(sending_sends).values(began_at=datetime.now(timezone.utc) - timedelta(days=100)))

    execute(InsightlyCreateContactOperator(task_id="create", records=emails(2)), run_id="new")

    again = InsightlyCreateContactOperator(task_id="create", records=emails(3))
    if is_forgotten:
        with pytest.raises(AirflowFailException, match="dag/create/old/-1 was removed because of its age"):
            execute(again, run_id="old")
    else:
        assert execute(again, run_id="old")["skipped"] == 3
    assert len(contacts(insightly_sandbox)) == 5
