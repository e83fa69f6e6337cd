"""Sweeps: reading all ids of an object to find the records that were deleted, since the API has no list of those."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.engine import Connection, Engine

from airflow_provider_insightly.api.catalogue import get_object
from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.api.errors import NotFoundError
from airflow_provider_insightly.connector.extraction import Clock, read_everything, steady_pages
from airflow_provider_insightly.connector.mapping import MappedField, staged_fields
from airflow_provider_insightly.connector.records import PROSPECT, Ref, read_record
from airflow_provider_insightly.connector.staging import queue, set_gone, stage
from airflow_provider_insightly.connector.state import read_time, write_time
from airflow_provider_insightly.store.engine import writing
from airflow_provider_insightly.store.tables import connector_links, connector_records


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep found.

    :param object: the object.
    :param complete: whether every id was seen; if not, nothing was concluded.
    :param missing: records that were there and are not listed now.
    :param unknown: records that are listed and were not known.
    :param gone: records that were missing for long enough, and that the API says are gone when asked by id.
    """

    object: str
    complete: bool
    missing: int
    unknown: int
    gone: int


def is_due(engine: Engine, instance: str, object_name: str, sweep_hours: float, now: Clock) -> bool:
    """Say whether an object is to be swept in this run; reading all of it counted as a sweep."""
    with engine.connect() as connection:
        swept = read_time(connection, instance, f"swept {object_name}")
    return swept is None or now() - swept >= timedelta(hours=sweep_hours)


def sweep(
    client: InsightlyClient,
    engine: Engine,
    instance: str,
    object_name: str,
    mapping: Sequence[MappedField],
    *,
    grace_hours: float,
    now: Clock,
) -> Sweep:
    """Read all ids of an object, note which records are missing, and ask by id for those missing for long.

    :param grace_hours: for how long a record must be missing before it may count as deleted.

    Source: ``GET /{Object}?brief=true``; complete when the count agrees with ``X-Total-Count``.
    """
    mark = str(uuid.uuid4())
    unknown: set[int] = set()
    total: int | None = None
    pages = 0
    obj = get_object(object_name)
    id_field = obj.id_field or ""
    for page in steady_pages(client, obj.path, {"brief": "true"}):
        pages += 1
        ids = [int(answer[id_field]) for answer in page.records]
        with writing(engine) as connection:
            unknown.update(_mark(connection, instance, object_name, ids, mark))
        total = page.total
    with writing(engine) as connection:
        marked = connection.execute(
            select(func.count()).where(_of(instance, object_name), _c.sweep == mark)
        ).scalar_one()
        complete = total is not None and marked + len(unknown) == total
        missing = _conclude(connection, instance, object_name, mark, now) if complete else 0
        if complete:
            write_time(connection, instance, f"swept {object_name}", now())
    if len(unknown) > pages:  # a permission was given, say: all pages are fewer requests than these records
        read_everything(client, engine, instance, object_name, mapping, now)
    else:
        for number in sorted(unknown):
            _stage_by_id(client, engine, instance, Ref(object_name, number), mapping, now)
    gone = confirm(client, engine, instance, object_name, mapping, grace_hours=grace_hours, now=now)
    return Sweep(object_name, complete, missing, len(unknown), gone)


def confirm(
    client: InsightlyClient,
    engine: Engine,
    instance: str,
    object_name: str,
    mapping: Sequence[MappedField],
    *,
    grace_hours: float,
    now: Clock,
) -> int:
    """Ask by id for the linked records that are missing for long; note those that answer 404 as gone.

    :returns: how many are gone.
    """
    due = _c.missing_since <= now() - timedelta(hours=grace_hours)
    with engine.connect() as connection:
        waiting = select(_c.record_id).where(_of(instance, object_name), due, _c.gone.is_(False))
        linked = list(connection.execute(waiting.where(_is_linked(object_name)).order_by(_c.record_id)).scalars())
    gone = sum(_stage_by_id(client, engine, instance, Ref(object_name, number), mapping, now) for number in linked)
    with writing(engine) as connection:  # nothing hangs on the others but an address: no request is spent on them
        others = _of(instance, object_name) & due & _c.gone.is_(False) & ~_is_linked(object_name)
        freed = connection.execute(select(_c.record_id).where(others)).scalars().all()
        queue(connection, instance, [Ref(object_name, number) for number in freed])
        connection.execute(update(connector_records).where(others).values(gone=True))
    return gone


_c = connector_records.c


def _of(instance: str, object_name: str):  # type: ignore[no-untyped-def]  # SQLAlchemy 1.4 and 2 name its type differently
    return (_c.instance == instance) & (_c.object == object_name)


def _is_linked(object_name: str):  # type: ignore[no-untyped-def]
    link = connector_links.c
    if object_name == PROSPECT:
        return exists().where(link.instance == _c.instance, link.prospect_id == _c.record_id)
    return exists().where(link.instance == _c.instance, link.crm_object == _c.object, link.crm_id == _c.record_id)


def _mark(connection: Connection, instance: str, object_name: str, ids: list[int], mark: str) -> set[int]:
    """Mark the records as seen; return the ids of those that were never read, of which some have a place."""
    here = _of(instance, object_name) & _c.record_id.in_(ids) & _c.updated_at.is_not(None)
    connection.execute(update(connector_records).where(here).values(sweep=mark))
    return set(ids) - set(connection.execute(select(_c.record_id).where(here)).scalars())


def _conclude(connection: Connection, instance: str, object_name: str, mark: str, now: Clock) -> int:
    """Note what a complete sweep lacks as missing, and what it has as there."""
    back = _of(instance, object_name) & (_c.sweep == mark) & or_(_c.missing_since.is_not(None), _c.gone.is_(True))
    returned = [Ref(object_name, number) for number in connection.execute(select(_c.record_id).where(back)).scalars()]
    connection.execute(update(connector_records).where(back).values(missing_since=None, gone=False))
    queue(connection, instance, returned)
    lacking = _of(instance, object_name) & or_(_c.sweep != mark, _c.sweep.is_(None))
    lost = connection.execute(
        update(connector_records)
        .where(lacking, _c.missing_since.is_(None), _c.gone.is_(False))
        .values(missing_since=now())
    )
    return lost.rowcount


def _stage_by_id(
    client: InsightlyClient, engine: Engine, instance: str, ref: Ref, mapping: Sequence[MappedField], now: Clock
) -> bool:
    """Stage the record as it is; return whether it is gone."""
    try:
        answer = client.get(ref.object, ref.id)
    except NotFoundError:
        with writing(engine) as connection:
            set_gone(connection, instance, ref, now())
        return True
    with writing(engine) as connection:
        record = read_record(ref.object, answer, staged_fields(mapping, ref.object))
        stage(connection, instance, [record], now(), certain=True)
    return False
