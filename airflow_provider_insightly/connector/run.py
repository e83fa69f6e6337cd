"""A whole run in one call, for the command line and for tests; the DAG takes the same steps, a task each."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import datetime, timezone

from sqlalchemy.engine import Engine

from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.connector.actions import STEPS
from airflow_provider_insightly.connector.applying import Applier
from airflow_provider_insightly.connector.checking import check, objects_to_read
from airflow_provider_insightly.connector.configuration import Configuration
from airflow_provider_insightly.connector.extraction import Clock, extract
from airflow_provider_insightly.connector.finishing import Report, finish
from airflow_provider_insightly.connector.overview import note_configuration
from airflow_provider_insightly.connector.planning import make_plan
from airflow_provider_insightly.connector.plans import read_plan, release
from airflow_provider_insightly.connector.records import Ref
from airflow_provider_insightly.connector.sweep import is_due, sweep
from airflow_provider_insightly.connector.timeline import read_visits
from airflow_provider_insightly.store.engine import writing


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(timezone.utc)


def run_connector(
    client: InsightlyClient,
    engine: Engine,
    instance: str,
    configuration: Configuration,
    *,
    run_id: str | None = None,
    dry_run: bool = False,
    backfill: bool = False,
    approve_plan: str = "",
    only: Ref | None = None,
    now: Clock = utc_now,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Sync once: check, read both sides, plan, apply, report.

    :param instance: the name under which the store keeps this Insightly instance.
    :param run_id: a run that is taken up again keeps its id.
    :param dry_run: plan and report, and write nothing.
    :param backfill: create prospects for older records too.
    :param approve_plan: the hash of the plan that may pass the breakers.
    :param only: sync this record alone.
    :raises PlanHeldError: a breaker holds the plan.
    """
    run_id = run_id or str(uuid.uuid4())
    settings = configuration.settings
    with writing(engine) as connection:
        note_configuration(
            connection, instance, configuration, {}, dag_id=None, run_id=run_id, dry_run=dry_run, now=now()
        )
    mapping = check(client, engine, instance, configuration, now=now, dry_run=dry_run)
    names = objects_to_read(mapping)
    for name in names:
        extract(client, engine, instance, name, mapping, overlap_seconds=settings.overlap_seconds, now=now)
        if is_due(engine, instance, name, settings.sweep_hours, now):
            sweep(client, engine, instance, name, mapping, grace_hours=settings.delete_grace_hours, now=now)
    if settings.show_prospect_timeline:
        read_visits(client, engine, instance)
    plan = make_plan(
        engine, instance, run_id, configuration, mapping, now=now(), dry_run=dry_run, backfill=backfill, only=only
    )
    if not dry_run:
        release(engine, plan, settings, approve_plan)
        with engine.connect() as connection:
            plan = read_plan(connection, instance, run_id)
        applier = Applier(client, engine, plan, mapping, settings, now=now, sleep=sleep)
        for step in STEPS:
            applier.apply(step)
    return finish(engine, plan, configuration, names, now=now, partial=only is not None)
