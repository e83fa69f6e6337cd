"""Reading the log page by page: the same rows, whatever the index by which they are found."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.engine import Engine

from airflow_provider_insightly.connector import log_search
from airflow_provider_insightly.connector.log_search import UNDER_WAY, LogFilter, LogPage, read_log, read_page
from airflow_provider_insightly.connector.records import Ref
from airflow_provider_insightly.store.engine import open_store, writing
from airflow_provider_insightly.store.tables import connector_log

AT = datetime(2026, 5, 1, tzinfo=timezone.utc)
ROWS = 200


def row(number: int) -> dict[str, Any]:
    """Return a row; its values repeat in different rhythms, so that every combination of them is there."""
    return {
        "instance": "test" if number % 11 else "another",
        "run_id": f"run {number // 20}",
        "plan_id": "plan",
        "seq": number,
        "key": str(number),
        "at": AT + timedelta(minutes=number + (3 if number % 7 == 0 else 0)),  # not quite in order
        "setting": ("1", "6", "mapping")[number % 3],
        "event": ("create", "link", "update_crm", "merge")[number % 4],
        "result": ("applied", "skipped", None, "applied", "applied")[number % 5],
        "crm_object": ("Contacts", "Leads", None)[number % 3],
        "crm_id": None if number % 3 == 2 else number % 8,
        "prospect_id": None if number % 6 == 0 else number % 9,
        "field": ("", "PHONE", "TITLE")[number // 2 % 3],
        "before": None,
        "after": f"Value {number}",
        "reason": "Because" if number % 13 == 0 else None,
    }


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    url = os.environ.get("INSIGHTLY_TEST_POSTGRES") or f"sqlite:///{tmp_path_factory.mktemp('log')}/store.db"
    engine = open_store(url)
    with writing(engine) as connection:
        connection.execute(connector_log.delete())
        connection.execute(connector_log.insert(), [row(number) for number in range(ROWS)])
    yield engine
    engine.dispose()


def fits(values: dict[str, Any], wanted: LogFilter) -> bool:
    """Say the same as the filter, without a database."""
    sides = {("Prospect", values["prospect_id"]), (values["crm_object"], values["crm_id"])}
    if isinstance(wanted.record, Ref):
        is_about = tuple(wanted.record) in sides
    else:
        is_about = wanted.record is None or wanted.record in {number for _, number in sides if number is not None}
    result = None if wanted.result == UNDER_WAY else wanted.result
    return (
        values["instance"] == "test"
        and is_about
        and (wanted.result is None or values["result"] == result)
        and all(getattr(wanted, name) in (None, values[name]) for name in ("run_id", "event", "setting", "field"))
        and (wanted.since is None or values["at"] >= wanted.since)
        and (wanted.until is None or values["at"] < wanted.until)
        and (wanted.text is None or wanted.text.lower() in f"{values['after']} {values['reason']}".lower())
    )


def expected(wanted: LogFilter) -> list[int]:
    return [number for number in reversed(range(ROWS)) if fits(row(number), wanted)]


moments = st.integers(-5, ROWS + 5).map(lambda minutes: AT + timedelta(minutes=minutes))
filters = st.builds(
    LogFilter,
    since=st.none() | moments,
    until=st.none() | moments,
    run_id=st.sampled_from([None, None, "run 3", "run 99"]),
    event=st.sampled_from([None, None, "create", "merge", "restore"]),
    result=st.sampled_from([None, None, "applied", UNDER_WAY, "failed"]),
    setting=st.sampled_from([None, None, "6", "mapping", "3"]),
    record=st.sampled_from([None, None, 3, 99, Ref("Contacts", 1), Ref("Leads", 4), Ref("Prospect", 5)]),
    field=st.sampled_from([None, None, "PHONE", "", "FAX"]),
    text=st.sampled_from([None, None, "VALUE 1", "because", "nowhere"]),
)


@settings(deadline=None, max_examples=60)
@given(filters, st.integers(1, 40), st.booleans())
@example(LogFilter(result="applied", record=3), 4, True)  # from above, another index is the rarest
def test_paging_finds_just_what_fits_in_both_directions(
    engine: Engine, wanted: LogFilter, limit: int, short: bool
) -> None:
    patched = pytest.MonkeyPatch()
    if short:
        patched.setattr(log_search, "SEARCHED_AT_ONCE", 13)
        patched.setattr(log_search, "AT_ONCE", 5)
    with engine.connect() as connection:
        page = read_page(connection, "test", wanted, limit=limit)
        down = numbers(page)
        while page.older is not None:
            page = read_page(connection, "test", wanted, before=page.older, limit=limit)
            down += numbers(page)
            assert len(page.rows) <= limit
        up = numbers(page)[::-1]
        while page.newer is not None:
            page = read_page(connection, "test", wanted, after=page.newer, limit=limit)
            if page.newer is not None:
                up += numbers(page)[::-1]
    patched.undo()
    assert down == expected(wanted)
    assert up == expected(wanted)[::-1][: len(up)]
    assert set(up) | set(numbers(page)) == set(down)  # the newest page is full, and may repeat rows


def numbers(page: LogPage) -> list[int]:
    return [each["seq"] for each in page.rows]


@settings(deadline=None, max_examples=60)
@given(filters, st.none() | st.integers(0, 60))
def test_the_log_as_a_whole(engine: Engine, wanted: LogFilter, limit: int | None) -> None:
    with engine.connect() as connection:
        found = [each["after"] for each in read_log(connection, "test", wanted, limit)]
    assert found == [f"Value {number}" for number in expected(wanted)][:limit]


def test_rows_that_are_added_shift_no_page(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    with writing(store) as connection:
        connection.execute(connector_log.insert(), [row(number) for number in range(1, 10)])
        first = read_page(connection, "test", LogFilter(), limit=3)
        connection.execute(connector_log.insert(), [row(number) for number in range(12, 15)])
        second = read_page(connection, "test", LogFilter(), before=first.older, limit=3)
        again = read_page(connection, "test", LogFilter(), after=second.newer, limit=3)
    assert numbers(first) == numbers(again) == [9, 8, 7]
    assert numbers(second) == [6, 5, 4]


@pytest.mark.parametrize(
    "wanted",
    [
        LogFilter(),
        LogFilter(event="merge"),
        LogFilter(result=UNDER_WAY, setting="6", field="PHONE", run_id="run 3"),
        LogFilter(record=3),
        LogFilter(record=Ref("Leads", 4), event="merge", since=AT, until=AT + timedelta(days=1)),
        LogFilter(text="nowhere", since=AT),
    ],
)
def test_sqlite_finds_every_page_by_an_index_of_its_own(engine: Engine, wanted: LogFilter) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL plans by the size of the table: benchmarks/log_pages.py measures it")
    asked: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    with engine.connect() as connection:
        event.listen(engine, "before_cursor_execute", note)
        read_page(connection, "test", wanted, before=150)
        event.remove(engine, "before_cursor_execute", note)
        selects = [each for each in asked if each[0].startswith("SELECT")]
        plans = [
            step[3]
            for statement, parameters in selects
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    steps = [step for step in plans if "connector_log" in step]
    assert steps
    for step in steps:
        assert "INTEGER PRIMARY KEY (rowid=?)" in step or "COVERING INDEX" in step, step
        if wanted.record is not None:
            assert "connector_log_order" not in step, step
