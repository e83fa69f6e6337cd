"""From a world to a plan: the rules in their order, one neighbourhood after the other."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, select, tuple_, update
from sqlalchemy.engine import Connection, Engine

from airflow_provider_insightly.connector.actions import APPLIED, IDENTITY, PLANNED, SKIPPED, Action
from airflow_provider_insightly.connector.configuration import Configuration
from airflow_provider_insightly.connector.mapping import MappedField
from airflow_provider_insightly.connector.neighbourhood import load_world
from airflow_provider_insightly.connector.plans import Plan, Summary, note_newest, read_plan
from airflow_provider_insightly.connector.records import CONTACTS, LEADS, PROSPECT, Ref
from airflow_provider_insightly.connector.rules.create_prospects import create
from airflow_provider_insightly.connector.rules.delete_or_merge_prospects import follow, restore
from airflow_provider_insightly.connector.rules.mapped_fields import sync_fields
from airflow_provider_insightly.connector.rules.match_by_email import match_by_address, match_by_id
from airflow_provider_insightly.connector.rules.overwrite_opted_out import sync_opt_out
from airflow_provider_insightly.connector.rules.sync_field_labels import sync_labels
from airflow_provider_insightly.connector.rules.update_email_addresses import update_email
from airflow_provider_insightly.connector.settings import Settings
from airflow_provider_insightly.connector.staging import queue, queue_all, read_records, stage_unseen
from airflow_provider_insightly.connector.state import CREATING_SINCE, LABELS, SYNCED_WITH, read_state, read_time
from airflow_provider_insightly.connector.timeline import plan_notes
from airflow_provider_insightly.connector.world import Link, World
from airflow_provider_insightly.store.engine import writing
from airflow_provider_insightly.store.tables import (
    connector_actions,
    connector_changes,
    connector_links,
    connector_plans,
    connector_records,
)

BATCH = 500
"""Changed records that are looked at together; with their neighbours they are what a plan holds in memory at once."""


class UnknownRecordError(LookupError):
    """A run was confined to a record that Insightly never showed."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the rules go by.

    :param settings: the settings.
    :param mapping: the mapping.
    :param creating_since: since when ``create_prospects`` is on.
    :param backfill: create prospects for older records too.
    """

    settings: Settings
    mapping: Sequence[MappedField]
    creating_since: datetime | None = None
    backfill: bool = False


def decide_world(world: World, rules: Rules) -> list[Action]:
    """Return all that is to be done in a world: identity, matches, pairs, creates."""
    settings, actions = rules.settings, list[Action]()

    def take(decided: Sequence[Action]) -> None:
        actions.extend(decided)
        for action in decided:
            world.decide(action)

    for link in sorted(world.links(), key=lambda link: not _is_gone(link.prospect, world)):
        take(follow(link, world, settings))  # prospects that were deleted first: nothing is merged into them
    ended = {action.prospect_id for action in actions}  # whose pair ended in this run is not matched in it
    for prospect in world.unlinked(PROSPECT):
        take(restore(prospect, world, settings))
    unmatched = [prospect for prospect in world.unlinked(PROSPECT) if prospect.ref.id not in ended]
    for prospect in unmatched:  # the ids of all before the first address: nobody gets the record that another names
        take(match_by_id(prospect, world))
    for prospect in unmatched:
        if not world.link_of(prospect.ref):
            take(match_by_address(prospect, world, settings))
    for link in world.links():
        take(_decide_pair(link, world, rules))
    for crm_object in (CONTACTS, LEADS):
        for crm in world.unlinked(crm_object):
            take(create(crm, world, settings, rules.mapping, enabled_at=rules.creating_since, backfill=rules.backfill))
    return actions


def _is_gone(ref: Ref, world: World) -> bool:
    record = world.get(ref)
    return record is not None and record.gone


def _decide_pair(link: Link, world: World, rules: Rules) -> list[Action]:
    prospect, crm = world.get(link.prospect), world.get(link.crm)
    if prospect is None or crm is None or not world.is_live(prospect.ref) or not world.is_live(crm.ref):
        return []
    if prospect.do_not_sync:
        reason = "do_not_sync: nothing is written to this prospect or from it"
        return [Action(IDENTITY, "gate", "gate", link.prospect_id, crm.ref, verdict=SKIPPED, reason=reason)]
    return [
        *sync_opt_out(prospect, crm, link, world, rules.settings, rules.mapping),
        *update_email(prospect, crm, world, rules.settings),
        *sync_fields(prospect, crm, link, world, rules.settings, rules.mapping),
    ]


def make_plan(
    engine: Engine,
    instance: str,
    run_id: str,
    configuration: Configuration,
    mapping: Sequence[MappedField],
    *,
    now: datetime,
    dry_run: bool = False,
    backfill: bool = False,
    only: Ref | None = None,
) -> Plan:
    """Make the plan of a run and store it; made again, it is the same unless the world moved.

    :param run_id: the run; it has one plan. A plan of which something was applied is not made again.
    :param dry_run: the plan is never applied.
    :param backfill: look at every record, and create prospects for records older than the setting.
    :param only: plan for this record and its neighbourhood alone.
    :raises UnknownRecordError: that record was never read.
    """
    with writing(engine) as connection:
        plan_id = _start(connection, instance, run_id, now, dry_run)
        if plan_id is None:
            return read_plan(connection, instance, run_id)
        if backfill or read_state(connection, instance, SYNCED_WITH) != configuration.digest:
            queue_all(connection, instance)
        if only is not None:
            if not read_records(connection, instance, [only]):  # what was deleted is there, too
                raise UnknownRecordError(
                    f"{instance} shows no {only}: there is no such record, or the key's user may not see it."
                )
            queue(connection, instance, [only])
        _mark(connection, instance, plan_id, only)
        rules = Rules(configuration.settings, mapping, read_time(connection, instance, CREATING_SINCE), backfill)
        summary = _count_world(connection, instance)
    total = 0
    looked_at: set[Ref] = set()
    last: Ref | None = None
    while True:
        with writing(engine) as connection:
            batch = _changes(connection, instance, plan_id, last)
            if not batch:
                break
            refs = [ref for ref in batch if ref not in looked_at]
            if refs:
                world = _load_world(connection, instance, refs, configuration.settings, now)
                total += _store(connection, plan_id, summary, decide_world(world, rules))
                looked_at |= world.records.keys()
            last = batch[-1]
    with writing(engine) as connection:
        labels = read_state(connection, instance, LABELS) or {}
        actions = [] if only else sync_labels(mapping, labels, configuration.settings)
        actions += [] if only else plan_notes(connection, instance, configuration.settings, now)
        total += _store(connection, plan_id, summary, actions)
        plan_hash = hashlib.sha256(f"{configuration.digest} {backfill} {total % 2**256:064x}".encode()).hexdigest()
        connection.execute(
            update(connector_plans)
            .where(connector_plans.c.plan_id == plan_id)
            .values(hash=plan_hash, summary=summary.to_json())
        )
        plan = read_plan(connection, instance, run_id)
        if not dry_run:
            note_newest(connection, plan)
        return plan


def _load_world(connection: Connection, instance: str, refs: list[Ref], settings: Settings, now: datetime) -> World:
    """Load the neighbourhoods of records; what a prospect without a link names, and no list showed, gets a place."""
    world = load_world(connection, instance, refs, settings, now)
    named = (ref for prospect in world.unlinked(PROSPECT) for ref in prospect.named_refs)
    unseen = [ref for ref in named if world.get(ref) is None]
    if not unseen:
        return world
    stage_unseen(connection, instance, unseen, now)
    return load_world(connection, instance, refs, settings, now)


def _start(connection: Connection, instance: str, run_id: str, now: datetime, dry_run: bool) -> str | None:
    """Open the run's plan anew; ``None`` when it is under way already."""
    plans, actions = connector_plans, connector_actions
    old = connection.execute(
        select(plans.c.plan_id).where(plans.c.instance == instance, plans.c.run_id == run_id)
    ).scalar()
    if old is not None:
        is_begun = or_(actions.c.started_at.is_not(None), actions.c.result == APPLIED)
        if connection.execute(select(func.count()).where(actions.c.plan_id == old, is_begun)).scalar_one():
            return None
        connection.execute(delete(actions).where(actions.c.plan_id == old))
        connection.execute(delete(plans).where(plans.c.plan_id == old))
    plan_id = str(uuid.uuid4())
    connection.execute(
        plans.insert().values(plan_id=plan_id, instance=instance, run_id=run_id, made_at=now, dry_run=dry_run)
    )
    return plan_id


