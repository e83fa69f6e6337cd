"""The connector log: filtered, paged, exported, and linked to the records, the tasks and the reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, StreamingResponse
from sqlalchemy.engine import Connection, Engine

from airflow_provider_insightly.connector.actions import TO_CRM
from airflow_provider_insightly.connector.asking import LARGEST_ID, read_moment, read_ref
from airflow_provider_insightly.connector.history import recent_plans
from airflow_provider_insightly.connector.log_export import as_csv, as_jsonl
from airflow_provider_insightly.connector.log_search import (
    COLUMNS,
    EVENTS,
    RESULTS,
    SETTINGS,
    LogFilter,
    read_page,
    steps_of,
)
from airflow_provider_insightly.connector.overview import SIDES, read_overview
from airflow_provider_insightly.connector.records import PROSPECT, Ref
from airflow_provider_insightly.connector.settings import BOXES
from airflow_provider_insightly.ui.access import MayRead
from airflow_provider_insightly.ui.dags import last_map_indexes
from airflow_provider_insightly.ui.place import ConnectorPlace, Place
from airflow_provider_insightly.ui.records import RecordPages, record_pages
from airflow_provider_insightly.ui.rendering import query

router = APIRouter()

FILTERS = {
    "event": "Event",
    "result": "Result",
    "setting": "Setting",
    "record": "Record",
    "field": "Field",
    "text": "Text",
    "from": "From",
    "until": "Until",
    "run": "Run",
}
"""The filters by their names in the address, in the order in which the page shows them."""

SETTING_NAMES = {
    **{number: f"{number} {name.replace('_', ' ')}" for number, name in BOXES.items()},
    "mapping": "Prospect Field Mapping",
    "gate": "DO_NOT_SYNC",
}

DIRECTIONS = {"to_marketing": "to Marketing", "to_crm": "to CRM", "local": "in the store"}

PAGE_ROWS = 50
EXPORTED_AT_ONCE = 2000

Cursor = Annotated[int | None, Query(ge=0, le=LARGEST_ID)]


@dataclass
class Asked:
    """What an address asks for.

    :param values: the filters as they were written; empty ones are left out.
    :param wanted: the rows that are meant.
    :param problems: what cannot be read, by filter.
    """

    values: dict[str, str] = field(default_factory=dict)
    wanted: LogFilter = field(default_factory=LogFilter)
    problems: dict[str, str] = field(default_factory=dict)

    def without(self, name: str) -> str:
        """Return the query of an address without a filter."""
        return query(**{each: value for each, value in self.values.items() if each != name})

    def with_(self, **values: Any) -> str:
        """Return the query of an address with these values too."""
        return query(**{**self.values, **values})


@dataclass(frozen=True, slots=True)
class Shown:
    """A row, and where it leads.

    :param row: the row of the log.
    :param records: its prospect and its CRM record, each with its address in Insightly, if that is known.
    :param task: the task that wrote it, with its path in Airflow; ``None`` for what no task of a kept run did.
    :param why: the record and the field to explain.
    :param timeline: the record whose timeline there is.
    :param has_run: Airflow knows the run.
    """

    row: Mapping[str, Any]
    records: list[tuple[Ref, str | None]]
    task: tuple[str, list[str]] | None
    why: tuple[str, str] | None
    timeline: str | None
    has_run: bool


@router.get("/connectors/{dag_id}/log", dependencies=[MayRead])
def show_log(place: ConnectorPlace, before: Cursor = None, after: Cursor = None) -> HTMLResponse:
    """Show a page of the log."""
    asked = read_asked(place.request)
    with place.engine.connect() as connection:
        overview = read_overview(connection, place.instance)
        runs = [past.plan.run_id for past in recent_plans(connection, place.instance)]
        found, rows = None, list[Shown]()
        if not asked.problems:
            found = read_page(connection, place.instance, asked.wanted, before=before, after=after, limit=PAGE_ROWS)
            rows = show_rows(connection, place, found.rows)
    choices = {
        "event": {name: name.replace("_", " ") for name in EVENTS},
        "result": {name: name.replace("_", " ") for name in RESULTS},
        "setting": {name: SETTING_NAMES[name] for name in SETTINGS},
    }
    return place.page(
        "log.html",
        asked=asked,
        found=found,
        upwards=after is not None and found is not None and found.newer is not None,
        rows=rows,
        choices=choices,
        suggestions={"run": runs, "field": mapped_fields(overview.checked)},
        filters=FILTERS,
        setting_names=SETTING_NAMES,
        directions=DIRECTIONS,
    )


@router.get("/connectors/{dag_id}/log.csv", dependencies=[MayRead])
def export_as_csv(place: ConnectorPlace) -> StreamingResponse:
    """Send what is filtered as CSV."""
    return export(place, "csv", "text/csv; charset=utf-8")


@router.get("/connectors/{dag_id}/log.jsonl", dependencies=[MayRead])
def export_as_jsonl(place: ConnectorPlace) -> StreamingResponse:
    """Send what is filtered as JSON Lines."""
    return export(place, "jsonl", "application/x-ndjson")


def export(place: Place, form: str, media_type: str) -> StreamingResponse:
    """Send what an address asks for as a file, page by page, so that no log is too long for the memory."""
    asked = read_asked(place.request)
    if asked.problems:
        raise HTTPException(400, "; ".join(f"{FILTERS[name]}: {why}" for name, why in asked.problems.items()))
    safe = "".join(char if char.isascii() and char.isalnum() else "_" for char in place.dag.dag_id)
    headers = {"Content-Disposition": f'attachment; filename="{safe}_log.{form}"'}
    lines = write_pages(place.engine, place.instance, asked.wanted, form)
    return StreamingResponse(lines, media_type=media_type, headers=headers)


def write_pages(engine: Engine, instance: str, wanted: LogFilter, form: str) -> Iterator[str]:
    """Yield the log as text, each page of it read in a short transaction: a long one holds SQLite's journal back."""
    before: int | None = None
    first = True
    while first or before is not None:
        with engine.connect() as connection:
            found = read_page(connection, instance, wanted, before=before, limit=EXPORTED_AT_ONCE)
        rows = ({name: row[name] for name in COLUMNS} for row in found.rows)
        yield "".join(as_csv(rows, header=first) if form == "csv" else as_jsonl(rows))
        before, first = found.older, False


