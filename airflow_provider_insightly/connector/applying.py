"""Applying a plan: for each action the intent in the log, the request, then all its results in one transaction.

An action that a crash left between intent and result is done again. That is harmless for everything but creating a
prospect, which first looks whether the prospect is there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select, update
from sqlalchemy.engine import Connection, Engine

from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.api.errors import (
    AccessDeniedError,
    AuthenticationError,
    DailyQuotaError,
    InsightlyError,
    InvalidRequestError,
    NotFoundError,
)
from airflow_provider_insightly.connector.actions import APPLIED, FAILED, NEITHER, REJECTED, TO_CRM, Action, Change
from airflow_provider_insightly.connector.baselines import as_answered
from airflow_provider_insightly.connector.extraction import Clock
from airflow_provider_insightly.connector.ledger import lift_opt_out, note_opt_outs
from airflow_provider_insightly.connector.links import TakenError, bury, pair_up, read_links, unbury, update_baseline
from airflow_provider_insightly.connector.local_changes import change_store
from airflow_provider_insightly.connector.log import log_filled, log_intent, log_kept, log_refused, log_result
from airflow_provider_insightly.connector.mapping import MappedField
from airflow_provider_insightly.connector.merging import merged_values
from airflow_provider_insightly.connector.plans import Plan, check_is_newest, read_actions
from airflow_provider_insightly.connector.records import PROSPECT, Record, Ref
from airflow_provider_insightly.connector.rules.create_prospects import UNANSWERED
from airflow_provider_insightly.connector.rules.delete_or_merge_prospects import ARCHIVED
from airflow_provider_insightly.connector.rules.mapped_fields import CLOCKS_AGREE
from airflow_provider_insightly.connector.settings import Settings
from airflow_provider_insightly.connector.staging import absorb, queue, read_records, set_gone, set_missing
from airflow_provider_insightly.connector.timeline import note_published
from airflow_provider_insightly.connector.values import Value, flatten
from airflow_provider_insightly.connector.world import MERGED
from airflow_provider_insightly.connector.write_requests import WriteRequests, tags_of
from airflow_provider_insightly.store.engine import writing
from airflow_provider_insightly.store.tables import connector_actions

DELETED_TAG = "crm_deleted"
"""The tag of a prospect that was archived because its CRM record was deleted."""

MERGED_TAG = "crm_merged"
"""The tag of a prospect that was archived after it had been merged into another."""

LOCAL_AT_ONCE = 200
"""Actions in one transaction that only change the store."""

_STOPS = (AuthenticationError, DailyQuotaError)
"""Answers after which the next request would fare no better."""

DENIALS = 20
"""So many writes in a row may be denied (403) before the next one stops the task: a user may lack the permission for
all records, which is to be noticed soon, or for some that stand together, which must not keep back the others."""


class PlanNotReleasedError(RuntimeError):
    """A plan was to be applied that is a dry run, or that a breaker still holds."""


@dataclass
class Applied:
    """What came of a chunk.

    :param results: how many actions ended in which result.
    :param record_ids: the ids of the prospects that were created.
    """

    results: dict[str, int] = field(default_factory=Counter)
    record_ids: list[int] = field(default_factory=list)


class Applier:
    """Applies actions of one plan.

    :param client: the API.
    :param engine: the store.
    :param plan: the plan, released.
    :param mapping: the checked mapping.
    :param settings: the settings.
    :param now: the clock.
    :param sleep: waits for so many seconds.
    """

    def __init__(
        self,
        client: InsightlyClient,
        engine: Engine,
        plan: Plan,
        mapping: Sequence[MappedField],
        settings: Settings,
        *,
        now: Clock,
        sleep: Callable[[float], None],
    ) -> None:
        if plan.dry_run or plan.released_by is None:
            why = "it is a dry run" if plan.dry_run else "no breaker or person released it"
            raise PlanNotReleasedError(f"The plan {plan.hash} of run {plan.run_id!r} cannot be applied: {why}.")
        with engine.connect() as connection:
            check_is_newest(connection, plan)
        self.client, self.engine, self.plan, self.instance = client, engine, plan, plan.instance
        self.mapping, self.settings, self.now = mapping, settings, now
        self.denied = 0
        self.requests = WriteRequests(client, mapping, settings.read_lag_seconds, sleep)

    def apply(self, step: str, first: int = 0, last: int | None = None) -> Applied:
        """Apply the actions of a step between two numbers that have no result yet; records already done are counted."""
        applied = Applied()
        with self.engine.connect() as connection:
            actions = list(read_actions(connection, self.plan.plan_id, step, first, last))
        local: list[tuple[int, Action]] = []
        for seq, action, started_at, result in actions:
            if result is not None:
                continue
            if action.direction == NEITHER:
                local.append((seq, action))
            else:
                self._apply_remote(seq, action, started_at is not None)
        for start in range(0, len(local), LOCAL_AT_ONCE):
            with writing(self.engine) as connection:
                for seq, action in local[start : start + LOCAL_AT_ONCE]:
                    self._apply_local(connection, seq, action)
        with self.engine.connect() as connection:
            self._count(connection, step, first, last, applied)
        return applied

    def _count(self, connection: Connection, step: str, first: int, last: int | None, applied: Applied) -> None:
        table = connector_actions.c
        query = select(table.event, table.result, table.record_id).where(
            table.plan_id == self.plan.plan_id, table.step == step, table.seq >= first
        )
        if last is not None:
            query = query.where(table.seq <= last)
        for event, result, record_id in connection.execute(query.order_by(table.seq)):
            applied.results[result] = applied.results.get(result, 0) + 1
            if event == "create" and result == APPLIED:
                applied.record_ids.append(record_id)

    def _apply_local(self, connection: Connection, seq: int, action: Action) -> None:
        now, result, why = self.now(), APPLIED, None
        try:
            change_store(connection, self.instance, action, self.settings, now)
        except TakenError as error:
            result, why = FAILED, str(error)
        if action.event != "agree":  # nothing happened to either record: no row in the log
            log_intent(connection, self.plan, seq, action, now)
            log_result(connection, self.plan, seq, result, now, error=why)
        self._finish(connection, seq, result)

    def _apply_remote(self, seq: int, action: Action, again: bool) -> None:
        with writing(self.engine) as connection:
            log_intent(connection, self.plan, seq, action, self.now())
            self._start(connection, seq)
        try:
            _WRITERS[action.event](self, seq, action, again)
        except _STOPS:
            raise
        except AccessDeniedError as error:
            self.denied += 1
            if self.denied > DENIALS:
                raise
            with writing(self.engine) as connection:
                self._fail(connection, seq, FAILED, error)
        except (NotFoundError, InvalidRequestError) as error:
            result = FAILED if isinstance(error, NotFoundError) else REJECTED
            with writing(self.engine) as connection:
                if isinstance(error, NotFoundError):
                    self._note_missing(connection, action)
                self._fail(connection, seq, result, error)
        except InsightlyError as error:
            with writing(self.engine) as connection:
                self._fail(connection, seq, FAILED, error)
        else:
            self.denied = 0

    def _note_missing(self, connection: Connection, action: Action) -> None:
        target = action.crm if action.direction == TO_CRM else Ref(PROSPECT, action.prospect_id or 0)
        if action.event == "merge":
            target = action.other  # that the other prospect is gone is no reason to fail
        if target is not None:
            set_missing(connection, self.instance, target, self.now())

    def _fail(self, connection: Connection, seq: int, result: str, error: InsightlyError) -> None:
        log_result(connection, self.plan, seq, result, self.now(), http_status=error.status, error=str(error))
        self._finish(connection, seq, result)

    def _start(self, connection: Connection, seq: int) -> None:
        table = connector_actions
        statement = update(table).where(table.c.plan_id == self.plan.plan_id, table.c.seq == seq)
        connection.execute(statement.where(table.c.started_at.is_(None)).values(started_at=self.now()))

    def _finish(self, connection: Connection, seq: int, result: str, record_id: int | None = None) -> None:
        table = connector_actions
        statement = update(table).where(table.c.plan_id == self.plan.plan_id, table.c.seq == seq)
        connection.execute(statement.values(result=result, record_id=record_id))

    def update_prospect(self, seq: int, action: Action, again: bool) -> None:
        """Write the changes of an action to its prospect."""
        self._update(seq, action, Ref(PROSPECT, action.prospect_id or 0))

    def update_crm(self, seq: int, action: Action, again: bool) -> None:
        """Write the changes of an action to its Lead or Contact."""
        assert action.crm is not None
        self._update(seq, action, action.crm)

    def _update(self, seq: int, action: Action, ref: Ref) -> None:
        values = {change.field: change.after for change in action.changes}
        record, refused = self._write(action, ref, values)
        open_rows = {row.name for row in self.mapping if row.names.get(ref.object) in refused}
        agreed = {name: value for name, value in (action.baseline or {}).items() if name not in open_rows}
        with writing(self.engine) as connection:
            now = self.now()
            absorb(connection, self.instance, record, values.keys() - refused.keys(), now)
            baseline, kept = as_answered(agreed, record, self.mapping)
            update_baseline(connection, self.instance, action.prospect_id or 0, baseline)
            if action.event == "opt_in_prospect":
                lift_opt_out(connection, self.instance, record.email_key or "", action.reason or "", now)
            log_result(connection, self.plan, seq, APPLIED, now, http_status=200)
            log_kept(connection, self.plan, seq, kept)
            for field, error in refused.items():
                log_refused(connection, self.plan, seq, field, http_status=error.status, error=str(error))
            self._finish(connection, seq, REJECTED if refused else APPLIED)

    def _write(
        self, action: Action, ref: Ref, values: Mapping[str, Value]
    ) -> tuple[Record, Mapping[str, InvalidRequestError]]:
        """Write fields; mapped ones stand each for itself, an address and its opt-out do not."""
        if action.event in ("update_prospect", "update_crm"):
            return self.requests.write_each(ref, values)
        return self.requests.write(ref, values), {}

    def create(self, seq: int, action: Action, again: bool) -> None:
        """Create a prospect and link it; look first whether an earlier attempt did."""
        assert action.crm is not None
        values = {change.field: change.after for change in action.changes}
        again = again or action.reason == UNANSWERED
        record, is_new = self.requests.create_prospect(values, self._is_known, again)
        with writing(self.engine) as connection:
            now = self.now()
            absorb(connection, self.instance, record, set(values), now)
            baseline, kept = as_answered(action.baseline or {}, record, self.mapping)
            if not is_new:  # someone may have edited it since, or its record: which of both is older nobody knows
                baseline, kept = {name: value for name, value in baseline.items() if name not in kept}, {}
            pair_up(connection, self.instance, record.ref.id, action.crm, "created", baseline, now)
            log_result(connection, self.plan, seq, APPLIED, now, prospect_id=record.ref.id, http_status=201)
            log_kept(connection, self.plan, seq, kept)
            self._finish(connection, seq, APPLIED, record.ref.id)

    def _is_known(self, record: Record) -> bool:
        """Say whether a prospect was there before: a list may have shown the one that we created meanwhile, too."""
        with self.engine.connect() as connection:
            if not read_records(connection, self.instance, [record.ref]):
                return False
            is_paired = any(read_links(connection, self.instance, record=record.ref))
        is_older = record.created_at is not None and record.created_at < self.plan.made_at - CLOCKS_AGREE
        return is_paired or is_older

    def merge(self, seq: int, action: Action, again: bool) -> None:
        """Fill the survivor's blanks from the other prospect, then archive or delete that one."""
        assert action.other is not None
        assert action.crm is not None
        lost, survivor = Ref(PROSPECT, action.prospect_id or 0), action.other
        kept = self.client.get(PROSPECT, survivor.id)
        try:
            given = self.client.get(PROSPECT, lost.id)
        except NotFoundError:
            given = None  # an earlier attempt deleted it, after it had filled the survivor
        record = self.requests.read(PROSPECT, kept)
        written: dict[str, Value] = {}
        if given is not None:
            values, tags = flatten(given), tags_of(given)
            if MERGED_TAG in tags:  # an earlier attempt archived it: that it is closed is no wish of a person's
                values["DO_NOT_SYNC"] = False
                tags.remove(MERGED_TAG)
            before = flatten(kept)
            written = merged_values(before, values)
            filled = [Change(name, before.get(name), value) for name, value in sorted(written.items())]
            written.update({change.field: change.after for change in action.changes})
            with writing(self.engine) as connection:
                log_filled(connection, self.plan, seq, action, filled, self.now())
            joined = self.requests.join_tags(survivor, kept, tags)
            if written:
                record = self.requests.write(survivor, written)
            elif joined:
                record = self.requests.read(PROSPECT, self.client.get(PROSPECT, survivor.id))
            if self.settings.delete_mode == "archive":
                self._archive(lost, given, MERGED_TAG)
            else:
                self._delete(lost, given)
        with writing(self.engine) as connection:
            now = self.now()
            absorb(connection, self.instance, record, set(written) - {"EMAIL_ADDRESS"}, now)
            queue(connection, self.instance, [survivor])
            if given is None:
                set_gone(connection, self.instance, lost, now)
            self._bury(connection, lost, action.crm, MERGED)
            if action.changes:  # a holder of an address was merged: its own pair is none
                unbury(connection, self.instance, lost.id, action.crm)
            log_result(connection, self.plan, seq, APPLIED, now, http_status=200)
            self._finish(connection, seq, APPLIED)

    def archive(self, seq: int, action: Action, again: bool) -> None:
        """Close a prospect to the connector and tag it."""
        assert action.crm is not None
        prospect = Ref(PROSPECT, action.prospect_id or 0)
        self._archive(prospect, self.client.get(PROSPECT, prospect.id), DELETED_TAG)
        with writing(self.engine) as connection:
            self._bury(connection, prospect, action.crm, ARCHIVED)
            log_result(connection, self.plan, seq, APPLIED, self.now(), http_status=200)
            self._finish(connection, seq, APPLIED)

    def delete(self, seq: int, action: Action, again: bool) -> None:
        """Delete a prospect for good."""
        assert action.crm is not None
        prospect = Ref(PROSPECT, action.prospect_id or 0)
        try:
            self._delete(prospect, self.client.get(PROSPECT, prospect.id))
        except NotFoundError:
            if not again:
                raise  # it may be there, and hidden from us; after an earlier attempt, that one did it
            with writing(self.engine) as connection:
                set_gone(connection, self.instance, prospect, self.now())
        with writing(self.engine) as connection:
            self._bury(connection, prospect, action.crm, "deleted")
            log_result(connection, self.plan, seq, APPLIED, self.now(), http_status=202)
            self._finish(connection, seq, APPLIED)

    def restore(self, seq: int, action: Action, again: bool) -> None:
        """Open an archived prospect again and link it to the record that came back."""
        assert action.crm is not None
        prospect = Ref(PROSPECT, action.prospect_id or 0)
        tags = tags_of(self.client.get(PROSPECT, prospect.id))
        if DELETED_TAG in tags:
            self.requests.set_tags(prospect, [tag for tag in tags if tag != DELETED_TAG])
        record = self.requests.write(prospect, {"DO_NOT_SYNC": False})
        with writing(self.engine) as connection:
            now = self.now()
            absorb(connection, self.instance, record, {"DO_NOT_SYNC"}, now)
            unbury(connection, self.instance, prospect.id, action.crm)
            pair_up(connection, self.instance, prospect.id, action.crm, "restored", {}, now)
            queue(connection, self.instance, [prospect])
            log_result(connection, self.plan, seq, APPLIED, now, http_status=200)
            self._finish(connection, seq, APPLIED)

    def publish_note(self, seq: int, action: Action, again: bool) -> None:
        """Write a day of the timeline as a Note; look first whether an earlier attempt did."""
        assert action.crm is not None
        note = {change.field: change.after for change in action.changes}
        note_id = self.requests.create_note(action.crm, note, again)
        with writing(self.engine) as connection:
            note_published(connection, self.instance, action.prospect_id or 0, action.reason or "", note_id)
            log_result(connection, self.plan, seq, APPLIED, self.now(), http_status=201)
            self._finish(connection, seq, APPLIED, note_id)

    def _archive(self, prospect: Ref, answer: Mapping[str, Value], tag: str) -> None:
        """Tag a prospect, then close it: one that is closed without the tag was closed by a person."""
        self.requests.join_tags(prospect, answer, [tag])
        record = self.requests.write(prospect, {"DO_NOT_SYNC": True})
        with writing(self.engine) as connection:
            absorb(connection, self.instance, record, {"DO_NOT_SYNC"}, self.now())

    def _delete(self, prospect: Ref, answer: Mapping[str, Value]) -> None:
        """Delete a prospect; an opt-out since the plan was made, over which a person may have slept, outlives it."""
        with writing(self.engine) as connection:
            note_opt_outs(connection, self.instance, [self.requests.read(PROSPECT, answer)], self.now())
        self.client.delete(PROSPECT, prospect.id)
        with writing(self.engine) as connection:
            set_gone(connection, self.instance, prospect, self.now())

    def _bury(self, connection: Connection, prospect: Ref, crm: Ref, reason: str) -> None:
        bury(connection, self.instance, prospect.id, crm, reason, self.now())


_WRITERS: Mapping[str, Callable[[Applier, int, Action, bool], None]] = {
    "create": Applier.create,
    "update_prospect": Applier.update_prospect,
    "change_email": Applier.update_prospect,
    "opt_out_prospect": Applier.update_prospect,
    "opt_in_prospect": Applier.update_prospect,
    "update_crm": Applier.update_crm,
    "opt_out_crm": Applier.update_crm,
    "merge": Applier.merge,
    "archive": Applier.archive,
    "delete": Applier.delete,
    "restore": Applier.restore,
    "note": Applier.publish_note,
}
