"""Requests go out at once, as many as the connection bears, and results come back in the order of the requests."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from weakref import WeakValueDictionary

from airflow_provider_insightly.sending.record import Rejection
from airflow_provider_insightly.sending.request import Request
from airflow_provider_insightly.sending.result import Result

WINDOW = 256
"""How many requests may be ahead of the oldest one that has no result: one that is stuck for half a minute does not
hold up the others at ten a second, and memory stays the same however many records there are."""

WINDOW_RECORDS = 2560
"""How many records may be in those requests where they share bodies: full batches reach it first. Above it as many
requests go out as run at once, and no more."""


def deliver(
    requests: Iterable[Request | Result | Rejection],
    exchange: Callable[[Request, Callable[[], None]], Result],
    concurrency: int,
    stops_after: Callable[[Result | Rejection], bool] = lambda outcome: False,
) -> Generator[Result | Rejection, None, None]:
    """Send requests and yield their results in the requests' order; what is not a request passes through.

    The first request goes alone: a key or a permission that is wrong costs one request, not as many as run at once.
    Requests that change the same record go out one after the other.
    When one fails in a way that stops the send, no further request goes out, the results of those under way are still
    yielded, and then the error is raised.

    :param exchange: makes a request; called in threads. What it gets besides lets no further request go out: for an
        error that stops the send, as soon as it is known and before anything is written about it.
    :param concurrency: how many requests are under way at once.
    :param stops_after: tells whether an outcome ends the send; those under way are still yielded.
    :raises Exception: the first error of ``exchange``, or of the source of the requests.
    """
    window = _Window(requests, exchange, concurrency)
    try:
        while window.fill():
            outcome = window.take()
            if outcome is None:
                continue
            if stops_after(outcome):
                window.stop()
            yield outcome
    finally:
        window.close()
    if window.problem is not None:
        raise window.problem


class _Window:
    """The requests that are under way or done and not yet yielded, in their order.

    :ivar problem: the first error of a request, or of the source; none is raised before the others are through.
    """

    def __init__(
        self,
        requests: Iterable[Request | Result | Rejection],
        exchange: Callable[[Request, Callable[[], None]], Result],
        concurrency: int,
    ) -> None:
        self.problem: Exception | None = None
        self._source = iter(requests)
        self._exchange = exchange
        self._executor = ThreadPoolExecutor(concurrency, thread_name_prefix="insightly-send")
        self._concurrency = concurrency
        self._outcomes: deque[tuple[Future[Result | None] | Result | Rejection, int]] = deque()  # and its records
        self._records = 0
        # The last request for each record, for as long as it matters: of two changes the later one has to win.
        self._of_record: WeakValueDictionary[tuple[str, int | None], Future[Result | None]] = WeakValueDictionary()
        self._stopped = threading.Event()
        self._is_first = True

    def fill(self) -> bool:
        """Start requests until the window is full, and tell whether there is anything to take."""
        while self._has_room() and not self._stopped.is_set():
            try:
                following = next(self._source, None)
            except Exception as error:  # noqa: BLE001  kept as the problem
                self.problem = self.problem or error
                self._source = iter(())
                break
            if following is None:
                break
            records = 1 if isinstance(following, Rejection) else len(following.items)
            self._records += records
            self._outcomes.append((self._start(following) if isinstance(following, Request) else following, records))
        return bool(self._outcomes)

    def take(self) -> Result | Rejection | None:
        """Wait for the oldest outcome; ``None`` for a request that failed in a way that stops, or never went out."""
        oldest, records = self._outcomes.popleft()
        self._records -= records
        if not isinstance(oldest, Future):
            return oldest
        try:
            return oldest.result()
        except Exception as error:  # noqa: BLE001  kept as the problem
            self.problem = self.problem or error
            return None

    def stop(self) -> None:
        """Let no further request go out."""
        self._stopped.set()

    def close(self) -> None:
        """Stop, and wait for the requests under way."""
        self.stop()
        self._executor.shutdown(wait=True)

    def _has_room(self) -> bool:
        most = WINDOW if self._records < WINDOW_RECORDS else self._concurrency
        return len(self._outcomes) < most

    def _start(self, request: Request) -> Future[Result | None]:
        name = request.existing
        future = self._executor.submit(self._send, request, self._of_record.get(name) if name else None)
        if name:
            self._of_record[name] = future
        if self._is_first:
            self._is_first = False
            wait([future])
        return future

    def _send(self, request: Request, before: Future[Result | None] | None) -> Result | None:
        if before is not None:
            wait([before])  # it began before this one, so that it does not wait for a thread itself
        if self._stopped.is_set():
            return None
        try:
            return self._exchange(request, self.stop)
        except BaseException:
            self.stop()
            raise
