"""The connector log: a row for each action and field, written before (intent) and after (result)."""

from __future__ import annotations

import csv
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TextIO

from sqlalchemy import Text, and_, cast, delete, func, or_, select, update
from sqlalchemy.engine import Connection

from airflow_provider_insightly.connector.actions import APPLIED, Action, Change
from airflow_provider_insightly.connector.mapping import MappedField
from airflow_provider_insightly.connector.plans import Plan, Summary
from airflow_provider_insightly.connector.records import PROSPECT, Ref
from airflow_provider_insightly.connector.values import Value
from airflow_provider_insightly.store.tables import connector_links, connector_log

COLUMNS = tuple(column.name for column in connector_log.columns if column.name not in ("plan_id", "seq", "key"))
"""What a person is shown of a row, in this order."""

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
    :param result: with this result.
    :param setting: decided by this setting.
    :param record: about this prospect, Lead or Contact.
    :param field: about this field.
    :param text: with this text in a value, a reason or an error, in upper or lower case.
    """

    since: datetime | None = None
    until: datetime | None = None
    run_id: str | None = None
    event: str | None = None
    result: str | None = None
    setting: str | None = None
    record: Ref | None = None
    field: str | None = None
    text: str | None = None


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
    """Yield rows of the log, the newest first."""
    table = connector_log
    conditions = [table.c.instance == instance]
    conditions += [] if wanted.since is None else [table.c.at >= wanted.since]
    conditions += [] if wanted.until is None else [table.c.at < wanted.until]
    for name in ("run_id", "event", "result", "setting", "field"):
        value = getattr(wanted, name)
        conditions += [] if value is None else [table.c[name] == value]
    if wanted.record is not None:
        conditions.append(_about(wanted.record))
    if wanted.text is not None:
        conditions.append(_contains(wanted.text))
    query = select(*(table.c[name] for name in COLUMNS)).where(*conditions).order_by(table.c.id.desc()).limit(limit)
    for row in connection.execute(query):
        yield dict(zip(COLUMNS, row, strict=True))


def export_csv(rows: Iterable[dict[str, Any]], file: TextIO, columns: Sequence[str] = COLUMNS) -> int:
    """Write rows as CSV with a header; return how many."""
    writer = csv.DictWriter(file, columns)
    writer.writeheader()
    count = 0
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
        count += 1
    return count


def export_jsonl(rows: Iterable[dict[str, Any]], file: TextIO) -> int:
    """Write rows as JSON Lines; return how many."""
    count = 0
    for row in rows:
        file.write(json.dumps({name: _plain(value) for name, value in row.items()}, ensure_ascii=False) + "\n")
        count += 1
    return count


def explain(connection: Connection, instance: str, ref: Ref, field: str, mapping: Iterable[MappedField]) -> list[str]:
    """Say why a field of a record has the value that it has: its row of the mapping, its pair, what was done to it.

    :returns: lines for people, the newest event last.
    """
    links = connector_links
    pair = links.c.prospect_id == ref.id
    if ref.object != PROSPECT:
        pair = and_(links.c.crm_object == ref.object, links.c.crm_id == ref.id)
    link = connection.execute(select(links).where(links.c.instance == instance, pair)).one_or_none()
    row = next((row for row in mapping if row.names.get(ref.object) == field), None)
    names = set(row.names.values()) if row else {field}
    lines = [f"{ref}, {field}:"]
    if link is None:
        lines.append("The record is in no pair: the connector writes nothing to it.")
    else:
        lines.append(f"Pair: prospect {link.prospect_id} and {link.crm_object} {link.crm_id}, by {link.matched_by}.")
    if row is None:
        lines.append("No row of the mapping names the field.")
    else:
        named = ", ".join(f"{name}.{key}" for name, key in row.names.items())
        lines.append(f"Mapping: {named}; update behavior {row.behavior!r}.")
        if link is not None and row.name in link.baseline:
            lines.append(f"Both sides last agreed on {link.baseline[row.name]!r}.")
    about = _about(Ref(PROSPECT, link.prospect_id)) if link else _about(ref)
    table = connector_log
    query = select(table).where(table.c.instance == instance, about, table.c.field.in_(names)).order_by(table.c.id)
    lines += [_describe(event) for event in connection.execute(query)]
    return lines


def _describe(row: Any) -> str:
    why = f" ({row.reason})" if row.reason else ""
    change = f"{row.before!r} → {row.after!r}"
    return f"{row.at:%Y-%m-%d %H:%M:%S} run {row.run_id}: {row.event} {row.field} {change}: {row.result}{why}"


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


def _about(ref: Ref) -> Any:
    table = connector_log.c
    if ref.object == PROSPECT:
        return table.prospect_id == ref.id
    return and_(table.crm_object == ref.object, table.crm_id == ref.id)


def _contains(text: str) -> Any:
    table = connector_log.c
    written = json.dumps(text)[1:-1]  # values are kept as JSON, where letters beyond ASCII are escaped
    places: list[tuple[Any, str]] = [(cast(table.before, Text), written), (cast(table.after, Text), written)]
    places += [(table.reason, text), (table.error, text)]
    return or_(*(func.lower(column).contains(wanted.lower(), autoescape=True) for column, wanted in places))


def _plain(value: Value) -> Value:
    return value.isoformat() if isinstance(value, datetime) else value


def _cell(value: Value) -> Value:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict, bool)) else _plain(value)
