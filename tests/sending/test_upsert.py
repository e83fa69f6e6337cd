from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_insightly.api.catalogue import get_object
from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.api.errors import AccessDeniedError
from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox
from airflow_provider_insightly.sending.journal import Journal
from airflow_provider_insightly.sending.report import Report, Summary
from airflow_provider_insightly.sending.request import read_items
from airflow_provider_insightly.sending.send import DeliveryPolicy, send
from airflow_provider_insightly.sending.settings import SendSettings
from airflow_provider_insightly.sending.source import number_records
from airflow_provider_insightly.sending.upsert import upsert_items
from tests.sending.test_send import contacts, emails

Upsert = Callable[..., tuple[Summary, list[dict[str, Any]]]]


@pytest.fixture
def upsert(store, client: InsightlyClient) -> Upsert:
    def run(records: list[dict[str, Any]], *match_on: str, key: str = "upsert") -> tuple[Summary, list[dict[str, Any]]]:
        settings = SendSettings(method="POST", url="/Contacts", object="Contacts")
        rejected: list[str] = []
        report = Report(key, write_rejected=rejected.append)
        items = read_items(settings, number_records(records))
        items = upsert_items(items, client, get_object("Contacts"), match_on)
        policy = DeliveryPolicy(match_on=match_on, unknown_wait=0.2)
        send(settings, items, client, report, Journal(store, key, "Contacts"), policy)
        return report.summary(), [json.loads(line) for line in rejected]

    return run


@pytest.mark.parametrize("count", [6, 60])  # searched for one by one; read at once
def test_creates_and_updates(count: int, upsert: Upsert, insightly_sandbox: InsightlySandbox):
    first, _ = upsert(emails(count)[: count // 2], "EMAIL_ADDRESS")

    second, _ = upsert([{**r, "PHONE": "1"} for r in emails(count)], "EMAIL_ADDRESS", key="second")

    assert second["record_ids"][: count // 2] == first["record_ids"]
    assert [c["PHONE"] for c in contacts(insightly_sandbox)] == ["1"] * count


@pytest.mark.parametrize("count", [6, 60])
def test_a_second_attempt_does_nothing_again(count: int, upsert: Upsert, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.add("Contacts", FIRST_NAME="Zoë", EMAIL_ADDRESS="p0@example.com")
    first, _ = upsert(emails(count), "EMAIL_ADDRESS")
    written = len([r for r in insightly_sandbox.requests() if r["method"] != "GET"])

    second, _ = upsert(emails(count), "EMAIL_ADDRESS")

    assert (second["skipped"], second["record_ids"]) == (count, first["record_ids"])
    assert len([r for r in insightly_sandbox.requests() if r["method"] != "GET"]) == written


@pytest.mark.parametrize("more", [0, 60])  # searched for one by one; read at once
@pytest.mark.parametrize(("kept", "given"), [("a@example.com", " A@example.com "), (1007, 1007.0), (1007, "1007")])
def test_both_ways_find_the_same(more: int, kept: Any, given: Any, upsert: Upsert, insightly_sandbox):
    definition = {"FIELD_NAME": "Key__c", "FIELD_TYPE": "TEXT" if isinstance(kept, str) else "NUMERIC"}
    insightly_sandbox.control("POST", "/custom-fields/Contacts", definition)
    ann = insightly_sandbox.add(
        "Contacts", FIRST_NAME="Ann", CUSTOMFIELDS=[{"FIELD_NAME": "Key__c", "FIELD_VALUE": kept}]
    )
    others = [{"FIRST_NAME": "Bo", "Key__c": f"{number}"} for number in range(more)]

    summary, _ = upsert([{"FIRST_NAME": "Anna", "Key__c": given}, *others], "Key__c")

    assert summary["record_ids"][0] == ann["CONTACT_ID"]


def test_many_records_cost_one_read_of_the_object(upsert: Upsert, insightly_sandbox: InsightlySandbox):
    upsert(emails(60), "EMAIL_ADDRESS")

    assert len(insightly_sandbox.requests(method="GET")) == 1


def test_several_found_is_never_guessed(upsert: Upsert, insightly_sandbox: InsightlySandbox):
    for _ in range(2):
        insightly_sandbox.add("Contacts", FIRST_NAME="Ann", EMAIL_ADDRESS="a@example.com")

    summary, (rejected,) = upsert([{"FIRST_NAME": "Ann", "EMAIL_ADDRESS": "a@example.com"}], "EMAIL_ADDRESS")

    assert summary["failed"] == 1
    assert "2 records in Insightly" in rejected["message"]


def test_the_same_value_twice_and_no_value_are_rejected(upsert: Upsert, insightly_sandbox: InsightlySandbox):
    records = [*emails(1), {**emails(1)[0], "EMAIL_ADDRESS": "P0@example.com"}, {"FIRST_NAME": "Ann"}]

    summary, rejected = upsert(records, "EMAIL_ADDRESS")

    assert (summary["succeeded"], summary["failed"]) == (1, 2)
    assert "that of record 0" in rejected[0]["message"]
    assert "no value" in rejected[1]["message"]


def test_several_fields_must_all_agree_custom_ones_too(upsert: Upsert, insightly_sandbox: InsightlySandbox):
    custom = [{"FIELD_NAME": "Code__c", "FIELD_VALUE": "A"}]
    ann = insightly_sandbox.add("Contacts", FIRST_NAME="Ann", LAST_NAME="Lee", CUSTOMFIELDS=custom)

    summary, _ = upsert(
        [{"FIRST_NAME": "Anna", "LAST_NAME": "Lee", "Code__c": c} for c in "AB"], "LAST_NAME", "Code__c"
    )

    assert summary["record_ids"][0] == ann["CONTACT_ID"]
    assert len(contacts(insightly_sandbox)) == 2


def test_a_record_that_would_be_created_needs_its_required_fields(upsert: Upsert, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.add("Contacts", FIRST_NAME="Ann", EMAIL_ADDRESS="a@example.com")
    records = [{"EMAIL_ADDRESS": "a@example.com", "PHONE": "1"}, {"EMAIL_ADDRESS": "b@example.com"}]

    summary, (rejected,) = upsert(records, "EMAIL_ADDRESS")

    assert summary["succeeded"] == 1
    assert (rejected["index"], rejected["field"]) == (1, "FIRST_NAME")


def test_a_lost_answer_makes_no_second_record(upsert: Upsert, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.faults([{"kind": "drop_after_commit", "every": 3, "method": "POST"}])

    summary, _ = upsert(emails(12), "EMAIL_ADDRESS")

    assert summary["succeeded"] == 12
    assert len(contacts(insightly_sandbox)) == 12


def test_a_record_that_two_pages_list_is_one_record(client: InsightlyClient, mocker):
    listed = {"CONTACT_ID": 7, "EMAIL_ADDRESS": "P0@example.com"}
    mocker.patch.object(client, "list", return_value=iter([listed, listed]))  # one before it was deleted meanwhile
    settings = SendSettings(method="POST", url="/Contacts", object="Contacts")
    items = read_items(settings, number_records(emails(30)))

    found = list(upsert_items(items, client, get_object("Contacts"), ["EMAIL_ADDRESS"]))

    assert [(item.method, item.record_id) for item in found[:2]] == [("PUT", 7), ("POST", None)]


def test_an_error_while_the_object_is_read_is_not_swallowed(upsert: Upsert, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.faults([{"kind": "status", "status": 403, "rate": 1, "method": "GET"}])

    with pytest.raises(AccessDeniedError):
        upsert(emails(60), "EMAIL_ADDRESS")

    assert insightly_sandbox.requests(method="POST") == []
