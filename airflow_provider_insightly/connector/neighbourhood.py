"""Loading a world from the store: the records that changed, and all that hang together with them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, and_, exists, or_, select
from sqlalchemy.engine import Connection

from airflow_provider_insightly.connector.actions import APPLIED, FAILED
from airflow_provider_insightly.connector.ledger import read_opt_outs
from airflow_provider_insightly.connector.records import CRM_OBJECTS, EMAIL_FIELD, ORGANISATIONS, PROSPECT, Record, Ref
from airflow_provider_insightly.connector.settings import Settings
from airflow_provider_insightly.connector.staging import read_records, records_where
from airflow_provider_insightly.connector.values import email_key
from airflow_provider_insightly.connector.world import Link, World, Write
from airflow_provider_insightly.store.tables import (
    connector_actions,
    connector_links,
    connector_log,
    connector_plans,
    connector_records,
    connector_tombstones,
)


def load_world(
    connection: Connection, instance: str, refs: Collection[Ref], settings: Settings, now: datetime
) -> World:
    """Load whole neighbourhoods: records that share an address (also a former one), a link, an id or a conversion.

    Since each is whole, what is decided in one cannot touch another. Pairs that ended and creations that were not
    answered matter to records that are in no pair, and are read for them alone.
    """
    records: dict[Ref, Record] = {}
    links: dict[int, Link] = {}
    asked: set[Ref] = set()
    asked_keys: set[str] = set()
    frontier = set(refs)
    while frontier:
        asked |= frontier
        loaded = read_records(connection, instance, frontier)
        keys = {key for record in loaded for key in _address_keys(record)} - asked_keys
        asked_keys |= keys
        sharing = _sharing(connection, instance, keys, loaded)
        loaded += sharing
        records.update((record.ref, record) for record in loaded)
        asked |= {record.ref for record in loaded}
        found = _links_of(connection, instance, frontier | {record.ref for record in loaded})
        links.update((link.prospect_id, link) for link in found)
        frontier = {ref for record in loaded for ref in _named(record, settings)}
        frontier |= {ref for link in found for ref in (link.prospect, link.crm)}
        frontier -= asked
        # those who share a former address may bring new addresses along
        frontier |= {record.ref for record in sharing if not asked_keys.issuperset(_address_keys(record))}
    unlinked = records.keys() - {ref for link in links.values() for ref in (link.prospect, link.crm)}
    return World(
        records.values(),
        links.values(),
        _tombstones(connection, instance, unlinked),
        read_opt_outs(connection, instance, {record.email_key for record in records.values() if record.email_key}),
        _recent_writes(connection, instance, list(links), now),
        _unanswered_creates(connection, instance, unlinked),
        now=now,
    )


def _address_keys(record: Record) -> list[str]:
    field = EMAIL_FIELD.get(record.ref.object)
    former = email_key(record.former.get(field)) if field and record.former else None
    return [key for key in (record.email_key, former) if key]


def _named(record: Record, settings: Settings) -> list[Ref]:
    """Return the records that this one names by id, and those of which a person says that it is what is left."""
    named = record.named_refs if record.ref.object == PROSPECT else []
    if record.converted_into:
        named.append(record.converted_into)
    if record.organisation_id:
        named.append(Ref(ORGANISATIONS, record.organisation_id))
    if record.ref.object in CRM_OBJECTS:
        named += settings.merged_from(record.ref)
        stated = settings.merged_into(record.ref) if record.gone else None
        if stated:
            named.append(stated)
    return named


def _sharing(connection: Connection, instance: str, keys: Collection[str], loaded: list[Record]) -> list[Record]:
    """Return the other records with these addresses, and for those that are gone also those with the same name."""
    column, found = connector_records.c, list[Record]()
    known = [and_(column.object == name, column.record_id.in_(ids)) for name, ids in _ids_by_object(loaded).items()]
    names = {record.name_key for record in loaded if record.gone and record.name_key}
    if keys:
        found += records_where(connection, instance, and_(column.email_key.in_(keys), ~or_(*known)))
    if names:
        same_name = and_(column.name_key.in_(names), column.object.in_(CRM_OBJECTS))
        found += records_where(connection, instance, and_(same_name, ~or_(*known)))
    return found


def _ids_by_object(records: list[Record]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for record in records:
        found.setdefault(record.ref.object, []).append(record.ref.id)
    return found


def _links_of(connection: Connection, instance: str, refs: Collection[Ref]) -> list[Link]:
    links: list[Link] = []
    for side in ((PROSPECT,), CRM_OBJECTS):
        known = {link.crm for link in links}  # a record is in one pair at most
        asked = [ref for ref in refs if ref.object in side and ref not in known]
        rows = _pairs(connection, connector_links.c.baseline, instance, asked)
        links += [Link(prospect_id, crm, baseline) for prospect_id, crm, baseline in rows]
    return links


def _tombstones(connection: Connection, instance: str, refs: Collection[Ref]) -> dict[tuple[int, Ref], str]:
    rows = _pairs(connection, connector_tombstones.c.reason, instance, refs)
    return {(prospect_id, crm): reason for prospect_id, crm, reason in rows}


def _pairs(
    connection: Connection, column: Column[Any], instance: str, refs: Collection[Ref]
) -> Iterator[tuple[int, Ref, Any]]:
    """Yield the pairs with any of these records, each with a column; each object has a query, and so an index."""
    table = column.table.c
    query = select(table.prospect_id, table.crm_object, table.crm_id, column).where(table.instance == instance)
    for name in (PROSPECT, *CRM_OBJECTS):
        ids = [ref.id for ref in refs if ref.object == name]
        of_crm = and_(table.crm_object == name, table.crm_id.in_(ids))
        if ids:
            found = connection.execute(query.where(table.prospect_id.in_(ids) if name == PROSPECT else of_crm))
            for prospect_id, crm_object, crm_id, value in found.all():
                yield prospect_id, Ref(crm_object, crm_id), value


def _unanswered_creates(connection: Connection, instance: str, refs: Collection[Ref]) -> dict[Ref, datetime]:
    """Return the Leads and Contacts for which a request to create a prospect was sent and not answered, with its time.

    A failed request was answered when its answer put the blame on us (4xx).
    """
    table, plans, log = connector_actions.c, connector_plans.c, connector_log.c
    numbers = [ref.id for ref in refs if ref.object in CRM_OBJECTS]
    if not numbers:
        return {}
    refused = exists().where(
        log.plan_id == table.plan_id, log.seq == table.seq, log.instance == instance, log.http_status.between(400, 499)
    )
    rows = connection.execute(
        select(table.crm_object, table.crm_id, table.started_at)
        .where(table.event == "create", table.started_at.is_not(None))
        .where(or_(table.result.is_(None), and_(table.result == FAILED, ~refused)))
        .where(table.plan_id == plans.plan_id, plans.instance == instance, table.crm_id.in_(numbers))
        .order_by(table.started_at.desc())
    )
    return {Ref(row.crm_object, row.crm_id): row.started_at for row in rows}  # the first request counts


def _recent_writes(
    connection: Connection, instance: str, prospects: list[int], now: datetime
) -> dict[int, list[Write]]:
    """Return what was written to the fields of these pairs in the last 24 hours, oldest first."""
    table = connector_log.c
    if not prospects:
        return {}
    rows = connection.execute(
        select(table.prospect_id, table.event, table.field, table.before, table.after)
        .where(
            table.instance == instance,
            table.prospect_id.in_(prospects),
            table.at >= now - timedelta(hours=24),
            table.event.in_(("update_prospect", "update_crm")),
            table.result == APPLIED,
        )
        .order_by(table.id)
    )
    written: dict[int, list[Write]] = {}
    for prospect_id, *write in rows:
        written.setdefault(prospect_id, []).append(Write(*write))
    return written
