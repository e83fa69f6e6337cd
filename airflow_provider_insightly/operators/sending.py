"""What all operators that send records have in common: records in, files and ids out."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException
from airflow.sdk import BaseOperator

from airflow_provider_insightly.links.record import InsightlyRecordLink

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Context
    from sqlalchemy.engine import Engine

    from airflow_provider_insightly.api.client import InsightlyClient
    from airflow_provider_insightly.hooks.insightly import InsightlyHook
    from airflow_provider_insightly.sending.record import Record, Rejection
    from airflow_provider_insightly.sending.report import Report, Summary, Write
    from airflow_provider_insightly.sending.request import Item
    from airflow_provider_insightly.sending.send import DeliveryPolicy
    from airflow_provider_insightly.sending.settings import SendSettings

QUOTA_PAUSE = 3600.0  # seconds; the quota is that of a rolling day, so some of it is back after an hour

LONGEST_QUOTA_PAUSE = 86400.0  # all of it is back after a day, whatever a server says

JOURNAL_DAYS = 90.0  # where [insightly] journal_days says nothing else

LEAST_FORGOTTEN = 20_000  # rows of old sends' journals that a send removes, or twice as many as it has records


class SendingOperator(BaseOperator):
    """Sends records to Insightly; its subclasses say which request a record becomes.

    A retried or cleared task goes on where the attempt before ended: what is done is skipped, and a create whose
    answer was lost is looked up before it is sent again.

    :param records: the records (templated): a list, one record, the output of another task, a function that Airflow
        calls and that returns or yields them, or the path of a file (CSV, JSON Lines, JSON, Parquet) on any storage
        that ``ObjectStoragePath`` reaches. Where the send has an ``id_field``, a bare id may stand for a record.
    :param insightly_conn_id: the connection (templated).
    :param records_format: ``csv``, ``jsonl``, ``json`` or ``parquet``, where the file's name does not say it.
    :param encoding: of a text file.
    :param match_on: the field, or fields that must all agree, by which a create whose answer was lost is looked up.
    :param on_unknown: such a create without ``match_on``: ``fail`` reports it, ``resend`` sends it again.
    :param unknown_wait: after this many seconds a create that cannot be found was not done.
    :param on_record_error: ``fail``: send all records, then fail if one failed; ``continue``: succeed all the same;
        ``stop``: end at the first that fails.
    :param max_failure_ratio: with ``fail``: the share of records that may fail, from 0 to 1.
    :param responses_path: a file for every answer, as JSON Lines (templated).
    :param rejected_path: a file for every record that failed, as JSON Lines (templated);
        :class:`~airflow_provider_insightly.operators.send.InsightlyReplayOperator` sends it again.
    :param response_webhook: an Airflow ``http`` connection to which every answer is posted as JSON. A webhook that
        fails is logged, and changes nothing about the send.
    :param mask_fields: fields whose values stand in no log, file, error or rendered template.
    :param test_record: send this record alone instead of the records, to try the settings (templated): a dict, or
        JSON such as ``{{ params.test_record | tojson }}``. Empty: send the records.
    :param confirm_delete: the consent that a deletion of the ``test_record`` asks for.
    :param deferrable: when the day's quota is used up, free the worker and go on an hour later, or when Insightly
        says; else the task fails.
    :returns: ``{"succeeded", "failed", "skipped", "record_ids", "responses_path", "rejected_path"}``.
    """

    template_fields: Sequence[str] = ("records", "insightly_conn_id", "responses_path", "rejected_path", "test_record")
    template_fields_renderers: ClassVar[dict[str, str]] = {"records": "json"}
    operator_extra_links = (InsightlyRecordLink(),)
    ui_color = "#fbe3d4"
    reads_object: ClassVar[bool] = False
    """Whether the object's records are looked at before any is written."""

    def __init__(
        self,
        *,
        records: Any,
        insightly_conn_id: str = "insightly_default",
        records_format: str | None = None,
        encoding: str = "utf-8",
        match_on: str | Sequence[str] = (),
        on_unknown: str = "fail",
        unknown_wait: float = 60.0,
        on_record_error: str = "fail",
        max_failure_ratio: float = 0.0,
        responses_path: str | None = None,
        rejected_path: str | None = None,
        response_webhook: str | None = None,
        mask_fields: Sequence[str] = (),
        test_record: Mapping[str, Any] | str | None = None,
        confirm_delete: bool = False,
        deferrable: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.records = records
        self.insightly_conn_id = insightly_conn_id
        self.records_format = records_format
        self.encoding = encoding
        self.match_on = match_on
        self.on_unknown = on_unknown
        self.unknown_wait = unknown_wait
        self.on_record_error = on_record_error
        self.max_failure_ratio = max_failure_ratio
        self.responses_path = responses_path
        self.rejected_path = rejected_path
        self.response_webhook = response_webhook
        self.mask_fields = mask_fields
        self.test_record = test_record
        self.confirm_delete = confirm_delete
        self.deferrable = deferrable
        self.record_url: str | None = None

    # What subclasses give

    def build_settings(self) -> SendSettings:
        """Return the settings of the send.

        :raises ValueError: they cannot work.
        """
        raise NotImplementedError

    def read_records(self, settings: SendSettings) -> Iterator[Record | Rejection]:
        """Yield the records from wherever they are."""
        from airflow_provider_insightly.operators.storage import read_path
        from airflow_provider_insightly.sending.source import number_records

        if (path := self.find_path()) is not None:
            return read_path(path, self.records_format, self.encoding)
        if isinstance(self.records, str):
            return number_records(json.loads(self.records), settings.id_field)
        if self.records is None:
            raise ValueError("There are no records: the task that should give them returned nothing.")
        return number_records(self.records, settings.id_field)

    def find_path(self) -> str | None:
        """Return the path of the file of records; ``None`` where they come from elsewhere, or stand here as JSON."""
        is_path = isinstance(self.records, str) and self.records.lstrip()[:1] not in ("[", "{")
        return self.records if is_path else None

    def read_items(
        self, settings: SendSettings, records: Iterable[Record | Rejection], client: InsightlyClient
    ) -> Iterator[Item | Rejection]:
        """Yield the records, read and checked, each with the request that it becomes."""
        from airflow_provider_insightly.sending.request import read_items

        return read_items(settings, records)

    def find_send_key(self, context: Context) -> str:
        """Return the name of the send: the same for each attempt of this task instance, another for any other."""
        ti = context["ti"]
        return f"{ti.dag_id}/{ti.task_id}/{ti.run_id}/{ti.map_index}"

    # What all do

    @cached_property
    def hook(self) -> InsightlyHook:
        """The hook."""
        from airflow_provider_insightly.hooks.insightly import InsightlyHook

        return InsightlyHook(self.insightly_conn_id)

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Render the templated fields, and mask what must not be shown, before the UI is told of them."""
        super().render_template_fields(context, jinja_env)
        if not self.mask_fields:
            return
        from airflow.sdk.log import mask_secret

        from airflow_provider_insightly.sending.mask import find_masked

        try:
            masked = self.build_settings().masked
        except (ValueError, LookupError):  # execute says what is wrong
            masked = frozenset(names(self.mask_fields))
        for _, secret in find_masked([_read_json(self.records), _read_json(self.test_record)], masked):
            mask_secret(str(secret or ""))

    def execute(self, context: Context) -> Summary:
        """Send the records.

        :raises AirflowFailException: records were refused, or the key, a permission or a setting is wrong: another
            attempt would meet the same.
        :raises AirflowException: records or the send failed for reasons that may pass.
        """
        from airflow_provider_insightly.api import errors
        from airflow_provider_insightly.operators.storage import refuse_same_files, writing_lines
        from airflow_provider_insightly.sending.journal import Journal
        from airflow_provider_insightly.sending.report import Report
        from airflow_provider_insightly.sending.send import send
        from airflow_provider_insightly.sending.source import number_records

        try:
            settings, policy = self.build_settings(), self._policy()
            refuse_same_files(self.find_path(), self.responses_path, self.rejected_path)
            test = self._read_test_record(settings)
            key = f"test/{uuid.uuid4()}" if test is not None else self.find_send_key(context)
            with writing_lines(self.responses_path) as respond, writing_lines(self.rejected_path) as reject:
                report = Report(key, self._tee(respond), reject, settings.masked)
                store = self.hook.store()
                journal = Journal(store, key, self.hook.ids_of(settings.target))
                given = self.read_records(settings) if test is None else number_records(test)
                records = self._log_first(settings, given)
                try:
                    client = self.hook.get_conn()
                    total = len(self.records) if isinstance(self.records, list) else None
                    items = self.read_items(settings, records, client)
                    send(settings, items, client, report, journal, policy, total)
                finally:
                    self._log_end(report)
        except errors.DailyQuotaError as error:
            return self._put_off(error)
        except (errors.DnsError, errors.ConnectError) as error:
            raise AirflowException(str(error)) from None
        except (errors.InsightlyError, ValueError, LookupError) as error:
            raise AirflowFailException(str(error)) from None
        summary = report.summary(self.responses_path, self.rejected_path)
        self._note_record(settings, summary)
        self._note_asset_events(context, summary)
        self._forget_old_sends(store, report.total)
        if policy.is_failure(report):
            self._fail(context, report, summary)
        return summary

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage:
        """Return what was read and written; Airflow's OpenLineage provider, where it is installed, asks for it."""
        from airflow_provider_insightly.operators.lineage import describe_send

        settings = self.build_settings()
        reads_object = self.reads_object or settings.update_mode == "merge"
        return describe_send(self.hook.base_url, settings, self.find_path(), reads_object=reads_object)

    def resume(self, context: Context, event: Any = None) -> Summary:
        """Go on after the quota's reset; the journal knows how far the send was."""
        return self.execute(context)

    def _read_test_record(self, settings: SendSettings) -> Mapping[str, Any] | None:
        record = self.test_record
        if isinstance(record, str):
            record = json.loads(record) if record.strip() not in ("", "None") else None
        if not record:
            return None
        if not isinstance(record, Mapping):
            raise ValueError("test_record must be one record, a JSON object.")
        if settings.method == "DELETE" and not self.confirm_delete:
            raise ValueError("The test would delete the record for good: set confirm_delete=True if that is meant.")
        self.log.info("A test: only test_record is sent.")
        return record

    def _policy(self) -> DeliveryPolicy:
        from airflow_provider_insightly.sending.send import DeliveryPolicy

        return DeliveryPolicy(
            match_on=names(self.match_on),
            on_unknown=self.on_unknown,  # type: ignore[arg-type]
            unknown_wait=self.unknown_wait,
            on_record_error=self.on_record_error,  # type: ignore[arg-type]
            max_failure_ratio=self.max_failure_ratio,
        )

    def _tee(self, respond: Write | None) -> Write | None:
        if self.response_webhook is None:
            return respond
        from airflow_provider_insightly.operators.webhook import Webhook

        post = Webhook(self.response_webhook).post

        def write(line: str) -> None:
            if respond is not None:
                respond(line)
            post(line)

        return write

    def _log_first(self, settings: SendSettings, records: Iterator[Record | Rejection]) -> Iterable[Record | Rejection]:
        """Show in the log's first lines what is going to be sent; the body only to those who debug."""
        from airflow_provider_insightly.sending.preview import preview

        first = list(islice(records, 1))
        for sample in preview(settings, first, 1, self.hook.base_url):
            self.log.info("The first request: %s", sample.problem or f"{sample.method} {sample.url}")
            if self.log.isEnabledFor(logging.DEBUG):
                self.log.debug("%s", sample)
        return chain(first, records)

    def _log_end(self, report: Report) -> None:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in report.counts.items())
        self.log.info("Records: %s.", counts or "none")
        for failure in report.failures:
            self.log.error("Not sent: %s", failure)

    def _note_record(self, settings: SendSettings, summary: Summary) -> None:
        first = next((record_id for record_id in summary["record_ids"] if record_id), None)
        target = settings.target
        if first and target and settings.method != "DELETE":
            self.record_url = self.hook.record_url(target.name, first)

    def _note_asset_events(self, context: Context, summary: Summary) -> None:
        """Put the paths and counts into the event of each outlet, on which downstream DAGs are scheduled."""
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = {
                name: value for name, value in summary.items() if name != "record_ids"
            }

    def _forget_old_sends(self, store: Engine, sent: int) -> None:
        """Remove some of what the journal holds of sends older than ``[insightly] journal_days``, so that it ends."""
        from airflow.providers.common.compat.sdk import conf
        from sqlalchemy.exc import SQLAlchemyError

        from airflow_provider_insightly.sending.journal import prune

        days = conf.getfloat("insightly", "journal_days", fallback=JOURNAL_DAYS)
        if days <= 0:
            return
        try:
            prune(store, datetime.now(timezone.utc) - timedelta(days=days), max(LEAST_FORGOTTEN, 2 * sent))
        except SQLAlchemyError as error:
            self.log.warning("Old sends could not be removed from the journal; this one is done: %s", error)

    def _fail(self, context: Context, report: Report, summary: Summary) -> None:
        """Fail, with the ids of those that succeeded in XCom all the same, unless XCom is off."""
        if self.do_xcom_push:
            context["ti"].xcom_push(key="return_value", value=dict(summary))
        shown = "\n".join(f"  {failure}" for failure in report.failures)
        more = report.failed - len(report.failures)
        where = f"\nAll of them: {self.rejected_path}" if self.rejected_path else ""
        shown += f"\n  and {more} more" if more else ""
        text = f"{report.failed} of {report.total} records failed:\n{shown}{where}"
        raise AirflowException(text) if report.counts["failed"] else AirflowFailException(text)

    def _put_off(self, error: Any) -> Summary:
        """Wait for the quota's reset without a worker, or fail with the time."""
        pause = min(error.retry_after or QUOTA_PAUSE, LONGEST_QUOTA_PAUSE)
        moment = datetime.now(timezone.utc) + timedelta(seconds=pause)
        if not self.deferrable:
            raise AirflowFailException(
                f"{error} Clear the task after {moment:%Y-%m-%d %H:%M} UTC (it goes on where it stopped), or set "
                "deferrable=True, so that it waits by itself."
            )
        from airflow.providers.standard.triggers.temporal import DateTimeTrigger

        self.log.info("%s Going on at %s.", error, moment)
        self.defer(trigger=DateTimeTrigger(moment=moment), method_name="resume")
        raise AssertionError("a deferred task does not come here")


def names(given: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of fields that stand alone, in a list, or in a text with commas."""
    if isinstance(given, str):
        return tuple(name.strip() for name in given.split(",") if name.strip())
    return tuple(given or ())


def _read_json(given: Any) -> Any:
    """Return records that stand here as JSON, as a templated field gives them; anything else as it is."""
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except ValueError:
        return None
