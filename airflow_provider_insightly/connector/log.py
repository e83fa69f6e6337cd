"""The connector log: a row for each action and field, written before (intent) and after (result)."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, TextIO

from sqlalchemy import Text, and_, cast, delete, func, or_, select, true, update
from sqlalchemy.engine import Connection
from sqlalchemy.sql import ColumnElement

from airflow_provider_insightly.connector.actions import (
    APPLIED,
    FAILED,
    PENDING,
    PLANNED,
    REJECTED,
    SKIPPED,
    Action,
    Change,
)
from airflow_provider_insightly.connector.plans import Plan, Summary
from airflow_provider_insightly.connector.records import CRM_OBJECTS, PROSPECT, Ref
from airflow_provider_insightly.connector.settings import BOXES
from airflow_provider_insightly.connector.values import Value
from airflow_provider_insightly.store.tables import connector_log

COLUMNS = tuple(column.name for column in connector_log.columns if column.name not in ("plan_id", "seq", "key"))
"""What a person is shown of a row, in this order."""

EVENTS = (
    *("link", "relink", "match", "tombstone", "create", "update_prospect", "update_crm", "change_email"),
    *("opt_out_prospect", "opt_in_prospect", "opt_out_crm", "lift_opt_out", "merge", "archive", "delete", "restore"),
    *("label", "label_drift", "note", "gate"),
)
"""What a row may tell of."""

UNDER_WAY = "under_way"
"""The result of rows that have none yet."""

RESULTS = (APPLIED, SKIPPED, REJECTED, FAILED, PENDING, PLANNED, UNDER_WAY)
SETTINGS = (*BOXES, "mapping", "gate")

SEARCHED_AT_ONCE = 20_000
"""Rows that one page looks at, at the most: a fifth of a second on a slow machine."""

AT_ONCE = 500
"""Rows in one statement: databases bound the number of parameters."""

_OUT_OF_ORDER = 1000
"""So many rows may be numbered in another order than that of their times."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With what a formula may begin in a spreadsheet; the last four are the first four in East Asian width."""

_CONSENT_EVENTS = (
    *("opt_out_prospect", "opt_in_prospect", "opt_out_crm", "lift_opt_out"),
    *("merge", "archive", "delete", "tombstone"),
)


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which rows of the log; whatever is ``None`` does not matter.

    :param since: at this time or later.
    :param until: before this time.
    :param run_id: of this run.
    :param event: with this event.
    :param result: with this result; :data:`UNDER_WAY` for none yet.
    :param setting: decided by this setting.
    :param record: about this prospect, Lead or Contact; a number alone is an id on any side.
    :param field: about this field.
    :param text: with this text in a value, a reason or an error, in upper or lower case.
    """

    since: datetime | None = None
    until: datetime | None = None
    run_id: str | None = None
    event: str | None = None
    result: str | None = None
    setting: str | None = None
    record: Ref | int | None = None
    field: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some rows of the log, the newest first.

    :param rows: :data:`COLUMNS` by name, with ``plan_id`` and ``seq`` of the action.
    :param older: older rows are ``before`` this id; ``None`` at the end of the log.
    :param newer: newer rows are ``after`` this id; ``None`` on the newest page.
    :param searched_to: the search stopped at this time, and goes on with ``older`` (or ``newer``).
    """

    rows: list[dict[str, Any]]
    older: int | None
    newer: int | None
    searched_to: datetime | None


def log_intent(connection: Connection, plan: Plan, seq: int, action: Action, now: datetime) -> None:
    """Write what is about to be done; written twice (after a crash), it is there once."""
    table = connector_log
    connection.execute(delete(table).where(table.c.plan_id == plan.plan_id, table.c.seq == seq))
    connection.execute(table.insert(), [_row(plan, seq, action, change, now) for change in _changes(action)])


