"""DAGs through Airflow's own scheduler, workers and API server: processes of their own, on this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import airflow
import pytest
import requests

from demo.environment import airflow_environment
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

    def __init__(self, url: str, log: Path, environment: dict[str, str]) -> None:
        self.url, self.log, self.environment = url, log, environment
        self.session = requests.Session()

    def command(self, *arguments):
        """Run ``airflow insightly …`` beside it; Airflow 3.1 knows no commands of providers."""
        knows_providers = tuple(int(part) for part in airflow.__version__.split(".")[:2]) >= (3, 2)
        program = ["airflow", "insightly"] if knows_providers else [sys.executable, "-m", "airflow_provider_insightly"]
        command = [*program, *arguments]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout

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

    def find(self, dag_id):
        self.wait_until(dag_id, lambda: self.session.get(f"{self.url}/api/v2/dags/{dag_id}").ok)
        return self.call("GET", f"/dags/{dag_id}")

    def activate(self, dag_id):
        self.find(dag_id)
        self.call("PATCH", f"/dags/{dag_id}", is_paused=False)

    def trigger(self, dag_id, **conf):
        self.activate(dag_id)
        return self.call("POST", f"/dags/{dag_id}/dagRuns", logical_date=None, conf=conf)["dag_run_id"]

    def finish(self, dag_id, run_id):
        def ended():
            state = self.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}")["state"]
            return state if state in ("success", "failed") else None

        return self.wait_until(f"the end of {dag_id}", ended)

    def xcom(self, dag_id, run_id, task_id):
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value?deserialize=true"
        return self.call("GET", path)["value"]


@pytest.fixture(scope="module")
def standalone(insightly_sandbox_server, tmp_path_factory):
    home = tmp_path_factory.mktemp("standalone")
    api, worker_logs, trigger_logs = free_ports(3)
    url = f"http://127.0.0.1:{api}"
    connection = {
        "conn_type": "insightly",
        "password": insightly_sandbox_server.api_key,
        "extra": {"base_url": insightly_sandbox_server.base_url, "requests_per_second": 500},
    }
    environment = {
        **os.environ,
        **airflow_environment(home, Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])),
        "AIRFLOW_CONN_INSIGHTLY_DEFAULT": json.dumps(connection),
        "AIRFLOW_CONN_ANSWERS_WEBHOOK": "http://127.0.0.1:9",  # nobody is there, which must not matter
        "AIRFLOW__API__PORT": str(api),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(worker_logs),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(trigger_logs),
    }
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


def test_from_a_template_to_a_dag_that_reads_the_answers(standalone, insightly_sandbox, tmp_path):
    """What Insightly's destination page has a user do: look, change, try, activate, and use the answers."""
    people = tmp_path / "people.csv"
    people.write_text("row,FIRST_NAME,LAST_NAME\n1,Zoë,O'Brien\n", encoding="utf-8")
    chosen = ["--template", "create_contact", "--exclude", "row"]

    first = standalone.command("preview", str(people), *chosen)
    changed = standalone.command("preview", str(people), *chosen, "--rename", "LAST_NAME=TITLE")
    assert '{"FIRST_NAME":"Zoë","LAST_NAME":"O\'Brien"}' in first
    assert '{"FIRST_NAME":"Zoë","TITLE":"O\'Brien"}' in changed
    assert insightly_sandbox.requests() == []

    edited = json.dumps({"row": "1", "FIRST_NAME": "Zoë", "LAST_NAME": "Tester"})
    assert "succeeded: 201" in standalone.command("send-test", edited, *chosen)
    (tested,) = insightly_sandbox.call("GET", "/Contacts").json()
    assert tested["LAST_NAME"] == "Tester"

    assert standalone.find("example_producer")["is_paused"]
    standalone.activate("example_consumer")
    sending = standalone.trigger("example_producer", folder=str(tmp_path))
    assert standalone.finish("example_producer", sending) == "success"

    def started():
        return standalone.call("GET", "/dags/example_consumer/dagRuns")["dag_runs"]

    (reading,) = standalone.wait_until("a run of example_consumer", started)
    assert reading["run_type"] == "asset_triggered"
    assert standalone.finish("example_consumer", reading["dag_run_id"]) == "success"
    sent = standalone.xcom("example_producer", sending, "create")["record_ids"]
    assert standalone.xcom("example_consumer", reading["dag_run_id"], "read_ids") == sent
    kept = insightly_sandbox.call("GET", "/Contacts").json()
    assert [contact["CONTACT_ID"] for contact in kept] == [tested["CONTACT_ID"], *sent]


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
