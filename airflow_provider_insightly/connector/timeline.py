"""The timeline of a pair: visits read into the store, and merged with the connector's own events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.sql import ColumnElement

from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.api.errors import NotFoundError
from airflow_provider_insightly.connector.actions import APPLIED, Action, Change
from airflow_provider_insightly.connector.log_search import about
from airflow_provider_insightly.connector.records import PROSPECT, Ref
from airflow_provider_insightly.connector.rules.show_prospect_timeline import Entry, publish_days
from airflow_provider_insightly.connector.settings import Settings
from airflow_provider_insightly.connector.staging import read_records
from airflow_provider_insightly.connector.state import PUBLISHED_UNTIL, VISITS_READ, read_state, read_time, write_state
from airflow_provider_insightly.connector.values import Value, parse_time
from airflow_provider_insightly.connector.world import Link
from airflow_provider_insightly.store.engine import writing
from airflow_provider_insightly.store.tables import (
    connector_activity,
    connector_changes,
    connector_links,
    connector_log,
    connector_notes,
    connector_records,
    connector_visits,
)

_AT_ONCE = 300

_ROWS = 1000
"""Rows of the log, and visits, that one page of a timeline reads."""


@dataclass(frozen=True, slots=True)
class Happening(Entry):
    """An entry with what is known of it.

    :param changes: the fields that the connector wrote.
    :param crm: the Lead or Contact at that time.
    :param run_id: the run that did it.
    :param setting: the setting behind it.
    :param reason: why.
    :param visit: the visit, as the API tells of it.
    """

    changes: tuple[Change, ...] = ()
    crm: Ref | None = None
    run_id: str | None = None
    setting: str | None = None
    reason: str | None = None
    visit: Mapping[str, Value] | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """Some of what happened to a record's pair, the newest first.

    :param entries: what happened.
    :param older: more happened before this time; ``None`` when these are all.
    """

    entries: list[Happening]
    older: datetime | None


@dataclass(frozen=True, slots=True)
class VisitsRead:
    """What was read.

    :param prospects: linked prospects with new activity.
    :param visits: their visits.
    """

    prospects: int
    visits: int


def read_visits(client: InsightlyClient, engine: Engine, instance: str) -> VisitsRead:
    """Read the visits of the linked prospects that were active since they were last read: one request for each.

    Source: ``GET /MarketingVisits/{prospect_id}``, and LAST_ACTIVITY_DATE_UTC of the prospect.
    """
    with engine.connect() as connection:
        everyone = read_state(connection, instance, VISITS_READ) is None
    prospects = visits = 0
    for prospect_id, last_activity in _active(engine, instance, everyone):
        try:
            found = [visit for page in client.pages(f"/MarketingVisits/{prospect_id}") for visit in page.records]
        except NotFoundError:
            continue  # deleted since: the next sweep finds that
        with writing(engine) as connection:
            _keep(connection, instance, prospect_id, last_activity, found)
        prospects += 1
        visits += len(found)
    with writing(engine) as connection:
        write_state(connection, instance, VISITS_READ, True)
    return VisitsRead(prospects, visits)


def read_timeline(
    connection: Connection, instance: str, ref: Ref, *, before: datetime | None = None, limit: int = 100
) -> Timeline:
    """Return what happened to a record's pair, the newest first: visits, and what the connector wrote.

    :param ref: the prospect, the Lead or the Contact. One that is in no pair has what was written to it.
    :param before: what happened before this time.
    :param limit: so many entries, and those of the same moment as the last.
    """
    prospect_id = _prospect_of(connection, instance, ref)
    visits, first = list[Happening](), None
    if prospect_id is not None:
        visits, first = _whole(_visits(connection, instance, prospect_id, end=before, newest=_ROWS))
    condition = about(ref if prospect_id is None else Ref(PROSPECT, prospect_id))
    events, second = _whole(_events(connection, instance, condition, end=before, newest=_ROWS))
    horizon = max((moment for moment in (first, second) if moment is not None), default=None)
    found = [entry for entry in visits + events if horizon is None or entry.at >= horizon]
    found.sort(key=lambda entry: entry.at, reverse=True)
    if len(found) > limit:
        last = found[limit - 1].at
        shown = [entry for entry in found if entry.at >= last]
        return Timeline(shown, last if len(shown) < len(found) or horizon else None)
    return Timeline(found, horizon)


def _prospect_of(connection: Connection, instance: str, ref: Ref) -> int | None:
    if ref.object == PROSPECT:
        return ref.id
    links = connector_links.c
    query = select(links.prospect_id).where(links.crm_object == ref.object, links.crm_id == ref.id)
    return connection.execute(query.where(links.instance == instance)).scalar()


def _whole(found: tuple[list[Happening], bool]) -> tuple[list[Happening], datetime | None]:
    """Return the entries of which nothing is missing, and since when, where there are older ones.

    Those of the last moment that was read may not be all: they are left out, unless there are no others.
    """
    entries, cut = found
    if not cut or not entries:
        return entries, None
    last = entries[-1].at
    whole = [entry for entry in entries if entry.at > last] or entries
    return whole, whole[-1].at


def plan_notes(connection: Connection, instance: str, settings: Settings, now: datetime) -> list[Action]:
    """Return the Notes of the whole days since the last ones: none for today, which is not over."""
    since = read_time(connection, instance, PUBLISHED_UNTIL)
    if not settings.show_prospect_timeline or settings.publish != "note" or since is None:
        return []
    first, end = midnight(since), midnight(now)
    visits, links = connector_visits.c, connector_links.c
    active = (
        select(links.prospect_id, links.crm_object, links.crm_id)
        .where(links.instance == instance, visits.instance == instance, visits.prospect_id == links.prospect_id)
        .where(visits.at >= first, visits.at < end)
        .distinct()
        .order_by(links.prospect_id)
    )
    notes = connector_notes.c
    actions: list[Action] = []
    for prospect_id, crm_object, crm_id in connection.execute(active).all():
        crm = _open_record(connection, instance, prospect_id, Ref(crm_object, crm_id))
        if crm is None:
            continue
        entries = _visits(connection, instance, prospect_id, first, end)[0]
        entries += _events(connection, instance, about(Ref(PROSPECT, prospect_id)), first, end)[0]
        done = connection.execute(
            select(notes.day).where(notes.instance == instance, notes.prospect_id == prospect_id)
        ).scalars()
        actions += publish_days(Link(prospect_id, crm), entries, done)
    return actions


def _open_record(connection: Connection, instance: str, prospect_id: int, crm: Ref) -> Ref | None:
    """Return the record that a pair's Notes belong to: a Lead's Contact once it is converted; none of closed pairs."""
    found = {record.ref: record for record in read_records(connection, instance, [Ref(PROSPECT, prospect_id), crm])}
    prospect, record = found.get(Ref(PROSPECT, prospect_id)), found.get(crm)
    if record is None or record.gone or (prospect is not None and prospect.do_not_sync):
        return None
    return record.converted_into if record.converted else crm


def note_published(connection: Connection, instance: str, prospect_id: int, day: str, note_id: int) -> None:
    """Remember that a day has its Note."""
    table = connector_notes
    here = (table.c.instance == instance) & (table.c.prospect_id == prospect_id) & (table.c.day == day)
    connection.execute(delete(table).where(here))
    connection.execute(table.insert().values(instance=instance, prospect_id=prospect_id, day=day, note_id=note_id))


def midnight(moment: datetime) -> datetime:
    """Return the begin of a day, in UTC."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _active(engine: Engine, instance: str, everyone: bool) -> Iterator[tuple[int, str]]:
    """Yield the linked prospects whose last activity is news, with its time."""
    records, links, changes = connector_records.c, connector_links.c, connector_changes.c
    query = (
        select(records.record_id, records.data)
        .where(records.instance == instance, records.object == PROSPECT, records.gone.is_(False))
        .where(links.instance == instance, links.prospect_id == records.record_id)
        .order_by(records.record_id)
        .limit(_AT_ONCE)
    )
    if not everyone:
        query = query.where(
            changes.instance == instance, changes.object == PROSPECT, changes.record_id == records.record_id
        )
    last = 0
    while True:
        with engine.connect() as connection:
            rows = connection.execute(query.where(records.record_id > last)).all()
            read = _read_until(connection, instance, [row.record_id for row in rows])
        if not rows:
            return
        last = rows[-1].record_id
        for row in rows:
            activity = row.data.get("LAST_ACTIVITY_DATE_UTC")
            if activity and read.get(row.record_id) != activity:
                yield row.record_id, activity