def read_asked(request: Request) -> Asked:
    """Return what an address asks for."""
    asked = Asked()
    given = request.query_params
    asked.values = {name: given[name].strip() for name in FILTERS if given.get(name, "").strip()}
    read: dict[str, Any] = {}
    for name, text in asked.values.items():
        try:
            read[_ATTRIBUTES.get(name, name)] = _read(name, text)
        except ValueError as error:
            asked.problems[name] = str(error)
    if {"since", "until"} <= read.keys() and read["since"] >= read["until"]:
        asked.problems["until"] = "this is not after the time in From: nothing can be between them"
    asked.wanted = LogFilter(**read)
    return asked


_ATTRIBUTES = {"from": "since", "run": "run_id"}


def _read(name: str, text: str) -> Any:
    """Read one filter; a ValueError says what is wrong with it."""
    if "\0" in text:
        raise ValueError("no value has such a character")
    if name in ("from", "until"):
        return read_moment(text)
    if name == "record":
        if text.isascii() and text.isdecimal() and int(text) <= LARGEST_ID:
            return int(text)
        return read_ref(text)
    known = {"event": EVENTS, "result": RESULTS, "setting": SETTINGS}.get(name)
    if known and text not in known:
        raise ValueError(f"there is no {name} {text!r}: choose one of the list")
    return text


def show_rows(connection: Connection, place: Place, rows: list[dict[str, Any]]) -> list[Shown]:
    """Add to rows of the log where they lead."""
    pages = record_pages(place.instance)
    steps = steps_of(connection, rows)
    tasks = last_map_indexes(place.dag.dag_id, {row["run_id"] for row in rows})
    return [_show(row, pages, steps, tasks) for row in rows]


def _show(
    row: dict[str, Any],
    pages: RecordPages,
    steps: Mapping[tuple[str, int], str | None],
    tasks: Mapping[tuple[str, str], int],
) -> Shown:
    prospect = Ref(PROSPECT, row["prospect_id"]) if row["prospect_id"] is not None else None
    crm = Ref(row["crm_object"], row["crm_id"]) if row["crm_object"] else None
    refs = [ref for ref in (prospect, crm) if ref is not None]
    written = crm if row["direction"] == TO_CRM else prospect
    why = (path_of(written), row["field"]) if written and row["field"] else None
    task = None
    key = (row["plan_id"], row["seq"])
    if key in steps:
        step = steps[key]
        name = f"{step}_writes" if step else "report"
        index = tasks.get((row["run_id"], name))
        if index is not None:
            task = (name, ["mapped", "0"] if index == 0 else ["mapped"] if index > 0 else [])
    return Shown(
        row=row,
        records=[(ref, pages(ref)) for ref in refs],
        task=task,
        why=why,
        timeline=path_of(refs[0]) if refs else None,
        has_run=row["run_id"] in {run_id for run_id, _ in tasks},
    )


def path_of(ref: Ref) -> str:
    """Write a record as the addresses of the pages have it: ``Contacts/5``."""
    return f"{ref.object}/{ref.id}"


def mapped_fields(checked: Mapping[str, Any] | None) -> list[str]:
    """Return the fields of the mapping that was checked last, of all sides."""
    rows: Iterable[Mapping[str, Any]] = (checked or {}).get("fields", ())
    return sorted({row[side] for row in rows for side in SIDES if row.get(side)})
