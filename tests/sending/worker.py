"""A process that sends contacts and is there to be killed: ``python -m tests.sending.worker URL KEY STORE OUT N``."""

from __future__ import annotations

import json
import os
import sys

from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.sending.journal import Journal
from airflow_provider_insightly.sending.report import Report
from airflow_provider_insightly.sending.request import read_items
from airflow_provider_insightly.sending.send import DeliveryPolicy, send
from airflow_provider_insightly.sending.settings import from_template
from airflow_provider_insightly.sending.source import number_records
from airflow_provider_insightly.sending.template import get_template
from airflow_provider_insightly.store.engine import open_store
from tests.sending.test_send import emails


def main(base_url: str, key: str, store: str, path: str, count: str) -> None:
    client = InsightlyClient(key, base_url=base_url, requests_per_second=100_000)
    settings = from_template(get_template("create_contact"))
    journal = Journal(open_store(store), "killed", "Contacts")
    report = Report("killed")
    policy = DeliveryPolicy(match_on=("EMAIL_ADDRESS",), unknown_wait=0.4)
    print("ready", flush=True)
    send(settings, read_items(settings, number_records(emails(int(count)))), client, report, journal, policy)
    with open(f"{path}.part", "w") as file:
        json.dump(report.summary(), file)
    os.replace(f"{path}.part", path)


main(*sys.argv[1:])
