"""Why this value: a field of a record, its row of the mapping, its pair, and what was done to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from airflow_provider_insightly.connector.asking import read_ref
from airflow_provider_insightly.connector.explanation import explain
from airflow_provider_insightly.connector.mapping import FieldMapping
from airflow_provider_insightly.connector.overview import read_overview
from airflow_provider_insightly.connector.records import PROSPECT, Ref
from airflow_provider_insightly.ui.access import MayRead
from airflow_provider_insightly.ui.dags import last_map_indexes
from airflow_provider_insightly.ui.pages.log import SETTING_NAMES, path_of
from airflow_provider_insightly.ui.place import ConnectorPlace
from airflow_provider_insightly.ui.records import record_pages

router = APIRouter()

MOST_CHANGES = 200


@router.get("/connectors/{dag_id}/why", dependencies=[MayRead])
def show_why(place: ConnectorPlace, record: str = "", field: str = "") -> HTMLResponse:
    """Show why a field has its value, and ask for another record and field."""
    record, field = record.strip(), field.strip()
    ref, problems = read_question(record, field)
    with place.engine.connect() as connection:
        kept = read_overview(connection, place.instance).configuration
        mapping = kept_mapping(kept)
        found = None
        if ref is not None and field and not problems:
            found = explain(connection, place.instance, ref, field, mapping, limit=MOST_CHANGES)
    history = found.history if found else []
    runs = {run_id for run_id, _ in last_map_indexes(place.dag.dag_id, {row.run_id for row in history})}
    pages = record_pages(place.instance)
    refs = [] if ref is None else [ref]
    if found and found.pair:
        refs = [Ref(PROSPECT, found.pair.prospect_id), Ref(found.pair.crm_object, found.pair.crm_id)]
    return place.page(
        "why.html",
        record=record,
        field=field,
        problems=problems,
        found=found,
        records=[(each, pages(each)) for each in refs],
        path_of=path_of,
        has_run=kept is not None,
        known_runs=runs,
        fields=sorted({name for row in mapping for name in row.fields.values()}),
        setting_names=SETTING_NAMES,
        most=MOST_CHANGES,
    )


def read_question(record: str, field: str) -> tuple[Ref | None, dict[str, str]]:
    """Return the record that is asked for, and what cannot be read."""
    problems: dict[str, str] = {}
    ref = None
    if record:
        try:
            ref = read_ref(record)
        except ValueError as error:
            problems["record"] = str(error)
    if "\0" in field:
        problems["field"] = "no field has such a character"
    if field and not record:
        problems["record"] = "say of which record: Contacts/5, Leads/5 or Prospect/5"
    if record and not field:
        problems["field"] = "say which field"
    return ref, problems


def kept_mapping(kept: Mapping[str, Any] | None) -> list[FieldMapping]:
    """Return the mapping of the configuration that was in force in the last run."""
    return [FieldMapping.model_validate(row) for row in kept["configuration"]["mapping"]] if kept else []
