from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise

import pytest
from sqlalchemy import select
from sqlalchemy.engine import Engine

from airflow_provider_insightly.api.throttle import RECOVERY
from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox
from airflow_provider_insightly.sending.throttle import (
    LEASE,
    MARGIN,
    RENEWAL,
    SLOWER_AGAIN,
    SLOWER_ONCE,
    SharedThrottle,
    earliest_start,
)
from airflow_provider_insightly.store.tables import sending_places
from tests.sending.conftest import make_client
from tests.sending.test_send import emails


class Clock:
    """A clock that goes on only when someone sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make(store: Engine, clock: Clock, rate: float = 10, concurrency: int = 5, instance: str = "one") -> SharedThrottle:
    return SharedThrottle(store, instance, rate, concurrency, clock=clock.time, sleep=clock.sleep)


def starts(throttles: list[SharedThrottle], clock: Clock, count: int) -> Iterator[float]:
    for number in range(count):
        with throttles[number % len(throttles)].slot():
            yield clock.now


def until(store: Engine) -> float:
    with store.connect() as connection:
        return connection.execute(select(sending_places.c.until)).scalar_one()


def renewers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "insightly-places"}


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_workers_share_the_rate(store: Engine, clock: Clock):
    workers = [make(store, clock), make(store, clock)]

    times = list(starts(workers, clock, 31))

    assert times[-1] - times[0] == pytest.approx(30 / (10 * MARGIN))
    assert {round(b - a, 6) for a, b in pairwise(times)} == {round(1 / (10 * MARGIN), 6)}


def test_a_rate_below_one_is_kept_from_one_request_to_the_next(store: Engine, clock: Clock):
    times = list(starts([make(store, clock, rate=0.8)], clock, 4))

    assert [b - a for a, b in pairwise(times)] == pytest.approx([1 / (0.8 * MARGIN)] * 3)


def test_a_worker_of_a_lower_rate_keeps_it_beside_one_of_a_higher_rate():
    of_the_other = [number / 10 for number in range(10)]

    assert earliest_start(of_the_other, 0.95, 5, 5) == pytest.approx(0.5 + 1)


def test_instances_do_not_share(store: Engine, clock: Clock):
    one, two = make(store, clock), make(store, clock, instance="two")

    times = [next(starts([throttle], clock, 1)) for throttle in (one, two)]

    assert times == [1000.0, 1000.0]


def test_workers_share_the_places(store: Engine, clock: Clock):
    one, two = make(store, clock, 1000, 3), make(store, clock, 1000, 3)
    with ExitStack() as stack:
        for throttle in (one, two, one):
            stack.enter_context(throttle.slot())
        assert two._take("a fourth") is None
    assert two._take("a fourth") is not None


def test_the_place_of_a_worker_that_died_is_free_again(store: Engine, clock: Clock):
    assert make(store, clock, 10, 1)._take("dies") is not None
    clock.sleep(LEASE - 1)
    assert make(store, clock, 10, 1)._take("next") is None

    clock.sleep(2)

    assert make(store, clock, 10, 1)._take("next") is not None


def test_the_place_of_a_request_that_takes_long_is_kept(store: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("airflow_provider_insightly.sending.throttle.RENEWAL", 0.01)
    one, two = make(store, clock, 10, 1), make(store, clock, 10, 1)
    of_others = renewers()
    with one.slot():
        for _ in range(5):
            clock.sleep(RENEWAL)
            wait_until(lambda: until(store) >= clock.now + LEASE - 1)
            assert two._take("next") is None
        (renewer,) = renewers() - of_others
    assert two._take("next") is not None
    renewer.join(10)
    assert not renewer.is_alive()


def test_a_429_slows_all_workers_down_and_the_rate_recovers(store: Engine, clock: Clock):
    one, two = make(store, clock, rate=1), make(store, clock, rate=1)
    list(starts([one], clock, 2))
    full = 1 / MARGIN

    one.slow_down(None)
    one.slow_down(None)
    times = list(starts([two], clock, 80))

    gaps = [b - a for a, b in pairwise(times)]
    assert gaps[0] == pytest.approx(full / (SLOWER_ONCE * SLOWER_AGAIN + RECOVERY))
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] == pytest.approx(full)


def test_a_request_that_starts_late_moves_the_tenth_after_it_alone(store: Engine, clock: Clock):
    throttle = make(store, clock)
    on_time = list(starts([throttle], clock, 20))[10:]
    sleep = clock.sleep
    throttle._sleep = lambda seconds: sleep(seconds + 0.01)
    (late,) = starts([throttle], clock, 1)
    throttle._sleep = sleep

    times = [late, *starts([throttle], clock, 19)]

    window = 10 / (10 * MARGIN)
    assert late == pytest.approx(on_time[0] + window + 0.01)
    assert times[1:10] == pytest.approx([start + window for start in on_time[1:]])
    assert times[10] == pytest.approx(late + window)
    assert times[11:] == pytest.approx([start + 2 * window for start in on_time[1:]])


def test_the_first_request_of_a_worker_counts_from_its_end(store: Engine, clock: Clock):
    throttle = make(store, clock)
    with throttle.slot():
        clock.sleep(0.3)  # the connection is opened, and keys are exchanged
    end = clock.now

    times = list(starts([throttle], clock, 10))

    assert times[-1] == pytest.approx(end + 10 / (10 * MARGIN))
    with throttle.slot():
        begin = clock.now
        clock.sleep(0.1)
    assert list(starts([throttle], clock, 10))[-1] == pytest.approx(begin + 10 / (10 * MARGIN))


def test_a_pause_that_the_server_asks_for_holds_for_all(store: Engine, clock: Clock):
    one, two = make(store, clock), make(store, clock)

    one.slow_down(7)

    assert next(starts([two], clock, 1)) == pytest.approx(1007.0)


def test_threads_of_two_clients_cause_no_429(store: Engine, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.settings(rate=50, concurrency=4)  # each client alone is below it, both together would not be
    clients = [make_client(insightly_sandbox, throttle=SharedThrottle(store, "one", 40, 4)) for _ in range(2)]
    records = emails(80)

    def work(number: int) -> None:
        for record in records[number::6]:
            clients[number % 2].create("Contacts", record)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [r["status"] for r in insightly_sandbox.requests(method="POST")] == [201] * 80
