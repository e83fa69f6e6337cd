"""How many requests are let in: a second, at one time, and in a day."""

from __future__ import annotations

from collections import deque

from airflow_provider_insightly.sandbox.settings import Settings

DAY = 24 * 3600.0
MINUTE = 60.0

# What the headers say when no daily quota is set: the Enterprise plan's.
QUOTA_TO_SHOW = 100_000


class Limits:
    """Counts requests against the settings; the day is a rolling one, counted by the minute."""

    def __init__(self) -> None:
        self.in_flight = 0
        self._admitted: deque[float] = deque()
        self._minutes: deque[list[float]] = deque()
        self._today = 0

    def admit(self, settings: Settings, now: float) -> str | None:
        """Count a request, or return why it is refused: ``rate``, ``concurrency`` or ``quota``.

        :param now: seconds since the epoch.
        """
        # Less than one request a second is one in a longer time.
        window = max(1.0, 1 / settings.rate) if settings.rate else 1.0
        self._forget(now, window)
        if settings.daily_quota and self._today >= settings.daily_quota:
            return "quota"
        if settings.concurrency and self.in_flight >= settings.concurrency:
            return "concurrency"
        if settings.rate:
            if len(self._admitted) >= max(1, settings.rate):
                return "rate"
            self._admitted.append(now)
        self._today += 1
        minute = now // MINUTE
        if self._minutes and self._minutes[-1][0] == minute:
            self._minutes[-1][1] += 1
        else:
            self._minutes.append([minute, 1])
        return None

    def headers(self, settings: Settings) -> tuple[str, str]:
        """Return the values of ``X-RateLimit-Limit`` and ``X-RateLimit-Remaining``: of the day."""
        if settings.daily_quota:
            return str(settings.daily_quota), str(max(0, settings.daily_quota - self._today))
        return str(QUOTA_TO_SHOW), str(max(1, QUOTA_TO_SHOW - self._today))

    def _forget(self, now: float, window: float) -> None:
        """Drop what lies too far in the past, or (after a change of the clock) ahead."""
        while self._admitted and not 0 <= now - self._admitted[0] < window:
            self._admitted.popleft()
        while self._minutes and not -DAY < now - self._minutes[0][0] * MINUTE < DAY:
            self._today -= int(self._minutes.popleft()[1])
