"""Records become requests: the pure part of a send, which a preview runs too."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from airflow_provider_insightly.api.catalogue import InsightlyObject
from airflow_provider_insightly.sending.address import ID, fill_url
from airflow_provider_insightly.sending.body import plain, to_json, write_line
from airflow_provider_insightly.sending.fields import CUSTOM_FIELDS, find_id, find_missing, read_id, read_record
from airflow_provider_insightly.sending.grouping import Grouping
from airflow_provider_insightly.sending.record import FieldError, Record, Rejection
from airflow_provider_insightly.sending.settings import SendSettings

Other = TypeVar("Other")

OF_A_RECORD = re.compile(r"/\d+([/?]|$)")
"""Where the URL of a record has its id."""

SCALARS = frozenset({"text", "integer", "number", "boolean", "datetime"})


@dataclass(frozen=True, slots=True)
class Item:
    """A record, read and checked, with the address that it is for.

    :param record: the record as its source gave it.
    :param method: the HTTP method.
    :param url: the URL with the record's fields filled in.
    :param values: what goes into the body.
    :param record_id: the id of the record in Insightly, where the send is about one that exists; a POST never is.
    :param digest: names what is sent and where; the same has the same digest.
    :param source_digest: names what the source gave, where the record is to be created; ``None`` otherwise.
    """

    record: Record
    method: str
    url: str
    values: Mapping[str, Any]
    record_id: int | None
    digest: str
    source_digest: str | None = None

    @property
    def existing(self) -> tuple[str, int | None] | None:
        """Names the record that it changes or deletes, by its address and its id; ``None`` where there is none yet."""
        if self.method == "POST" or (self.record_id is None and not OF_A_RECORD.search(self.url)):
            return None
        return self.url, self.record_id


@dataclass(frozen=True, slots=True)
class Request:
    """A request, ready to go.

    :param url: a path below ``/v3.1``, or a full URL.
    :param body: the body's bytes; ``None`` for a DELETE.
    :param items: the records in it, in their order.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    items: tuple[Item, ...]

    @property
    def indices(self) -> tuple[int, ...]:
        """The places of its records in the source."""
        return tuple(item.record.index for item in self.items)

    @property
    def creates(self) -> bool:
        """Whether it could make a second record if it were sent twice."""
        return self.method == "POST"

    @property
    def existing(self) -> tuple[str, int | None] | None:
        """Names the record that it changes or deletes, as its items do; ``None`` where they are of several, or new."""
        names = {item.existing for item in self.items}
        return names.pop() if len(names) == 1 else None


def read_items(settings: SendSettings, records: Iterable[Record | Rejection]) -> Iterator[Item | Rejection]:
    """Yield each record as an item, or as a rejection with its reason, in the records' order."""
    target = settings.target
    for record in records:
        if isinstance(record, Rejection):
            yield record
            continue
        try:
            yield _item(settings, target, record)
        except FieldError as error:
            yield Rejection(record, error.field, error.reason)


def build_requests(
    settings: SendSettings, items: Iterable[Item | Rejection | Other]
) -> Iterator[Request | Rejection | Other]:
    """Yield the requests for items: one for each, or one for each batch, in the items' order.

    The same items give the same batches, and no batch is empty. What is not an item passes through as it is.

    :raises FieldError: a grouping function returned what JSON cannot hold.
    """
    if settings.grouping is not None:
        yield from _batches(settings, settings.grouping, items)
        return
    for item in items:
        yield _request(settings, (item,)) if isinstance(item, Item) else item


def _item(settings: SendSettings, target: InsightlyObject | None, record: Record) -> Item:
    values = dict(record.values)
    if not all(isinstance(name, str) for name in values):
        raise FieldError(None, "the names of fields must be texts")
    record_id = read_id(settings.id_field, values.get(settings.id_field)) if settings.id_field else None
    url = fill_url(settings.url, values).replace(ID, str(record_id))
    if settings.method == "DELETE":
        return Item(record, settings.method, url, {}, record_id, find_digest(settings.method, url, b""))
    if settings.id_field:
        del values[settings.id_field]
    body = _select(settings, values)
    if settings.object and target:
        body = read_record(target, body)
    else:
        body = {plain(name, name): plain(value, name) for name, value in body.items()}
    missing = find_missing(body, settings.required)
    if missing:
        raise FieldError(missing, "is required and has no value")
    if settings.nulls == "omit":
        body = _without_nulls(body)
    if record_id is None and not body:
        raise FieldError(None, "no field with a value is left to send")
    if settings.method == "POST":
        record_id = None  # the URL's is that of another record, to which this one is added
    elif record_id is not None:
        body = _with_id(settings, target, record_id, body)
    else:
        record_id = find_id(target, body)
    digest = find_digest(settings.method, url, to_json(body))
    return Item(record, settings.method, url, body, record_id, digest, _find_source(settings.method, record))


