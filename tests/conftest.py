"""Airflow's home for the whole run, set before any test module imports Airflow, and gone afterwards."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox
from demo.environment import ROOT, airflow_environment
from tests.postgres import add_database

_HOME = tempfile.TemporaryDirectory(prefix="airflow-home-")
_DAGS = Path(_HOME.name) / "dags"
_DAGS.mkdir()
(_DAGS / "dags").symlink_to(ROOT / "dags")
(_DAGS / "examples").symlink_to(ROOT / "tests/airflow/dags")
os.environ.update(airflow_environment(Path(_HOME.name), _DAGS))

if (_worker := os.environ.get("PYTEST_XDIST_WORKER")) and (_url := os.environ.get("INSIGHTLY_TEST_POSTGRES")):
    os.environ["INSIGHTLY_TEST_POSTGRES"] = add_database(_url, _worker)


@pytest.fixture(scope="session")
def airflow_home() -> Iterator[Path]:
    """The Airflow home, its database migrated once for all tests that run DAGs."""
    from airflow.utils.db import initdb

    initdb()
    yield Path(_HOME.name)
    _HOME.cleanup()


@pytest.fixture(scope="session")
def standalone(insightly_sandbox_server: InsightlySandbox, tmp_path_factory: pytest.TempPathFactory):
    """Airflow with its scheduler, workers and API server, started once for all tests."""
    from tests.standalone import run_standalone

    with run_standalone(insightly_sandbox_server, tmp_path_factory.mktemp("standalone")) as airflow:
        yield airflow
