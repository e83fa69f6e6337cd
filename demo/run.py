"""`make demo`: two DAGs in real Airflow against a local Insightly, and what became of every record."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from airflow_provider_insightly.store.engine import open_store
from airflow_provider_insightly.store.tables import connector_log
from demo.environment import ROOT, airflow_environment, insightly_connection
from demo.insightly import LocalInsightly, local_insightly

HOME = ROOT / ".airflow"
DAGS = ("insightly_send_contacts", "insightly_crm_connector")
LOG_LINE = re.compile(r"\S+ \[\w+ *\] (?P<text>.*?)\s+\[(?P<logger>[\w.]+)\]( |$)")
TASK = re.compile(r"\[DAG TEST\] starting task_id=(\S+) map_index=(-?\d+)")

console = Console(highlight=False)


def main() -> int:
    """Run the demo; the exit status is that of the DAGs."""
    started = time.monotonic()
    home = HOME / "demo"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    environment = os.environ | airflow_environment(home, ROOT / "dags")
    step("Preparing Airflow (SQLite) in .airflow/demo")
    run(["db", "migrate"], environment, home / "migrate.log")
    step("Starting a local Insightly: 10 requests a second, as the real one")
    with local_insightly(home / "insightly-sandbox.db") as insightly:
        environment |= insightly_connection(insightly.base_url)
        for dag_id in DAGS:
            step(f"airflow dags test {dag_id}")
            run(["dags", "test", dag_id], environment, home / f"{dag_id}.log")
        show_received(insightly)
    show_rejected(home)
    show_connector_log(home)
    step(f"Done in {time.monotonic() - started:.0f} s")
    console.print(
        "\nWhere to look next:\n"
        "  make ui                         the same in the browser, with these records\n"
        "  .airflow/demo/*.log             the whole logs of the two runs\n"
        "  dags/insightly_send_contacts.py      the DAG that sent the contacts\n"
        "  dags/insightly_crm_connector.*  the DAG that kept CRM and Marketing in step, and its settings\n"
        "  docs/quick-start.md             your own Insightly instead of the local one"
    )
    return 0


def step(text: str) -> None:
    """Say what happens now."""
    console.print(f"[bold]==>[/bold] {text}", soft_wrap=True)


def run(arguments: list[str], environment: dict[str, str], log: Path) -> None:
    """Run an Airflow command, its whole output in a file, and show of it what matters; end the demo if it fails."""
    with (
        log.open("w") as file,
        subprocess.Popen(
            [str(Path(sys.executable).parent / "airflow"), *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        ) as process,
    ):
        for line in process.stdout or ():
            file.write(line)
            if shown := what_to_show(line):
                console.print(f"    {shown}", markup=False, soft_wrap=True)
    if process.returncode:
        tail = "".join(log.read_text().splitlines(keepends=True)[-40:])
        console.print(tail, markup=False, soft_wrap=True)
        console.print(f"airflow {' '.join(arguments)} failed; the whole log: {log.relative_to(ROOT)}")
        sys.exit(1)


def what_to_show(line: str) -> str | None:
    """Return what a line of a DAG's log says of the task that starts, or what the provider itself says."""
    if task := TASK.search(line):
        index = f"[{task[2]}]" if task[2] != "-1" else ""
        return f"{task[1]}{index}"
    said = LOG_LINE.match(line)
    return f"  {said['text'].strip()}" if said and "airflow_provider_insightly" in said["logger"] else None


def show_received(insightly: LocalInsightly) -> None:
    """Show what the local Insightly was asked, and how it answered."""
    counts = Counter(
        (request["method"], request["path"].removeprefix("/v3.1/").split("/")[0], request["status"])
        for request in insightly.received()
    )
    table = Table("Method", "Object", "Status", "Requests", title="What Insightly received", title_justify="left")
    for (method, name, status), count in sorted(counts.items()):
        table.add_row(method, name, str(status), str(count))
    console.print(table)


def show_rejected(home: Path) -> None:
    """Show the rows that were not sent, with their line and the reason."""
    table = Table("Line", "Record", "Reason", title="Rejected rows of dags/data/contacts.csv", title_justify="left")
    for path in sorted((home / "insightly").rglob("rejected.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            rejected = json.loads(line)
            record = rejected["record"]
            name = " ".join(filter(None, (record.get("FIRST_NAME"), record.get("LAST_NAME"))))
            table.add_row(str(rejected["line"]), name, rejected["message"])
    console.print(table)


def show_connector_log(home: Path) -> None:
    """Show what the connector did and what it left alone."""
    engine = open_store(f"sqlite:///{home}/insightly.db")
    columns = ("setting", "event", "result", "reason")
    counted = [*(connector_log.c[name] for name in columns), func.count()]
    query = select(*counted).group_by(*counted[:-1]).order_by(*counted[:-1])
    table = Table("Setting", "Event", "Result", "Reason", "Rows", title="The connector's log", title_justify="left")
    with engine.connect() as connection:
        for row in connection.execute(query):
            table.add_row(*(str(value) if value is not None else "" for value in row))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
