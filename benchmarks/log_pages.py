"""How long a page of the connector log takes: ``python -m benchmarks.log_pages 1000000``.

With ``python -m tests.postgres`` before it, on PostgreSQL.

It fills a store with rows of some runs, measures reading the newest page, a page in the middle, and a page for each
filter: a frequent value, a rare one, one that does not occur, and several together. Then what a write of the log costs
with the indexes that only the pages need, and without them.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Engine

from airflow_provider_insightly.connector.actions import APPLIED, Action, Change
from airflow_provider_insightly.connector.log import log_intent, log_result
from airflow_provider_insightly.connector.log_search import LogFilter, read_log, read_page
from airflow_provider_insightly.connector.plans import Plan, Summary
from airflow_provider_insightly.connector.records import Ref
from airflow_provider_insightly.connector.timeline import read_timeline
from airflow_provider_insightly.store.engine import open_store, writing
from airflow_provider_insightly.store.tables import connector_log

INSTANCE = "benchmark"
BEGIN = datetime(2026, 8, 1, tzinfo=timezone.utc)
DAYS = 90
ROWS_IN_A_RUN = 2000
PAGES_INDEXES = ("order", "run", "event", "result", "setting", "field")
KINDS = (  # of a hundred rows: event, setting, result, direction
    *[("update_prospect", "mapping", "applied", "to_marketing")] * 42,
    *[("update_crm", "mapping", "applied", "to_crm")] * 30,
    *[("update_prospect", "4", "skipped", "to_marketing")] * 8,
    *[("link", "6", "applied", "local")] * 8,
    *[("create", "1", "applied", "to_marketing")] * 8,
    *[("change_email", "2", "applied", "to_marketing")] * 2,
    *[("opt_out_prospect", "7", "applied", "to_marketing")] * 1,
    *[("update_prospect", "mapping", "rejected", "to_marketing")] * 1,
)
FIELDS = ("FIRST_NAME", "LAST_NAME", "PHONE", "MOBILE", "TITLE", "ORGANISATION_NAME", "Hobby__c", "SALUTATION")


def main(number: int) -> None:
    """Measure and print."""
    postgres = os.environ.get("INSIGHTLY_TEST_POSTGRES")
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(postgres or f"sqlite:///{folder}/store.db")
        drop_indexes(engine)
        fill(engine, number)
        print(f"{engine.dialect.name}: {number:,} rows; load {os.getloadavg()[0]:.1f}")
        without = write_some(engine)
        (seconds, _), _ = measured(lambda: make_indexes(engine))
        print(f"the pages' indexes made on the full log, as the migration makes them, in {seconds:.1f} s")
        print(f"an intent and its result: {write_some(engine):.2f} ms with these indexes, {without:.2f} ms without")
        analyze(engine)
        for name, work in pages(engine, number).items():
            with engine.connect() as connection:
                times = [measured(lambda work=work, at=connection: work(at)) for _ in range(5)]  # type: ignore[misc]
            usual = 1000 * statistics.median(spent[0] for spent, _ in times)
            busy = 1000 * statistics.median(spent[1] for spent, _ in times)
            (first, _), result = times[0]
            print(f"{name:40} {usual:5.0f} ms ({busy:.0f} of this CPU), first {1000 * first:5.0f} ms: {result}")
        engine.dispose()


def pages(engine: Engine, number: int) -> dict[str, Callable[[Any], str]]:
    """Return what is measured, by name."""
    middle, end = BEGIN + timedelta(days=DAYS / 2), BEGIN + timedelta(days=DAYS)
    person = number // 40

    def page(**wanted: Any) -> Callable[[Any], str]:
        paging = {name: wanted.pop(name) for name in ("before", "after") if name in wanted}

        def work(connection: Any) -> str:
            found = read_page(connection, INSTANCE, LogFilter(**wanted), **paging)
            return f"{len(found.rows)} rows" + (f", searched back to {found.searched_to}" if found.searched_to else "")

        return work

    def export(connection: Any) -> str:
        return f"{sum(1 for _ in islice(read_log(connection, INSTANCE, LogFilter()), 10_000))} rows"

    return {
        "newest page": page(),
        "a page in the middle": page(before=number // 2),
        "newer than the middle": page(after=number // 2),
        "event, frequent": page(event="update_prospect"),
        "event, once": page(event="tombstone"),
        "event, nowhere": page(event="restore"),
        "result, frequent": page(result="applied"),
        "result, rare": page(result="rejected"),
        "result, once": page(result="pending_approval"),
        "result, under way (nowhere)": page(result="under_way"),
        "setting, frequent": page(setting="mapping"),
        "setting, once": page(setting="3"),
        "field, frequent": page(field="PHONE"),
        "field, nowhere": page(field="FAX"),
        "run": page(run_id=run_of(number // 2)),
        "run, nowhere": page(run_id="manual__nowhere"),
        "record, prospect": page(record=Ref("Prospect", person)),
        "record, Contact": page(record=Ref("Contacts", person + 1)),
        "record, on any side": page(record=person),
        "record, nowhere": page(record=Ref("Leads", 1)),
        "until the middle": page(until=middle),
        "since the last hour": page(since=end - timedelta(hours=1)),
        "an hour in the middle": page(since=middle, until=middle + timedelta(hours=1)),
        "event once, in the last days": page(event="tombstone", since=end - timedelta(days=7)),
        "event and result": page(event="update_prospect", result="rejected"),
        "two frequent values, never together": page(event="update_crm", setting="4"),
        "three frequent values, never together": page(event="link", result="skipped", field="PHONE"),
        "three values and a time": page(event="update_prospect", result="applied", field="PHONE", until=middle),
        "text, frequent": page(text="grace"),
        "text, nowhere": page(text="nobody wrote this"),
        "text, nowhere, in a run": page(text="nobody wrote this", run_id=run_of(number // 2)),
        "text and a record": page(text="grace", record=Ref("Prospect", person)),
        "10,000 rows for an export": export,
        "timeline of a prospect": lambda connection: str(
            len(read_timeline(connection, INSTANCE, Ref("Prospect", person)).entries)
        ),
    }


def fill(engine: Engine, number: int) -> None:
    """Write a log of so many rows, as runs write it."""
    rows = log_rows(number)
    while batch := list(islice(rows, 10_000)):
        with writing(engine) as connection:
            connection.execute(connector_log.insert(), batch)


def analyze(engine: Engine) -> None:
    """Let PostgreSQL look at the table, as it does by itself after a while."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE connector_log"))


