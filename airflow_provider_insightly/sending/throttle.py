"""The throttle that all workers share, kept in the store."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import JSON, bindparam, delete, func, insert, select, update
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from airflow_provider_insightly.api.throttle import RECOVERY, SLOWEST
from airflow_provider_insightly.store.engine import writing
from airflow_provider_insightly.store.tables import sending_places, sending_throttle

MARGIN = 0.98
"""The share of the rate that is used. Requests do not arrive as evenly as they start: this leaves room for one that is
20 ms late in a second."""

MOST_AT_ONCE = 10
"""Of how many requests the rate is kept, at most: at ten a second, each starts a second after the tenth before it. One
that is late, on a busy machine, moves the tenth after it, and not all others."""

CLOSEST = 0.8
"""The share of the time from one request to the next that there must be: one that is late need not move the next."""

LATE = 0.005
"""Seconds after its time at which a request may start without being noted."""

SLOWER_ONCE, SLOWER_AGAIN = 0.9, 0.7
"""What a 429 leaves of the rate: one alone may be chance, another before the rate has recovered is not."""

LEASE, RENEWAL = 30.0, 10.0
"""Seconds for which a place is taken, and after which that is renewed while the request is under way: the places of a
worker that was killed are free again half a minute later, however long a request may take."""

FIRST_POLL, LONGEST_POLL = 0.02, 0.25
"""Seconds to wait for a place that another worker holds, before looking again; longer each time, since a hundred
threads may be waiting, and each look is a transaction."""

# Built once: building a statement takes longer than SQLite takes to run it.
OURS = sending_throttle.c.instance == bindparam("of_instance")
PLACES = sending_places.c.instance == bindparam("of_instance")
STATE = select(sending_throttle).where(OURS).with_for_update()
SET = (
    update(sending_throttle)
    .where(OURS)
    .values(
        next_start=bindparam("new_next_start"), rate=bindparam("new_rate"), starts=bindparam("new_starts", type_=JSON)
    )
)
RENEW = (
    update(sending_places)
    .where(PLACES, sending_places.c.holder.in_(bindparam("holders", expanding=True)))
    .where(sending_places.c.until < bindparam("new_until"))
    .values(until=bindparam("new_until"))
)
FREE_OLD = delete(sending_places).where(PLACES, sending_places.c.until < bindparam("now"))
COUNT = select(func.count()).select_from(sending_places).where(PLACES)
TAKE = insert(sending_places)
FREE = delete(sending_places).where(PLACES, sending_places.c.holder == bindparam("of_holder"))

log = logging.getLogger(__name__)


def earliest_start(starts: Sequence[float], now: float, at_once: int, rate: float) -> float:
    """Return when the next request may start.

    :param starts: when the last requests started, or will, in the order of their turns; seconds.
    :param at_once: of how many requests the rate is kept.
    :param rate: requests a second.
    """
    window = at_once / rate
    recent = [start for start in starts if start > now - window]
    if not recent:
        return now
    if len(recent) < at_once:
        return max(now, recent[-1] + 1 / rate)
    return max(now, recent[-1] + CLOSEST / rate, recent[-at_once] + window)


class SharedThrottle:
    """Spaces the requests that all workers make to an instance, and bounds how many are under way.

    :param engine: the store.
    :param instance: names what the limits are for; workers with the same name share them.
    :param requests_per_second: the highest rate; after a 429 it is lowered, and grows back with each request.
    :param concurrency: the most requests under way at once.
    :param clock: returns seconds since 1970; injected by tests.
    :param sleep: takes seconds; injected by tests.
    """

    def __init__(
        self,
        engine: Engine,
        instance: str,
        requests_per_second: float,
        concurrency: int,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._engine = engine
        self._instance = instance[:250]
        self._ours = {"of_instance": self._instance}
        self._full_rate = requests_per_second * MARGIN
        self._at_once = max(1, min(MOST_AT_ONCE, int(requests_per_second)))
        self._concurrency = concurrency
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._is_first = True
        self._held: set[str] = set()
        self._is_renewing = False
        self._make_row()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for a place and for its time, and hold the place while the request is under way."""
        holder = str(uuid.uuid4())
        pause = FIRST_POLL
        while (start := self._take(holder)) is None:
            self._sleep(pause)
            pause = min(pause * 1.5, LONGEST_POLL)
        self._keep(holder)
        is_first, self._is_first = self._is_first, False
        try:
            wait = start - self._clock()
            if wait > 0:
                self._sleep(wait)
            started = self._note_start(start)
            yield
            if is_first:  # it opened a connection, and nobody knows how long after its start it arrived
                self._note_start(started)
        finally:
            self._leave(holder)

    def slow_down(self, seconds: float | None) -> None:
        """Lower the rate and let nothing start for a while.

        :param seconds: the pause that the server asked for; ``None``: one of our own.
        """
        with writing(self._engine) as connection:
            row = connection.execute(STATE, self._ours).one()
            share = SLOWER_ONCE if row.rate >= self._full_rate else SLOWER_AGAIN
            rate = max(min(SLOWEST, self._full_rate), row.rate * share)
            pause = 1 / rate if seconds is None else seconds
            next_start = max(row.next_start, self._clock() + pause)
            self._set(connection, rate, next_start, row.starts or [])

    def _take(self, holder: str) -> float | None:
        """Take a place and return when the request may start; ``None`` while all places are taken."""
        with writing(self._engine) as connection:
            row = connection.execute(STATE, self._ours).one()
            now = self._clock()
            connection.execute(FREE_OLD, {**self._ours, "now": now})
            if connection.execute(COUNT, self._ours).scalar_one() >= self._concurrency:
                return None
            rate = min(self._full_rate, row.rate)
            starts = row.starts or []
            start = max(float(row.next_start), earliest_start(starts, now, self._at_once, rate))
            connection.execute(TAKE, {"instance": self._instance, "holder": holder, "until": start + LEASE})
            recovered = min(self._full_rate, rate + self._full_rate * RECOVERY)
            self._set(connection, recovered, row.next_start, [*starts, start][-self._at_once :])
            return start

    def _note_start(self, noted: float) -> float:
        """Note that a request starts now, for the one that has to keep its distance; return what is noted of it."""
        now = self._clock()
        if now - noted <= LATE:
            return noted
        with writing(self._engine) as connection:
            row = connection.execute(STATE, self._ours).one()
            starts = [now if start == noted else start for start in row.starts or []]
            self._set(connection, row.rate, row.next_start, starts)
        return now

    def _set(self, connection: Connection, rate: float, next_start: float, starts: list[float]) -> None:
        state = {"new_rate": rate, "new_next_start": next_start, "new_starts": starts}
        connection.execute(SET, {**self._ours, **state})

    def _keep(self, holder: str) -> None:
        """Have a place renewed until it is given back."""
        with self._lock:
            self._held.add(holder)
            if self._is_renewing:
                return
            self._is_renewing = True
        threading.Thread(target=self._renew_places, name="insightly-places", daemon=True).start()

    def _renew_places(self) -> None:
        """Renew the places that this process holds, every few seconds, until there are none."""
        while True:
            time.sleep(RENEWAL)
            with self._lock:
                holders = list(self._held)
                self._is_renewing = bool(holders)
            if not holders:
                return
            try:
                self._renew(holders)
            except SQLAlchemyError as error:
                log.warning("The places of %d requests could not be renewed: %s", len(holders), error)

    def _renew(self, holders: list[str]) -> None:
        with writing(self._engine) as connection:
            connection.execute(RENEW, {**self._ours, "holders": holders, "new_until": self._clock() + LEASE})

    def _leave(self, holder: str) -> None:
        """Give the place back."""
        with self._lock:
            self._held.discard(holder)
        with writing(self._engine) as connection:
            connection.execute(FREE, {**self._ours, "of_holder": holder})

    def _make_row(self) -> None:
        query = select(sending_throttle.c.instance).where(sending_throttle.c.instance == self._instance)
        with self._engine.connect() as connection:
            if connection.execute(query).first() is not None:
                return
        try:
            with writing(self._engine) as connection:
                connection.execute(
                    insert(sending_throttle).values(
                        instance=self._instance, next_start=self._clock(), rate=self._full_rate
                    )
                )
        except IntegrityError:
            pass  # another worker was quicker
