"""What is tried again, when, and for how long."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_before_delay

from airflow_provider_insightly.api.errors import BurstLimitError, InsightlyError, ServerError

RETRIED_STATUSES = frozenset({408, 425, 429, 503})
"""Answers that say that nothing was done and that a later try may succeed."""

GATEWAY_STATUSES = frozenset({500, 502, 504})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How stubbornly a request is tried.

    :param attempts: the most attempts, the first included.
    :param seconds: the most seconds from the first attempt to the start of the last.
    :param first_wait: the longest pause in seconds before the second attempt; each later one may be twice as long.
    :param longest_wait: the longest pause in seconds, unless the server asks for more by ``Retry-After``.
    """

    attempts: int = 6
    seconds: float = 120.0
    first_wait: float = 1.0
    longest_wait: float = 30.0


NO_RETRY = RetryPolicy(attempts=1)


def may_retry(error: BaseException) -> bool:
    """Tell whether a request may be sent again without doing anything twice.

    What did not reach the server, and what it put off, may always be. What it may have done already may be when
    doing it again changes nothing: everything but a POST.
    """
    if not isinstance(error, InsightlyError):
        return False
    if error.status in RETRIED_STATUSES:
        return isinstance(error, BurstLimitError) or error.status != 429
    if error.outcome == "not_sent":
        return True
    if error.outcome == "unknown" and error.method != "POST":
        return error.status is None or error.status in GATEWAY_STATUSES or not isinstance(error, ServerError)
    return False


def retrying(policy: RetryPolicy, sleep: Callable[[float], None] = time.sleep) -> Retrying:
    """Return the loop that tries a request by a policy and raises its last error.

    :param sleep: takes the pause in seconds; injected by tests.
    """

    def pause(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        jitter = random.uniform(0, min(policy.longest_wait, policy.first_wait * 2 ** (state.attempt_number - 1)))  # noqa: S311
        asked = error.retry_after if isinstance(error, InsightlyError) else None
        return jitter if asked is None else asked + min(jitter, 1.0)

    return Retrying(
        retry=retry_if_exception(may_retry),
        wait=pause,
        stop=stop_after_attempt(policy.attempts) | stop_before_delay(policy.seconds),
        sleep=sleep,
        reraise=True,
    )
