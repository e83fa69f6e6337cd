"""The pages of plans: what a run changes or would change, and what waits for a person's yes."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Body, HTTPException, Query
from fastapi.responses import HTMLResponse

from airflow_provider_insightly.connector.actions import PENDING, STEPS, Action
from airflow_provider_insightly.connector.history import PastPlan, read_page, recent_plans, waiting_plans
from airflow_provider_insightly.connector.overview import read_overview
from airflow_provider_insightly.connector.plans import (
    NoPlanError,
    Plan,
    approve,
    find_plans,
    read_plan,
    tripped_breakers,
    waiting,
)
from airflow_provider_insightly.connector.run import utc_now
from airflow_provider_insightly.connector.settings import BOXES, Settings
from airflow_provider_insightly.ui.access import MayRead, MayTrigger
from airflow_provider_insightly.ui.dags import Run, find_run, task_states
from airflow_provider_insightly.ui.place import ConnectorPlace, Place
from airflow_provider_insightly.ui.rendering import render

router = APIRouter()
log = logging.getLogger(__name__)

ROWS = 50
ASKING_TASK = "approve_plan"
ASKING_STATES = ("awaiting_input", "deferred")  # as Airflow 3.3 and 3.1 call it

_NUMBERS = {name: number for number, name in BOXES.items()}


@dataclass(frozen=True, slots=True)
class Step:
    """What a plan holds for one step.

    :param name: the step.
    :param number: the setting's number on Insightly's page; ``None`` for steps that no box governs.
    :param counts: how many actions, by event and verdict.
    """

    name: str
    number: str | None
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Row:
    """An action of a plan.

    :param seq: its number.
    :param action: the action.
    :param result: what came of it; before, its verdict.
    """

    seq: int
    action: Action
    result: str


@dataclass(frozen=True, slots=True)
class Question:
    """What waits for a person.

    :param past: the plan.
    :param run: its run; ``None`` when Airflow no longer knows it.
    :param breakers: the breakers that it trips, in words.
    :param waiting: how many actions wait whatever the breakers say.
    :param asks: its run is waiting in the task ``approve_plan``: an answer lets it go on.
    :param rows: the actions that wait, or the first of a plan that is held.
    """

    past: PastPlan
    run: Run | None
    breakers: list[str]
    waiting: int
    asks: bool
    rows: list[Row]


@router.get("/connectors/{dag_id}/plan", dependencies=[MayRead])
def show_plan(
    place: ConnectorPlace,
    run: str,
    step: Annotated[str | None, Query()] = None,
    after: int = 0,
    skipped: bool = False,
    part: bool = False,
) -> HTMLResponse:
    """Show the plan of a run, step by step.

    :param skipped: show also what the plan leaves, with the reasons.
    :param part: without the page around it, for the page of the settings.
    """
    with place.engine.connect() as connection:
        try:
            plan = read_plan(connection, place.instance, run)
        except NoPlanError as error:
            raise HTTPException(404, str(error)) from None
        rows = _rows(connection, plan, step=step, after=after, skipped=skipped)
    steps = [Step(name, _NUMBERS.get(name), found) for name in STEPS if (found := plan.summary.of_step(name))]
    chosen = {"step": step, "skipped": skipped or None}
    values = {"plan": plan, "steps": steps, "rows": rows, "chosen": chosen, "full": len(rows) == ROWS}
    if part:
        return HTMLResponse(render(place.request, "plan_part.html", place=place, dag=place.dag, **values))
    return place.page("plan.html", **values)


@router.get("/connectors/{dag_id}/approvals", dependencies=[MayRead])
def show_approvals(place: ConnectorPlace) -> HTMLResponse:
    """Show the plans that wait for a person, with what they would change."""
    with place.engine.connect() as connection:
        found = waiting_plans(connection, recent_plans(connection, place.instance))
        settings = _settings(place, connection)
        questions = [_question(place, connection, past, settings) for past in found]
    return place.page("approvals.html", questions=questions)


@router.post("/connectors/{dag_id}/approvals", dependencies=[MayTrigger])
def approve_plan(place: ConnectorPlace, plan_hash: Annotated[str, Body(embed=True)]) -> dict[str, str]:
    """Approve a plan in the name of the signed-in user; a run that makes just this plan applies it.

    :returns: what is next to do: ``run_id`` of the held run whose task ``breakers`` is to be cleared, if any.
    """
    with place.engine.connect() as connection:
        plans = [plan for plan in find_plans(connection, place.instance, plan_hash) if plan.hash == plan_hash]
        waits = {past.plan.plan_id for past in waiting_plans(connection, recent_plans(connection, place.instance))}
    plan = next((plan for plan in plans if plan.plan_id in waits), None)
    if plan is None:
        raise HTTPException(409, "This plan waits no longer: a later run planned anew. Load the page again.")
    approve(place.engine, place.instance, plan.hash, place.user_name, utc_now())
    log.info("%s approved plan %s of %s.", place.user_name, plan.hash, place.instance)
    run = find_run(place.dag.dag_id, plan.run_id)
    held = run is not None and run.state == "failed" and plan.released_by is None
    return {"approved_by": place.user_name, **({"run_id": plan.run_id} if held else {})}


def _question(place: Place, connection: Any, past: PastPlan, settings: Settings) -> Question:
    plan, dag_id = past.plan, place.dag.dag_id
    asks = past.is_held and task_states(dag_id, plan.run_id).get(ASKING_TASK) in ASKING_STATES
    number = waiting(plan.summary)
    return Question(
        past=past,
        run=find_run(dag_id, plan.run_id),
        breakers=tripped_breakers(plan.summary, settings) if past.is_held else [],
        waiting=number,
        asks=asks,
        rows=_rows(connection, plan, result=PENDING if number else None, skipped=False),
    )


def _rows(connection: Any, plan: Plan, **wanted: Any) -> list[Row]:
    found = read_page(connection, plan, limit=ROWS, **wanted)
    return [Row(seq, action, result or action.verdict) for seq, action, result in found]


def _settings(place: Place, connection: Any) -> Settings:
    """Return the settings of the last run, which hold the breakers."""
    run = read_overview(connection, place.instance).configuration
    return Settings.model_validate({**run["configuration"]["settings"], **run["overrides"]}) if run else Settings()
