"""The journal: what a send has done, kept so that another attempt does nothing twice.

A row says ``sent`` before a record's request goes out and ``done`` when its answer is in. A later attempt finds done
records by their content and skips them; one that is still ``sent`` may or may not be in Insightly (the worker died,
the answer was lost): :mod:`.doubt` finds out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.engine import Connection, Engine

from airflow_provider_insightly.sending.request import Item
from airflow_provider_insightly.store.engine import writing
from airflow_provider_insightly.store.tables import sending_journal as journal_table
from airflow_provider_insightly.store.tables import sending_sends as sends_table

FORGOTTEN, FORGETTING = 0, -1
"""Stand for the number of attempts of a send whose journal is gone, or is being removed."""

AT_ONCE = 5_000  # rows that are removed in one transaction: other workers wait for it

# Built once: building a statement takes longer than SQLite takes to run it.
ATTEMPTS = (  # locked, on PostgreSQL, against an attempt that begins before the row of this one is to be seen
    select(sends_table.c.attempts).where(sends_table.c.id == bindparam("send")).with_for_update(read=True)
)
FORGET = delete(journal_table).where(
    journal_table.c.send_id == bindparam("send"),
    journal_table.c.attempt == bindparam("of_attempt"),
    journal_table.c.position.in_(bindparam("places", expanding=True)),
)
WRITE = insert(journal_table)
OURS = select(journal_table.c.id, journal_table.c.position, journal_table.c.state, journal_table.c.record_id).where(
    journal_table.c.send_id == bindparam("send"),
    journal_table.c.attempt == bindparam("of_attempt"),
    journal_table.c.position.in_(bindparam("places", expanding=True)),
)
CLAIMED = (
    select(journal_table.c.id)
    .where(
        journal_table.c.send_id == bindparam("send"),
        journal_table.c.attempt > bindparam("of_attempt"),
        journal_table.c.digest == bindparam("of_digest"),
        journal_table.c.state == "sent",
    )
    .order_by(journal_table.c.id)
    .limit(1)
)
FINISH = (
    update(journal_table)
    .where(journal_table.c.id == bindparam("row"))
    .values(state="done", record_id=bindparam("new_record_id"))
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the journal knows of a record from an earlier attempt.

    :param done: its request was answered; else nobody knows.
    :param record_id: the id that Insightly gave it.
    :param began_at: when its request went out.
    """

    done: bool
    record_id: int | None
    began_at: datetime


class OvertakenError(RuntimeError):
    """Another attempt of the same send has begun; this one must stop, or both would send."""


class ForgottenError(ValueError):
    """The journal of a send was removed, so nobody can tell what the send created."""


