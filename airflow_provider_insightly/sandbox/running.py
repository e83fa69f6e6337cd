"""A sandbox that runs, seen from outside: what a test, a benchmark or the demo does with it, and how it is started."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import requests

from airflow_provider_insightly.api.address import BASE_PATH

API_KEY = "1f2e3d4c-5b6a-4978-8695-a4b3c2d1e0f1"
SECOND_API_KEY = "9c8b7a69-5847-4635-a413-b2c1d0e9f8a7"

SEED_SECONDS = 300  # on a busy machine the seed ``large`` takes longer than other requests may


class InsightlySandbox:
    """A sandbox that runs; what a test does to it goes over HTTP.

    :param url: where the server listens.
    :param api_key: the key of its first user; ``second_api_key`` is another user's.
    :param pid: its process, where it has one of its own.
    """

    def __init__(
        self, url: str, api_key: str = API_KEY, second_api_key: str = SECOND_API_KEY, pid: int | None = None
    ) -> None:
        self.url = url
        self.base_url = f"{url}{BASE_PATH}"
        self.api_key = api_key
        self.second_api_key = second_api_key
        self.pid = pid
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


@contextmanager
def run_sandbox(*options: str, api_key: str = API_KEY) -> Iterator[InsightlySandbox]:
    """Start a sandbox in a process of its own, wait until it answers, and stop it in the end.

    :param options: those of ``python -m airflow_provider_insightly.sandbox``, such as ``"--seed", "demo"``; without
        ``--port`` it takes a free one.
    :param api_key: the key that lets in.
    :raises RuntimeError: it did not start; it has said why on standard error.
    """
    command = [sys.executable, "-m", "airflow_provider_insightly.sandbox", "--port", "0", "--api-key", api_key]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            said = process.stdout.readline() if process.stdout else ""
            if BASE_PATH not in said:
                raise RuntimeError("The sandbox did not start: see what it said above.")
            yield InsightlySandbox(said.split()[-1].removesuffix(BASE_PATH), api_key, pid=process.pid)
        finally:
            process.terminate()
