"""The test of docs/sandbox.md."""

from __future__ import annotations

from contextlib import suppress

from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.api.errors import LostAnswerError


def my_sync(base_url: str, api_key: str) -> None:
    client = InsightlyClient(api_key, base_url=base_url, requests_per_second=1000)
    for number in range(200):
        with suppress(LostAnswerError):  # the contact is there
            client.create("Contacts", {"FIRST_NAME": f"Ann {number}"})


# [START fixture]
# test_my_dag.py
def test_contacts_arrive(insightly_sandbox):
    insightly_sandbox.faults([{"kind": "drop_after_commit", "rate": 0.02, "method": "POST"}], seed=1)
    my_sync(base_url=insightly_sandbox.base_url, api_key=insightly_sandbox.api_key)
    assert len(insightly_sandbox.call("GET", "/Contacts?top=500").json()) == 200
    # [END fixture]
