"""A local Insightly for tests: add ``pytest_plugins = ["airflow_provider_insightly.sandbox.pytest_plugin"]``.

The server starts once for all tests, in a thread of the test process; each test that asks for the fixture
``insightly_sandbox`` finds it as new.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
import requests

from airflow_provider_insightly.sandbox.app import BASE_PATH
from airflow_provider_insightly.sandbox.sandbox import Sandbox
from airflow_provider_insightly.sandbox.server import listen, make_server
from airflow_provider_insightly.sandbox.settings import Settings

API_KEY = "1f2e3d4c-5b6a-4978-8695-a4b3c2d1e0f1"
SECOND_API_KEY = "9c8b7a69-5847-4635-a413-b2c1d0e9f8a7"

SEED_SECONDS = 300  # on a busy machine the seed ``large`` takes longer than other requests may


class InsightlySandbox:
    """A sandbox that runs; what a test does to it goes over HTTP.

    :param url: where the server listens.
    :param api_key: the key of its first user; ``second_api_key`` is another user's.
    """

    def __init__(self, url: str, api_key: str = API_KEY, second_api_key: str = SECOND_API_KEY) -> None:
        self.url = url
        self.base_url = f"{url}{BASE_PATH}"
        self.api_key = api_key
        self.second_api_key = second_api_key
        self._session = requests.Session()
        self._session.auth = (api_key, "")
        self._session.trust_env = False

    def call(self, method: str, path: str, json: Any = None, **options: Any) -> requests.Response:
        """Send a request with the first user's key and return its answer, whatever its status.

        :param path: ``/Contacts`` … below ``/v3.1``, or ``/sandbox/…``.
        :param options: what :meth:`requests.Session.request` takes: params, headers, data, timeout …
        """
        root = self.url if path.startswith("/sandbox/") else self.base_url
        return self._session.request(method, root + path, json=json, **{"timeout": 30, **options})

    def control(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Send a request to ``/sandbox{path}`` and return the JSON of its answer; other than 2xx raises.

        :param options: as for :meth:`call`.
        """
        answer = self.call(method, f"/sandbox{path}", body, **options)
        if not answer.ok:
            raise ValueError(f"{method} /sandbox{path}: {answer.status_code} {answer.text}")
        return answer.json()

    def requests(self, **filters: Any) -> list[dict[str, Any]]:
        """Return the requests that the API received, oldest first.

        :param filters: what they must equal, such as ``method="POST"`` or ``path="/v3.1/Contacts"``.
        """
        received = self.control("GET", "/requests")["requests"]
        return [each for each in received if all(each[name] == value for name, value in filters.items())]

    def reset(self, seed: str | None = None) -> None:
        """Begin again, with nothing or with a seed's data; no limit of requests a second."""
        self.control("POST", "/reset", {"seed": seed} if seed else {}, timeout=SEED_SECONDS)

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Change settings (``rate=10``, ``put="replace"`` …) and return all of them."""
        settings: dict[str, Any] = self.control("POST", "/settings", changes)
        return settings

    def faults(self, faults: Sequence[Mapping[str, Any]], seed: int = 1) -> None:
        """Order faults from now on; an empty list ends them."""
        self.control("POST", "/faults", {"seed": seed, "faults": list(faults)})

    def add(self, obj: str, **fields: Any) -> dict[str, Any]:
        """Create a record through the API and return it."""
        answer = self.call("POST", f"/{obj}", fields)
        if answer.status_code != 201:
            raise ValueError(f"POST /{obj}: {answer.status_code} {answer.text}")
        record: dict[str, Any] = answer.json()
        return record


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
