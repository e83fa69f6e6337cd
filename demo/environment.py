"""Airflow, configured by its environment alone: no file of the user's is read or changed."""

from __future__ import annotations

import json
import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from airflow_provider_insightly.sandbox.running import InsightlySandbox, run_sandbox

ROOT = Path(__file__).resolve().parent.parent
API_KEY = "00000000-demo-demo-demo-000000000000"  # of the local Insightly, which only this machine can reach


def airflow_environment(home: Path, dags: Path) -> dict[str, str]:
    """Return the variables that give Airflow a home and DAGs of its own.

    :param home: where the database, the logs and the provider's store go.
    :param dags: the folder of DAGs.
    """
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__API__HOST": "127.0.0.1",
        # A cold API server may need longer than the default 5 seconds for a task's first call.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "PYTHONUNBUFFERED": "1",
        # `airflow standalone` starts its parts by the name `airflow`.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def insightly_connection(base_url: str, api_key: str = API_KEY) -> dict[str, str]:
    """Return the variable that is the connection ``insightly_default``."""
    connection = {"conn_type": "insightly", "password": api_key, "extra": {"base_url": base_url}}
    return {"AIRFLOW_CONN_INSIGHTLY_DEFAULT": json.dumps(connection)}


def local_insightly(database: Path, port: int = 0) -> AbstractContextManager[InsightlySandbox]:
    """Start a sandbox with the demo's data, at the live API's rate, and stop it in the end.

    :param database: the file that keeps its records.
    :param port: where it listens; 0 finds a free one.
    """
    options = ("--port", str(port), "--database", str(database), "--rate", "10", "--seed", "demo")
    return run_sandbox(*options, api_key=API_KEY)
