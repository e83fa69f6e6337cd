"""What the sandbox takes for a request: it must never be what a test or a benchmark measures.

Starts a sandbox with 100,000 contacts in a process of its own and makes requests one after the other on one connection;
what counts is the CPU time of that process, since a client in Python is slower than the sandbox.

    python benchmarks/sandbox.py --requests 3000
"""

from __future__ import annotations

import argparse
import http.client
import json
import time
from base64 import b64encode
from urllib.parse import urlsplit

import psutil

from airflow_provider_insightly.sandbox.running import API_KEY, InsightlySandbox, run_sandbox

HEADERS = {"Authorization": f"Basic {b64encode(f'{API_KEY}:'.encode()).decode()}", "Content-Type": "application/json"}
RECORD = json.dumps({"FIRST_NAME": "Zoë", "LAST_NAME": "O'Brien", "EMAIL_ADDRESS": "zoe@example.com"}).encode()
PAGE = 500
READ = 20_000  # contacts


class Sandbox:
    """A connection to a sandbox that runs."""

    def __init__(self, running: InsightlySandbox) -> None:
        self.process = psutil.Process(running.pid)
        self.connection = http.client.HTTPConnection(urlsplit(running.url).netloc)

    def request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        self.connection.request(method, f"/v3.1{path}", body, HEADERS)
        answer = self.connection.getresponse()
        assert answer.status < 300, answer.status
        return answer.read()

    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


def measure(sandbox: Sandbox, what: str, method: str, paths: list[str], body: bytes | None, records: int) -> None:
    """Make requests and print what a record took."""
    cpu, began = sandbox.cpu_seconds(), time.monotonic()
    for path in paths:
        sandbox.request(method, path, body)
    cpu, seconds = sandbox.cpu_seconds() - cpu, time.monotonic() - began
    done = len(paths) * records
    print(f"{what:24}{cpu / done * 1000:8.3f}{done / cpu:12,.0f}{done / seconds:14,.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=3000, help="of each kind (default: %(default)s)")
    count = parser.parse_args().requests
    with run_sandbox("--rate", "0", "--seed", "large") as running:
        sandbox = Sandbox(running)
        contact = f"/Contacts/{json.loads(sandbox.request('POST', '/Contacts', RECORD))['CONTACT_ID']}"
        pages = [f"/Contacts?top={PAGE}&skip={skip}" for skip in range(0, READ, PAGE)]
        print(f"{'a record':24}{'ms CPU':>8}{'/s a core':>12}{'/s as it came':>14}")
        measure(sandbox, "POST", "POST", ["/Contacts"] * count, RECORD, 1)
        measure(sandbox, "PUT", "PUT", [contact] * count, RECORD, 1)
        measure(sandbox, "GET", "GET", [contact] * count, None, 1)
        measure(sandbox, f"lists of {PAGE}", "GET", pages, None, PAGE)
        measure(sandbox, f"lists of {PAGE} in brief", "GET", [f"{page}&brief=true" for page in pages], None, PAGE)


if __name__ == "__main__":
    main()
