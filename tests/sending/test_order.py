"""Of two changes of one record the later one in the source wins."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_insightly.sending.grouping import make_grouping
from airflow_provider_insightly.sending.request import build_requests, read_items
from airflow_provider_insightly.sending.settings import SendSettings
from airflow_provider_insightly.sending.source import number_records
from tests.sending.conftest import Sent
from tests.sending.test_send import contacts


def test_a_later_change_of_a_record_wins_though_an_earlier_one_is_sent_again(
    run_send: Callable[..., Sent], insightly_sandbox
):
    ann, bea = (insightly_sandbox.add("Contacts", FIRST_NAME=name)["CONTACT_ID"] for name in ("Ann", "Bea"))
    puts = [(ann, "1"), (ann, "2"), (bea, "3")]
    records = [{"CONTACT_ID": contact_id, "PHONE": phone} for contact_id, phone in puts]
    insightly_sandbox.faults(
        [{"kind": "status", "status": 503, "method": "PUT", "times": 8}]
    )  # as often as one is tried
    first = run_send("update_contact", records)

    second = run_send("update_contact", records)

    assert dict(first.report.counts) == {"failed": 1, "succeeded": 2}
    assert dict(second.report.counts) == {"succeeded": 2, "skipped": 1}
    assert [contact["PHONE"] for contact in contacts(insightly_sandbox)] == ["2", "3"]


@pytest.mark.parametrize(
    ("settings", "is_one"),
    [
        ({"method": "PUT", "url": "/Contacts"}, True),
        ({"method": "PUT", "url": "/Contacts/{record.CONTACT_ID}?notify=false"}, True),
        ({"method": "PATCH", "url": "/Contacts/{id}", "id_field": "CONTACT_ID"}, True),
        ({"method": "DELETE", "url": "/Contacts/{id}", "id_field": "CONTACT_ID"}, True),
        ({"method": "PUT", "url": "/Contacts", "grouping": make_grouping("json_array")}, False),
        ({"method": "PUT", "url": "/Contacts/5/Tags", "grouping": make_grouping("json_array")}, True),
        ({"method": "POST", "url": "/Contacts"}, False),
        ({"method": "POST", "url": "/Contacts/{id}/Notes", "id_field": "CONTACT_ID"}, False),
    ],
)
def test_a_request_names_the_record_that_it_changes(settings: dict, is_one: bool):
    records = number_records([{"CONTACT_ID": "5", "TITLE": "a"}, {"CONTACT_ID": "7", "TITLE": "a"}])

    first, *_ = build_requests(SendSettings(**settings), read_items(SendSettings(**settings), records))

    assert (first.existing is not None) is is_one
