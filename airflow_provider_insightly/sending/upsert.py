"""Create or update by fields whose values are unique."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from airflow_provider_insightly.api.catalogue import InsightlyObject
from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.sending.doubt import read_field
from airflow_provider_insightly.sending.record import Record, Rejection

ONE_BY_ONE = 20
"""Up to so many records each is searched for; from there on the whole object is read once, 500 records a request."""

Key = tuple[str, ...]


class Index:
    """The ids of the records in Insightly by the values of the match fields.

    :param client: the connection.
    :param target: the object.
    :param match_on: the fields; all must agree.
    """

    def __init__(self, client: InsightlyClient, target: InsightlyObject, match_on: Sequence[str]) -> None:
        self._client = client
        self._target = target
        self._match_on = tuple(match_on)
        self._ids: dict[Key, list[int]] = {}

    def read_all(self) -> None:
        """Read the whole object."""
        brief = not any(name.lower().endswith("__c") for name in self._match_on)
        self._add(self._client.list(self._target.name, brief=brief))

    def read_one(self, key: Key, values: Mapping[str, Any]) -> None:
        """Search for the records with these values."""
        self._ids.pop(key, None)
        field = self._match_on[0]
        self._add(self._client.search(self._target.name, field=field, value=read_field(values, field)), only=key)

    def find(self, key: Key) -> list[int]:
        """Return the ids of the records with a key."""
        return self._ids.get(key, [])

    def key_of(self, values: Mapping[str, Any]) -> Key | None:
        """Return a record's key, texts without case and outer spaces; ``None`` when one of the values is missing."""
        parts = [str(read_field(values, name) or "").strip().casefold() for name in self._match_on]
        return tuple(parts) if all(parts) else None

    def _add(self, records: Iterable[Mapping[str, Any]], only: Key | None = None) -> None:
        for record in records:
            key = self.key_of(record)
            if key is not None and only in (None, key):
                self._ids.setdefault(key, []).append(int(record[self._target.id_field or ""]))


def split(
    records: Iterable[Record | Rejection], client: InsightlyClient, target: InsightlyObject, match_on: Sequence[str]
) -> Iterator[tuple[Record | Rejection, int | None]]:
    """Yield each record with the id of the one record in Insightly that it stands for, ``None`` when there is none.

    Several found, no value to look for, or the same value twice among the records: a rejection, never a guess.
    """
    source = iter(records)
    first = list(islice(source, ONE_BY_ONE + 1))
    index = Index(client, target, match_on)
    one_by_one = len(first) <= ONE_BY_ONE
    if not one_by_one:
        index.read_all()
    seen: dict[int, int] = {}
    shown = " and ".join(match_on)
    for record in chain(first, source):
        if isinstance(record, Rejection):
            yield record, None
            continue
        key = index.key_of(record.values)
        if key is None:
            yield Rejection(record, shown, "has no value to look the record up by"), None
            continue
        earlier = seen.setdefault(hash(key), record.index)
        if earlier != record.index:
            yield Rejection(record, shown, f"is the same as that of record {earlier}; keep one of them"), None
            continue
        if one_by_one:
            index.read_one(key, record.values)
        found = index.find(key)
        if len(found) > 1:
            yield Rejection(record, shown, f"is that of {len(found)} records in Insightly: {_listed(found)}"), None
        else:
            yield record, found[0] if found else None


def _listed(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids[:5])) + (" …" if len(ids) > 5 else "")
