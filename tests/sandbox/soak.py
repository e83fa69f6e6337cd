"""A soak: many random requests, valid and not, then every write that was answered must be there.

The suite runs a short one. A long one, against a process of its own whose memory is watched:

    python -m tests.sandbox.soak --requests 100000
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

from airflow_provider_insightly.api.catalogue import operations
from airflow_provider_insightly.sandbox.pytest_plugin import API_KEY, InsightlySandbox

from .inventing import Requests

KNOWN = {200, 201, 202, 400, 401, 402, 403, 404, 405, 409, 417, 429}


def soak(sandbox: InsightlySandbox, requests: int, seed: int) -> tuple[dict[int, Any], dict[int, int]]:
    """Send requests of any kind, and writes of contacts whose outcome is remembered.

    :returns: the contacts as they were last answered, and how often each status came.
    :raises AssertionError: at a status that no operation has.
    """
    invented = Requests(seed)
    choose = invented.random
    everything = [each for each in operations() if not each.path.startswith(("/Contacts", "/cti"))]
    contacts: dict[int, Any] = {}
    statuses: dict[int, int] = {}
    for number in range(requests):
        kind = choose.randrange(10)
        if kind < 3:
            record = {**invented.record("Contact", 1), "FIRST_NAME": f"No. {number}"}
            answer = sandbox.call("POST", "/Contacts", record)
        elif kind == 3 and contacts:
            record_id = choose.choice(list(contacts)[-50:])
            answer = sandbox.call("PUT", f"/Contacts/{record_id}", invented.record("Contact", 1))
        elif kind == 4 and contacts:
            record_id = choose.choice(list(contacts)[:50])
            answer = sandbox.call("DELETE", f"/Contacts/{record_id}")
            if answer.status_code == 202:
                del contacts[record_id]
        else:
            operation = choose.choice(everything)
            path, query = invented.path(operation), invented.query(operation)
            answer = sandbox.call(operation.method, path, invented.body(operation), params=query)
        if kind < 4 and answer.status_code in (200, 201) and "CONTACT_ID" in answer.json():
            contacts[answer.json()["CONTACT_ID"]] = answer.json()
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        assert answer.status_code in KNOWN, (number, answer.request.method, answer.request.url, answer.text[:500])
    return contacts, statuses


def lost_writes(sandbox: InsightlySandbox, contacts: dict[int, Any]) -> list[int]:
    """Return the ids of contacts that are not as they were last answered, or should not be there."""
    found: dict[int, Any] = {}
    while True:
        page = sandbox.call("GET", "/Contacts", params={"top": 500, "skip": len(found)}).json()
        found.update((record["CONTACT_ID"], record) for record in page)
        if not page:
            break
    same = ("LINKS", "ETag")  # another record's link shows at both ends
    return [
        number
        for number in {*contacts, *found}
        if number not in contacts
        or number not in found
        or any(contacts[number][name] != value for name, value in found[number].items() if name not in same)
    ]


def memory(pid: int) -> int:
    """Return the resident memory of a process in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    command = [sys.executable, "-m", "airflow_provider_insightly.sandbox", "--port", "0", "--api-key", API_KEY]
    with subprocess.Popen(
        [*command, "--rate", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            sandbox = InsightlySandbox(process.stdout.readline().split()[-1].removesuffix("/v3.1"))
            rounds = 10
            for number in range(rounds):
                sandbox.reset()
                contacts, statuses = soak(sandbox, args.requests // rounds, args.seed + number)
                lost = lost_writes(sandbox, contacts)
                print(
                    number, "contacts", len(contacts), "lost", lost, statuses, f"{memory(process.pid)} MiB", flush=True
                )
                assert not lost
        finally:
            process.terminate()
            errors = process.stderr.read()
            print("errors on stderr:", errors or "none")
    assert not errors


if __name__ == "__main__":
    main()
