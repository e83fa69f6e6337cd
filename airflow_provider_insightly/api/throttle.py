"""The rate and the concurrency that an Insightly instance bears."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

SLOWEST = 0.5  # requests a second: below this a send would look stuck
RECOVERY = 0.02  # of the full rate, won back with each request that the server takes


class Throttle(Protocol):
    """What decides when the next request may start."""

    def slot(self) -> AbstractContextManager[None]:
        """Wait for a place, and hold it while the request is under way."""

    def slow_down(self, seconds: float | None) -> None:
        """Take note of a 429: pause for the seconds that the server asked for, then go on more slowly."""


class LocalThrottle:
    """Spaces the requests of one process evenly and bounds how many are under way at once.

    :param requests_per_second: the highest rate; after a 429 it is halved, and grows back with each request.
    :param concurrency: the most requests under way at once.
    :param clock: returns seconds that never go back; injected by tests.
    :param sleep: takes seconds; injected by tests.
    """

    def __init__(
        self,
        requests_per_second: float,
        concurrency: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.full_rate = requests_per_second
        self.rate = requests_per_second
        self._places = threading.BoundedSemaphore(concurrency)
        self._lock = threading.Lock()
        self._next_start = clock()
        self._clock = clock
        self._sleep = sleep

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for a place and for its time; see :class:`Throttle`."""
        with self._places:
            with self._lock:
                start = max(self._next_start, self._clock())
                self._next_start = start + 1 / self.rate
                self.rate = min(self.full_rate, self.rate + self.full_rate * RECOVERY)
            wait = start - self._clock()
            if wait > 0:
                self._sleep(wait)
            yield

    def slow_down(self, seconds: float | None) -> None:
        """Halve the rate and let nothing start for a while; see :class:`Throttle`."""
        with self._lock:
            self.rate = max(min(SLOWEST, self.full_rate), self.rate / 2)
            pause = 1 / self.rate if seconds is None else seconds
            self._next_start = max(self._next_start, self._clock() + pause)
