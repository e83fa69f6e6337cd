"""Operators of the CRM connector: each takes one step of a run. ``dags/insightly_crm_connector.py`` puts them together.

They hold no logic: a step is a function of :mod:`airflow_provider_insightly.connector`, and what passes between steps
lies in the store. XCom carries ids, counts and chunks of the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from airflow.sdk import BaseOperator

from airflow_provider_insightly.links.connector import InsightlyConnectorLogLink

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy.engine import Engine

    from airflow_provider_insightly.api.client import InsightlyClient
    from airflow_provider_insightly.connector.configuration import Configuration
    from airflow_provider_insightly.connector.finishing import Report
    from airflow_provider_insightly.connector.mapping import MappedField
    from airflow_provider_insightly.connector.plans import Plan
    from airflow_provider_insightly.connector.records import Ref
    from airflow_provider_insightly.hooks.insightly import InsightlyHook

LINKS_SHOWN = 10
"""So many records are named with their page in a task's log."""


class ConnectorOperator(BaseOperator):
    """One step of a run of the CRM connector.

    The DAG's parameters override the configuration: the nine boxes by their names, ``dry_run``, ``backfill``,
    ``approve_plan`` and ``record``, which confines the run to one record.

    :param configuration: the settings and the mapping; a run of several instances has several configurations.
    """

    ui_color = "#e8f0fb"
    operator_extra_links = (InsightlyConnectorLogLink(),)
    template_fields: Sequence[str] = ("insightly_conn_id",)  # so that the pages in the UI can tell whose run it is

    def __init__(self, *, configuration: Configuration, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.configuration = configuration
        self.insightly_conn_id = configuration.insightly_conn_id

    @cached_property
    def hook(self) -> InsightlyHook:
        """The hook of the configuration's connection."""
        from airflow_provider_insightly.hooks.insightly import InsightlyHook

        return InsightlyHook(self.insightly_conn_id)

    @cached_property
    def client(self) -> InsightlyClient:
        """The client of the API; all workers share its rate."""
        return self.hook.get_conn()

    @cached_property
    def store(self) -> Engine:
        """The store."""
        return self.hook.store()

    @property
    def instance(self) -> str:
        """The name under which the store keeps this Insightly instance: that of its connection."""
        return self.insightly_conn_id

    def execute(self, context: Context) -> Any:
        """Take the step; an error that no retry can heal fails the task at once."""
        from airflow_provider_insightly.api.errors import AccessDeniedError, AuthenticationError
        from airflow_provider_insightly.connector.configuration import ConfigurationError
        from airflow_provider_insightly.connector.mapping import MappingError
        from airflow_provider_insightly.connector.planning import UnknownRecordError
        from airflow_provider_insightly.connector.plans import OutdatedPlanError, PlanHeldError

        try:
            return self.take_step(context)
        except (
            *(AuthenticationError, AccessDeniedError),
            *(ConfigurationError, MappingError, PlanHeldError, OutdatedPlanError, UnknownRecordError),
        ) as error:
            raise AirflowFailException(str(error)) from error

    def take_step(self, context: Context) -> Any:
        """Do what this operator is for."""
        raise NotImplementedError

    def configured(self, context: Context) -> Configuration:
        """Return the configuration with the settings of this run."""
        return self.configuration.override(boxes_of(context))

    def read_plan(self, context: Context) -> Plan:
        """Return the plan of this run."""
        from airflow_provider_insightly.connector.plans import read_plan

        with self.store.connect() as connection:
            return read_plan(connection, self.instance, context["run_id"])

    def mapping(self, context: Context) -> tuple[MappedField, ...]:
        """Return the mapping, as the check of this run found it."""
        from airflow_provider_insightly.connector.checking import checked_mapping

        return checked_mapping(self.store, self.instance, self.configured(context))


class CheckSettingsOperator(ConnectorOperator):
    """Checks the settings, and the mapping against the instance's own fields."""

    def take_step(self, context: Context) -> None:
        """Check, and say which boxes are on."""
        from airflow_provider_insightly.connector.checking import check
        from airflow_provider_insightly.connector.overview import note_configuration
        from airflow_provider_insightly.connector.run import utc_now
        from airflow_provider_insightly.connector.settings import BOXES
        from airflow_provider_insightly.store.engine import writing

        configuration = self.configured(context)
        dry_run = bool(context["params"].get("dry_run"))
        run = {"dag_id": context["dag"].dag_id, "run_id": context["run_id"], "dry_run": dry_run, "now": utc_now()}
        with writing(self.store) as connection:
            note_configuration(connection, self.instance, self.configuration, boxes_of(context), **run)
        mapping = check(self.client, self.store, self.instance, configuration, now=utc_now, dry_run=dry_run)
        for number, name in BOXES.items():
            self.log.info("%s. %s: %s", number, name, "on" if getattr(configuration.settings, name) else "off")
        self.log.info("%d mapped fields fit this instance.%s", len(mapping), " This is a dry run." if dry_run else "")


class ExtractOperator(ConnectorOperator):
    """Reads what changed of one object into the store; sweeps all ids when that is due.

    :param object_name: ``Contacts``, ``Leads``, ``Prospect`` or ``Organisations``.
    """

    template_fields: Sequence[str] = (*ConnectorOperator.template_fields, "object_name")

    def __init__(self, *, object_name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.object_name = object_name

    def take_step(self, context: Context) -> dict[str, Any]:
        """Extract and sweep; return how many records were read and changed."""
        from airflow_provider_insightly.connector.checking import objects_to_read
        from airflow_provider_insightly.connector.extraction import extract
        from airflow_provider_insightly.connector.run import utc_now
        from airflow_provider_insightly.connector.sweep import is_due, sweep

        settings, mapping = self.configured(context).settings, self.mapping(context)
        if self.object_name not in objects_to_read(mapping):
            raise AirflowSkipException(f"The mapping names no fields of {self.object_name}.")
        place = (self.client, self.store, self.instance, self.object_name, mapping)
        found = extract(*place, overlap_seconds=settings.overlap_seconds, now=utc_now)
        self.log.info(
            "%s %s: %d read on %d pages, %d of them new or changed.",
            *(self.object_name, f"changed since {found.since}" if found.since else "in all"),
            *(found.read, found.pages, found.changed),
        )
        if is_due(self.store, self.instance, self.object_name, settings.sweep_hours, utc_now):
            swept = sweep(*place, grace_hours=settings.delete_grace_hours, now=utc_now)
            if not swept.complete:
                self.log.warning("The sweep was not complete, so nothing counts as deleted: %s", swept)
            self.log.info("Sweep: %d missing, %d unknown, %d deleted.", swept.missing, swept.unknown, swept.gone)
        return {"read": found.read, "changed": found.changed}


class ExtractVisitsOperator(ConnectorOperator):
    """Reads the visits of linked prospects that were active, for the timeline."""

    def take_step(self, context: Context) -> dict[str, int]:
        """Read; return how many prospects were active and how many visits they have."""
        from airflow_provider_insightly.connector.timeline import read_visits

        if not self.configured(context).settings.show_prospect_timeline:
            raise AirflowSkipException("The setting show_prospect_timeline is off.")
        found = read_visits(self.client, self.store, self.instance)
        self.log.info("%d visits of %d prospects that were active.", found.visits, found.prospects)
        return {"prospects": found.prospects, "visits": found.visits}


class PlanOperator(ConnectorOperator):
    """Makes the plan of the run: everything that is to be written, before anything is."""

    def take_step(self, context: Context) -> dict[str, Any]:
        """Plan; return the plan's hash and its counts."""
        from airflow_provider_insightly.connector.planning import make_plan
        from airflow_provider_insightly.connector.run import utc_now

        params = context["params"]
        plan = make_plan(
            *(self.store, self.instance, context["run_id"], self.configured(context), self.mapping(context)),
            now=utc_now(),
            dry_run=bool(params.get("dry_run")),
            backfill=bool(params.get("backfill")),
            only=one_record(context),
        )
        self.log.info("Plan %s:\n%s", plan.hash, plan.summary)
        return {"hash": plan.hash, "counts": dict(plan.summary.counts)}


class BreakersOperator(ConnectorOperator):
    """Lets the plan be applied, unless it does too much; a dry run ends here.

    With ``approval: ask``, what needs a person is left to an :class:`ApprovePlanOperator`.
    """

    def take_step(self, context: Context) -> str | None:
        """Release the plan; return who or what released it, ``None`` when a person is asked."""
        from airflow_provider_insightly.connector.plans import PlanHeldError, find_approval, release, waiting

        plan, settings = self.read_plan(context), self.configured(context).settings
        if plan.dry_run:
            raise AirflowSkipException(f"This is a dry run: nothing of plan {plan.hash} is written.")
        approved = context["params"].get("approve_plan") or ""
        if settings.approval == "ask" and waiting(plan.summary):
            with self.store.connect() as connection:
                approved_by = find_approval(connection, plan, approved)
            if approved_by is None:
                self.log.info("%d actions wait for approval.", waiting(plan.summary))
                return None
        try:
            released_by = release(self.store, plan, settings, approved)
        except PlanHeldError as error:
            if settings.approval == "fail":
                raise
            self.log.warning("%s", error)
            return None
        self.log.info("Plan %s is released: %s.", plan.hash, released_by)
        return released_by


class StepOperator(ConnectorOperator):
    """Says what one setting does in this run, and cuts it into chunks for an :class:`ApplyOperator`.

    A setting that is off is a skipped task.

    :param step: the setting's name, or ``identity`` or ``sync_fields``, which no box governs.
    """

    def __init__(self, *, step: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.step = step

    def take_step(self, context: Context) -> list[list[int]]:
        """Return the chunks: the first and the last number of an action."""
        from airflow_provider_insightly.connector.plans import chunks

        plan = self.read_plan(context)
        if not getattr(self.configured(context).settings, self.step, True):
            raise AirflowSkipException(f"The setting {self.step} is off.")
        for what, number in plan.summary.of_step(self.step).items():
            self.log.info("%s: %d", what, number)
        if plan.dry_run:
            raise AirflowSkipException("This is a dry run: nothing is written.")
        with self.store.connect() as connection:
            return [list(chunk) for chunk in chunks(connection, plan, self.step)]


class ApplyOperator(ConnectorOperator):
    """Applies a chunk of the plan, mapped over what a :class:`StepOperator` returns.

    :param step: the step.
    :param chunk: the first and the last number of an action.
    """

    template_fields: Sequence[str] = (*ConnectorOperator.template_fields, "chunk")

    def __init__(self, *, step: str, chunk: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.step = step
        self.chunk = chunk

    def take_step(self, context: Context) -> dict[str, Any]:
        """Apply; return how many actions ended in which result, and the ids of created prospects."""
        import time

        from airflow_provider_insightly.connector.applying import Applier
        from airflow_provider_insightly.connector.run import utc_now

        settings, mapping, plan = self.configured(context).settings, self.mapping(context), self.read_plan(context)
        applier = Applier(self.client, self.store, plan, mapping, settings, now=utc_now, sleep=time.sleep)
        first, last = self.chunk
        applied = applier.apply(self.step, first, last)
        self.log.info("%s: %s", self.step, ", ".join(f"{number} {name}" for name, number in applied.results.items()))
        for record_id in applied.record_ids[:LINKS_SHOWN]:
            self.log.info("Created %s", self.hook.record_url("Prospect", record_id))
        return {"results": dict(applied.results), "record_ids": applied.record_ids}


class ReportOperator(ConnectorOperator):
    """Closes the run: advances the watermarks and says what came of it.

    :param created_by: the mapped task whose XComs hold the ids of the created prospects.
    """

    def __init__(self, *, created_by: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.created_by = created_by

    def take_step(self, context: Context) -> dict[str, Any]:
        """Finish; return the results by event, and the ids of the created prospects."""
        from airflow_provider_insightly.connector.checking import objects_to_read
        from airflow_provider_insightly.connector.finishing import finish
        from airflow_provider_insightly.connector.run import utc_now

        report = finish(
            *(self.store, self.read_plan(context), self.configured(context), objects_to_read(self.mapping(context))),
            now=utc_now,
            partial=one_record(context) is not None,
        )
        self._say(report)
        created = self._created(context)
        return {"plan": report.plan_hash, "results": report.results, "created_prospect_ids": created}

    def _say(self, report: Report) -> None:
        from airflow_provider_insightly.connector.actions import FAILED, PENDING, REJECTED

        self.log.info("%s:\n%s", "Dry run, nothing was written" if report.dry_run else "Done", report)
        for result in (FAILED, REJECTED, PENDING):
            if report.count(result):
                self.log.warning("%d %s: see the connector log.", report.count(result), result)

    def _created(self, context: Context) -> list[int]:
        if not self.created_by:
            return []
        pulled = context["ti"].xcom_pull(task_ids=self.created_by) or []
        chunks = [pulled] if isinstance(pulled, dict) else pulled
        return [record_id for chunk in chunks if chunk for record_id in chunk["record_ids"]]


def boxes_of(context: Context) -> dict[str, bool]:
    """Return the boxes that the run's parameters set."""
    from airflow_provider_insightly.connector.settings import BOXES

    return {name: context["params"][name] for name in BOXES.values() if name in context["params"]}


def one_record(context: Context) -> Ref | None:
    """Return the record to which the run's parameter ``record`` confines it.

    :raises AirflowFailException: it is not written as ``Contacts/5``, ``Leads/5`` or ``Prospect/5``.
    """
    from airflow_provider_insightly.connector.asking import read_ref

    text = context["params"].get("record") or ""
    if not text:
        return None
    try:
        return read_ref(text)
    except ValueError as error:
        raise AirflowFailException(f"record={text!r}: {error}.") from None
