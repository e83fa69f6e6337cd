"""The pages as the API server serves them, with Airflow's own sign-in, in this process."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

INSTANCE = "insightly_default"
DAG_ID = "insightly_crm_connector"


@pytest.fixture(scope="session")
def airflow_with_dags(airflow_home: Path) -> Path:
    """Airflow's database with the DAGs of this project in it."""
    from airflow.cli.commands.dag_command import dag_reserialize

    dag_reserialize(Namespace(bundle_name=None))
    return airflow_home


@pytest.fixture(scope="session")
def outer_app(airflow_with_dags: Path):
    """The pages below ``/insightly`` of an application with Airflow's auth manager, as the API server has them."""
    from airflow.api_fastapi.app import init_auth_manager
    from fastapi import FastAPI

    from airflow_provider_insightly.ui.app import app

    outer = FastAPI()
    init_auth_manager(outer)
    outer.mount("/insightly", app)
    return outer


@pytest.fixture
def store(airflow_home: Path) -> Iterator:
    """The provider's store of this Airflow, empty."""
    from airflow_provider_insightly.store.tables import metadata
    from airflow_provider_insightly.ui.place import store

    engine = store()
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(table.delete())
    return engine


@pytest.fixture
def sign_in(outer_app, store) -> Callable:
    """Return a browser of a person with a role: ``viewer``, ``user``, ``op``, ``admin``; ``None`` is nobody."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    def sign_in(role: str | None) -> TestClient:
        headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
        client = TestClient(outer_app, base_url="http://testserver/insightly", headers=headers)
        if role is not None:
            user = SimpleAuthManagerUser(username="ann", role=role)
            client.cookies.set("_token", get_auth_manager().generate_jwt(user))
        return client

    return sign_in


@pytest.fixture
def connection_to_sandbox(insightly_sandbox, monkeypatch: pytest.MonkeyPatch):
    """The connection ``insightly_default``, to the sandbox."""
    extra = {"base_url": insightly_sandbox.base_url, "requests_per_second": 500}
    described = {"conn_type": "insightly", "password": insightly_sandbox.api_key, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_INSIGHTLY_DEFAULT", json.dumps(described))
    return insightly_sandbox
