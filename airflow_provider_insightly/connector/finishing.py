"""The end of a run: decisions that needed no request are logged, watermarks advance, what failed is queued again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Text, and_, cast, delete, func, or_, select, update
from sqlalchemy.engine import Connection, Engine

from airflow_provider_insightly.connector.actions import FAILED, PENDING, PLANNED, SKIPPED, Action
from airflow_provider_insightly.connector.configuration import Configuration
from airflow_provider_insightly.connector.extraction import Clock, advance_watermarks
from airflow_provider_insightly.connector.history import count_results, drop_old_plans
from airflow_provider_insightly.connector.log import drop_old_rows, log_verdicts
from airflow_provider_insightly.connector.plans import Plan, read_actions, use_up_approval
from airflow_provider_insightly.connector.records import PROSPECT, Ref
from airflow_provider_insightly.connector.rules.quarantine import QUARANTINED
from airflow_provider_insightly.connector.staging import queue
from airflow_provider_insightly.connector.state import PUBLISHED_UNTIL, SYNCED_WITH, read_state, write_state, write_time
from airflow_provider_insightly.store.engine import writing
from airflow_provider_insightly.store.tables import connector_actions, connector_changes, connector_plans

_AT_ONCE = 300


class UnfinishedPlanError(RuntimeError):
    """Actions of the plan have no result: a task before this one did not do its part."""


@dataclass(frozen=True)
class Report:
    """What came of a run.

    :param plan_hash: its plan.
    :param dry_run: nothing was written.
    :param results: how many actions of each event ended in which result.
    """

    plan_hash: str
    dry_run: bool
    results: dict[str, dict[str, int]] = field(default_factory=dict)

    def count(self, result: str) -> int:
        """Return how many actions ended so."""
        return sum(counts.get(result, 0) for counts in self.results.values())

    def __str__(self) -> str:
        """Write it for people, a line for each event."""
        lines = [
            f"{event}: {', '.join(f'{number} {result}' for result, number in sorted(counts.items()))}"
            for event, counts in sorted(self.results.items())
        ]
        return "\n".join(lines) or "nothing changed"


def finish(
    engine: Engine,
    plan: Plan,
    configuration: Configuration,
    object_names: Sequence[str],
    *,
    now: Clock,
    partial: bool = False,
) -> Report:
    """Close a run and say what came of it.

    :param object_names: the objects that the run read.
    :param partial: the run was about one record alone, so that nothing is known of the others.
    :raises UnfinishedPlanError: planned actions have no result. Nothing is advanced: the next run sees it all again.
    """
    if not plan.dry_run:
        with engine.connect() as connection:
            _check_all_done(connection, plan)
    for batch in _unlogged(engine, plan):
        with writing(engine) as connection:
            log_verdicts(connection, plan, batch, now())
    if not plan.dry_run:
        if not partial:
            advance_watermarks(engine, plan.instance, object_names)
        with writing(engine) as connection:
            _clear_queue(connection, plan)
            use_up_approval(connection, plan)
            if not partial:
                write_state(connection, plan.instance, SYNCED_WITH, configuration.digest)
                publishing = read_state(connection, plan.instance, PUBLISHED_UNTIL) is not None
                if publishing and not _failed_notes(connection, plan):
                    write_time(connection, plan.instance, PUBLISHED_UNTIL, plan.made_at)
            settings = configuration.settings
            drop_old_rows(connection, plan.instance, now(), settings.log_days, settings.consent_log_days)
            drop_old_plans(connection, plan, now() - timedelta(days=settings.log_days))
    with writing(engine) as connection:
        results = count_results(connection, plan.plan_id)
        closed = {"results": results} if plan.dry_run else {"results": results, "finished_at": now()}
        table = connector_plans
        connection.execute(update(table).where(table.c.plan_id == plan.plan_id).values(**closed))
    return Report(plan.hash, plan.dry_run, results)


def _check_all_done(connection: Connection, plan: Plan) -> None:
    table = connector_actions.c
    query = select(table.step, func.count()).where(table.plan_id == plan.plan_id, table.result.is_(None))
    open_actions = [f"{row[1]} of {row[0]}" for row in connection.execute(query.group_by(table.step))]
    if open_actions:
        raise UnfinishedPlanError(
            f"Actions without a result: {', '.join(open_actions)}. Clear the tasks that failed; the plan is kept."
        )


def _unlogged(engine: Engine, plan: Plan) -> Iterator[list[tuple[int, Action, str]]]:
    """Yield the decisions that no task applied, in batches: skipped ones, and in a dry run also the planned."""
    last = 0
    while True:
        with engine.connect() as connection:
            rows = list(read_actions(connection, plan.plan_id, first=last + 1, limit=_AT_ONCE))
        if not rows:
            return
        last = rows[-1][0]
        yield [
            (seq, action, result or PLANNED)
            for seq, action, started_at, result in rows
            if action.event != "agree"
            and (action.verdict == result or (result is None and plan.dry_run))
            and started_at is None
        ]


def _clear_queue(connection: Connection, plan: Plan) -> None:
    """Take what the plan looked at out of the queue, but for what failed, waits for a person or is in quarantine."""
    changes, actions = connector_changes, connector_actions.c
    connection.execute(delete(changes).where(changes.c.instance == plan.instance, changes.c.plan_id == plan.plan_id))
    rows = connection.execute(
        select(actions.prospect_id, actions.crm_object, actions.crm_id).where(
            actions.plan_id == plan.plan_id,
            or_(
                actions.result.in_((FAILED, PENDING)),
                and_(actions.result == SKIPPED, cast(actions.data, Text).contains(QUARANTINED)),
            ),
        )
    )
    again: set[Ref] = set()
    for prospect_id, crm_object, crm_id in rows:
        again |= {Ref(PROSPECT, prospect_id)} if prospect_id is not None else set()
        again |= {Ref(crm_object, crm_id)} if crm_object is not None else set()
    queue(connection, plan.instance, again)


def _failed_notes(connection: Connection, plan: Plan) -> int:
    table = connector_actions.c
    failed = select(func.count()).where(table.plan_id == plan.plan_id, table.event == "note", table.result == FAILED)
    return connection.execute(failed).scalar_one()
