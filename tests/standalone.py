"""Airflow with its scheduler, workers and API server: processes of their own, on this machine, for tests."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import airflow
import requests

from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox
from demo.environment import airflow_environment
from demo.ui import end_group

PATIENCE = 300  # seconds; a bound for a machine that is busy, not an expectation
POSTGRES = "INSIGHTLY_TEST_POSTGRES"  # names the database of the provider's store; without it, it is the default one
USERS = {"admin": "admin", "viewer": "viewer"}
"""Who may sign in, with the role, which is the password too."""


def free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


class Standalone:
    """Airflow's public API, as an administrator."""

    def __init__(self, url: str, log: Path, environment: dict[str, str]) -> None:
        self.url, self.log, self.environment = url, log, environment
        self.home = log.parent
        self.store_url = os.environ.get(POSTGRES) or f"sqlite:///{self.home / 'insightly.db'}"
        self.session = requests.Session()

    def command(self, *arguments: str) -> str:
        """Run ``airflow insightly …`` beside it; Airflow 3.1 knows no commands of providers."""
        knows_providers = tuple(int(part) for part in airflow.__version__.split(".")[:2]) >= (3, 2)
        program = ["airflow", "insightly"] if knows_providers else [sys.executable, "-m", "airflow_provider_insightly"]
        command = [*program, *arguments]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout

    def wait_until(
        self, what: str, condition: Callable[[], Any], patience: float = PATIENCE, pause: float = 0.5
    ) -> Any:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            try:
                if found := condition():
                    return found
            except requests.ConnectionError:
                pass
            time.sleep(pause)
        raise AssertionError(f"{what}: not within {patience} s\n{self.log.read_text()[-3000:]}")

    def sign_in(self) -> None:
        self.session.headers["Authorization"] = (
            f"Bearer {self.wait_until('an API server', lambda: self.token('admin'))}"
        )

    def token(self, user: str) -> str:
        answer = requests.post(f"{self.url}/auth/token", json={"username": user, "password": USERS[user]}, timeout=60)
        return answer.json()["access_token"]

    def call(self, method: str, path: str, **body: Any) -> Any:
        answer = self.session.request(method, f"{self.url}/api/v2{path}", json=body or None)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def find(self, dag_id: str) -> Any:
        self.wait_until(dag_id, lambda: self.session.get(f"{self.url}/api/v2/dags/{dag_id}").ok)
        return self.call("GET", f"/dags/{dag_id}")

    def connect(self, conn_id: str, sandbox: InsightlySandbox) -> None:
        """Add a connection to the sandbox."""
        extra = {"base_url": sandbox.base_url, "requests_per_second": 500, "concurrency": 100}
        described = {"conn_type": "insightly", "password": sandbox.api_key, "extra": json.dumps(extra)}
        self.call("POST", "/connections", connection_id=conn_id, **described)

    def tasks(self, dag_id: str, run_id: str) -> Any:
        """Return the run's task instances."""
        return self.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=100")["task_instances"]

    def clear(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Have a task and all after it run again."""
        body = {"dag_run_id": run_id, "task_ids": [task_id], "include_downstream": True, "only_failed": False}
        self.call("POST", f"/dags/{dag_id}/clearTaskInstances", dry_run=False, **body)

    def activate(self, dag_id: str) -> None:
        self.find(dag_id)
        self.call("PATCH", f"/dags/{dag_id}", is_paused=False)

    def trigger(self, dag_id: str, **conf: Any) -> str:
        self.activate(dag_id)
        return self.call("POST", f"/dags/{dag_id}/dagRuns", logical_date=None, conf=conf)["dag_run_id"]

    def finish(self, dag_id: str, run_id: str, patience: float = PATIENCE) -> str:
        def ended() -> str | None:
            state = self.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}")["state"]
            return state if state in ("success", "failed") else None

        return self.wait_until(f"the end of {dag_id}", ended, patience)

    def answer(self, dag_id: str, run_id: str, choice: str, patience: float = PATIENCE) -> None:
        """Answer the question of ``approve_plan``, again where Airflow asks again.

        It does when the answer comes while the task that asked is still ending: seconds, on a busy machine.
        """
        task = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/approve_plan"

        def goes_on() -> bool:
            details = self.call("GET", f"{task}/-1/hitlDetails")
            if not details["response_received"]:
                self.call("PATCH", f"{task}/-1/hitlDetails", chosen_options=[choice], params_input={})
            return self.call("GET", task)["state"] in ("success", "failed", "skipped")

        self.wait_until(f"the end of the question in {dag_id}", goes_on, patience)

    def xcom(self, dag_id: str, run_id: str, task_id: str) -> Any:
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value?deserialize=true"
        return self.call("GET", path)["value"]


@contextmanager
def run_standalone(sandbox: InsightlySandbox, home: Path) -> Iterator[Standalone]:
    """Run Airflow in a home of its own, with connections to a sandbox and users who may differ in what they may do."""
    api, worker_logs, trigger_logs = free_ports(3)
    url = f"http://127.0.0.1:{api}"
    connection = {
        "conn_type": "insightly",
        "password": sandbox.api_key,
        "extra": {"base_url": sandbox.base_url, "requests_per_second": 500},
    }
    second = {**connection, "password": sandbox.second_api_key}
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps(USERS))
    environment = {
        **os.environ,
        **airflow_environment(home, Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])),
        "AIRFLOW_CONN_INSIGHTLY_DEFAULT": json.dumps(connection),
        "AIRFLOW_CONN_BROWSER_CONNECTOR": json.dumps(connection),  # an instance of its own in the store
        # The sandbox gives its ids again when it is emptied, Insightly never does: another key is another instance.
        "AIRFLOW_CONN_INSIGHTLY_RETRIED": json.dumps(second),
        "AIRFLOW_CONN_ANSWERS_WEBHOOK": "http://127.0.0.1:9",  # nobody is there, which must not matter
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{user}" for user in USERS),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",  # tests add DAGs
        "AIRFLOW__API__PORT": str(api),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(worker_logs),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(trigger_logs),
    }
    if url_of_store := os.environ.get(POSTGRES):
        environment["AIRFLOW_CONN_INSIGHTLY_STORE"] = url_of_store
        environment["AIRFLOW__INSIGHTLY__STORE_CONN_ID"] = "insightly_store"
    log = home / "standalone.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["airflow", "standalone"], env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            airflow = Standalone(url, log, environment)
            airflow.sign_in()
            yield airflow
        finally:
            end_group(process)
