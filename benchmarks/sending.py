"""How quickly contacts are created, beside what one would write without the provider.

Starts a local Insightly that behaves like the live one (10 requests a second, 150 ms an answer) and creates contacts in
it in three ways, each in a process of its own: the provider's send, a plain loop over ``requests``, and Airflow's
``HttpHook``. The loops wait a tenth of a second after each request and try again after a 429, as such loops do.

    python benchmarks/sending.py --records 300
    python benchmarks/sending.py --records 100000 --rate 0 --latency-ms 0 --only provider
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import requests

from airflow_provider_insightly.sandbox.running import API_KEY, run_sandbox

ROOT = Path(__file__).parents[1]


def make_records(count: int) -> Iterator[dict[str, str]]:
    for number in range(count):
        yield {"FIRST_NAME": "Zoë", "LAST_NAME": f"O'Brien {number}", "EMAIL_ADDRESS": f"zoe{number}@example.com"}


def send_by_provider(base_url: str, count: int, rate: float, home: Path) -> None:
    from airflow_provider_insightly.api.client import InsightlyClient
    from airflow_provider_insightly.sending.journal import Journal
    from airflow_provider_insightly.sending.report import Report
    from airflow_provider_insightly.sending.request import read_items
    from airflow_provider_insightly.sending.send import send
    from airflow_provider_insightly.sending.settings import from_template
    from airflow_provider_insightly.sending.source import number_records
    from airflow_provider_insightly.sending.template import get_template
    from airflow_provider_insightly.sending.throttle import SharedThrottle
    from airflow_provider_insightly.store.engine import open_store

    store = open_store(f"sqlite:///{home / 'store.db'}")
    client = InsightlyClient(API_KEY, base_url=base_url, throttle=SharedThrottle(store, base_url, rate or 100_000, 5))
    settings = from_template(get_template("create_contact"))
    with open(home / "responses.jsonl", "w") as responses:
        report = Report("benchmark", responses.write)
        journal = Journal(store, f"benchmark of {count}", "Contacts")
        send(settings, read_items(settings, number_records(make_records(count))), client, report, journal)
    assert len(report.summary()["record_ids"]) == count


def send_by_requests(base_url: str, count: int, rate: float, home: Path) -> None:
    session = requests.Session()
    session.auth = (API_KEY, "")
    for record in make_records(count):
        while (answer := session.post(f"{base_url}/Contacts", json=record, timeout=60)).status_code == 429:
            time.sleep(1)
        answer.raise_for_status()
        time.sleep(1 / rate if rate else 0)


def send_by_http_hook(base_url: str, count: int, rate: float, home: Path) -> None:
    address = {"conn_type": "http", "host": base_url, "login": API_KEY, "password": ""}
    os.environ.update(AIRFLOW_HOME=str(home), AIRFLOW_CONN_BENCHMARK=json.dumps(address))
    from airflow.providers.http.hooks.http import HttpHook

    hook = HttpHook(method="POST", http_conn_id="benchmark")
    for record in make_records(count):
        while True:
            options = {"check_response": False}
            answer = hook.run("Contacts", json.dumps(record), {"Content-Type": "application/json"}, options)
            if answer.status_code != 429:
                break
            time.sleep(1)
        answer.raise_for_status()
        time.sleep(1 / rate if rate else 0)


WAYS: dict[str, Callable[[str, int, float, Path], None]] = {
    "provider": send_by_provider,
    "requests": send_by_requests,
    "HttpHook": send_by_http_hook,
}


def measure(way: str, base_url: str, count: int, rate: float) -> dict[str, float]:
    """Run one way in this process; memory and CPU are those above the modules that it imports."""
    with tempfile.TemporaryDirectory() as home:
        WAYS[way](base_url, 1, rate, Path(home))  # imports, the store's tables, the first connection
        requests.post(base_url.replace("/v3.1", "/sandbox/reset"), auth=(API_KEY, ""), json={}, timeout=60)
        time.sleep(1.1)  # the limit's second is over
        idle = resource.getrusage(resource.RUSAGE_SELF)
        began, cpu = time.monotonic(), time.process_time()
        WAYS[way](base_url, count, rate, Path(home))
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF)
    return {"seconds": seconds, "cpu": cpu, "memory": (peak.ru_maxrss - idle.ru_maxrss) / 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=300)
    parser.add_argument("--rate", type=float, default=10)
    parser.add_argument("--latency-ms", type=float, default=150)
    parser.add_argument("--only", choices=WAYS)
    parser.add_argument("--measure", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--base-url", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure, args.base_url, args.records, args.rate)))
        return
    with run_sandbox("--rate", f"{args.rate:g}", "--latency-ms", f"{args.latency_ms:g}") as sandbox:
        print(f"{args.records} contacts, {args.rate:g} requests a second, {args.latency_ms:g} ms an answer")
        print(f"{'':10} {'records/s':>10} {'of limit':>9} {'429s':>5} {'CPU ms/record':>14} {'MiB above idle':>15}")
        for way in [args.only] if args.only else WAYS:
            options = ["--records", str(args.records), "--rate", str(args.rate), "--base-url", sandbox.base_url]
            command = [sys.executable, __file__, "--measure", way, *options]
            output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
            result = json.loads(output.splitlines()[-1])
            speed = args.records / result["seconds"]
            share = f"{speed / args.rate:.1%}" if args.rate else "-"
            cpu, refused = 1000 * result["cpu"] / args.records, len(sandbox.requests(status=429))
            print(f"{way:10} {speed:10.2f} {share:>9} {refused:5} {cpu:14.2f} {result['memory']:15.1f}")


main()
