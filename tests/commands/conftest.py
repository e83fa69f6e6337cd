"""Commands as a person runs them, in an Airflow home of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_provider_insightly.cli import main
from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox

Command = Callable[..., int]


@pytest.fixture
def command(insightly_sandbox: InsightlySandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command in an Airflow home of its own, and return its exit status."""
    described = {
        "conn_type": "insightly",
        "password": insightly_sandbox.api_key,
        "extra": {"base_url": insightly_sandbox.base_url, "requests_per_second": 500},
    }
    for conn_id in ("INSIGHTLY_DEFAULT", "TEST"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id}", json.dumps(described))
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return int(ended.value.code or 0)

    return run
