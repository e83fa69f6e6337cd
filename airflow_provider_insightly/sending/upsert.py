"""Create or update by fields whose values are unique."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from airflow_provider_insightly.api.catalogue import InsightlyObject
from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.sending.body import to_json
from airflow_provider_insightly.sending.doubt import read_field
from airflow_provider_insightly.sending.fields import find_missing
from airflow_provider_insightly.sending.record import FieldError, Rejection
from airflow_provider_insightly.sending.request import Item, find_digest

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
        self.target = target
        self.match_on = tuple(match_on)
        self._ids: dict[Key, list[int]] = {}

    def read_all(self) -> None:
        """Read the whole object."""
        brief = not any(name.lower().endswith("__c") for name in self.match_on)
        self._add(self._client.list(self.target.name, brief=brief))

    def read_one(self, key: Key, values: Mapping[str, Any]) -> None:
        """Search for the records with these values: as they are and, since the search may be exact, in lower case."""
        self._ids.pop(key, None)
        field = self.match_on[0]
        value = read_field(values, field)
        found = {}
        for variant in {value, value.lower()} if isinstance(value, str) else {value}:
            for record in self._client.search(self.target.name, field=field, value=variant):
                found[record[self.target.id_field or ""]] = record
        self._add(found.values(), only=key)

    def find(self, key: Key) -> list[int]:
        """Return the ids of the records with a key."""
        return self._ids.get(key, [])

    def key_of(self, values: Mapping[str, Any]) -> Key | None:
        """Return a record's key, texts without case and outer spaces; ``None`` when one of the values is missing."""
        parts = [str(read_field(values, name) or "").strip().casefold() for name in self.match_on]
        return tuple(parts) if all(parts) else None

    def _add(self, records: Iterable[Mapping[str, Any]], only: Key | None = None) -> None:
        for record in records:
            key = self.key_of(record)
            if key is not None and only in (None, key):
                self._ids.setdefault(key, []).append(int(record[self.target.id_field or ""]))


def upsert_items(
    items: Iterable[Item | Rejection], client: InsightlyClient, target: InsightlyObject, match_on: Sequence[str]
) -> Iterator[Item | Rejection]:
    """Yield items that create a record as they are, and those whose record exists as updates of it.

    Several found, no value to look for, or the same value twice among the records: a rejection, never a guess.
    """
    source = iter(items)
    first = list(islice(source, ONE_BY_ONE + 1))
    index = Index(client, target, match_on)
    one_by_one = len(first) <= ONE_BY_ONE
    if not one_by_one:
        index.read_all()
    seen: dict[int, int] = {}
    for item in chain(first, source):
        try:
            yield item if isinstance(item, Rejection) else _decide(item, index, seen, one_by_one)
        except FieldError as error:
            yield Rejection(item.record, error.field, error.reason)


def _decide(item: Item, index: Index, seen: dict[int, int], one_by_one: bool) -> Item:
    shown = " and ".join(index.match_on)
    key = index.key_of(item.values)
    if key is None:
        raise FieldError(shown, "has no value to look the record up by")
    earlier = seen.setdefault(hash(key), item.record.index)
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
    return replace(item, method="PUT", url=url, values=values, record_id=record_id, digest=digest, source_digest=None)


def _listed(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids[:5])) + (" …" if len(ids) > 5 else "")