def log_rows(number: int) -> Iterator[dict[str, Any]]:
    """Yield rows in the order in which they would be written."""
    step = timedelta(days=DAYS) / number
    for at in range(number):
        event, setting, result, direction = KINDS[at * 37 % len(KINDS)]
        if at == number // 10:
            event, setting, result = "tombstone", "3", "pending_approval"
        person = at * 7919 % (number // 20 or 1)
        yield {
            "instance": INSTANCE,
            "run_id": run_of(at),
            "plan_id": str(uuid.UUID(int=at // ROWS_IN_A_RUN)),
            "seq": at,
            "key": f"{at:064x}",
            "at": BEGIN + at * step,
            "finished_at": BEGIN + at * step,
            "direction": direction,
            "setting": setting,
            "event": event,
            "result": result,
            "reason": "conflict" if at % 50 == 0 else None,
            "crm_object": "Contacts" if person % 2 else "Leads",
            "crm_id": person,
            "prospect_id": person,
            "field": "" if event in ("link", "tombstone") else FIELDS[at % len(FIELDS)],
            "before": "Ada",
            "after": f"Grace {at}",
            "behavior": "CRM Value",
            "http_status": 200,
            "error": None,
        }


def run_of(at: int) -> str:
    """Return the id of the run that wrote a row."""
    run = BEGIN + timedelta(minutes=5 * (at // ROWS_IN_A_RUN))
    return f"scheduled__{run.isoformat()}"


def write_some(engine: Engine, actions: int = 500) -> float:
    """Return how many milliseconds an intent and its result take, each in a transaction of its own, as in a run."""
    plan = Plan(str(uuid.uuid4()), "another", "manual__write", "", Summary(), False, BEGIN)
    changes = tuple(Change(name, "Ada", "Grace", "CRM Value") for name in FIELDS[:3])
    begin = time.perf_counter()
    for seq in range(actions):
        action = Action("sync_fields", "update_prospect", "mapping", 7, Ref("Contacts", 7), changes)
        with writing(engine) as connection:
            log_intent(connection, plan, seq, action, BEGIN)
        with writing(engine) as connection:
            log_result(connection, plan, seq, APPLIED, BEGIN, http_status=200)
    return 1000 * (time.perf_counter() - begin) / actions


def drop_indexes(engine: Engine) -> None:
    """Drop the indexes that only the pages need."""
    with writing(engine) as connection:
        for index in page_indexes():
            index.drop(connection)


def make_indexes(engine: Engine) -> None:
    """Make them again, as the migration does."""
    with writing(engine) as connection:
        for index in page_indexes():
            index.create(connection)


def page_indexes() -> list[Any]:
    """Return the indexes that only the pages need."""
    names = {f"connector_log_{name}" for name in PAGES_INDEXES}
    return [index for index in connector_log.indexes if index.name in names]


def measured(work: Any) -> tuple[tuple[float, float], Any]:
    """Return how many seconds some work takes, by the clock and of this process's CPU, and its result.

    On a busy machine the second says more; PostgreSQL's own is not in it.
    """
    begin, busy = time.perf_counter(), time.process_time()
    result = work()
    return (time.perf_counter() - begin, time.process_time() - busy), result


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
