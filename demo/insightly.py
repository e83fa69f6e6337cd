"""The local Insightly of the demo, started and stopped."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from airflow_provider_insightly.api.client import InsightlyClient
from demo.environment import API_KEY


class LocalInsightly:
    """A running sandbox.

    :param base_url: up to and with ``/v3.1``.
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def client(self) -> InsightlyClient:
        """Return a client, for what people do in the web application."""
        return InsightlyClient(API_KEY, base_url=self.base_url)

    def received(self) -> list[dict[str, Any]]:
        """Return the requests that it received, oldest first."""
        url = f"{self.base_url.removesuffix('/v3.1')}/sandbox/requests"
        answer = requests.get(url, auth=(API_KEY, ""), timeout=30)
        answer.raise_for_status()
        received: list[dict[str, Any]] = answer.json()["requests"]
        return received


@contextmanager
def local_insightly(database: Path, port: int = 0) -> Iterator[LocalInsightly]:
    """Start a sandbox with the demo's data, wait until it answers, and stop it in the end.

    :param database: the file that keeps its records.
    :param port: where it listens; 0 finds a free one.
    """
    options = ["--port", str(port), "--api-key", API_KEY, "--database", str(database), "--rate", "10", "--seed", "demo"]
    command = [sys.executable, "-m", "airflow_provider_insightly.sandbox", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if "http" not in line:
            raise RuntimeError(f"The local Insightly did not start: {line or 'see above'}")
        yield LocalInsightly(line[line.index("http") :].strip())
    finally:
        process.terminate()
        process.wait(timeout=30)