def log_result(
    connection: Connection,
    plan: Plan,
    seq: int,
    result: str,
    now: datetime,
    *,
    prospect_id: int | None = None,
    reason: str | None = None,
    http_status: int | None = None,
    error: str | None = None,
) -> None:
    """Write what came of it."""
    values: dict[str, Any] = {"result": result, "finished_at": now, "http_status": http_status, "error": error}
    if prospect_id is not None:
        values["prospect_id"] = prospect_id
    if reason is not None:
        values["reason"] = reason
    table = connector_log
    connection.execute(update(table).where(table.c.plan_id == plan.plan_id, table.c.seq == seq).values(values))


def log_verdicts(connection: Connection, plan: Plan, decided: Iterable[tuple[int, Action, str]], now: datetime) -> None:
    """Write decisions that end without a request. One that an earlier run logged in the same words is not repeated."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for seq, action, verdict in decided:
        rows[action.key] = [
            {**_row(plan, seq, action, change, now), "result": verdict, "finished_at": now}
            for change in _changes(action)
        ]
    table = connector_log.c
    known = set(
        connection.execute(
            select(table.key).where(table.instance == plan.instance, table.key.in_(rows), table.plan_id != plan.plan_id)
        ).scalars()
    )
    news = [row for key, found in rows.items() if key not in known for row in found]
    if news:
        seqs = {row["seq"] for row in news}
        connection.execute(delete(connector_log).where(table.plan_id == plan.plan_id, table.seq.in_(seqs)))
        connection.execute(connector_log.insert(), news)


def log_by_hand(connection: Connection, instance: str, run_id: str, action: Action, now: datetime) -> None:
    """Write what a person did outside of any plan."""
    plan = Plan(str(uuid.uuid4()), instance, run_id, "", Summary(), False, now)
    log_intent(connection, plan, 1, action, now)
    log_result(connection, plan, 1, APPLIED, now)


def read_log(
    connection: Connection, instance: str, wanted: LogFilter, limit: int | None = None
) -> Iterator[dict[str, Any]]:
    """Yield rows of the log, the newest first, however many there are: few are in memory at once."""
    before: int | None = None
    while limit is None or limit > 0:
        page = read_page(connection, instance, wanted, before=before, limit=min(limit or AT_ONCE, AT_ONCE))
        for row in page.rows:
            yield {name: row[name] for name in COLUMNS}
        limit = None if limit is None else limit - len(page.rows)
        before = page.older
        if before is None:
            return


def read_page(
    connection: Connection,
    instance: str,
    wanted: LogFilter,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = 100,
) -> LogPage:
    """Return a page of the log, the newest row first, in a time that does not grow with the log.

    The rarest of the wanted values is looked up in its index; what else is wanted is asked of the rows found there. The
    search ends after :data:`SEARCHED_AT_ONCE` of them: a text that is nowhere would otherwise cost a look at every row.

    :param before: rows with a lower id than this: older ones.
    :param after: rows with a higher id than this, those next to it. Where there are too few, the newest page.
    :param limit: the most rows.
    """
    upwards = after is not None
    low, high = _span(connection, instance, wanted)
    low = low if after is None else max(low or 0, after + 1)
    high = high if before is None else min(before - 1 if high is None else high, before - 1)
    source = _rarest(connection, instance, _sources(wanted), low, high)
    rows: list[dict[str, Any]] = []
    looked, ended, at_once = 0, False, limit + 1
    while not ended and len(rows) <= limit and looked < SEARCHED_AT_ONCE:
        ids = _ids(connection, instance, source, low, high, upwards, at_once)
        rows += _matching(connection, ids, wanted, upwards)
        looked, ended = looked + len(ids), len(ids) < at_once
        if ids:
            low, high = (ids[-1] + 1, high) if upwards else (low, ids[-1] - 1)
        at_once = AT_ONCE
    full = len(rows) > limit
    if upwards and ended and not full:
        return read_page(connection, instance, wanted, limit=limit)
    rows = rows[:limit][::-1] if upwards else rows[:limit]
    if upwards:
        assert after is not None
        newer = rows[0]["id"] if full else (low or 1) - 1
        return LogPage(rows, after + 1, newer, None if full else _time_of(connection, newer))
    stopped = None if full or ended else (high or 0) + 1
    older = rows[-1]["id"] if full else stopped
    newer = None if before is None else before - 1
    return LogPage(rows, older, newer, None if stopped is None else _time_of(connection, stopped))


def as_csv(rows: Iterable[dict[str, Any]], columns: Sequence[str] = COLUMNS, *, header: bool = True) -> Iterator[str]:
    """Yield the lines of a CSV table.

    A text that a spreadsheet would take for a formula has an apostrophe before it, which spreadsheets read as "this is
    text". Source: OWASP, CSV injection.
    """
    lines = io.StringIO()
    writer = csv.DictWriter(lines, columns)
    if header:
        writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(row[name]) for name in columns})
        yield lines.getvalue()
        lines.seek(0)
        lines.truncate()
    yield lines.getvalue()


def as_jsonl(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield rows as lines of JSON."""
    for row in rows:
        yield json.dumps({name: _plain(value) for name, value in row.items()}, ensure_ascii=False) + "\n"


