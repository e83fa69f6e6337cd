"""The response webhook: an Airflow ``http`` connection, read as Airflow's own HTTP hook reads it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from airflow_provider_insightly.operators.webhook import MOST_FAILURES, Webhook


class Receiver(ThreadingHTTPServer):
    """Keeps what was posted and answers with ``status``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.received: list[tuple[str, dict[str, str], bytes]] = []


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def connect(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Webhook]:
    def make(**parts: Any) -> Webhook:
        described = {"conn_type": "http", "schema": "http", "host": "127.0.0.1", "port": receiver.server_port, **parts}
        monkeypatch.setenv("AIRFLOW_CONN_ANSWERS", json.dumps(described))
        return Webhook("answers")

    return make


def test_a_line_is_posted_as_json_to_the_endpoint_with_the_connections_headers_and_login(receiver, connect):
    extra = {"endpoint": "/hooks/5", "X-Token": "abc", "X-Version": 2, "verify": False, "timeout": 3}
    connect(login="ann", password="secret", extra=extra).post('{"outcome": "Zoë"}')

    [(path, headers, body)] = receiver.received
    assert path == "/hooks/5"
    assert body == '{"outcome": "Zoë"}'.encode()
    assert (headers["Content-Type"], headers["X-Token"], headers["X-Version"]) == ("application/json", "abc", "2")
    assert headers["Authorization"] == "Basic YW5uOnNlY3JldA=="
    assert {"endpoint", "verify", "timeout"}.isdisjoint(headers)


def test_a_token_in_the_extra_is_the_authorization(receiver, connect):
    connect(extra={"Authorization": "Bearer abc"}).post("{}")
    assert receiver.received[0][1]["Authorization"] == "Bearer abc"


def test_a_host_may_be_the_whole_address(receiver, connect):
    connect(host=f"http://127.0.0.1:{receiver.server_port}/services/T0", port=None).post("{}")
    assert receiver.received[0][0] == "/services/T0"


def test_proxies_of_the_connection_are_used(receiver, connect):
    proxies = {"http": f"http://127.0.0.1:{receiver.server_port}"}
    connect(host="webhook.example", port=None, extra={"proxies": proxies}).post("{}")
    assert receiver.received[0][0] == "http://webhook.example/"


@pytest.mark.parametrize(
    ("schema", "extra"),
    [
        ("https", {"verify": "/no/such/file.pem"}),
        ("https", {"cert": "/no/such/file.pem"}),
        ("http", {"proxies": "http://proxy.example"}),
        ("http", {"X-Price": "€"}),
    ],
)
def test_settings_that_cannot_work_do_not_end_the_send(schema: str, extra: dict, receiver, connect, caplog):
    connect(schema=schema, extra=extra).post("{}")
    assert "The response webhook failed, the send goes on" in caplog.text


def test_a_webhook_that_fails_is_left_alone_after_some_failures_in_a_row(receiver, connect, caplog):
    webhook = connect()
    receiver.status = 500
    webhook.post("{}")
    receiver.status = 200
    webhook.post("{}")
    receiver.status = 500
    for _ in range(MOST_FAILURES + 2):
        webhook.post("{}")
    assert len(receiver.received) == 2 + MOST_FAILURES
    assert "gets no more answers" in caplog.text
