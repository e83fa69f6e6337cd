"""`make demo`: two DAGs in real Airflow against a local Insightly, and what became of every record."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.sandbox.running import InsightlySandbox
from airflow_provider_insightly.store.engine import open_store
from airflow_provider_insightly.store.tables import connector_links, connector_log
from demo.environment import API_KEY, ROOT, airflow_environment, insightly_connection, local_insightly

HOME = ROOT / ".airflow"
NEW_CONTACTS = (("Ada", "ada@example.com"), ("Grace", "grace@example.com"), ("Nobody", None))
ENTRY_BEGINS = re.compile(r"\d{4}-\d\d-\d\dT\S+ \[\w+ *\] ")
ENTRY = re.compile(ENTRY_BEGINS.pattern + r"(?P<text>.*?)\s+\[(?P<logger>[\w.]+)\] (.*)$", re.DOTALL)
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
        step("Sending dags/data/contacts.csv: airflow dags test insightly_send_contacts")
        run(["dags", "test", "insightly_send_contacts"], environment, home / "insightly_send_contacts.log")
        connector = ["dags", "test", "insightly_crm_connector", "--conf", '{"create_prospects": true}']
        step(f"The CRM connector, first run: airflow {shlex.join(connector)}")
        run(connector, environment, home / "insightly_crm_connector-1.log")
        step("Somebody works in the CRM")
        for deed in work_in_crm(InsightlyClient(API_KEY, base_url=insightly.base_url), linked_contacts(home)):
            console.print(f"    {deed}", markup=False, soft_wrap=True)
        step("The CRM connector, second run")
        run(connector, environment, home / "insightly_crm_connector-2.log")
        show_received(insightly)
    show_rejected(home)
    show_connector_log(home)
    step(f"Done in {time.monotonic() - started:.0f} s")
    console.print(
        "\nWhere to look next:\n"
        "  make ui                               the same in the browser, with these records\n"
        "  .airflow/demo/*.log                   the whole logs of the runs\n"
        "  dags/insightly_send_contacts.py       the DAG that sent the contacts\n"
        "  dags/insightly_crm_connector.py       the DAG that keeps CRM and Marketing in step\n"
        "  dags/insightly_crm_connector.yaml     its nine settings and the field mapping\n"
        "  docs/quick-start.md                   your own Insightly instead of the local one",
        soft_wrap=True,
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
            ["airflow", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        ) as process,
    ):
        entry = ""  # an entry of the log may have several lines; its logger stands at its end
        for line in process.stdout or ():
            file.write(line)
            entry = line if ENTRY_BEGINS.match(line) else entry + line
            if shown := what_to_show(entry):
                console.print(textwrap.indent(shown, "    "), markup=False, soft_wrap=True)
                entry = ""
    if process.returncode:
        tail = "".join(log.read_text().splitlines(keepends=True)[-40:])
        console.print(tail, markup=False, soft_wrap=True)
        console.print(f"airflow {' '.join(arguments)} failed; the whole log: {log.relative_to(ROOT)}")
        sys.exit(1)


def what_to_show(entry: str) -> str | None:
    """Return what an entry of a DAG's log says of the task that starts, or what the provider itself says."""
    if task := TASK.search(entry):
        index = f"[{task[2]}]" if task[2] != "-1" else ""
        return f"{task[1]}{index}"
    said = ENTRY.match(entry)
    return textwrap.indent(said["text"], "  ") if said and "airflow_provider_insightly" in said["logger"] else None


def linked_contacts(home: Path) -> list[int]:
    """Return the ids of two contacts that the connector has paired with prospects."""
    query = select(connector_links.c.crm_id).where(connector_links.c.crm_object == "Contacts").limit(2)
    with open_store(f"sqlite:///{home}/insightly.db").connect() as connection:
        return list(connection.execute(query).scalars())


def work_in_crm(client: InsightlyClient, contacts: list[int]) -> Iterator[str]:
    """Do what people do between two runs, and say it: new contacts, and new addresses of known ones."""
    for first_name, address in NEW_CONTACTS:
        contact = client.create("Contacts", {"FIRST_NAME": first_name, "EMAIL_ADDRESS": address})
        yield f"a new contact, {contact['CONTACT_ID']}: {first_name}, {address or 'no e-mail address'}"
    for contact_id in contacts:
        before = client.get("Contacts", contact_id)["EMAIL_ADDRESS"]
        after = f"new.{before}"
        client.update("Contacts", {"CONTACT_ID": contact_id, "EMAIL_ADDRESS": after})
        yield f"contact {contact_id} has a new address: {before} is now {after}"


def show_received(insightly: InsightlySandbox) -> None:
    """Show what the local Insightly was asked, and how it answered."""
    counts = Counter(
        (request["method"], request["path"].removeprefix("/v3.1/").split("/")[0], request["status"])
        for request in insightly.requests()
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
