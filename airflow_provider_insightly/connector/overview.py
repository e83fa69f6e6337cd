"""What is kept of the last run and its check, for those who look on without asking Insightly: the pages in the UI."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from airflow_provider_insightly.connector.configuration import Configuration
from airflow_provider_insightly.connector.mapping import (
    CustomFields,
    FieldMapping,
    MappedField,
    known_fields,
)
from airflow_provider_insightly.connector.records import CONTACTS, CRM_OBJECTS, LEADS, ORGANISATIONS, PROSPECT
from airflow_provider_insightly.connector.state import CHECKED, CONFIGURATION, QUOTA, read_state, write_state

SIDES = {"prospect": PROSPECT, "lead": LEADS, "contact": CONTACTS, "organisation": ORGANISATIONS}
"""The fields of a row of the mapping, and the objects to which they belong."""


@dataclass(frozen=True, slots=True)
class Overview:
    """What is known without asking Insightly; ``None`` where there was no run yet.

    :param configuration: ``dag_id`` (``None`` from the command line), ``run_id``, ``at``, ``dry_run``,
        ``configuration`` as the file says it, and ``overrides``: the boxes that this run's parameters set otherwise.
    :param checked: ``at``, ``problems`` in words, and ``fields``: the rows of the mapping with the types and labels of
        their fields, and a ``note`` on what is wrong with a row or flows one way.
    :param quota: ``remaining`` requests of the day, and ``at``.
    """

    configuration: dict[str, Any] | None
    checked: dict[str, Any] | None
    quota: dict[str, Any] | None


def read_overview(connection: Connection, instance: str) -> Overview:
    """Return what is known of an instance's last run and check."""
    return Overview(*(read_state(connection, instance, name) for name in (CONFIGURATION, CHECKED, QUOTA)))


def note_configuration(
    connection: Connection,
    instance: str,
    configuration: Configuration,
    overrides: Mapping[str, Any],
    *,
    dag_id: str | None,
    run_id: str,
    dry_run: bool,
    now: datetime,
) -> None:
    """Keep what is in force in the run that begins.

    :param configuration: as the file says it.
    :param overrides: the settings of this run; only those that differ are kept.
    :param dag_id: the DAG; ``None`` on the command line.
    """
    stated = configuration.model_dump(mode="json")
    differing = {name: value for name, value in overrides.items() if stated["settings"][name] != value}
    run = {"dag_id": dag_id, "run_id": run_id, "at": now.isoformat(), "dry_run": dry_run}
    write_state(connection, instance, CONFIGURATION, {**run, "configuration": stated, "overrides": differing})


def note_check(
    connection: Connection,
    instance: str,
    rows: Iterable[FieldMapping],
    custom_fields: CustomFields | None,
    problems: Iterable[tuple[int | None, str]],
    now: datetime,
) -> None:
    """Keep what a check of the mapping found.

    :param custom_fields: the instance's own; ``None`` when they could not be read.
    :param problems: each with the number of its row (from 0), or ``None`` when it is about none.
    """
    found = list(problems)
    fields = []
    for number, row in enumerate(rows):
        wrong = [problem for at, problem in found if at == number]
        fields.append(describe_row(row, known_fields(row, custom_fields or {}), wrong))
    named = [problem if number is None else f"row {number + 1}: {problem}" for number, problem in found]
    write_state(connection, instance, CHECKED, {"at": now.isoformat(), "problems": named, "fields": fields})


def note_quota(connection: Connection, instance: str, remaining: int | None, now: datetime) -> None:
    """Keep how many requests are left of the day's quota; an answer that does not say it changes nothing."""
    if remaining is not None:
        write_state(connection, instance, QUOTA, {"remaining": remaining, "at": now.isoformat()})


def describe_row(row: FieldMapping, fields: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """Return a row of the mapping with the types and labels of its fields, and what there is to say of it."""
    described: dict[str, Any] = {}
    for side, object_name in SIDES.items():
        info = fields.get(object_name)
        described[side] = row.fields.get(object_name)
        described[f"{side}_label"] = info.label if info else None
        described[f"{side}_type"] = info.type if info else None
    complete = len(fields) == len(row.fields)
    notes = problems or (one_way(MappedField(row, fields)) if complete else [])
    rest = row.model_dump(mode="json", include={"behavior", "type", "primary", "values"})
    return {**described, **rest, "note": "; ".join(notes) or None}


def one_way(field: MappedField) -> list[str]:
    """Return where values flow one way alone, and why, in words."""
    notes = []
    for crm_object in CRM_OBJECTS:
        source = field.source(crm_object)
        to_marketing, to_crm = field.flows_to_marketing(crm_object), field.flows_to_crm(crm_object)
        if source is None or to_marketing == to_crm:
            continue
        target = source if to_marketing else PROSPECT
        why = "the way back would lose something"
        if source == ORGANISATIONS:
            why = "organisations are only read"
        elif not field.fields[target].writable:
            why = f"{target}.{field.names[target]} is read-only"
        notes.append(f"{crm_object}: to {'Marketing' if to_marketing else 'CRM'} alone, since {why}")
    return notes
