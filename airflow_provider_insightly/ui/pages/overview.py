"""The first pages: every DAG that works with Insightly, and one connector at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow.providers.common.compat.sdk import AirflowException
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.engine import Connection

from airflow_provider_insightly.connector.history import PastPlan, recent_plans, tally, waiting_plans
from airflow_provider_insightly.connector.overview import read_overview
from airflow_provider_insightly.hooks.insightly import InsightlyHook
from airflow_provider_insightly.ui.access import MayRead, MayTrigger, User, may_trigger, readable_dags
from airflow_provider_insightly.ui.dags import InsightlyDag, Run, find_dags, recent_runs
from airflow_provider_insightly.ui.place import AnyPlace, ConnectorPlace, store
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
    with store().connect() as connection:
        glances = [
            take_glance(connection, dag, recent_plans(connection, dag.conn_id), runs=1)
            for dag in dags
            if dag.is_connector
        ]
    senders = [(dag, next(iter(recent_runs(dag.dag_id, 1)), None)) for dag in dags if not dag.is_connector]
    testable = {dag.dag_id for dag in dags if may_trigger(user, dag.dag_id)}
    return page(request, "dags.html", glances=glances, senders=senders, testable=testable)


@router.get("/connectors/{dag_id}", dependencies=[MayRead])
def show_connector(place: ConnectorPlace) -> HTMLResponse:
    """Show one connector at a glance, with its last runs and plans."""
    with place.engine.connect() as connection:
        recent = recent_plans(connection, place.instance)
        glance = take_glance(connection, place.dag, recent, runs=20)
        counts = {past.plan.run_id: tally(connection, past) for past in recent}
    return place.page("overview.html", glance=glance, counts=counts)


@router.post("/connectors/{dag_id}/connection-test", dependencies=[MayTrigger])
def test_connection(place: AnyPlace) -> dict[str, Any]:
    """Test the DAG's connection and say what is wrong with it.

    Airflow has a button for that too; in 3.3 it refuses connections without a port, of whichever type.
    """
    try:
        works, message = InsightlyHook(place.dag.conn_id).test_connection()
    except AirflowException as error:  # there is none of this name
        works, message = False, str(error)
    return {"works": works, "message": message}


def take_glance(connection: Connection, dag: InsightlyDag, recent: list[PastPlan], runs: int) -> Glance:
    """Gather what is shown of a connector.

    :param recent: its plans, the newest first.
    :param runs: of so many runs.
    """
    last = next((past for past in recent if past.finished_at is not None), None)
    return Glance(
        dag=dag,
        runs=recent_runs(dag.dag_id, runs),
        plan=last,
        counts=tally(connection, last) if last else {},
        waiting=len(waiting_plans(connection, recent)),
        quota=read_overview(connection, dag.conn_id).quota,
    )
