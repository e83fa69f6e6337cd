"""Plans as they are kept: read, summed up, held by breakers, approved, cut into chunks."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.engine import Connection, Engine

from airflow_provider_insightly.connector.actions import APPLIED, PENDING, PLANNED, STEPS, Action
from airflow_provider_insightly.connector.settings import Settings
from airflow_provider_insightly.connector.state import NEWEST_PLAN, read_state, write_state
from airflow_provider_insightly.store.engine import writing
from airflow_provider_insightly.store.tables import connector_actions, connector_approvals, connector_plans

CHUNK = 500
"""Actions in one mapped task, or more where that would make too many tasks."""

MOST_CHUNKS = 1000
"""Airflow maps a task over 1024 values at most (``[core] max_map_length``)."""

NOTHING_HELD = "no breaker tripped"
"""What released a plan that needed no person."""


@dataclass
class Summary:
    """How much of what a plan holds.

    :param pairs: pairs before the plan.
    :param prospects: prospects before the plan.
    :param actions: actions of any kind.
    :param counts: actions by step, event and verdict: ``create_prospects create planned``.
    :param emptied: emptied values by field.
    """

    pairs: int = 0
    prospects: int = 0
    actions: int = 0
    counts: dict[str, int] = field(default_factory=Counter)
    emptied: dict[str, int] = field(default_factory=Counter)

    def count(self, action: Action) -> None:
        """Add an action."""
        self.actions += 1
        kind = f"{action.step} {action.event} {action.verdict}"
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if action.verdict == PLANNED and action.setting in ("4", "5"):
            for change in action.changes:
                self.emptied[change.field] = self.emptied.get(change.field, 0) + 1

    def planned(self, *events: str) -> int:
        """Return how many actions with these events are to be applied."""
        return sum(number for name, number in self.counts.items() if _is_planned(name, events))

    def of_step(self, step: str) -> dict[str, int]:
        """Return the counts of one step, by event and verdict."""
        return {name.split(" ", 1)[1]: n for name, n in sorted(self.counts.items()) if name.split(" ")[0] == step}

    def to_json(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        return {**asdict(self), "counts": dict(self.counts), "emptied": dict(self.emptied)}

    def __str__(self) -> str:
        """Write it for people, a line for each step."""
        lines = [f"{step}: {', '.join(f'{n} {name}' for name, n in self.of_step(step).items())}" for step in STEPS]
        return "\n".join(line for line in lines if not line.endswith(": ")) or "nothing to do"


def _is_planned(name: str, events: tuple[str, ...]) -> bool:
    _, event, verdict = name.split(" ")
    return verdict == PLANNED and event in events


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan.

    :param plan_id: its own id.
    :param instance: the Insightly instance.
    :param run_id: the run that made it.
    :param hash: equal for plans that decide the same.
    :param summary: what it holds.
    :param dry_run: it is never applied.
    :param made_at: when it was made.
    :param released_by: who or what let it be applied; ``None`` as long as nothing did.
    """

    plan_id: str
    instance: str
    run_id: str
    hash: str
    summary: Summary
    dry_run: bool
    made_at: datetime
    released_by: str | None = None


class NoPlanError(LookupError):
    """A run has no plan, or one that was not finished."""


class PlanHeldError(RuntimeError):
    """A breaker holds the plan: nothing is written until a person approves it."""


class OutdatedPlanError(RuntimeError):
    """A later run has planned anew: what an older plan holds may undo what happened since."""


def read_plan(connection: Connection, instance: str, run_id: str) -> Plan:
    """Return the plan of a run.

    :raises NoPlanError: there is none.
    """
    table = connector_plans
    row = connection.execute(
        select(table).where(table.c.instance == instance, table.c.run_id == run_id, table.c.hash.is_not(None))
    ).one_or_none()
    if row is None:
        raise NoPlanError(f"The run {run_id!r} of {instance!r} has no plan: the step that makes it comes first.")
    return as_plan(row)


def find_plans(connection: Connection, instance: str, plan_hash: str) -> list[Plan]:
    """Return the plans whose hash begins so, the newest first; plans that decide the same have the same hash."""
    table = connector_plans
    query = select(table).where(table.c.instance == instance, table.c.hash.startswith(plan_hash, autoescape=True))
    return [as_plan(row) for row in connection.execute(query.order_by(table.c.made_at.desc()))]


def as_plan(row: Any) -> Plan:
    """Return the plan of a row of the store."""
    summary = Summary(**row.summary)
    return Plan(row.plan_id, row.instance, row.run_id, row.hash, summary, row.dry_run, row.made_at, row.released_by)


def waiting(summary: Summary) -> int:
    """Return how many actions of a plan wait for a person's approval, whatever the breakers say."""
    return sum(number for name, number in summary.counts.items() if name.endswith(f" {PENDING}"))


def tripped_breakers(summary: Summary, settings: Settings) -> list[str]:
    """Return what a plan does too much of, in words."""
    breakers = settings.breakers
    checks = [
        ("deletes", breakers.deletes, summary.planned("archive", "delete", "merge"), summary.pairs, "pairs"),
        ("creates", breakers.creates, summary.planned("create"), summary.prospects, "prospects"),
        ("email_changes", breakers.email_changes, summary.planned("change_email"), summary.pairs, "pairs"),
    ]
    checks += [
        (f"emptied values of {name}", breakers.emptied, number, summary.pairs, "pairs")
        for name, number in sorted(summary.emptied.items())
    ]
    return [
        f"{name}: {number} of {of} {what} (allowed: {breaker.count} or {breaker.percent} %)"
        for name, breaker, number, of, what in checks
        if not breaker.allows(number, of)
    ]


