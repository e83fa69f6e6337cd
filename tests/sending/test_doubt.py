"""Creates whose answer was lost: found by what Insightly made of them, each by itself, or refused to be looked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox
from airflow_provider_insightly.sending.doubt import agree
from airflow_provider_insightly.sending.grouping import make_grouping
from airflow_provider_insightly.sending.send import DeliveryPolicy
from airflow_provider_insightly.sending.settings import SendSettings, SettingError
from tests.sending.conftest import Sent, make_client
from tests.sending.test_send import contacts, emails

Run = Callable[..., Sent]

LOST = [{"kind": "drop_after_commit", "nth": 2, "method": "POST"}]


@pytest.mark.parametrize(
    ("field_type", "key"),
    [
        ("NUMERIC", "1007"),
        ("NUMERIC", 1007.0),
        ("TEXT", 1007),
        ("TEXT", " Ü-7 "),
        ("BIT", "TRUE"),
        ("BIT", True),
        ("DATE", "2024-01-31"),
    ],
)
def test_a_record_is_found_by_a_custom_field_that_came_back_in_its_own_type(
    field_type: str, key: Any, run_send: Run, insightly_sandbox: InsightlySandbox
):
    definition = {"FIELD_NAME": "Key__c", "FIELD_TYPE": field_type}
    insightly_sandbox.control("POST", "/custom-fields/Contacts", definition)
    insightly_sandbox.faults(LOST)
    records = [{"FIRST_NAME": "Bo"}, {"FIRST_NAME": "Ann", "Key__c": key}]

    sent = run_send("create_contact", records, policy=DeliveryPolicy(match_on=("Key__c",), unknown_wait=0.1))

    assert sent.summary["record_ids"] == [contact["CONTACT_ID"] for contact in contacts(insightly_sandbox)]
    assert sent.summary["succeeded"] == 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ann", " ANN ", True),
        ("12", 12, True),
        ("12.50", 12.5, True),
        (12, 12.0, True),
        ("007", "7", False),
        (True, "true", True),
        (True, 1, False),
        ("2024-01-31", "2024-01-31 00:00:00", True),
        (None, "", True),
        (None, 0, False),
        ("nan", 5, False),
        ("sNaN", 5, False),
        ("9007199254740993", 9007199254740992, False),  # the same as floats
        ("x", 5, False),
    ],
)
def test_what_is_the_same_to_insightly(one: Any, other: Any, same: bool):
    assert agree(one, other) is same
    assert agree(other, one) is same


def test_a_value_of_spaces_is_none_to_look_a_record_up_by(run_send: Run, insightly_sandbox: InsightlySandbox):
    """Or a record of somebody else's, which has no value there, would be taken for it."""
    insightly_sandbox.faults([{"kind": "drop_before", "nth": 1, "method": "POST"}])
    records = [{"FIRST_NAME": "Ann", "PHONE": " "}]

    sent = run_send("create_contact", records, policy=DeliveryPolicy(match_on=("PHONE",), unknown_wait=0.1))

    assert sent.summary["failed"] == 1
    assert "has no PHONE to look it up by" in sent.rejected[0]
    assert insightly_sandbox.requests(method="GET") == []


def test_each_record_of_a_batch_in_doubt_is_looked_up(run_send: Run, insightly_sandbox: InsightlySandbox):
    first_alone = make_grouping(lambda items: items[0])  # stands for an endpoint that takes a batch, and did one half
    settings = SendSettings(method="POST", url="/Contacts", grouping=first_alone, batch_size=2)
    insightly_sandbox.faults(LOST)

    sent = run_send(settings, emails(4), policy=DeliveryPolicy(match_on=("EMAIL_ADDRESS",), unknown_wait=0.1))

    assert sent.summary["succeeded"] == 4
    assert [c["EMAIL_ADDRESS"] for c in contacts(insightly_sandbox)] == [f"p{n}@example.com" for n in (0, 2, 3)]


@pytest.mark.parametrize(("object_name", "name"), [("Contacts", "EMAIL"), (None, "email_address")])
def test_a_field_by_which_nothing_can_be_found_is_refused_before_anything_is_sent(
    object_name: str | None, name: str, run_send: Run, insightly_sandbox: InsightlySandbox
):
    settings = SendSettings(method="POST", url="/Contacts", object=object_name)

    with pytest.raises(SettingError, match=f"match_on names {name}, but Contacts has no such field"):
        run_send(settings, emails(2), policy=DeliveryPolicy(match_on=(name,)))

    assert insightly_sandbox.requests() == []


def test_a_record_under_way_is_not_taken_for_an_equal_one_in_doubt(
    run_send: Run, insightly_sandbox: InsightlySandbox, mocker
):
    mocker.patch("airflow_provider_insightly.sending.send.MOST_DOUBTS", 1)
    lost = {"kind": "drop_before", "nth": 2, "method": "POST"}
    insightly_sandbox.faults([lost, {"kind": "stall", "seconds": 0.3, "nth": 3, "method": "POST"}])
    policy = DeliveryPolicy(match_on=("EMAIL_ADDRESS",), unknown_wait=0.1)

    sent = run_send("create_contact", [*emails(1), *emails(2)[1:] * 2, *emails(5)[2:]], policy=policy)

    assert len(contacts(insightly_sandbox)) == 6
    assert sorted(sent.summary["record_ids"]) == [c["CONTACT_ID"] for c in contacts(insightly_sandbox)]


def test_what_is_in_doubt_when_a_send_stops_is_not_forgotten(run_send: Run, insightly_sandbox: InsightlySandbox):
    lost = {"kind": "drop_before", "nth": 2, "method": "POST"}
    insightly_sandbox.faults([lost, {"kind": "status", "status": 400, "nth": 3, "method": "POST"}])
    policy = DeliveryPolicy(match_on=("EMAIL_ADDRESS",), unknown_wait=0.1, on_record_error="stop")
    one_by_one = make_client(insightly_sandbox, concurrency=1)

    sent = run_send("create_contact", emails(3), policy=policy, via=one_by_one)

    assert [bool(record_id) for record_id in sent.summary["record_ids"]] == [True, True, False]


def test_an_error_while_they_are_looked_for_leaves_none_unreported(
    run_send: Run, insightly_sandbox: InsightlySandbox, mocker
):
    insightly_sandbox.faults([{"kind": "drop_after_commit", "rate": 1, "method": "POST"}])
    mocker.patch("airflow_provider_insightly.sending.doubt.DoubtResolver._look", side_effect=KeyError("CONTACT_ID"))
    reported: list[Any] = []
    mocker.patch("airflow_provider_insightly.sending.report.Report.add", side_effect=reported.append)

    with pytest.raises(KeyError):
        run_send("create_contact", emails(3), policy=DeliveryPolicy(match_on=("EMAIL_ADDRESS",), unknown_wait=0.1))

    assert [each.outcome for each in reported] == ["unknown"] * 3
