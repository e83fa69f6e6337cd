"""The progress of a send, a line for every hundred records."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from airflow_provider_insightly.sending.report import Report

EVERY = 100


class Progress:
    """Logs how far a send is.

    :param log: where the lines go.
    :param total: how many records there are, where the source knows.
    :param clock: returns seconds that never go back; injected by tests.
    """

    def __init__(
        self, log: logging.Logger, total: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._total = total
        self._clock = clock
        self._began = clock()
        self._next = EVERY

    def show(self, report: Report, quota_remaining: int | None) -> None:
        """Log a line when another hundred records are through."""
        done = report.total
        if done < self._next:
            return
        self._next = (done // EVERY + 1) * EVERY
        seconds = max(self._clock() - self._began, 0.001)
        rate = done / seconds
        parts = [f"{done} of {self._total}" if self._total else f"{done}", f"{rate:.1f} a second"]
        if report.failed:
            parts.append(f"{report.failed} failed")
        if quota_remaining is not None:
            parts.append(f"{quota_remaining} requests left today")
        if self._total and self._total > done:
            parts.append(f"about {(self._total - done) / rate:.0f} s to go")
        self._log.info("Records sent: %s.", ", ".join(parts))
