"""The connector log: a row for each action and field, written before (intent) and after (result)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.sql import ColumnElement

from airflow_provider_insightly.connector.actions import APPLIED, REJECTED, Action, Change
from airflow_provider_insightly.connector.plans import Plan, Summary
from airflow_provider_insightly.connector.records import OPT_OUT_FIELD
from airflow_provider_insightly.connector.values import Value
from airflow_provider_insightly.store.tables import connector_log

_CONSENT_EVENTS = (
    *("opt_out_prospect", "opt_in_prospect", "opt_out_crm", "lift_opt_out"),
    *("merge", "archive", "delete", "tombstone", "relink", "restore"),
)
_CONSENT_FIELDS = tuple(set(OPT_OUT_FIELD.values()))


def log_intent(connection: Connection, plan: Plan, seq: int, action: Action, now: datetime) -> None:
    """Write what is about to be done."""
    _log(connection, plan, seq, action, _changes(action), now)


def log_filled(
    connection: Connection, plan: Plan, seq: int, action: Action, changes: Sequence[Change], now: datetime
) -> None:
    """Write what is about to be filled in on the survivor of a merge, which is known when both were read.

    After a crash some of it is filled in already, and is no change any more: its rows stay.
    """
    _log(connection, plan, seq, action, changes, now)


def log_result(
    connection: Connection,
    plan: Plan,
    seq: int,
    result: str,
    now: datetime,
    *,
    prospect_id: int | None = None,
    http_status: int | None = None,
    error: str | None = None,
) -> None:
    """Write what came of it."""
    values: dict[str, Any] = {"result": result, "finished_at": now, "http_status": http_status, "error": error}
    if prospect_id is not None:
        values["prospect_id"] = prospect_id
    connection.execute(update(connector_log).where(_of_action(plan, seq)).values(values))


def log_kept(connection: Connection, plan: Plan, seq: int, kept: Mapping[str, Value]) -> None:
    """Write which fields have another value than was sent: Insightly cut it, rounded it, or left the field alone."""
    for field, value in sorted(kept.items()):
        here = _of_action(plan, seq) & (connector_log.c.field == field)
        said = func.coalesce(connector_log.c.reason + "; ", "")
        kept_as = f"Insightly keeps it as {json.dumps(value, ensure_ascii=False)[:200]}"
        connection.execute(update(connector_log).where(here).values(reason=said + kept_as))


def log_refused(
    connection: Connection, plan: Plan, seq: int, field: str, *, http_status: int | None, error: str
) -> None:
    """Write that Insightly refused one field of an action whose others it took."""
    here = _of_action(plan, seq) & (connector_log.c.field == field)
    values = {"result": REJECTED, "http_status": http_status, "error": error}
    connection.execute(update(connector_log).where(here).values(values))


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


def drop_old_rows(connection: Connection, instance: str, now: datetime, log_days: int, consent_log_days: int) -> int:
    """Delete rows past their time; those about consent and merges live longer. Return how many."""
    table = connector_log
    is_consent = or_(table.c.event.in_(_CONSENT_EVENTS), table.c.field.in_(_CONSENT_FIELDS))
    old = or_(
        and_(~is_consent, table.c.at < now - timedelta(days=log_days)),
        and_(is_consent, table.c.at < now - timedelta(days=consent_log_days)),
    )
    return connection.execute(delete(table).where(table.c.instance == instance, old)).rowcount


def _log(
    connection: Connection, plan: Plan, seq: int, action: Action, changes: Sequence[Change | None], now: datetime
) -> None:
    """Write rows; written twice (after a crash), they are there once."""
    if not changes:
        return
    rows = [_row(plan, seq, action, change, now) for change in changes]
    fields = [row["field"] for row in rows]
    connection.execute(delete(connector_log).where(_of_action(plan, seq), connector_log.c.field.in_(fields)))
    connection.execute(connector_log.insert(), rows)


def _of_action(plan: Plan, seq: int) -> ColumnElement[bool]:
    return and_(connector_log.c.plan_id == plan.plan_id, connector_log.c.seq == seq)


def _changes(action: Action) -> tuple[Change | None, ...]:
    """Return what has a row: a merge itself too, on the prospect that is lost; its changes are the survivor's."""
    return (None, *action.changes) if action.event == "merge" else action.changes or (None,)


def _row(plan: Plan, seq: int, action: Action, change: Change | None, now: datetime) -> dict[str, Any]:
    survivor = action.other if action.event == "merge" and change else None
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
        "prospect_id": survivor.id if survivor else action.prospect_id,
        "field": change.field if change else "",
        "before": change.before if change else None,
        "after": change.after if change else None,
        "behavior": change.behavior if change else None,
    }
