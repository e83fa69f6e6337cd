"""Staged records: the last seen state of both sides in the store, and the queue of those to look at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.engine import Connection, Row
from sqlalchemy.sql import ColumnElement

from airflow_provider_insightly.connector.ledger import note_opt_outs
from airflow_provider_insightly.connector.records import (
    CONTACTS,
    EMAIL_FIELD,
    LEADS,
    ORGANISATIONS,
    PROSPECT,
    Record,
    Ref,
)
from airflow_provider_insightly.store.rows import put
from airflow_provider_insightly.store.tables import connector_changes, connector_records

CHANGED_AT_ONCE = 500
"""Ids in one statement: databases bound the number of parameters."""


@dataclass(frozen=True, slots=True)
class Staged:
    """What staging made of a batch.

    :param changed: records that are new or different: they are queued for the next plan.
    :param doubtful: records that differ from what is staged though their time says they are the same: a read that lags
        behind our own write, or a second edit within the same second. Only a read by id can tell.
    """

    changed: tuple[Ref, ...]
    doubtful: tuple[Ref, ...]


def stage(
    connection: Connection, instance: str, records: Iterable[Record], now: datetime, *, certain: bool = False
) -> Staged:
    """Keep the state of records, and queue those that changed.

    A state that is older than the staged one is a read that lags behind, and is left out.

    :param certain: the records were read by id, which never lags: a doubtful one counts.
    """
    by_ref = {record.ref: record for record in records}  # repeated rows: the last one counts
    known = {Ref(row.object, row.record_id): row for row in _rows(connection, instance, by_ref)}
    changed, doubtful, inserts, stale = [], [], [], set()
    for ref, record in sorted(by_ref.items()):
        row = known.get(ref)
        if row is None:
            inserts.append(_columns(instance, record, None))
            changed.append(ref)
        elif row.digest == record.digest:
            _confirm(connection, instance, row, record)
            if row.missing_since is not None or row.gone:  # what was decided without it is to be decided again
                changed.append(ref)
        elif not certain and _is_doubtful(record, row):
            doubtful.append(ref)
            stale.add(ref)
        elif not certain and _is_older(record, row):
            stale.add(ref)
        else:
            _replace(connection, instance, record, row.data)
            changed.append(ref)
    if inserts:
        connection.execute(connector_records.insert(), inserts)
    heard = [record for ref, record in by_ref.items() if ref.object in EMAIL_FIELD and ref not in stale]
    note_opt_outs(connection, instance, heard, now)  # what was said before an opt-in was lifted is no news after it
    queue(connection, instance, changed)
    queue_contacts_of(connection, instance, [ref.id for ref in changed if ref.object == ORGANISATIONS])
    return Staged(tuple(changed), tuple(doubtful))


def absorb(connection: Connection, instance: str, record: Record, written: Collection[str], now: datetime) -> None:
    """Keep the state that a write of ours was answered with.

    What we wrote is no news; anything else that changed in the meantime is, and so is an address, since others may
    have waited for the old one.
    """
    row = next(iter(_rows(connection, instance, [record.ref])), None)
    if row is None:
        connection.execute(connector_records.insert(), [_columns(instance, record, None)])
    else:
        names = {name for name in {*row.data, *record.data} if row.data.get(name) != record.data.get(name)}
        news = names - set(written)
        edited_at = record.updated_at if news else row.edited_at
        address = EMAIL_FIELD.get(record.ref.object)
        seen = row.data if news or address in names else row.former  # former tells of what people did, not we
        ours = {name: record.data.get(name) for name in written if name != address}
        former = None if seen is None else {**seen, **ours}
        _replace(connection, instance, replace(record, edited_at=edited_at), former)
        if news or address in names:
            queue(connection, instance, [record.ref])
    note_opt_outs(connection, instance, [record], now)


def queue(connection: Connection, instance: str, refs: Collection[Ref]) -> None:
    """Put records into the queue of those that the next plan looks at."""
    table, names = connector_changes, ("instance", "object", "record_id", "plan_id")
    for batch in _batches(refs):  # several tasks may queue the same Contacts at once
        put(connection, table, [dict(zip(names, (instance, *ref, None), strict=True)) for ref in batch])


def queue_contacts_of(connection: Connection, instance: str, organisations: Sequence[int]) -> None:
    """Queue the Contacts of organisations that changed, since mapped fields may come from them."""
    for start in range(0, len(organisations), CHANGED_AT_ONCE):
        batch = organisations[start : start + CHANGED_AT_ONCE]
        table = connector_records.c
        found = connection.execute(
            select(table.record_id).where(
                table.instance == instance, table.organisation_id.in_(batch), table.object == CONTACTS
            )
        )
        queue(connection, instance, [Ref(CONTACTS, number) for number in found.scalars()])


def queue_all(connection: Connection, instance: str) -> None:
    """Queue every record, as a change of the settings asks for."""
    changes, records = connector_changes, connector_records
    connection.execute(changes.delete().where(changes.c.instance == instance))
    everything = select(records.c.instance, records.c.object, records.c.record_id).where(
        records.c.instance == instance, records.c.object.in_((PROSPECT, CONTACTS, LEADS))
    )
    connection.execute(changes.insert().from_select(["instance", "object", "record_id"], everything))


def read_records(connection: Connection, instance: str, refs: Collection[Ref]) -> list[Record]:
    """Return those of the records that are staged."""
    return [as_record(row) for row in _rows(connection, instance, refs)]


def records_where(connection: Connection, instance: str, condition: ColumnElement[bool]) -> list[Record]:
    """Return the staged records for which a condition on ``connector_records`` holds."""
    rows = connection.execute(select(connector_records).where(connector_records.c.instance == instance, condition))
    return [as_record(row) for row in rows]


def as_record(row: Row[Any]) -> Record:
    """Turn a row of ``connector_records`` into a record."""
    missing = row.missing_since is not None
    ref = Ref(row.object, row.record_id)
    times = (row.updated_at, row.edited_at, row.created_at)
    return Record(ref, row.data, *times, row.gone, missing, row.former, row.email_key)


def newest_records(connection: Connection, instance: str, object: str, limit: int) -> list[Record]:
    """Return the staged records of an object that were created last, without those that are gone."""
    table = connector_records.c
    rows = connection.execute(
        select(connector_records)
        .where(table.instance == instance, table.object == object, table.gone.is_(False))
        .order_by(table.record_id.desc())
        .limit(limit)
    )
    return [as_record(row) for row in rows]


def count_records(connection: Connection, instance: str) -> Mapping[str, int]:
    """Return how many records of each object are staged, those that are gone left out."""
    table = connector_records.c
    rows = connection.execute(
        select(table.object, func.count())
        .where(table.instance == instance, table.gone.is_(False))
        .group_by(table.object)
    )
    return {row[0]: row[1] for row in rows}


def stage_unseen(connection: Connection, instance: str, refs: Collection[Ref], now: datetime) -> None:
    """Keep a place for records that are named somewhere and were never listed: they count as missing from now on."""
    known = {record.ref for record in read_records(connection, instance, refs)}
    rows = [{**_columns(instance, Record(ref, {}), None), "missing_since": now} for ref in sorted(set(refs) - known)]
    if rows:
        connection.execute(connector_records.insert(), rows)


def set_gone(connection: Connection, instance: str, ref: Ref, now: datetime) -> None:
    """Note that a record was deleted, and queue it; what is gone is missing, too."""
    set_missing(connection, instance, ref, now)
    connection.execute(_where_ref(connector_records.update(), instance, ref).values(gone=True))
    queue(connection, instance, [ref])


def set_missing(connection: Connection, instance: str, ref: Ref, since: datetime) -> None:
    """Note that a record is not where it was, if that is news."""
    update = _where_ref(connector_records.update(), instance, ref)
    connection.execute(update.where(connector_records.c.missing_since.is_(None)).values(missing_since=since))


def _where_ref(statement: Any, instance: str, ref: Ref) -> Any:
    table = connector_records.c
    return statement.where(table.instance == instance, table.object == ref.object, table.record_id == ref.id)


def _is_doubtful(record: Record, row: Row[Any]) -> bool:
    """Say whether a state that differs from the staged one may be older, and may be newer or know more.

    Other fields are those of another mapping, which asks for every record again, or custom fields that were filled in
    since a read that lags behind.
    """
    if set(record.data) != set(row.data):
        return _is_older(record, row)
    return bool(record.updated_at == row.updated_at)


def _is_older(record: Record, row: Row[Any]) -> bool:
    return record.updated_at is not None and row.updated_at is not None and record.updated_at < row.updated_at


def _confirm(connection: Connection, instance: str, row: Row[Any], record: Record) -> None:
    """The record is there and as it was; only its time may be new."""
    is_newer = record.updated_at not in (None, row.updated_at) and not _is_older(record, row)
    if row.missing_since is not None or row.gone or is_newer:
        times = {"updated_at": record.updated_at, "edited_at": record.updated_at} if is_newer else {}
        update = _where_ref(connector_records.update(), instance, record.ref)
        connection.execute(update.values(missing_since=None, gone=False, **times))


def _replace(connection: Connection, instance: str, record: Record, former: Mapping[str, Any] | None) -> None:
    values = _columns(instance, record, former)
    connection.execute(_where_ref(connector_records.update(), instance, record.ref).values(values))


def _columns(instance: str, record: Record, former: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "instance": instance,
        "object": record.ref.object,
        "record_id": record.ref.id,
        "email_key": record.email_key,
        "name_key": record.name_key,
        "organisation_id": record.organisation_id,
        "updated_at": record.updated_at,
        "edited_at": record.edited_at,
        "created_at": record.created_at,
        "data": dict(record.data),
        "former": None if former is None else dict(former),
        "digest": record.digest,
        "missing_since": None,
        "gone": False,
    }


def _rows(connection: Connection, instance: str, refs: Collection[Ref]) -> list[Row[Any]]:
    table = connector_records
    found: list[Row[Any]] = []
    for batch in _batches(refs):
        for condition in _among(table.c, batch):
            found += connection.execute(select(table).where(table.c.instance == instance, condition))
    return found


def _among(columns: Any, refs: Collection[Ref]) -> list[ColumnElement[bool]]:
    """Return a condition for each object among the records: apart, each finds its index."""
    by_object = groupby(sorted(refs), key=lambda ref: ref.object)
    return [and_(columns.object == name, columns.record_id.in_([ref.id for ref in same])) for name, same in by_object]


def _batches(refs: Collection[Ref]) -> Iterable[list[Ref]]:
    ordered = sorted(set(refs))
    return (ordered[start : start + CHANGED_AT_ONCE] for start in range(0, len(ordered), CHANGED_AT_ONCE))
