"""A send without Airflow: the example of docs/sending.md."""

from __future__ import annotations

from typing import Any


def create_leads(api_key: str, base_url: str, store_url: str) -> Any:
    # [START library]
    from airflow_provider_insightly.api.client import InsightlyClient
    from airflow_provider_insightly.sending.journal import Journal
    from airflow_provider_insightly.sending.report import Report
    from airflow_provider_insightly.sending.request import read_items
    from airflow_provider_insightly.sending.send import DeliveryPolicy, send
    from airflow_provider_insightly.sending.settings import from_template
    from airflow_provider_insightly.sending.source import number_records
    from airflow_provider_insightly.sending.template import get_template
    from airflow_provider_insightly.store.engine import open_store

    leads = [{"LAST_NAME": "Ångström", "EMAIL": "anders@example.com"}, {"LAST_NAME": "Núñez"}]
    settings = from_template(get_template("create_lead"))
    report = Report()
    send(
        settings,
        read_items(settings, number_records(leads)),
        InsightlyClient(api_key, base_url=base_url),
        report,
        Journal(open_store(store_url), "leads of 2026-11", "Leads"),
        DeliveryPolicy(match_on=("EMAIL",)),
    )
    # [END library]
    return report.summary()