def release(engine: Engine, plan: Plan, settings: Settings, approve_plan: str = "") -> str:
    """Let a plan be applied, when no breaker trips or a person approved just this plan.

    :param approve_plan: the hash that a person approves.
    :returns: who or what released it.
    :raises PlanHeldError: a breaker holds it, with the plan's summary and its hash.
    :raises OutdatedPlanError: a later run has planned anew.
    """
    with writing(engine) as connection:
        check_is_newest(connection, plan)
        approved_by = find_approval(connection, plan, approve_plan)
        tripped = tripped_breakers(plan.summary, settings)
        if tripped and not approved_by and plan.released_by is None:
            raise PlanHeldError(
                "This plan does more than the breakers let through; nothing was written.\n"
                + "\n".join(f"  {line}" for line in tripped)
                + f"\nThe plan:\n{plan.summary}\nIf all this is meant, run again with approve_plan={plan.hash}"
            )
        released_by = approved_by or plan.released_by or NOTHING_HELD
        table = connector_plans
        connection.execute(update(table).where(table.c.plan_id == plan.plan_id).values(released_by=released_by))
        if approved_by:  # what only waited for a person may now be applied
            actions = connector_actions
            connection.execute(
                update(actions)
                .where(actions.c.plan_id == plan.plan_id, actions.c.result == PENDING)
                .values(result=None)
            )
    return released_by


def note_newest(connection: Connection, plan: Plan) -> None:
    """Remember that a plan, which is no dry run, was made last."""
    write_state(connection, plan.instance, NEWEST_PLAN, {"plan_id": plan.plan_id, "run_id": plan.run_id})


def check_is_newest(connection: Connection, plan: Plan) -> None:
    """Make sure that no later run has planned anew.

    :raises OutdatedPlanError: one has.
    """
    newest = read_state(connection, plan.instance, NEWEST_PLAN)
    if newest is not None and newest["plan_id"] != plan.plan_id:
        raise OutdatedPlanError(
            f"The run {newest['run_id']!r} has planned anew since, so that the rest of this plan (of {plan.run_id!r}) "
            "is out of date and is not applied. Clear that run if it was not finished, or start a new one."
        )


def approve(engine: Engine, instance: str, plan_hash: str, approved_by: str, now: datetime) -> None:
    """Approve a plan before the next run makes it again."""
    table = connector_approvals
    with writing(engine) as connection:
        connection.execute(table.delete().where(table.c.instance == instance, table.c.plan_hash == plan_hash))
        connection.execute(
            table.insert().values(instance=instance, plan_hash=plan_hash, approved_at=now, approved_by=approved_by)
        )


def use_up_approval(connection: Connection, plan: Plan) -> None:
    """Let an approval end with the plan that it released: the same may be decided again, and be a mistake then.

    One that came too late for this plan is for the next that decides the same.
    """
    if plan.released_by == NOTHING_HELD:
        return
    table = connector_approvals
    connection.execute(table.delete().where(table.c.instance == plan.instance, table.c.plan_hash == plan.hash))


def chunks(connection: Connection, plan: Plan, step: str) -> list[tuple[int, int]]:
    """Cut what a step of a plan applies into chunks, each a first and a last number of an action.

    They are the same when some of it is applied already: a task that is cleared counts what the one before it did.
    """
    table = connector_actions.c
    numbers = connection.execute(
        select(table.seq)
        .where(table.plan_id == plan.plan_id, table.step == step)
        .where(or_(table.result.is_(None), table.result == APPLIED, table.started_at.is_not(None)))
        .order_by(table.seq)
    )
    found = array("q", numbers.scalars())
    size = max(CHUNK, -(-len(found) // MOST_CHUNKS))
    return [(found[at], found[min(at + size, len(found)) - 1]) for at in range(0, len(found), size)]


def read_actions(
    connection: Connection,
    plan_id: str,
    step: str | None = None,
    first: int = 0,
    last: int | None = None,
    limit: int | None = None,
) -> Iterator[tuple[int, Action, datetime | None, str | None]]:
    """Yield actions of a plan in their order: number, action, when it was started, result."""
    table = connector_actions
    query = select(table).where(table.c.plan_id == plan_id, table.c.seq >= first).order_by(table.c.seq).limit(limit)
    if step is not None:
        query = query.where(table.c.step == step)
    if last is not None:
        query = query.where(table.c.seq <= last)
    for row in connection.execute(query):
        yield row.seq, Action.from_json(row.data), row.started_at, row.result


def find_approval(connection: Connection, plan: Plan, approve_plan: str) -> str | None:
    """Return who approved a plan, by the run's parameter or beforehand; ``None`` when nobody did."""
    if approve_plan == plan.hash:
        return "the run's parameter approve_plan"
    table = connector_approvals.c
    return connection.execute(
        select(table.approved_by).where(table.instance == plan.instance, table.plan_hash == plan.hash)
    ).scalar()
