from __future__ import annotations

import threading

import pytest

from airflow_provider_insightly.api import errors
from airflow_provider_insightly.api.throttle import LocalThrottle

from .conftest import answer


class Clock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


def starts(throttle, clock, count):
    times = []
    for _ in range(count):
        with throttle.slot():
            times.append(round(clock() - 100, 6))
    return times


def test_requests_start_evenly_at_the_rate(clock):
    throttle = LocalThrottle(10, 5, clock=clock, sleep=clock.sleep)
    assert starts(throttle, clock, 5) == [0, 0.1, 0.2, 0.3, 0.4]


def test_idle_time_is_not_saved_up_for_a_burst(clock):
    throttle = LocalThrottle(10, 5, clock=clock, sleep=clock.sleep)
    starts(throttle, clock, 1)
    clock.sleep(10)
    assert starts(throttle, clock, 3) == [10, 10.1, 10.2]


def test_after_a_429_it_pauses_and_goes_on_at_half_the_rate(clock):
    throttle = LocalThrottle(10, 5, clock=clock, sleep=clock.sleep)
    starts(throttle, clock, 1)
    throttle.slow_down(3)
    first, second = starts(throttle, clock, 2)
    assert first == 3
    assert second - first == pytest.approx(0.2)


def test_it_recovers_the_full_rate_and_no_more(clock):
    throttle = LocalThrottle(10, 5, clock=clock, sleep=clock.sleep)
    throttle.slow_down(None)
    starts(throttle, clock, 100)
    assert throttle.rate == 10


def test_many_429s_never_stop_it_for_good(clock):
    throttle = LocalThrottle(10, 5, clock=clock, sleep=clock.sleep)
    for _ in range(50):
        throttle.slow_down(None)
    assert throttle.rate == 0.5


def test_no_more_are_under_way_than_the_concurrency_allows():
    throttle = LocalThrottle(1_000_000, 2)
    inside, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(2)

    def work() -> None:
        nonlocal inside, most
        with throttle.slot():
            with lock:
                inside += 1
                most = max(most, inside)
            together.wait(5)  # nobody leaves before a second one is in
            with lock:
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_a_burst_limit_slows_the_clients_throttle(server, make_client):
    server.script = [answer("429 Too Many Requests", "", "Retry-After: 0")]
    client = make_client()
    with pytest.raises(errors.BurstLimitError):
        client.request("GET", "/Contacts", retry=False)
    assert client.throttle.rate < client.throttle.full_rate