def _read_until(connection: Connection, instance: str, prospects: list[int]) -> Mapping[int, str]:
    table = connector_activity.c
    rows = connection.execute(
        select(table.prospect_id, table.last_activity).where(
            table.instance == instance, table.prospect_id.in_(prospects)
        )
    )
    return {row[0]: row[1] for row in rows}


def _keep(
    connection: Connection, instance: str, prospect_id: int, last_activity: str, visits: list[dict[str, Value]]
) -> None:
    table, activity = connector_visits, connector_activity
    mine = (table.c.instance == instance) & (table.c.prospect_id == prospect_id)
    connection.execute(delete(table).where(mine))
    if visits:
        rows = {
            visit["VISIT_ID"]: {
                "instance": instance,
                "visit_id": visit["VISIT_ID"],
                "prospect_id": prospect_id,
                "at": parse_time(visit.get("FIRST_PAGE_VIEW_DATE_UTC")),
                "data": visit,
            }
            for visit in visits
        }
        connection.execute(table.insert(), list(rows.values()))
    here = (activity.c.instance == instance) & (activity.c.prospect_id == prospect_id)
    connection.execute(delete(activity).where(here))
    connection.execute(
        activity.insert().values(instance=instance, prospect_id=prospect_id, last_activity=last_activity)
    )


