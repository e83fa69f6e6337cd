"""Who may see and do what: Airflow's own sign-in and permissions, asked on every request."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
from fastapi import Depends, HTTPException, Request

User = Annotated[Any, Depends(get_user)]
"""The signed-in user; without one a request is refused with 401."""

MayRead = Depends(requires_access_dag("GET"))
"""Lets a route be used by those who may read the DAG in its path."""

MayTrigger = Depends(requires_access_dag("POST", DagAccessEntity.RUN))
"""Lets a route be used by those who may trigger the DAG in its path."""


def readable_dags(user: Any) -> set[str]:
    """Return the DAGs that a user may read."""
    return get_auth_manager().get_authorized_dag_ids(user=user, method="GET")


def may_trigger(user: Any, dag_id: str) -> bool:
    """Say whether a user may trigger a DAG: what sending a test and approving ask for."""
    return get_auth_manager().is_authorized_dag(
        method="POST", access_entity=DagAccessEntity.RUN, details=DagDetails(id=dag_id), user=user
    )


def same_origin(request: Request) -> None:
    """Refuse what another site makes a signed-in person's browser send.

    Browsers name the site themselves, in headers that no script can set. A client without them is no browser; it has
    to show its token, which no other site knows.
    """
    if request.method in ("GET", "HEAD"):
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        allowed = site == "same-origin"
    elif origin is not None:
        allowed = urlsplit(origin).netloc == request.headers.get("host")
    else:
        allowed = "authorization" in request.headers
    if not allowed:
        raise HTTPException(403, "This request came from another site.")
