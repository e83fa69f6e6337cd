"""The examples of sends by hand run in real Airflow."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.airflow


def summary_of(run: Any, task_id: str) -> dict[str, Any]:
    return run.get_task_instance(task_id).xcom_pull(task_ids=task_id)


def test_manual_sends(load_dag, insightly_sandbox):
    run = load_dag("sends", "example_manual").test()

    assert run.state == "success"
    (project,) = insightly_sandbox.call("GET", "/Projects").json()
    assert (project["PROJECT_NAME"], project["STATUS"]) == ("Windmill", "IN PROGRESS")
    (note,) = insightly_sandbox.call("GET", "/Notes").json()
    assert note["TITLE"] == "From Airflow"
    assert [r["method"] for r in insightly_sandbox.requests() if r["method"] != "GET"] == [
        "POST",
        "POST",
        "PATCH",
        "PUT",
    ]


def test_batches(load_dag, insightly_sandbox):
    load_dag("sends", "example_batches").test()

    bodies = [r["body"] for r in insightly_sandbox.requests(method="POST")]
    assert sorted(len(body["data"]["records"]) for body in bodies) == [50, 100, 100]


def test_upsert_updates_what_is_there_and_creates_the_rest(load_dag, insightly_sandbox):
    ann = insightly_sandbox.add("Contacts", FIRST_NAME="Ann", LAST_NAME="Lee", EMAIL_ADDRESS="ann@example.com")

    run = load_dag("sends", "example_upsert").test()

    first, second = insightly_sandbox.call("GET", "/Contacts").json()
    assert (first["LAST_NAME"], first["PHONE"], second["FIRST_NAME"]) == ("Lee", "1", "Bea")
    assert summary_of(run, "upsert")["record_ids"] == [ann["CONTACT_ID"], second["CONTACT_ID"]]


def test_replay_of_nothing(load_dag, insightly_sandbox):
    run = load_dag("sends", "example_replay").test()

    assert run.state == "success"
    assert summary_of(run, "replay")["succeeded"] == 0
    assert insightly_sandbox.requests() == []


def test_replay_of_a_corrected_file(load_dag, insightly_sandbox, tmp_path: Path):
    path = tmp_path / "rejected.jsonl"
    path.write_text(json.dumps({"index": 4, "send": "some/send", "record": {"FIRST_NAME": "Zoë"}}) + "\n")
    dag = load_dag("sends", "example_replay")

    first = dag.test(run_conf={"rejected": str(path)})
    second = dag.test(run_conf={"rejected": str(path)})

    assert (summary_of(first, "replay")["succeeded"], summary_of(second, "replay")["skipped"]) == (1, 1)
    assert [c["FIRST_NAME"] for c in insightly_sandbox.call("GET", "/Contacts").json()] == ["Zoë"]


def test_rows_of_a_query(load_dag, insightly_sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "warehouse.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE people (first_name, mail, city)")
        rows = [(f"Zoë {n}", f"zoe{n}@example.com", "Zürich" if n % 2 else "Genf") for n in range(40)]
        database.executemany("INSERT INTO people VALUES (?, ?, ?)", rows)
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps({"conn_type": "sqlite", "host": str(path)}))

    run = load_dag("sends", "example_sql").test()

    assert summary_of(run, "from_sql")["succeeded"] == 20


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What was posted to the connection ``answers_webhook``."""
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500)  # a webhook that fails changes nothing
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = {"conn_type": "http", "schema": "http", "host": "127.0.0.1", "port": server.server_port}
    monkeypatch.setenv("AIRFLOW_CONN_ANSWERS_WEBHOOK", json.dumps(address))
    yield received
    server.shutdown()
    server.server_close()


def test_the_answers_reach_file_webhook_and_asset_event(load_dag, insightly_sandbox, webhook, tmp_path: Path):
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session
    from sqlalchemy import select

    run = load_dag("sends", "example_producer").test(run_conf={"folder": str(tmp_path)})

    assert run.state == "success"
    (line,) = (tmp_path / "answers.jsonl").read_text().splitlines()
    answer = json.loads(line)
    assert answer["response"]["LAST_NAME"] == "Lee"
    assert webhook == [answer]
    with create_session() as session:
        event = session.scalars(select(AssetEvent).order_by(AssetEvent.id.desc())).first()
    assert event.extra["responses_path"] == str(tmp_path / "answers.jsonl")
    assert event.extra["succeeded"] == 1


def test_an_edited_test_record_goes_alone(load_dag, insightly_sandbox, webhook, tmp_path: Path):
    conf = {"folder": str(tmp_path), "test_record": {"FIRST_NAME": "Tess"}}

    load_dag("sends", "example_producer").test(run_conf=conf)

    assert [c["FIRST_NAME"] for c in insightly_sandbox.call("GET", "/Contacts").json()] == ["Tess"]