def _mark(connection: Connection, instance: str, plan_id: str, only: Ref | None) -> None:
    """Mark the changes that this plan looks at: all that are queued now, those of plans that came to nothing too."""
    table = connector_changes
    statement = update(table).where(table.c.instance == instance)
    if only is not None:
        statement = statement.where(table.c.object == only.object, table.c.record_id == only.id)
    connection.execute(statement.values(plan_id=plan_id))


def _changes(connection: Connection, instance: str, plan_id: str, last: Ref | None) -> list[Ref]:
    """Return the next changes to look at, after the last one."""
    table = connector_changes.c
    query = (
        select(table.object, table.record_id)
        .where(table.instance == instance, table.plan_id == plan_id)
        .order_by(table.object, table.record_id)
        .limit(BATCH)
    )
    if last is not None:
        query = query.where(tuple_(table.object, table.record_id) > last)  # as a pair: so it finds its index
    return [Ref(*row) for row in connection.execute(query).all()]


def _store(connection: Connection, plan_id: str, summary: Summary, actions: Sequence[Action]) -> int:
    """Keep actions; return the sum of their keys, which does not depend on their order."""
    rows: list[dict[str, Any]] = []
    total = 0
    for action in actions:
        summary.count(action)
        key = action.key
        total += int(key, 16)
        rows.append(
            {
                "plan_id": plan_id,
                "seq": summary.actions,
                "step": action.step,
                "event": action.event,
                "prospect_id": action.prospect_id,
                "crm_object": action.crm.object if action.crm else None,
                "crm_id": action.crm.id if action.crm else None,
                "key": key,
                "data": action.to_json(),
                "result": None if action.verdict == PLANNED else action.verdict,
            }
        )
    if rows:
        connection.execute(connector_actions.insert(), rows)
    return total


def _count_world(connection: Connection, instance: str) -> Summary:
    """Count the pairs and prospects by indexes alone: what is gone is among what is missing."""
    links, records = connector_links.c, connector_records.c
    count = select(func.count())
    pairs = connection.execute(count.where(links.instance == instance)).scalar_one()
    prospects = count.where(records.instance == instance, records.object == PROSPECT)
    gone = prospects.where(records.missing_since.is_not(None), records.gone.is_(True))
    known = connection.execute(prospects).scalar_one()
    return Summary(pairs=pairs, prospects=known - connection.execute(gone).scalar_one())
