"""How planning scales with pairs in the store and changes to look at: ``python benchmarks/connector.py 100000 1000``.

It fills a store with pairs that agree, changes some Contacts, and compares, by turns and several times:

- *reading*: each changed Contact, its link and its prospect are read from the store as the records that the rules look
  at. Any plan must do that, and this side does nothing else: it knows which Contacts changed.
- *planning*: the whole of :func:`~airflow_provider_insightly.connector.planning.make_plan`: it finds the changed
  records in the queue, reads them and all that hangs together with them, decides, and writes the plan into the store.

Seconds are those of the processor, the middle of all turns. Memory is the most that planning holds at once.
"""

from __future__ import annotations

import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timezone
from functools import partial
from statistics import median
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection, Engine

from airflow_provider_insightly.connector.configuration import Configuration
from airflow_provider_insightly.connector.mapping import check_mapping
from airflow_provider_insightly.connector.planning import BATCH, make_plan
from airflow_provider_insightly.connector.records import CONTACTS, PROSPECT, Record, Ref
from airflow_provider_insightly.connector.staging import read_records, stage
from airflow_provider_insightly.connector.state import SYNCED_WITH, write_state
from airflow_provider_insightly.store.engine import open_store, writing
from airflow_provider_insightly.store.tables import connector_links, connector_records

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
INSTANCE = "benchmark"
NAMES = ("FIRST_NAME", "LAST_NAME", "PHONE", "TITLE")
ROWS = [{"prospect": name, "contact": name, "lead": name} for name in NAMES]
AT_ONCE = 10_000
TURNS = 15


def main(pairs: int, changes: int) -> None:
    """Measure and print."""
    configuration = Configuration.model_validate({"mapping": ROWS})
    mapping = check_mapping(configuration.mapping)
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(f"sqlite:///{folder}/store.db")
        seconds, _ = measured(lambda: fill(engine, pairs, configuration))
        print(f"{pairs:,} pairs staged in {seconds:.1f} s")
        changed = [Ref(CONTACTS, 1 + number * (pairs // changes)) for number in range(changes)]
        with writing(engine) as connection:
            stage(connection, INSTANCE, [contact(ref.id, "changed") for ref in changed], NOW, certain=True)
        reading, planning = [], []
        for turn in range(TURNS):
            with engine.connect() as connection:
                reading.append(measured(lambda: read_pairs(connection, changed))[0])
            plan = partial(make_plan, engine, INSTANCE, f"run {turn}", configuration, mapping, now=NOW)
            seconds, made = measured(plan)
            planning.append(seconds)
        tracemalloc.start()
        make_plan(engine, INSTANCE, "run", configuration, mapping, now=NOW)
        peak = tracemalloc.get_traced_memory()[1]
        ratios = [plan / read for plan, read in zip(planning, reading, strict=True)]
        print(f"{changes:,} changed records, their links and partners read in {median(reading):.3f} s")
        print(f"planned in {median(planning):.3f} s: {median(planning) / median(reading):.1f} times that", end=" ")
        print(f"({min(ratios):.1f} to {max(ratios):.1f} in {TURNS} turns, {ratios[0]:.1f} in the first)")
        print(f"planning needs {peak / 1e6:.1f} MB; the plan: {made.summary}")
        engine.dispose()


def measured(work: Any) -> tuple[float, Any]:
    """Return how many seconds of the processor some work takes, and its result."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def read_pairs(connection: Connection, changed: list[Ref]) -> None:
    """Read what a plan for these Contacts cannot do without: both records of each pair, and the link."""
    links = connector_links.c
    for start in range(0, len(changed), BATCH):
        refs = changed[start : start + BATCH]
        numbers = [ref.id for ref in refs]
        found = connection.execute(
            select(connector_links).where(
                links.instance == INSTANCE, links.crm_object == CONTACTS, links.crm_id.in_(numbers)
            )
        ).all()
        read_records(connection, INSTANCE, [*refs, *(Ref(PROSPECT, link.prospect_id) for link in found)])


def contact(number: int, first_name: str = "Ada") -> Record:
    """Return a Contact."""
    data = {**dict.fromkeys(NAMES, "x"), "FIRST_NAME": first_name, "EMAIL_ADDRESS": f"{number}@example.com"}
    return Record(Ref(CONTACTS, number), {**data, "EMAIL_OPTED_OUT": False}, NOW, NOW, NOW)


def prospect(number: int) -> Record:
    """Return the prospect of a Contact."""
    data = {**dict.fromkeys(NAMES, "x"), "FIRST_NAME": "Ada", "EMAIL_ADDRESS": f"{number}@example.com"}
    return Record(Ref(PROSPECT, number), {**data, "OPTED_OUT": False, "DO_NOT_SYNC": False}, NOW, NOW, NOW)


def fill(engine: Engine, pairs: int, configuration: Configuration) -> None:
    """Stage pairs that agree on everything."""
    baseline = {**dict.fromkeys(NAMES, "x"), "FIRST_NAME": "Ada", "OPTED_OUT": False}
    for batch in batches(pairs):
        links = [
            {
                "instance": INSTANCE,
                "prospect_id": number,
                "crm_object": CONTACTS,
                "crm_id": number,
                "matched_by": "email",
                "linked_at": NOW,
                "baseline": baseline,
            }
            for number in batch
        ]
        with writing(engine) as connection:
            for make in (contact, prospect):
                connection.execute(connector_records.insert(), [columns(make(number)) for number in batch])
            connection.execute(connector_links.insert(), links)
    with writing(engine) as connection:
        write_state(connection, INSTANCE, SYNCED_WITH, configuration.digest)


def columns(record: Record) -> dict[str, Any]:
    """Return a record's row."""
    return {
        "instance": INSTANCE,
        "object": record.ref.object,
        "record_id": record.ref.id,
        "gone": False,
        "email_key": record.email_key,
        "data": record.data,
        "digest": record.digest,
        "updated_at": NOW,
        "edited_at": NOW,
        "created_at": NOW,
    }


def batches(pairs: int) -> Iterator[list[int]]:
    """Yield the numbers of the pairs."""
    for start in range(1, pairs + 1, AT_ONCE):
        yield list(range(start, min(start + AT_ONCE, pairs + 1)))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
