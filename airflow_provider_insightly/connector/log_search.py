"""The connector log as it is read: filtered, page by page, in a time that does not grow with the log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, and_, cast, func, or_, select, true
from sqlalchemy.engine import Connection
from sqlalchemy.sql import ColumnElement

from airflow_provider_insightly.connector.actions import APPLIED, FAILED, PENDING, PLANNED, REJECTED, SKIPPED
from airflow_provider_insightly.connector.records import CRM_OBJECTS, PROSPECT, Ref
from airflow_provider_insightly.connector.settings import BOXES
from airflow_provider_insightly.store.tables import connector_actions, connector_log

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

SEARCHED_AT_ONCE = 10_000
"""Rows that one page looks at, at the most: a fifth of a second on a slow machine."""

AT_ONCE = 500
"""Rows in one statement: databases bound the number of parameters."""

_OUT_OF_ORDER = 1000
"""So many rows may be numbered in another order than that of their times."""


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
        newest = read_page(connection, instance, wanted, limit=limit)
        if newest.searched_to is None:
            return newest
        assert after is not None
        return LogPage(rows[::-1], after + 1, None, None)  # a search from above would not come down as far as here
    rows = rows[:limit][::-1] if upwards else rows[:limit]
    if upwards:
        assert after is not None
        newer = rows[0]["id"] if full else (low or 1) - 1
        return LogPage(rows, after + 1, newer, None if full else _time_of(connection, newer))
    stopped = None if full or ended else (high or 0) + 1
    older = rows[-1]["id"] if full else stopped
    newer = None if before is None else before - 1
    return LogPage(rows, older, newer, None if stopped is None else _time_of(connection, stopped))


def steps_of(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], str | None]:
    """Return by ``plan_id`` and ``seq`` the step whose task applied the action of a row of :func:`read_page`.

    ``None`` stands for what was only decided; an action that is not kept, or was none of a plan, is not there.
    """
    table = connector_actions.c
    wanted: dict[str, set[int]] = {}
    for row in rows:
        wanted.setdefault(row["plan_id"], set()).add(row["seq"])
    found: dict[tuple[str, int], str | None] = {}
    for plan_id, numbers in wanted.items():
        query = select(table.seq, table.step, table.started_at, table.result, table.data)
        for action in connection.execute(query.where(table.plan_id == plan_id, table.seq.in_(numbers))):
            decided = action.started_at is None and action.result in (None, action.data["verdict"])
            found[plan_id, action.seq] = None if decided else action.step
    return found


def about(ref: Ref) -> ColumnElement[bool]:
    """Return the condition that a row of the log is about a record."""
    table = connector_log.c
    if ref.object == PROSPECT:
        return table.prospect_id == ref.id
    return and_(table.crm_object == ref.object, table.crm_id == ref.id)


@dataclass(frozen=True, slots=True)
class _Source:
    """Rows that an index finds.

    :param ways: conditions of which one must hold; each has an index.
    :param in_order: the index has them in the order of their ids. Those of a record are few, and are sorted.
    """

    ways: tuple[ColumnElement[bool], ...]
    in_order: bool = True


def _sources(wanted: LogFilter) -> list[_Source]:
    """Return a source for each wanted value."""
    table = connector_log.c
    sources: list[_Source] = []
    for name in ("run_id", "event", "setting", "field"):
        value = getattr(wanted, name)
        sources += [] if value is None else [_Source((table[name] == value,))]
    if wanted.result is not None:
        is_it = table.result.is_(None) if wanted.result == UNDER_WAY else table.result == wanted.result
        sources.append(_Source((is_it,)))
    if isinstance(wanted.record, Ref):
        sources.append(_Source((about(wanted.record),), in_order=False))
    elif wanted.record is not None:
        on_each_side = tuple(about(Ref(name, wanted.record)) for name in (PROSPECT, *CRM_OBJECTS))
        sources.append(_Source(on_each_side, in_order=False))
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
    connection: Connection, instance: str, sources: list[_Source], low: int | None, high: int | None
) -> _Source:
    """Return the source with the fewest rows; nothing is counted beyond what a search looks at."""
    if len(sources) < 2:
        return sources[0] if sources else _Source((true(),))

    def size(source: _Source) -> int:
        some = (
            query.order_by(number).limit(SEARCHED_AT_ONCE).subquery()  # in the order of the index, it is read from it
            for query, number in _queries(instance, source, low, high)
        )
        return sum(connection.execute(select(func.count()).select_from(ids)).scalar_one() for ids in some)

    return min(sources, key=size)


def _ids(
    connection: Connection,
    instance: str,
    source: _Source,
    low: int | None,
    high: int | None,
    upwards: bool,
    limit: int,
) -> list[int]:
    """Return the next ids of a source, in the order of the search."""
    found: set[int] = set()
    for query, number in _queries(instance, source, low, high):
        found.update(connection.execute(query.order_by(number if upwards else number.desc()).limit(limit)).scalars())
    return sorted(found, reverse=not upwards)[:limit]


def _queries(instance: str, source: _Source, low: int | None, high: int | None) -> Iterator[tuple[Any, Any]]:
    """Yield a query of ids for each way of a source, and by what to sort it."""
    table = connector_log.c
    # With the plain id, a planner would walk through the whole log rather than sort a record's rows.
    number = table.id if source.in_order else table.id + 0
    for way in source.ways:
        query = select(table.id).where(table.instance == instance, way)
        query = query if low is None else query.where(number >= low)
        yield (query if high is None else query.where(number <= high)), number


def _matching(connection: Connection, ids: list[int], wanted: LogFilter, upwards: bool) -> list[dict[str, Any]]:
    """Return those of some rows that have all that is wanted."""
    table = connector_log.c
    conditions = [or_(*source.ways) for source in _sources(wanted)]
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
