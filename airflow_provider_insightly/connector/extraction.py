"""Reading both sides: what changed since the last run, page by page into the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.engine import Engine

from airflow_provider_insightly.api.catalogue import get_object
from airflow_provider_insightly.api.client import LARGEST_PAGE, InsightlyClient, Page, format_time
from airflow_provider_insightly.api.errors import NotFoundError
from airflow_provider_insightly.connector.mapping import MappedField, staged_fields
from airflow_provider_insightly.connector.records import Ref, read_record
from airflow_provider_insightly.connector.staging import stage
from airflow_provider_insightly.connector.state import read_state, read_time, write_state, write_time
from airflow_provider_insightly.store.engine import writing

Clock = Callable[[], datetime]

READINGS = 3
"""How often a list is read again that changed under our eyes before the task gives up."""


class IncompleteReadError(RuntimeError):
    """A list kept changing while it was read, so that records may be missing from it."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was read of an object.

    :param object: the object.
    :param since: changes after this moment were asked for; ``None`` for everything.
    :param read: how many records came.
    :param changed: how many of them are new or different.
    :param pages: how many requests for pages it took.
    """

    object: str
    since: datetime | None
    read: int
    changed: int
    pages: int


def extract(
    client: InsightlyClient,
    engine: Engine,
    instance: str,
    object_name: str,
    mapping: Sequence[MappedField],
    *,
    overlap_seconds: float,
    now: Clock,
) -> Extraction:
    """Stage the records of an object that changed since the watermark; all of them in the first run.

    The cursor of the API excludes its own second, and searches lag behind writes: a read reaches back behind the
    watermark. The new watermark counts from :func:`advance_watermarks` on.

    :param overlap_seconds: how far it reaches back.
    :raises IncompleteReadError: each of several readings had fewer records than the server counts.

    Source: ``GET /{Object}`` and ``GET /{Object}/Search?updated_after_utc=``.
    """
    fields = staged_fields(mapping, object_name)
    with engine.connect() as connection:
        watermark = read_time(connection, instance, f"watermark {object_name}")
        if read_state(connection, instance, f"fields {object_name}") != sorted(fields):
            watermark = None  # other fields are mapped now: those of unchanged records are not in the store
    since = watermark - timedelta(seconds=overlap_seconds) if watermark else None
    pages = read = changed = 0
    for _ in range(READINGS):
        reading = _Reading(client, engine, instance, object_name, fields, now)
        reading.read(since)
        changed += reading.changed  # what a reading staged is no news to the next
        pages += reading.pages
        read = len(reading.seen)
        if reading.complete:
            break
    else:
        raise IncompleteReadError(
            f"In each of {READINGS} readings, the list of {object_name} had fewer records than the server counts. Let "
            "the task retry at a quieter time where many are being deleted; else look whether the key's user sees all."
        )
    with writing(engine) as connection:
        write_time(connection, instance, f"extracted {object_name}", reading.started)
        write_state(connection, instance, f"fields {object_name}", sorted(fields))
        if since is None:
            write_time(connection, instance, f"swept {object_name}", now())
    return Extraction(object_name, since, read, changed, pages)


def read_everything(
    client: InsightlyClient, engine: Engine, instance: str, object_name: str, mapping: Sequence[MappedField], now: Clock
) -> None:
    """Stage all records of an object, whenever they changed."""
    _Reading(client, engine, instance, object_name, staged_fields(mapping, object_name), now).read(None)


def steady_pages(client: InsightlyClient, path: str, params: Mapping[str, str] | None = None) -> Iterator[Page]:
    """Yield the pages of a list; records may come twice.

    A deletion moves later records up, past the start of the next page: where the count has fallen from one page to the
    next, a page is stepped back, or by as many records as it has fallen if those are more.

    :raises IncompleteReadError: it falls again and again at the same place.
    """
    skip, total = 0, None
    steps_in_place = 0
    while steps_in_place < READINGS:
        for page in client.pages(path, params=params, skip=skip):
            yield page
            lost = total - page.total if total is not None and page.total is not None else 0
            total = page.total
            if lost > 0 and page.skip > skip:
                back = max(page.skip - max(lost, LARGEST_PAGE), 0)
                steps_in_place = 0 if back > skip else steps_in_place + 1
                skip = back
                break
        else:
            return
    raise IncompleteReadError(
        f"The count of {path} fell {READINGS} times while the same records were read. Let the task retry at a quieter "
        "time."
    )


def advance_watermarks(engine: Engine, instance: str, object_names: Sequence[str]) -> None:
    """Let the next run read from where the extractions began: by the server's clock, or by ours if that is behind."""
    with writing(engine) as connection:
        for object_name in object_names:
            extracted = read_state(connection, instance, f"extracted {object_name}")
            if extracted is not None:
                write_state(connection, instance, f"watermark {object_name}", extracted)


class _Reading:
    """One reading of a list from its first page to its last."""

    def __init__(
        self,
        client: InsightlyClient,
        engine: Engine,
        instance: str,
        object_name: str,
        fields: frozenset[str],
        now: Clock,
    ) -> None:
        self.client, self.engine, self.instance, self.now = client, engine, instance, now
        self.object_name, self.fields = object_name, fields
        self.started = now()
        self.seen: set[int] = set()
        self.pages = self.changed = 0
        self.complete = False

    def read(self, since: datetime | None) -> None:
        path = get_object(self.object_name).path
        if since is None:
            pages = steady_pages(self.client, path)
        else:
            pages = steady_pages(self.client, f"{path}/Search", {"updated_after_utc": format_time(since)})
        total = None
        for page in pages:
            if page.server_time is not None:  # a clock that is ahead would hide what is changed until then
                self.started = min(self.started, page.server_time)
            self.pages += 1
            total = page.total
            records = [read_record(self.object_name, answer, self.fields) for answer in page.records]
            self.seen.update(record.ref.id for record in records)
            with writing(self.engine) as connection:
                staged = stage(connection, self.instance, records, self.now())
            self.changed += len(staged.changed)
            for ref in staged.doubtful:
                self._read_again(ref)
        self.complete = total is None or len(self.seen) >= total

    def _read_again(self, ref: Ref) -> None:
        try:
            record = read_record(ref.object, self.client.get(ref.object, ref.id), self.fields)
        except NotFoundError:
            return  # deleted since: the next sweep finds that
        with writing(self.engine) as connection:
            self.changed += len(stage(connection, self.instance, [record], self.now(), certain=True).changed)