def export_csv(rows: Iterable[dict[str, Any]], file: TextIO, columns: Sequence[str] = COLUMNS) -> int:
    """Write rows as CSV with a header; return how many."""
    counted = count()
    file.writelines(as_csv((row for row, _ in zip(rows, counted, strict=False)), columns))
    return next(counted)


def export_jsonl(rows: Iterable[dict[str, Any]], file: TextIO) -> int:
    """Write rows as JSON Lines; return how many."""
    counted = count()
    file.writelines(as_jsonl(row for row, _ in zip(rows, counted, strict=False)))
    return next(counted)


def drop_old_rows(connection: Connection, instance: str, now: datetime, log_days: int, consent_log_days: int) -> int:
    """Delete rows past their time; those about consent and merges live longer. Return how many."""
    table = connector_log
    is_consent = table.c.event.in_(_CONSENT_EVENTS)
    old = or_(
        and_(~is_consent, table.c.at < now - timedelta(days=log_days)),
        and_(is_consent, table.c.at < now - timedelta(days=consent_log_days)),
    )
    return connection.execute(delete(table).where(table.c.instance == instance, old)).rowcount


def _changes(action: Action) -> tuple[Change | None, ...]:
    return action.changes or (None,)


def _row(plan: Plan, seq: int, action: Action, change: Change | None, now: datetime) -> dict[str, Any]:
    return {
        "instance": plan.instance,
        "run_id": plan.run_id,
        "plan_id": plan.plan_id,
        "seq": seq,
        "key": action.key,
        "at": now,
        "direction": action.direction,
        "setting": action.setting,
        "event": action.event,
        "result": None,
        "reason": (change.reason if change else None) or action.reason,
        "crm_object": action.crm.object if action.crm else None,
        "crm_id": action.crm.id if action.crm else None,
        "prospect_id": action.prospect_id,
        "field": change.field if change else "",
        "before": change.before if change else None,
        "after": change.after if change else None,
        "behavior": change.behavior if change else None,
    }


def about(ref: Ref) -> ColumnElement[bool]:
    """Return the condition that a row of the log is about a record."""
    table = connector_log.c
    if ref.object == PROSPECT:
        return table.prospect_id == ref.id
    return and_(table.crm_object == ref.object, table.crm_id == ref.id)


def _sources(wanted: LogFilter) -> list[list[ColumnElement[bool]]]:
    """Return for each wanted value the conditions of which one must hold; each condition has an index."""
    table = connector_log.c
    sources: list[list[ColumnElement[bool]]] = []
    for name in ("run_id", "event", "setting", "field"):
        value = getattr(wanted, name)
        sources += [] if value is None else [[table[name] == value]]
    if wanted.result is not None:
        sources.append([table.result.is_(None) if wanted.result == UNDER_WAY else table.result == wanted.result])
    if isinstance(wanted.record, Ref):
        sources.append([about(wanted.record)])
    elif wanted.record is not None:
        sources.append([about(Ref(name, wanted.record)) for name in (PROSPECT, *CRM_OBJECTS)])
    return sources


