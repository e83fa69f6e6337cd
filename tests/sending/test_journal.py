from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.engine import Engine

from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox
from airflow_provider_insightly.sending import journal as module
from airflow_provider_insightly.sending.journal import ForgottenError, Journal, OvertakenError, prune
from airflow_provider_insightly.sending.record import Record
from airflow_provider_insightly.sending.request import Item
from airflow_provider_insightly.store.tables import sending_journal
from tests.sending.conftest import Sent
from tests.sending.test_send import contacts, emails

Run = Callable[..., Sent]

DAY = timedelta(days=1)
NOW = datetime.now(timezone.utc)


def make_item(number: int) -> Item:
    return Item(Record(number, {}), "POST", "/Contacts", {}, None, f"digest {number}")


def make_journal(store: Engine, key: str, age: timedelta = timedelta(), records: int = 3) -> None:
    journal = Journal(store, key, "Contacts", now=lambda: NOW - age)
    items = [make_item(number) for number in range(records)]
    journal.begin(items)
    journal.finish(items, range(1, records + 1))


def count_rows(store: Engine) -> int:
    with store.connect() as connection:
        return connection.execute(select(func.count()).select_from(sending_journal)).scalar_one()


def test_what_an_attempt_begins_while_another_one_does_is_known_to_that(store: Engine):
    """A worker that Airflow takes for dead may still be at work while the task is tried again."""
    item = make_item(1)
    first = Journal(store, "one", "Contacts")
    is_between, is_over = threading.Event(), threading.Event()
    errors: list[OvertakenError] = []

    def begin() -> None:
        try:
            first.begin([item])
        except OvertakenError as error:
            errors.append(error)

    worker = threading.Thread(target=begin)

    @event.listens_for(store, "after_cursor_execute")
    def stop_after_the_check(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if threading.current_thread() is worker and statement.startswith("SELECT"):
            is_between.set()
            is_over.wait(0.5)  # it must not be let past: where it waits for this one, this one goes on

    worker.start()
    assert is_between.wait(10)
    (known,) = Journal(store, "one", "Contacts").look_up([item])
    is_over.set()
    worker.join()

    assert known is not None or errors


def test_an_answer_that_comes_when_another_attempt_has_taken_over_reaches_it(store: Engine):
    item, equal = make_item(1), replace(make_item(1), record=Record(2, {}))
    first = Journal(store, "one", "Contacts")
    first.begin([item])
    first.begin([equal])
    second = Journal(store, "one", "Contacts")
    assert [entry and entry.done for entry in second.look_up([item, equal])] == [False, False]

    first.finish([equal], [77])

    assert list(second.find_answers([item, equal]).values()) == [77]
    assert second.is_known([77, 78]) == {77}
    third = Journal(store, "one", "Contacts")
    assert sorted((entry.done, entry.record_id) for entry in third.look_up([item, equal])) == [
        (False, None),
        (True, 77),
    ]
    assert count_rows(store) == 2


def test_an_attempt_stops_when_another_has_begun(store: Engine):
    first = Journal(store, "one", "Contacts")
    first.begin([make_item(1)])
    Journal(store, "one", "Contacts")

    with pytest.raises(OvertakenError, match="this one stops"):
        first.begin([make_item(2)])
    assert count_rows(store) == 1


def test_old_sends_are_forgotten_and_never_sent_again(
    run_send: Run, store: Engine, insightly_sandbox: InsightlySandbox
):
    run_send("create_contact", emails(5), "old")

    assert prune(store, datetime.now(timezone.utc) + DAY) == 1

    assert count_rows(store) == 0
    with pytest.raises(ForgottenError, match="trigger a new run"):
        run_send("create_contact", emails(5), "old")
    run_send("create_contact", emails(5), "new")
    assert len(contacts(insightly_sandbox)) == 10
    assert prune(store, datetime.now(timezone.utc) - DAY) == 0


def test_a_send_is_as_old_as_its_last_attempt(store: Engine):
    make_journal(store, "tried again", 100 * DAY)
    make_journal(store, "tried again", 1 * DAY)
    make_journal(store, "old", 100 * DAY)

    assert prune(store, NOW - 90 * DAY) == 1

    with pytest.raises(ForgottenError):
        Journal(store, "old", "Contacts")
    assert Journal(store, "tried again", "Contacts").look_up([make_item(1)]) != [None]


def test_forgetting_is_done_in_parts(store: Engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "AT_ONCE", 10)
    make_journal(store, "old", 100 * DAY, records=35)
    make_journal(store, "older", 200 * DAY, records=5)

    left = []
    for _ in range(4):
        prune(store, NOW - 90 * DAY, most_rows=15)
        left.append(count_rows(store))

    assert left == [25, 5, 0, 0]


def test_a_send_that_is_half_forgotten_does_not_go_on(store: Engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "AT_ONCE", 10)
    make_journal(store, "old", 100 * DAY, records=35)

    prune(store, NOW - 90 * DAY, most_rows=1)

    assert count_rows(store) == 25
    with pytest.raises(ForgottenError):
        Journal(store, "old", "Contacts")


def test_an_id_of_another_instance_is_not_known(store: Engine):
    elsewhere = Journal(store, "elsewhere", "Contacts of one")
    elsewhere.begin([make_item(1)])
    elsewhere.finish([make_item(1)], [77])
    assert Journal(store, "here", "Contacts of one").is_known([77]) == {77}
    assert Journal(store, "there", "Contacts of another").is_known([77]) == set()


def test_a_create_is_known_when_its_fields_come_in_another_order(run_send: Run, insightly_sandbox: InsightlySandbox):
    run_send("create_contact", [{"FIRST_NAME": "Ann", "LAST_NAME": "Lee"}])

    sent = run_send("create_contact", [{"LAST_NAME": "Lee", "FIRST_NAME": "Ann"}])

    assert sent.summary["skipped"] == 1
    assert len(contacts(insightly_sandbox)) == 1
