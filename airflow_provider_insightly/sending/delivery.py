"""Requests go out at once, as many as the connection bears, and results come back in the order of the requests."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from airflow_provider_insightly.sending.record import Rejection
from airflow_provider_insightly.sending.request import Request
from airflow_provider_insightly.sending.result import Result

WINDOW = 256
"""How many requests may be ahead of the oldest one that has no result: one that is stuck for half a minute does not
hold up the others at ten a second, and memory stays the same however many records there are."""


def deliver(
    requests: Iterable[Request | Result | Rejection],
    exchange: Callable[[Request], Result],
    concurrency: int,
    stops_after: Callable[[Result | Rejection], bool] = lambda outcome: False,
) -> Generator[Result | Rejection, None, None]:
    """Send requests and yield their results in the requests' order; what is not a request passes through.

    The first request goes alone: a key or a permission that is wrong costs one request, not as many as run at once.
    When one fails in a way that stops the send, no further request goes out, the results of those under way are still
    yielded, and then the error is raised.

    :param exchange: makes a request; called in threads.
    :param concurrency: how many requests are under way at once.
    :param stops_after: tells whether an outcome ends the send; those under way are still yielded.
    :raises Exception: the first error of ``exchange``.
    """
    stopped = threading.Event()

    def send(request: Request) -> Result | None:
        if stopped.is_set():
            return None
        try:
            return exchange(request)
        except BaseException:
            stopped.set()
            raise

    source = iter(requests)
    window: deque[Future[Result | None] | Result | Rejection] = deque()
    problem: Exception | None = None
    is_first = True
    executor = ThreadPoolExecutor(concurrency, thread_name_prefix="insightly-send")
    try:
        while True:
            while len(window) < WINDOW and not stopped.is_set():
                following = next(source, None)
                if following is None:
                    break
                if not isinstance(following, Request):
                    window.append(following)
                    continue
                future = executor.submit(send, following)
                window.append(future)
                if is_first:
                    is_first = False
                    wait([future])
            if not window:
                break
            head = window.popleft()
            outcome: Result | Rejection | None
            if isinstance(head, Future):
                try:
                    outcome = head.result()
                except Exception as error:  # noqa: BLE001  raised below, after the results of the others
                    problem = problem or error
                    continue
            else:
                outcome = head
            if outcome is None:
                continue
            if stops_after(outcome):
                stopped.set()
            yield outcome
    finally:
        stopped.set()
        executor.shutdown(wait=True)
    if problem is not None:
        raise problem