class Journal:
    """The journal of one attempt of a send.

    :param engine: the store.
    :param key: names the send; whoever sends the same records again must give the same key.
    :param object_name: names the object and the instance whose ids the answers hold: elsewhere, the same ids are those
        of other records.
    :param now: returns the time in UTC; injected by tests.
    :raises ForgottenError: an earlier attempt was made, and its journal is gone.
    """

    def __init__(
        self,
        engine: Engine,
        key: str,
        object_name: str | None,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._engine = engine
        self._key = key[-1000:]
        self._object = object_name
        self._now = now
        self._send_id, self._attempt = self._begin_attempt()

    def look_up(self, items: Sequence[Item]) -> list[Entry | None]:
        """Return what earlier attempts did with each item; ``None`` for one that is new.

        A create is known by what was sent and also by what its source gave: neither a source with a column that is
        different each time (and left out) nor a setting that was changed in between creates it again. One that an
        upsert created, and now finds, is done too.

        Equal items are told apart by their number alone, so a source that gives its rows in another order the second
        time is no harm: of three equal items as many are skipped as were done.
        """
        if self._attempt == 1 or not items:
            return [None] * len(items)
        with writing(self._engine) as connection:
            rows = self._unclaimed(connection, items)
            found: list[Any] = [None] * len(items)
            for name in ("digest", "source_digest"):
                by_digest = defaultdict(list)
                for row in rows.values():
                    by_digest[getattr(row, name)].append(row)
                for number, item in enumerate(items):
                    candidates = by_digest[getattr(item, name)] if getattr(item, name) else []
                    if found[number] is None and candidates:
                        found[number] = candidates.pop(0)
                        del rows[found[number].id]
            claims = [
                {"row": row.id, "new_position": item.record.index}
                for row, item in zip(found, items, strict=True)
                if row is not None
            ]
            if claims:
                claim = update(journal_table).where(journal_table.c.id == bindparam("row"))
                connection.execute(claim.values(attempt=self._attempt, position=bindparam("new_position")), claims)
        return [None if row is None else Entry(row.state == "done", row.record_id, row.began_at) for row in found]

    def begin(self, items: Iterable[Item]) -> None:
        """Note, before the request, that these items are on their way.

        :raises OvertakenError: another attempt has begun meanwhile.
        """
        items = list(items)
        with writing(self._engine) as connection:
            if connection.execute(ATTEMPTS, {"send": self._send_id}).scalar_one() != self._attempt:
                raise OvertakenError(f"Another attempt of the send {self._key} has begun; this one stops.")
            self._forget(connection, items)
            connection.execute(WRITE, [self._row(item) for item in items])

    def finish(self, items: Iterable[Item], record_ids: Iterable[int | None]) -> None:
        """Note that these items are done, with the ids that they have in Insightly.

        Another attempt may have begun meanwhile and taken the rows over; :meth:`find_answers` tells it.
        """
        items = list(items)
        with writing(self._engine) as connection:
            rows = {row.position: row.id for row in connection.execute(OURS, self._places(items))}
            for item, record_id in zip(items, record_ids, strict=True):
                row = rows.get(item.record.index)
                if row is None:
                    theirs = {"send": self._send_id, "of_attempt": self._attempt, "of_digest": item.digest}
                    row = connection.execute(CLAIMED, theirs).scalar()
                if row is not None:
                    connection.execute(FINISH, {"row": row, "new_record_id": record_id})

    def forget(self, items: Iterable[Item]) -> None:
        """Note that these items were refused or never arrived: another attempt may send them."""
        with writing(self._engine) as connection:
            self._forget(connection, list(items))

    def find_answers(self, items: Iterable[Item]) -> dict[int, int | None]:
        """Return the ids of those items that are done by now, by their places.

        An item that an earlier attempt left in doubt may be: that attempt, which Airflow took for dead, got the answer.
        """
        with self._engine.connect() as connection:
            rows = connection.execute(OURS, self._places(items))
            return {row.position: row.record_id for row in rows if row.state == "done"}

    def is_known(self, record_ids: Iterable[int]) -> set[int]:
        """Return those of some ids that the journal, of this send or any other, gave to a record already."""
        query = select(journal_table.c.record_id).where(
            journal_table.c.object == self._object, journal_table.c.record_id.in_(set(record_ids))
        )
        with self._engine.connect() as connection:
            return {row.record_id for row in connection.execute(query)}

    def _begin_attempt(self) -> tuple[int, int]:
        ours = sends_table.c.key == self._key
        with writing(self._engine) as connection:
            began = {"attempts": sends_table.c.attempts + 1, "began_at": self._now()}
            if (
                connection.execute(update(sends_table).where(ours, sends_table.c.attempts > 0).values(began)).rowcount
                == 0
            ):
                if connection.execute(select(sends_table.c.id).where(ours)).first() is not None:
                    raise ForgottenError(
                        f"The journal of the send {self._key} was removed because of its age, so nothing is sent: it "
                        "could be created a second time. To send the same records again on purpose, trigger a new run."
                    )
                connection.execute(insert(sends_table).values(key=self._key, attempts=1, began_at=self._now()))
            row = connection.execute(select(sends_table).where(ours)).one()
        return row.id, row.attempts

    def _unclaimed(self, connection: Connection, items: Sequence[Item]) -> dict[int, Any]:
        """Return the rows of earlier attempts that could be those of some items, the done ones first."""
        table = journal_table
        of_earlier = (table.c.send_id == self._send_id, table.c.attempt < self._attempt)
        rows: dict[int, Any] = {}
        for column, name in ((table.c.digest, "digest"), (table.c.source_digest, "source_digest")):
            wanted = {getattr(item, name) for item in items} - {None}
            query = select(table).where(*of_earlier, column.in_(wanted)).order_by(table.c.state, table.c.id)
            rows.update((row.id, row) for row in connection.execute(query))
        return dict(sorted(rows.items(), key=lambda pair: (pair[1].state, pair[0])))

    def _forget(self, connection: Connection, items: Sequence[Item]) -> None:
        connection.execute(FORGET, self._places(items))

    def _places(self, items: Iterable[Item]) -> dict[str, Any]:
        places = [item.record.index for item in items]
        return {"send": self._send_id, "of_attempt": self._attempt, "places": places}

    def _row(self, item: Item) -> dict[str, Any]:
        return {
            "send_id": self._send_id,
            "attempt": self._attempt,
            "position": item.record.index,
            "digest": item.digest,
            "state": "sent",
            "began_at": self._now(),
            "object": self._object,
            "record_id": None,
            "source_digest": item.source_digest if item.method == "POST" else None,
        }


def prune(engine: Engine, before: datetime, most_rows: float = float("inf")) -> int:
    """Remove the journal of the sends whose last attempt began before a moment; return how many they are.

    The name of a send is kept: another attempt of it fails, rather than create everything a second time.

    :param most_rows: stop after about so many rows; the next call goes on.
    """
    sends = rows = 0
    while rows < most_rows:
        with writing(engine) as connection:
            old = (sends_table.c.attempts != FORGOTTEN, sends_table.c.began_at < before)
            oldest = select(sends_table.c.id).where(*old).order_by(sends_table.c.began_at).limit(1)
            # Another worker may be at it too: one that it has taken would look empty before it is.
            send = connection.execute(oldest.with_for_update(skip_locked=True)).scalar()
            if send is None:
                break
            some = select(journal_table.c.id).where(journal_table.c.send_id == send).limit(AT_ONCE)
            removed = connection.execute(delete(journal_table).where(journal_table.c.id.in_(some))).rowcount
            is_through = removed < AT_ONCE
            state = FORGOTTEN if is_through else FORGETTING
            connection.execute(update(sends_table).where(sends_table.c.id == send).values(attempts=state))
        sends += is_through
        rows += removed + 1
    return sends
