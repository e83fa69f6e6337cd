"""A local Insightly for tests: add ``pytest_plugins = ["airflow_provider_insightly.sandbox.pytest_plugin"]``.

The server starts once for all tests, in a thread of the test process; each test that asks for the fixture
``insightly_sandbox`` finds it as new.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from airflow_provider_insightly.sandbox.running import API_KEY, SECOND_API_KEY, InsightlySandbox
from airflow_provider_insightly.sandbox.sandbox import Sandbox
from airflow_provider_insightly.sandbox.server import listen, make_server
from airflow_provider_insightly.sandbox.settings import Settings


@pytest.fixture(scope="session")
def insightly_sandbox_server() -> Iterator[InsightlySandbox]:
    """A sandbox that serves until the tests end; most tests want ``insightly_sandbox``."""
    listener = listen("127.0.0.1", 0)
    server = make_server(Sandbox([API_KEY, SECOND_API_KEY], Settings(rate=0)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="insightly-sandbox", daemon=True)
    thread.start()
    yield InsightlySandbox(f"http://127.0.0.1:{listener.getsockname()[1]}")
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture
def insightly_sandbox(insightly_sandbox_server: InsightlySandbox) -> InsightlySandbox:
    """An empty sandbox: no records, no faults, no limits, nothing received."""
    insightly_sandbox_server.reset()
    return insightly_sandbox_server
