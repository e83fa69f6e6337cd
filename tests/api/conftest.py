"""A server that answers with exactly the bytes that a test wrote down, for what no well-behaved server does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.api.retry import RetryPolicy
from airflow_provider_insightly.api.throttle import LocalThrottle

API_KEY = "0f7a2b9c-1234-4cde-8f00-5a5a5a5a5a5a"


def answer(status: str = "200 OK", body: str = "", *headers: str) -> bytes:
    """Return the bytes of an answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}", "Connection: close", *headers, "", body]
    return "\r\n".join(lines).encode()


class ScriptedServer:
    """Takes one connection after the other and plays one step of its script on each.

    A step is the bytes of an answer; ``b""`` closes the connection without one; ``None`` never answers.
    """

    def __init__(self) -> None:
        self.script: list[bytes | None] = []
        self.requests: list[bytes] = []
        self._silent: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.requests.append(self._read(connection))
            step = self.script.pop(0) if self.script else answer("500 Script Ended")
            if step is None:
                self._silent.append(connection)
                continue
            connection.sendall(step)
            connection.close()

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        received = b""
        while b"\r\n\r\n" not in received:
            chunk = connection.recv(65536)
            received += chunk
            if not chunk or received.startswith(b"\x16"):  # a TLS greeting has no lines
                return received
        head, _, body = received.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in self._silent:
            connection.close()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    scripted = ScriptedServer()
    yield scripted
    scripted.stop()


@pytest.fixture
def pauses() -> list[float]:
    """The seconds that the client under test would have slept."""
    return []


@pytest.fixture
def make_client(server: ScriptedServer, pauses: list[float]) -> Callable[..., InsightlyClient]:
    def make(**options: object) -> InsightlyClient:
        settings = {
            "base_url": f"http://127.0.0.1:{server.port}/v3.1",
            "throttle": LocalThrottle(1000, 5, sleep=lambda seconds: None),
            "read_timeout": 0.3,
            "retry": RetryPolicy(attempts=3),
            "sleep": pauses.append,
        }
        return InsightlyClient(API_KEY, **(settings | options))

    return make