def _select(settings: SendSettings, values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out and rename fields."""
    kept = {
        name: value
        for name, value in values.items()
        if name not in settings.exclude_attributes
        and (not settings.include_attributes or name in settings.include_attributes)
    }
    renamed = {settings.rename.get(name, name): value for name, value in kept.items()}
    if len(renamed) < len(kept):
        twice = next(new for old, new in settings.rename.items() if old in kept and new in kept and new != old)
        raise FieldError(twice, "another field is renamed to this one, which the record has already; exclude one")
    return renamed


def _with_id(
    settings: SendSettings, target: InsightlyObject | None, record_id: int, body: Mapping[str, Any]
) -> dict[str, Any]:
    """Put the id first, and nulls for all that is not given where the record is to be replaced."""
    if target is None or target.id_field is None:
        return dict(body)
    if body.get(target.id_field, record_id) != record_id:
        raise FieldError(target.id_field, f"is {body[target.id_field]}, but {settings.id_field} is {record_id}")
    cleared: dict[str, Any] = {}
    if settings.update_mode == "replace":
        missing = find_missing(body, target.required_fields)
        if missing:
            raise FieldError(missing, "is required, and a record that is replaced keeps nothing")
        cleared = {f.name: None for f in target.fields.values() if f.type in SCALARS and not f.read_only}
    return {target.id_field: record_id, **cleared, **body, target.id_field: record_id}


def _without_nulls(body: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the fields, custom ones too, that have no value."""
    kept = {name: value for name, value in body.items() if value is not None}
    custom = kept.get(CUSTOM_FIELDS)
    if isinstance(custom, list):
        kept[CUSTOM_FIELDS] = [c for c in custom if not isinstance(c, dict) or c.get("FIELD_VALUE") is not None]
        if not kept[CUSTOM_FIELDS]:
            del kept[CUSTOM_FIELDS]
    return kept


def _request(settings: SendSettings, items: tuple[Item, ...]) -> Request:
    if settings.method == "DELETE":
        body = None
    elif settings.grouping is None:
        body = to_json(items[0].values)
    else:
        body = settings.grouping.body([item.values for item in items])
    return Request(items[0].method, items[0].url, settings.headers, body, items)


def _batches(
    settings: SendSettings, grouping: Grouping, items: Iterable[Item | Rejection | Other]
) -> Iterator[Request | Rejection | Other]:
    batch = _Batch(settings, grouping)
    for item in items:
        if not isinstance(item, Item):
            yield item
            continue
        try:
            key = grouping.key(item.values)
            size = _find_size(settings, grouping, item)
        except FieldError as error:
            yield Rejection(item.record, error.field, error.reason)
            continue
        if batch.items and not batch.has_room(item, key, size):
            yield _request(settings, tuple(batch.items))
            batch = _Batch(settings, grouping)
        batch.add(item, key, size)
    if batch.items:
        yield _request(settings, tuple(batch.items))


class _Batch:
    """The records of a request that is being put together.

    :ivar size: the most bytes that its body can take, where that matters.
    """

    def __init__(self, settings: SendSettings, grouping: Grouping) -> None:
        self.items: list[Item] = []
        self.size = 0
        self._settings = settings
        self._grouping = grouping
        self._values: list[Mapping[str, Any]] = []
        self._key: Any = None

    def has_room(self, item: Item, key: Any, size: int) -> bool:
        """Tell whether a record, of a size of its own, may join the others."""
        if key != self._key or len(self.items) >= self._settings.batch_size:
            return False
        return self._grouping.fits(self._values, item.values) and self._holds(item, size)

    def add(self, item: Item, key: Any, size: int) -> None:
        """Let a record join."""
        self.items.append(item)
        self._values.append(item.values)
        self._key = key
        self.size += size

    def _holds(self, item: Item, size: int) -> bool:
        limit = self._settings.batch_bytes
        if limit is None or (self._grouping.adds_up and self.size + size <= limit):
            return True
        # Written out only when it may be full: for each record, a large batch would take longer than its request.
        exact = len(self._grouping.body([*self._values, item.values]))
        self.size = exact - size
        return exact <= limit


def _find_size(settings: SendSettings, grouping: Grouping, item: Item) -> int:
    """Return the bytes that a record takes alone, where that matters."""
    if settings.batch_bytes is None:
        return 0
    size = len(grouping.body([item.values]))
    if size > settings.batch_bytes:
        raise FieldError(None, f"takes {size} bytes alone, more than batch_bytes={settings.batch_bytes}")
    return size


def _find_source(method: str, record: Record) -> str | None:
    """Return the name of what the source gave, in whatever order it gave the fields.

    Only a create needs it, since only a create could be done twice.
    """
    if method != "POST":
        return None
    return find_digest(method, "", write_line(dict(sorted(record.values.items()))).encode())


def find_digest(method: str, url: str, body: bytes) -> str:
    """Return the name of a record's content and address."""
    return hashlib.sha256(b"\0".join((method.encode(), url.encode(), body))).hexdigest()[:40]
