"""Real Airflow for tests: DAG runs in this process.

The first task of a process costs seconds, each later one a fraction: keep the Airflow tests in one pytest process.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox

DAGS = Path(__file__).parent / "dags"


@pytest.fixture
def connection(
    airflow_home: Path, insightly_sandbox: InsightlySandbox, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """The connection ``insightly_default``, to the sandbox."""
    described = {
        "conn_type": "insightly",
        "password": insightly_sandbox.api_key,
        "extra": {"base_url": insightly_sandbox.base_url, "requests_per_second": 500},
    }
    monkeypatch.setenv("AIRFLOW_CONN_INSIGHTLY_DEFAULT", json.dumps(described))
    return described


@pytest.fixture
def load_dag(connection: dict[str, Any]) -> Callable[[str | Path, str], Any]:
    """Return a DAG of a file in ``dags``; see :func:`load_file`."""
    return load_file


def load_file(file: str | Path, dag_id: str) -> Any:
    """Return a DAG of a file, named without ``.py``, in the folder of examples or by its whole path."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(f"example_dags_{Path(file).name}", DAGS / f"{file}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    values = vars(module).values()
    return next(value for value in values if getattr(value, "dag_id", "") == dag_id and hasattr(value, "test"))
