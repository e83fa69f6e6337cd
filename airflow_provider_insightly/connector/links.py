"""Pairs in the store: linked, moved, ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.engine import Connection

from airflow_provider_insightly.connector.records import PROSPECT, Ref
from airflow_provider_insightly.connector.values import Value
from airflow_provider_insightly.connector.world import moved_baseline
from airflow_provider_insightly.store.tables import connector_links, connector_tombstones

COLUMNS = ("prospect_id", "crm_object", "crm_id", "matched_by", "linked_at")
"""What a person is shown of a pair, in this order."""


class TakenError(RuntimeError):
    """The record to which a link was to lead is in another pair by now."""


def read_links(
    connection: Connection, instance: str, *, record: Ref | None = None, crm_object: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield pairs by the prospect's id, with how and when they were linked.

    :param record: the pair of this prospect, Lead or Contact alone.
    :param crm_object: pairs with Leads or with Contacts alone.
    """
    links = connector_links.c
    query = select(*(links[name] for name in COLUMNS)).where(links.instance == instance).order_by(links.prospect_id)
    if record is not None and record.object == PROSPECT:
        query = query.where(links.prospect_id == record.id)
    elif record is not None:
        query = query.where(links.crm_object == record.object, links.crm_id == record.id)
    if crm_object is not None:
        query = query.where(links.crm_object == crm_object)
    for row in connection.execute(query):
        yield dict(zip(COLUMNS, row, strict=True))


def pair_up(
    connection: Connection,
    instance: str,
    prospect_id: int,
    crm: Ref,
    matched_by: str,
    baseline: Mapping[str, Value],
    now: datetime,
) -> None:
    """Link a prospect and a CRM record; linked already, only the way is noted anew."""
    connection.execute(_of(delete(connector_links), instance, prospect_id))
    connection.execute(
        connector_links.insert().values(
            instance=instance,
            prospect_id=prospect_id,
            crm_object=crm.object,
            crm_id=crm.id,
            matched_by=matched_by.split(":")[0][:20],
            linked_at=now,
            baseline=dict(baseline),
        )
    )


def move_link(connection: Connection, instance: str, prospect_id: int, crm: Ref, reason: str, now: datetime) -> None:
    """Lead a prospect's link to another record, and bury the old pair.

    :raises TakenError: that record got a prospect by the same plan, which did not count on a person's yes to this.
    """
    links = connector_links.c
    old = connection.execute(
        select(connector_links).where(links.instance == instance, links.prospect_id == prospect_id)
    ).one_or_none()
    if old is not None and Ref(old.crm_object, old.crm_id) == crm:
        return  # an earlier attempt did it
    for holder in read_links(connection, instance, record=crm):
        raise TakenError(f"{crm} belongs to prospect {holder['prospect_id']} by now")
    kept = moved_baseline(old.baseline, reason) if old is not None else {}
    if old is not None:
        bury(connection, instance, prospect_id, Ref(old.crm_object, old.crm_id), "relinked", now)
    unbury(connection, instance, prospect_id, crm)  # what people did in CRM leads back: it did not come by itself
    pair_up(connection, instance, prospect_id, crm, reason, kept, now)


def bury(connection: Connection, instance: str, prospect_id: int, crm: Ref, reason: str, now: datetime) -> None:
    """End a pair, so that it is not made again."""
    unbury(connection, instance, prospect_id, crm)
    connection.execute(
        connector_tombstones.insert().values(
            instance=instance,
            prospect_id=prospect_id,
            crm_object=crm.object,
            crm_id=crm.id,
            reason=reason[:40],
            buried_at=now,
        )
    )
    links = connector_links.c
    connection.execute(
        _of(delete(connector_links), instance, prospect_id).where(
            links.crm_object == crm.object, links.crm_id == crm.id
        )
    )


def unbury(connection: Connection, instance: str, prospect_id: int, crm: Ref) -> None:
    """Forget that a pair ended."""
    table = connector_tombstones.c
    connection.execute(
        delete(connector_tombstones).where(
            table.instance == instance,
            table.prospect_id == prospect_id,
            table.crm_object == crm.object,
            table.crm_id == crm.id,
        )
    )


def update_baseline(connection: Connection, instance: str, prospect_id: int, agreed: Mapping[str, Value]) -> None:
    """Note values on which both sides of a pair agree."""
    if not agreed:
        return
    links = connector_links.c
    known = connection.execute(
        select(links.baseline)
        .where(links.instance == instance, links.prospect_id == prospect_id)
        .with_for_update()  # the other side of the pair may be written by another task
    ).scalar()
    if known is not None:
        statement = _of(update(connector_links), instance, prospect_id)
        connection.execute(statement.values(baseline={**known, **agreed}))


def _of(statement: Any, instance: str, prospect_id: int) -> Any:
    links = connector_links.c
    return statement.where(links.instance == instance, links.prospect_id == prospect_id)