def _span(connection: Connection, instance: str, wanted: LogFilter) -> tuple[int | None, int | None]:
    """Return the lowest and the highest id that rows of the wanted time have.

    Rows are numbered as they are written, and so by time, but for tasks that write at once: the rows next to an end are
    looked at. Their times decide in the end.
    """
    table = connector_log.c
    low = high = None
    if wanted.since is not None:
        near = select(table.id).where(table.instance == instance, table.at >= wanted.since)
        first = near.order_by(table.at, table.id).limit(_OUT_OF_ORDER).subquery()
        low = connection.execute(select(func.min(first.c.id))).scalar()
    if wanted.until is not None:
        near = select(table.id).where(table.instance == instance, table.at < wanted.until)
        last = near.order_by(table.at.desc(), table.id.desc()).limit(_OUT_OF_ORDER).subquery()
        high = connection.execute(select(func.coalesce(func.max(last.c.id), 0))).scalar_one()
    return low, high


def _rarest(
    connection: Connection,
    instance: str,
    sources: list[list[ColumnElement[bool]]],
    low: int | None,
    high: int | None,
) -> list[ColumnElement[bool]]:
    """Return the source with the fewest rows; nothing is counted beyond what a search looks at."""
    if len(sources) < 2:
        return sources[0] if sources else [true()]

    def size(source: list[ColumnElement[bool]]) -> int:
        some = (_select_ids(instance, way, low, high).limit(SEARCHED_AT_ONCE).subquery() for way in source)
        return sum(connection.execute(select(func.count()).select_from(ids)).scalar_one() for ids in some)

    return min(sources, key=size)


def _ids(
    connection: Connection,
    instance: str,
    source: list[ColumnElement[bool]],
    low: int | None,
    high: int | None,
    upwards: bool,
    limit: int,
) -> list[int]:
    """Return the next ids of a source, read from its index alone, in the order of the search."""
    order = connector_log.c.id if upwards else connector_log.c.id.desc()
    found = {
        number
        for way in source
        for number in connection.execute(_select_ids(instance, way, low, high).order_by(order).limit(limit)).scalars()
    }
    return sorted(found, reverse=not upwards)[:limit]


def _select_ids(instance: str, way: ColumnElement[bool], low: int | None, high: int | None) -> Any:
    table = connector_log.c
    query = select(table.id).where(table.instance == instance, way)
    query = query if low is None else query.where(table.id >= low)
    return query if high is None else query.where(table.id <= high)


def _matching(connection: Connection, ids: list[int], wanted: LogFilter, upwards: bool) -> list[dict[str, Any]]:
    """Return those of some rows that have all that is wanted."""
    table = connector_log.c
    conditions = [or_(*source) for source in _sources(wanted)]
    conditions += [] if wanted.since is None else [table.at >= wanted.since]
    conditions += [] if wanted.until is None else [table.at < wanted.until]
    conditions += [] if wanted.text is None else [_contains(wanted.text)]
    names = (*COLUMNS, "plan_id", "seq")
    query = select(*(table[name] for name in names)).order_by(table.id if upwards else table.id.desc())
    rows: list[dict[str, Any]] = []
    for start in range(0, len(ids), AT_ONCE):
        batch = query.where(table.id.in_(ids[start : start + AT_ONCE]), *conditions)
        rows += [dict(zip(names, row, strict=True)) for row in connection.execute(batch)]
    return rows


def _time_of(connection: Connection, row_id: int) -> datetime | None:
    table = connector_log.c
    return connection.execute(select(table.at).where(table.id == row_id)).scalar()


def _contains(text: str) -> Any:
    table = connector_log.c
    written = json.dumps(text)[1:-1]  # values are kept as JSON, where letters beyond ASCII are escaped
    places: list[tuple[Any, str]] = [(cast(table.before, Text), written), (cast(table.after, Text), written)]
    places += [(table.reason, text), (table.error, text)]
    return or_(*(func.lower(column).contains(wanted.lower(), autoescape=True) for column, wanted in places))


def _plain(value: Value) -> Value:
    return value.isoformat() if isinstance(value, datetime) else value


def _cell(value: Value) -> Value:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict, bool)) else _plain(value)
