"""Operators executed directly, with a connection to the sandbox, as the worker would."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox


class TaskInstance(SimpleNamespace):
    """What an operator needs of its task instance."""

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


@pytest.fixture
def execute(insightly_sandbox: InsightlySandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Execute an operator as the task ``dag/task`` of the run ``run``; returns what it returned."""
    described = {
        "conn_type": "insightly",
        "password": insightly_sandbox.api_key,
        "extra": {"base_url": insightly_sandbox.base_url, "requests_per_second": 500},
    }
    monkeypatch.setenv("AIRFLOW_CONN_INSIGHTLY_DEFAULT", json.dumps(described))
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))

    def run(operator: Any, method: str = "execute", run_id: str = "run") -> Any:
        ti = TaskInstance(dag_id="dag", task_id=operator.task_id, run_id=run_id, map_index=-1, pushed={})
        run.pushed = ti.pushed
        return getattr(operator, method)({"ti": ti, "outlet_events": {}})

    return run
