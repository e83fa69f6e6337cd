"""Both DAGs through Airflow's own scheduler, workers and API server: processes of their own, on this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
import requests

from demo.environment import ROOT, airflow_environment
from demo.ui import end_group

pytestmark = pytest.mark.airflow

PATIENCE = 300  # seconds; a bound for a machine that is busy, not an expectation


def free_ports(count):
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


class Standalone:
    """Airflow's public API, as an administrator."""

    def __init__(self, url: str, log: Path) -> None:
        self.url, self.log = url, log
        self.session = requests.Session()

    def wait_until(self, what, condition):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                if found := condition():
                    return found
            except requests.ConnectionError:
                pass
            time.sleep(0.5)
        raise AssertionError(f"{what}: not within {PATIENCE} s\n{self.log.read_text()[-3000:]}")

    def sign_in(self):
        token = self.wait_until("an API server", lambda: self.session.get(f"{self.url}/auth/token").json())
        self.session.headers["Authorization"] = f"Bearer {token['access_token']}"

    def call(self, method, path, **body):
        answer = self.session.request(method, f"{self.url}/api/v2{path}", json=body or None)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def trigger(self, dag_id, **conf):
        self.wait_until(dag_id, lambda: self.session.get(f"{self.url}/api/v2/dags/{dag_id}").ok)
        self.call("PATCH", f"/dags/{dag_id}", is_paused=False)
        return self.call("POST", f"/dags/{dag_id}/dagRuns", logical_date=None, conf=conf)["dag_run_id"]

    def finish(self, dag_id, run_id):
        def ended():
            state = self.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}")["state"]
            return state if state in ("success", "failed") else None

        return self.wait_until(f"the end of {dag_id}", ended)

    def xcom(self, dag_id, run_id, task_id):
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value?deserialize=true"
        return self.call("GET", path)["value"]


@pytest.fixture
def standalone(insightly_sandbox, tmp_path):
    api, worker_logs, trigger_logs = free_ports(3)
    url = f"http://127.0.0.1:{api}"
    connection = {
        "conn_type": "insightly",
        "password": insightly_sandbox.api_key,
        "extra": {"base_url": insightly_sandbox.base_url, "requests_per_second": 500},
    }
    environment = {
        **os.environ,
        **airflow_environment(tmp_path, ROOT / "dags"),
        "AIRFLOW_CONN_INSIGHTLY_DEFAULT": json.dumps(connection),
        "AIRFLOW__API__PORT": str(api),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(worker_logs),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(trigger_logs),
    }
    log = tmp_path / "standalone.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["airflow", "standalone"], env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            airflow = Standalone(url, log)
            airflow.sign_in()
            yield airflow
        finally:
            end_group(process)


def test_both_dags_run_through_the_scheduler(standalone, insightly_sandbox):
    insightly_sandbox.reset("demo")
    before = len(insightly_sandbox.requests(method="POST"))
    sending = standalone.trigger("insightly_send_contacts")
    connecting = standalone.trigger("insightly_crm_connector", create_prospects=True, backfill=True)

    assert standalone.finish("insightly_send_contacts", sending) == "success"
    assert standalone.finish("insightly_crm_connector", connecting) == "success"

    sent = standalone.xcom("insightly_send_contacts", sending, "create_contacts")
    assert (sent["succeeded"], sent["failed"]) == (198, 2)
    created = standalone.xcom("insightly_crm_connector", connecting, "report")
    posts = insightly_sandbox.requests(method="POST")[before:]
    prospects = [post for post in posts if post["path"] == "/v3.1/Prospect" and post["status"] == 201]
    assert prospects
    assert len(created["created_prospect_ids"]) == len(set(created["created_prospect_ids"])) == len(prospects)
