"""The first pages: every DAG that works with Insightly, and one connector at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from airflow_provider_insightly.connector.history import PastPlan, recent_plans, tally, waiting_plans
from airflow_provider_insightly.connector.overview import read_overview
from airflow_provider_insightly.ui.access import MayRead, User, readable_dags
from airflow_provider_insightly.ui.dags import InsightlyDag, Run, find_dags, recent_runs
from airflow_provider_insightly.ui.place import ConnectorPlace, store
from airflow_provider_insightly.ui.rendering import page

router = APIRouter()


@dataclass(frozen=True)
class Glance:
    """A connector as the overview shows it.

    :param dag: its DAG.
    :param runs: its last runs.
    :param plan: the plan of the last sync that was carried out.
    :param counts: how that plan's actions ended.
    :param waiting: how many plans wait for a person.
    :param quota: what is known of the API's daily quota.
    """

    dag: InsightlyDag
    runs: list[Run]
    plan: PastPlan | None
    counts: Mapping[str, int]
    waiting: int
    quota: Mapping[str, Any] | None


@router.get("/")
def show_dags(request: Request, user: User) -> HTMLResponse:
    """Show the connectors and the other DAGs that work with Insightly, as far as the user may read them."""
    dags = find_dags(readable_dags(user))
    glances = [take_glance(dag, runs=1) for dag in dags if dag.is_connector]
    senders = [(dag, next(iter(recent_runs(dag.dag_id, 1)), None)) for dag in dags if not dag.is_connector]
    return page(request, "dags.html", glances=glances, senders=senders)


@router.get("/connectors/{dag_id}", dependencies=[MayRead])
def show_connector(place: ConnectorPlace) -> HTMLResponse:
    """Show one connector at a glance, with its last runs and plans."""
    with place.engine.connect() as connection:
        plans = {past.plan.run_id: past for past in recent_plans(connection, place.instance)}
        counts = {run_id: tally(connection, past) for run_id, past in plans.items()}
    return place.page("overview.html", glance=take_glance(place.dag, runs=20), plans=plans, counts=counts)


def take_glance(dag: InsightlyDag, runs: int) -> Glance:
    """Gather what is shown of a connector.

    :param runs: of so many runs.
    """
    with store().connect() as connection:
        plans = [past for past in recent_plans(connection, dag.conn_id) if past.finished_at is not None]
        last = plans[0] if plans else None
        return Glance(
            dag=dag,
            runs=recent_runs(dag.dag_id, runs),
            plan=last,
            counts=tally(connection, last) if last else {},
            waiting=len(waiting_plans(connection, dag.conn_id)),
            quota=read_overview(connection, dag.conn_id).quota,
        )
