"""What a first sync reads, and what it needs for that: ``python benchmarks/extraction.py``.

Starts a local Insightly with 220,000 people, extracts all of them into an empty store, and says how quickly that went
and how the memory of the process grew from the tenth page to the last.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from airflow_provider_insightly.api.client import InsightlyClient, Page
from airflow_provider_insightly.connector.checking import objects_to_read
from airflow_provider_insightly.connector.configuration import load_configuration
from airflow_provider_insightly.connector.extraction import extract
from airflow_provider_insightly.connector.mapping import check_mapping
from airflow_provider_insightly.connector.run import utc_now
from airflow_provider_insightly.sandbox.running import API_KEY, run_sandbox
from airflow_provider_insightly.store.engine import open_store

ROOT = Path(__file__).parents[1]
WARM = 10


class Watched(InsightlyClient):
    """A client that notes the process's memory after each page."""

    def pages(self, *arguments: Any, **options: Any) -> Iterator[Page]:
        self.memory: list[float] = []
        for page in super().pages(*arguments, **options):
            yield page
            self.memory.append(resident())


def resident() -> float:
    """Return the memory of this process in MB."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024  # type: ignore[index]


def main(base_url: str, folder: str) -> None:
    """Extract each object and print."""
    configuration = load_configuration(ROOT / "dags/insightly_crm_connector.yaml")
    mapping = check_mapping(configuration.mapping)
    store = open_store(f"sqlite:///{folder}/store.db")
    client = Watched(API_KEY, base_url=base_url, requests_per_second=10_000)
    for name in objects_to_read(mapping):
        started = time.perf_counter()
        found = extract(client, store, "benchmark", name, mapping, overlap_seconds=300, now=utc_now)
        seconds = time.perf_counter() - started
        grown = client.memory[-1] - client.memory[min(WARM, len(client.memory)) - 1]
        what = f"{found.read:,} records on {found.pages} pages in {seconds:.1f} s"
        print(f"{name}: {what}; {grown:+.1f} MB since page {WARM}")
    store.dispose()


if __name__ == "__main__":
    with run_sandbox("--seed", "large", "--rate", "0") as sandbox, tempfile.TemporaryDirectory() as temporary:
        main(sandbox.base_url, temporary)