def _visits(
    connection: Connection,
    instance: str,
    prospect_id: int,
    first: datetime | None = None,
    end: datetime | None = None,
    newest: int | None = None,
) -> tuple[list[Happening], bool]:
    """Return visits, the newest first, and whether there may be more of them than the ``newest``."""
    table = connector_visits.c
    query = select(table.at, table.data).where(
        table.instance == instance, table.prospect_id == prospect_id, table.at.is_not(None)
    )
    query = _between(query, table.at, first, end).order_by(table.at.desc()).limit(newest)
    rows = connection.execute(query).all()
    entries = [Happening(row.at, "visit", _describe_visit(row.data), visit=row.data) for row in rows]
    return entries, len(rows) == newest


def _events(
    connection: Connection,
    instance: str,
    condition: ColumnElement[bool],
    first: datetime | None = None,
    end: datetime | None = None,
    newest: int | None = None,
) -> tuple[list[Happening], bool]:
    """Return what the connector wrote, the newest first, and whether there may be more than the ``newest`` rows."""
    table = connector_log.c
    query = select(connector_log).where(
        table.instance == instance, condition, table.result == APPLIED, table.event != "note"
    )
    order = (table.at.desc(), table.plan_id, table.seq, table.id)
    rows = connection.execute(_between(query, table.at, first, end).order_by(*order).limit(newest)).all()
    actions = groupby(rows, key=lambda row: (row.plan_id, row.seq))
    return [_as_happening(list(same)) for _, same in actions], len(rows) == newest


def _as_happening(rows: list[Any]) -> Happening:
    """Return what the rows of one action tell."""
    row = rows[0]
    fields = ", ".join(each.field for each in rows if each.field)
    return Happening(
        at=row.at,
        kind=row.event,
        text=f"Connector: {row.event} {fields}".strip(),
        changes=tuple(
            Change(each.field, each.before, each.after, each.behavior, each.reason) for each in rows if each.field
        ),
        crm=Ref(row.crm_object, row.crm_id) if row.crm_object else None,
        run_id=row.run_id,
        setting=row.setting,
        reason=row.reason,
    )


def _between(query: Any, column: Any, first: datetime | None, end: datetime | None) -> Any:
    query = query if first is None else query.where(column >= first)
    return query if end is None else query.where(column < end)


def _describe_visit(visit: Mapping[str, Value]) -> str:
    views = visit.get("PAGE_VIEW_COUNT") or 1
    source = visit.get("MKT_SOURCE") or visit.get("REFR_SOURCE") or visit.get("PAGE_REFERRER")
    return f"Visit: {views} page view{'s' if views != 1 else ''}" + (f" from {source}" if source else "")
