"""Where a page is: the DAG in its address, the user who looks, and the store."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.engine import Engine

from airflow_provider_insightly.hooks.store import open_airflow_store
from airflow_provider_insightly.ui.access import User, may_trigger
from airflow_provider_insightly.ui.dags import InsightlyDag, find_dag
from airflow_provider_insightly.ui.rendering import page


@lru_cache(maxsize=1)
def store() -> Engine:
    """Return the provider's store, opened once in each process of the API server."""
    return open_airflow_store()


@dataclass(frozen=True)
class Place:
    """What every page about a DAG starts from.

    :param request: the request.
    :param dag: the DAG.
    :param can_trigger: the user may trigger it, send tests and approve.
    :param user_name: who looks.
    """

    request: Request
    dag: InsightlyDag
    can_trigger: bool
    user_name: str

    @property
    def instance(self) -> str:
        """The name under which the store keeps the Insightly instance: that of its connection."""
        return self.dag.conn_id

    @property
    def engine(self) -> Engine:
        """The store."""
        return store()

    def page(self, template: str, **values: Any) -> HTMLResponse:
        """Return a page about this place."""
        return page(self.request, template, place=self, dag=self.dag, **values)


def find_place(request: Request, dag_id: str, user: User) -> Place:
    """Return the place that an address names; 404 when the DAG does not work with Insightly."""
    dag = find_dag(dag_id)
    if dag is None:
        raise HTTPException(404, f"There is no DAG {dag_id!r} with Insightly tasks and the tag 'insightly'.")
    return Place(request, dag, may_trigger(user, dag_id), user.get_name())


def find_connector_place(place: Annotated[Place, Depends(find_place)]) -> Place:
    """Return the place; 404 when its DAG is no CRM connector."""
    if not place.dag.is_connector:
        raise HTTPException(404, f"The DAG {place.dag.dag_id!r} runs no CRM connector: it has sample payloads alone.")
    return place


AnyPlace = Annotated[Place, Depends(find_place)]
"""A DAG that works with Insightly."""

ConnectorPlace = Annotated[Place, Depends(find_connector_place)]
"""A DAG that runs the CRM connector."""
