"""Create or update by fields whose values are unique."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from airflow_provider_insightly.api.catalogue import InsightlyObject
from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.sending.body import to_json
from airflow_provider_insightly.sending.doubt import comparable, read_field, spellings
from airflow_provider_insightly.sending.fields import find_missing
from airflow_provider_insightly.sending.record import FieldError, Rejection
from airflow_provider_insightly.sending.request import Item, find_digest

ONE_BY_ONE = 20
"""Up to so many records each is searched for; from there on the whole object is read once, 500 records a request."""

TABLES = """
PRAGMA journal_mode = OFF;
CREATE TABLE found (key TEXT, record_id INTEGER, PRIMARY KEY (key, record_id)) WITHOUT ROWID;
CREATE TABLE given (key TEXT PRIMARY KEY, position INTEGER) WITHOUT ROWID;
"""


class Index:
    """The ids of the records in Insightly by the values of the match fields.

    They lie in a temporary file, which SQLite removes when it is closed: an object may have millions of records.

    :param client: the connection.
    :param target: the object.
    :param match_on: the fields; all must agree.
    """

    def __init__(self, client: InsightlyClient, target: InsightlyObject, match_on: Sequence[str]) -> None:
        self._client = client
        self.target = target
        self.match_on = tuple(match_on)
        self._database = sqlite3.connect("", check_same_thread=False)  # a generator may be closed in another thread
        self._database.executescript(TABLES)

    def close(self) -> None:
        """Remove the file."""
        self._database.close()

    def read_all(self) -> None:
        """Read the whole object."""
        brief = not any(name.lower().endswith("__c") for name in self.match_on)
        self._add(self._client.list(self.target.name, brief=brief))

    def read_one(self, key: str, values: Mapping[str, Any]) -> None:
        """Search for the records with these values, in each spelling in which a search that is exact may know them."""
        self._database.execute("DELETE FROM found WHERE key = ?", (key,))
        field = self.match_on[0]
        found = {}
        for spelling in spellings(read_field(values, field)):
            for record in self._client.search(self.target.name, field=field, value=spelling):
                found[record[self.target.id_field or ""]] = record
        self._add(found.values(), only=key)

    def find(self, key: str) -> list[int]:
        """Return the ids of the records with a key."""
        rows = self._database.execute("SELECT record_id FROM found WHERE key = ? ORDER BY record_id", (key,))
        return [record_id for (record_id,) in rows]

    def claim(self, key: str, position: int) -> int:
        """Return the position of the record that was the first to come with a key: this one, or an earlier one."""
        self._database.execute("INSERT OR IGNORE INTO given VALUES (?, ?)", (key, position))
        (first,) = self._database.execute("SELECT position FROM given WHERE key = ?", (key,)).fetchone()
        return int(first)

    def key_of(self, values: Mapping[str, Any]) -> str | None:
        """Return a record's key, texts without case and outer spaces; ``None`` when one of the values is missing."""
        parts = [comparable(read_field(values, name)) for name in self.match_on]
        return json.dumps(parts) if all(parts) else None  # in ASCII, whatever the server keeps

    def _add(self, records: Iterable[Mapping[str, Any]], only: str | None = None) -> None:
        rows = ((self.key_of(record), int(record[self.target.id_field or ""])) for record in records)
        wanted = (row for row in rows if row[0] is not None and only in (None, row[0]))
        self._database.executemany("INSERT OR IGNORE INTO found VALUES (?, ?)", wanted)


def upsert_items(
    items: Iterable[Item | Rejection], client: InsightlyClient, target: InsightlyObject, match_on: Sequence[str]
) -> Iterator[Item | Rejection]:
    """Yield items that create a record as they are, and those whose record exists as updates of it.

    Several found, no value to look for, or the same value twice among the records: a rejection, never a guess.
    """
    source = iter(items)
    first = list(islice(source, ONE_BY_ONE + 1))
    one_by_one = len(first) <= ONE_BY_ONE
    with closing(Index(client, target, match_on)) as index:
        if not one_by_one:
            index.read_all()
        for item in chain(first, source):
            try:
                yield item if isinstance(item, Rejection) else _decide(item, index, one_by_one)
            except FieldError as error:
                yield Rejection(item.record, error.field, error.reason)


def _decide(item: Item, index: Index, one_by_one: bool) -> Item:
    shown = " and ".join(index.match_on)
    key = index.key_of(item.values)
    if key is None:
        raise FieldError(shown, "has no value to look the record up by")
    earlier = index.claim(key, item.record.index)
    if earlier != item.record.index:
        raise FieldError(shown, f"is the same as that of record {earlier}; keep one of them")
    if one_by_one:
        index.read_one(key, item.values)
    found = index.find(key)
    if len(found) > 1:
        raise FieldError(shown, f"is that of {len(found)} records in Insightly: {_listed(found)}")
    if found:
        return _as_update(item, index.target, found[0])
    missing = find_missing(item.values, index.target.required_fields)
    if missing:
        raise FieldError(missing, "is required to create the record, and has no value")
    return item


def _as_update(item: Item, target: InsightlyObject, record_id: int) -> Item:
    url = f"{target.path}/{record_id}"
    values = {target.id_field or "": record_id, **item.values}
    digest = find_digest("PUT", url, to_json(values))
    return replace(item, method="PUT", url=url, values=values, record_id=record_id, digest=digest)


def _listed(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids[:5])) + (" …" if len(ids) > 5 else "")
