"""Plans that were made, and what came of them, for as long as the log is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, or_, select
from sqlalchemy.engine import Connection

from airflow_provider_insightly.connector.actions import FAILED, PENDING, PLANNED, REJECTED, SKIPPED, Action
from airflow_provider_insightly.connector.plans import Plan, as_plan
from airflow_provider_insightly.store.tables import connector_actions, connector_approvals, connector_plans

CREATED, UPDATED = "created", "updated"

_UPDATES = (
    *("update_prospect", "update_crm", "change_email", "opt_out_prospect", "opt_in_prospect", "opt_out_crm"),
    *("merge", "archive", "delete", "restore", "note"),
)


@dataclass(frozen=True, slots=True)
class PastPlan:
    """A plan and what became of it.

    :param plan: the plan.
    :param finished_at: when its run was reported; ``None`` while it is under way or held.
    :param approved_by: who approved its hash beforehand.
    :param results: how many actions of each event ended in which result; ``None`` while it is under way.
    """

    plan: Plan
    finished_at: datetime | None
    approved_by: str | None
    results: Mapping[str, Mapping[str, int]] | None

    @property
    def is_held(self) -> bool:
        """A breaker holds it, or a person is being asked: nothing of it is written yet."""
        return not self.plan.dry_run and self.plan.released_by is None


def recent_plans(connection: Connection, instance: str, limit: int = 20) -> list[PastPlan]:
    """Return the plans of an instance, the newest first."""
    plans, approvals = connector_plans, connector_approvals
    query = (
        select(plans, approvals.c.approved_by)
        .outerjoin(approvals, (approvals.c.instance == plans.c.instance) & (approvals.c.plan_hash == plans.c.hash))
        .where(plans.c.instance == instance, plans.c.hash.is_not(None))
        .order_by(plans.c.made_at.desc())
        .limit(limit)
    )
    rows = connection.execute(query)
    return [PastPlan(as_plan(row), row.finished_at, row.approved_by, row.results) for row in rows]


def waiting_plans(connection: Connection, recent: Iterable[PastPlan]) -> list[PastPlan]:
    """Return those of the :func:`recent_plans` of an instance that wait for a person, the newest first.

    A plan that was held is out of date as soon as a later run was reported: that one planned everything anew.
    """
    found = []
    for past in recent:
        if past.plan.dry_run:
            continue
        if past.is_held or tally(connection, past)[PENDING]:
            found.append(past)
        if past.finished_at is not None:
            break
    return found


def count_results(connection: Connection, plan_id: str) -> dict[str, dict[str, int]]:
    """Return how many actions of each event ended in which result; what has no result yet is ``planned``."""
    table = connector_actions.c
    rows = connection.execute(
        select(table.event, table.result, func.count())
        .where(table.plan_id == plan_id, table.event != "agree")
        .group_by(table.event, table.result)
    )
    found: dict[str, dict[str, int]] = {}
    for event, result, number in rows:
        found.setdefault(event, {})[result or PLANNED] = number
    return found


def tally(connection: Connection, past: PastPlan) -> dict[str, int]:
    """Return how a plan's actions ended: ``created``, ``updated``, ``skipped``, ``rejected``, ``failed``, …

    What was only noted in the store, such as pairs, is not counted. What has no result yet is ``planned``.
    """
    results = count_results(connection, past.plan.plan_id) if past.results is None else past.results
    counts = dict.fromkeys((CREATED, UPDATED, SKIPPED, REJECTED, FAILED, PENDING, PLANNED), 0)
    for event, by_result in results.items():
        for result, number in by_result.items():
            if result in (SKIPPED, REJECTED, FAILED, PENDING):
                counts[result] += number
            elif event == "create" or event in _UPDATES:
                counts[PLANNED if result == PLANNED else CREATED if event == "create" else UPDATED] += number
    return counts


def drop_old_plans(connection: Connection, plan: Plan, before: datetime) -> int:
    """Delete the plans of an instance that were made before a time, but for this one; return how many."""
    plans, actions = connector_plans, connector_actions
    query = select(plans.c.plan_id).where(
        plans.c.instance == plan.instance, plans.c.made_at < before, plans.c.plan_id != plan.plan_id
    )
    old = connection.execute(query).scalars().all()
    for plan_id in old:
        connection.execute(delete(actions).where(actions.c.plan_id == plan_id))
        connection.execute(delete(plans).where(plans.c.plan_id == plan_id))
    return len(old)


def read_page(
    connection: Connection,
    plan: Plan,
    *,
    step: str | None = None,
    result: str | None = None,
    skipped: bool = True,
    after: int = 0,
    limit: int = 100,
) -> Iterator[tuple[int, Action, str | None]]:
    """Yield some of a plan's actions in their order: number, action, result.

    :param step: those of this step alone.
    :param result: those with this result alone.
    :param skipped: those too that the plan leaves.
    :param after: the last number that was seen.
    """
    table = connector_actions
    query = (
        select(table.c.seq, table.c.data, table.c.result)
        .where(table.c.plan_id == plan.plan_id, table.c.seq > after, table.c.event != "agree")
        .order_by(table.c.seq)
        .limit(limit)
    )
    if step is not None:
        query = query.where(table.c.step == step)
    if result is not None:
        query = query.where(table.c.result == result)
    if not skipped:
        query = query.where(or_(table.c.result.is_(None), table.c.result != SKIPPED))
    for row in connection.execute(query):
        yield row.seq, Action.from_json(row.data), row.result
