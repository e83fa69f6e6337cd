"""The timeline of a prospect or a CRM record: visits, sync events and changes in one line of time."""

from __future__ import annotations

from datetime import date, datetime
from itertools import groupby

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse
from sqlalchemy.engine import Connection

from airflow_provider_insightly.connector.asking import LARGEST_ID, read_moment, read_ref
from airflow_provider_insightly.connector.links import read_links
from airflow_provider_insightly.connector.records import CRM_OBJECTS, PROSPECT, Record, Ref
from airflow_provider_insightly.connector.staging import read_records, records_where
from airflow_provider_insightly.connector.timeline import Happening, read_timeline
from airflow_provider_insightly.connector.values import email_key
from airflow_provider_insightly.store.tables import connector_records
from airflow_provider_insightly.ui.access import MayRead
from airflow_provider_insightly.ui.dags import last_map_indexes
from airflow_provider_insightly.ui.pages.log import SETTING_NAMES, path_of
from airflow_provider_insightly.ui.place import ConnectorPlace
from airflow_provider_insightly.ui.records import record_pages

router = APIRouter()


@router.get("/connectors/{dag_id}/timeline", dependencies=[MayRead])
def show_timeline(place: ConnectorPlace, record: str = "", before: str = "") -> HTMLResponse:
    """Show what happened to a record, by its id or by its e-mail address."""
    record, problem = record.strip(), None
    pairs: list[list[Ref]] = []
    days: list[tuple[date, list[Happening]]] = []
    older, known = None, dict[Ref, Record]()
    with place.engine.connect() as connection:
        if record:
            try:
                pairs = find_pairs(connection, place.instance, record)
            except ValueError as error:
                problem = str(error)
        if len(pairs) == 1:
            found = read_timeline(connection, place.instance, pairs[0][0], before=_moment(before))
            older = found.older
            days = [(day, list(same)) for day, same in groupby(found.entries, key=lambda entry: entry.at.date())]
        for staged in read_records(connection, place.instance, [ref for pair in pairs for ref in pair]):
            known[staged.ref] = staged
    run_ids = {entry.run_id for _, entries in days for entry in entries if entry.run_id}
    pages = record_pages(place.instance)
    return place.page(
        "timeline.html",
        record=record,
        before=before,
        problem=problem,
        pairs=[[(ref, pages(ref), known.get(ref)) for ref in pair] for pair in pairs],
        days=days,
        older=older.isoformat() if older else None,
        path_of=path_of,
        known_runs={run_id for run_id, _ in last_map_indexes(place.dag.dag_id, run_ids)},
        setting_names=SETTING_NAMES,
        reads_visits=place.dag.boxes.get("show_prospect_timeline", False),
    )


def find_pairs(connection: Connection, instance: str, text: str) -> list[list[Ref]]:
    """Return the records that a search means, each with its partner; those of one pair together, the prospect first.

    :param text: ``Contacts/5``, an id alone, which is looked for on both sides, or an e-mail address.
    :raises ValueError: it is none of these.
    """
    refs: list[Ref] = []
    if "@" in text:
        key = email_key(text)
        if key is None or "\0" in key:
            raise ValueError(f"{text!r} is no e-mail address")
        staged = records_where(connection, instance, connector_records.c.email_key == key)
        refs = [each.ref for each in staged if each.ref.object in (PROSPECT, *CRM_OBJECTS)]
    elif text.isascii() and text.isdecimal() and int(text) <= LARGEST_ID:
        named = [Ref(name, int(text)) for name in (PROSPECT, *CRM_OBJECTS)]
        linked = [ref for ref in named if any(True for _ in read_links(connection, instance, record=ref))]
        refs = linked or [each.ref for each in read_records(connection, instance, named)]
    else:
        refs = [read_ref(text)]
    pairs: list[list[Ref]] = []
    for ref in refs:
        links = list(read_links(connection, instance, record=ref))
        pair = [ref]
        if links:
            pair = [Ref(PROSPECT, links[0]["prospect_id"]), Ref(links[0]["crm_object"], links[0]["crm_id"])]
        pairs += [] if pair in pairs else [pair]
    return pairs


def _moment(text: str) -> datetime | None:
    try:
        return read_moment(text) if text else None
    except ValueError as error:
        raise HTTPException(400, f"before: {error}") from None
