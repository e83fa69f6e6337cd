"""A send from end to end: items, requests, results, report."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Literal

from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.api.errors import InsightlyError
from airflow_provider_insightly.sending.delivery import deliver
from airflow_provider_insightly.sending.doubt import DoubtResolver
from airflow_provider_insightly.sending.exchange import Exchange
from airflow_provider_insightly.sending.fields import CUSTOM
from airflow_provider_insightly.sending.journal import Journal
from airflow_provider_insightly.sending.progress import Progress
from airflow_provider_insightly.sending.record import Rejection
from airflow_provider_insightly.sending.report import Report
from airflow_provider_insightly.sending.request import Item, Request, build_requests
from airflow_provider_insightly.sending.result import Result
from airflow_provider_insightly.sending.settings import SendSettings, SettingError

log = logging.getLogger(__name__)

WINDOW = 200  # items that are looked up in the journal at once
MOST_DOUBTS = 500  # creates in doubt that are kept in memory; then nothing goes out before they are resolved
ROUNDS = 5  # how often a create that is not to be found is sent again before it is reported as unknown


@dataclass(frozen=True, kw_only=True)
class DeliveryPolicy:
    """What is done about records that fail, and about creates whose answer was lost.

    :param match_on: the fields by which a create whose answer was lost is looked up.
    :param on_unknown: such a create without ``match_on``: report it as failed, or send it again.
    :param unknown_wait: after this many seconds a create that cannot be found was not done.
    :param on_record_error: ``stop`` ends the send at the first record that fails; ``fail`` and ``continue`` send the
        others, and differ in :meth:`is_failure`.
    :param max_failure_ratio: with ``fail``: the share of records that may fail.
    """

    match_on: tuple[str, ...] = ()
    on_unknown: Literal["fail", "resend"] = "fail"
    unknown_wait: float = 60.0
    on_record_error: Literal["fail", "continue", "stop"] = "fail"
    max_failure_ratio: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if self.on_unknown not in ("fail", "resend"):
            raise ValueError(f"on_unknown is {self.on_unknown!r}; it must be fail or resend.")
        if self.on_record_error not in ("fail", "continue", "stop"):
            raise ValueError(f"on_record_error is {self.on_record_error!r}; it must be fail, continue or stop.")
        if not 0 <= self.unknown_wait < math.inf:
            raise ValueError("unknown_wait must be a number of seconds, at least 0.")
        if not 0 <= self.max_failure_ratio < 1:
            raise ValueError("max_failure_ratio must be at least 0 and below 1.")
        if self.max_failure_ratio and self.on_record_error != "fail":
            raise ValueError("max_failure_ratio is for on_record_error='fail'; remove one of them.")

    def is_failure(self, report: Report) -> bool:
        """Tell whether the send as a whole failed."""
        if self.on_record_error == "continue" or not report.failed:
            return False
        return report.failed / report.total > self.max_failure_ratio  # 0.29 * 100 is less than 29


def send(
    settings: SendSettings,
    items: Iterable[Item | Rejection],
    client: InsightlyClient,
    report: Report,
    journal: Journal,
    policy: DeliveryPolicy | None = None,
    total: int | None = None,
) -> None:
    """Send items and put what became of each record into the report.

    :param items: see :func:`~airflow_provider_insightly.sending.request.read_items`; they are read one after the
        other and never all sit in memory.
    :param total: how many there are, for the log, where that is known.
    :raises ValueError: the URL is of a host other than the connection's, or ``match_on`` names a field that is none.
    :raises InsightlyError: the send had to stop; the report has what was done until then.
    """
    settings.check_host(client.base_url)
    policy = policy or DeliveryPolicy()
    _check_match_on(settings, policy)
    _Send(settings, client, report, journal, policy, total).run(items)


class _Send:
    """The state of a send that is under way."""

    def __init__(
        self,
        settings: SendSettings,
        client: InsightlyClient,
        report: Report,
        journal: Journal,
        policy: DeliveryPolicy,
        total: int | None,
    ) -> None:
        self.settings = settings
        self.client = client
        self.report = report
        self.journal = journal
        self.policy = policy
        self.exchange = Exchange(client, settings)
        self.progress = Progress(log, total)
        self.doubts: list[Result] = []
        self.maybe_deleted: set[int] = set()
        self.behind: set[tuple[str, int | None] | None] = set()
        self.is_stopped = False
        self.may_look_up = bool(policy.match_on) and settings.target is not None

    def run(self, given: Iterable[Item | Rejection]) -> None:
        """Send all items, then send again what turned out not to be done."""
        items: Iterable[Item | Result | Rejection] = self.skip_known(given)
        not_done: list[Item] = []
        try:
            for _ in range(ROUNDS):
                not_done = self.deliver_all(items)
                if not not_done:
                    return
                items = not_done
        finally:
            for doubt in self.doubts:
                self.report.add(doubt)
        for item in not_done:
            message = f"Its answer was lost, and it was not to be found afterwards, {ROUNDS} times."
            self.report.add(Result((item,), "failed", (None,), message=message, attempts=ROUNDS))

    def deliver_all(self, items: Iterable[Item | Result | Rejection]) -> list[Item]:
        """Send items, find out about those in doubt, and return those to be sent again.

        Doubts are resolved while nothing is under way: a record that is, and like one in doubt, would be taken for it.
        """
        again: list[Item] = []
        rest = iter(items)
        self.is_stopped = False
        while not self.is_stopped and (first := next(rest, None)) is not None:
            self.deliver(chain([first], self.take_while_few_are_in_doubt(rest)))
            again += self.resolve()
        return again

    def take_while_few_are_in_doubt(
        self, items: Iterator[Item | Result | Rejection]
    ) -> Iterator[Item | Result | Rejection]:
        """Yield items until too many are in doubt to be kept in memory."""
        while len(self.doubts) < MOST_DOUBTS and (item := next(items, None)) is not None:
            yield item

    def deliver(self, items: Iterable[Item | Result | Rejection]) -> None:
        """Send items, report what is certain, and keep what is in doubt."""
        requests: Iterator[Request | Result | Rejection] = build_requests(self.settings, items)
        with closing(deliver(requests, self.make_request, self.client.concurrency, self.is_end)) as outcomes:
            for outcome in outcomes:
                if isinstance(outcome, Result) and outcome.outcome == "unknown":
                    self.doubts += _one_by_one(outcome)
                    continue
                self.report.add(outcome)
                if isinstance(outcome, Result):
                    self.progress.show(self.report, outcome.quota_remaining)

    def skip_known(self, items: Iterable[Item | Rejection]) -> Iterator[Item | Result | Rejection]:
        """Yield items, those that an earlier attempt has done or left in doubt as the results that they are."""
        source = iter(items)
        while window := list(islice(source, WINDOW)):
            known = iter(self.journal.look_up([item for item in window if isinstance(item, Item)]))
            for item in window:
                entry = next(known) if isinstance(item, Item) else None
                if entry is None or isinstance(item, Rejection):
                    yield item
                elif entry.done:
                    yield Result((item,), "skipped", (entry.record_id,))
                elif item.method == "POST":
                    message = "An earlier attempt sent it and ended before the answer came."
                    yield Result((item,), "unknown", (None,), message=message, began_at=entry.began_at)
                else:
                    self.maybe_deleted.add(item.record.index)
                    yield item

    def make_request(self, request: Request, stop: Callable[[], None]) -> Result:
        """Make a request between two entries in the journal."""
        self.journal.begin(request.items)
        try:
            result = self.exchange(request)
        except InsightlyError:
            stop()  # before the journal is written: other requests go out while this one waits for its turn there
            if request.creates:  # what is not one may have been done in an attempt before this, whose answer was lost
                self.journal.forget(request.items)
            raise
        if request.method == "DELETE" and result.status == 404 and self.maybe_deleted.intersection(request.indices):
            result = replace(result, outcome="succeeded", message="")
        changed = request.existing
        if result.outcome == "failed" and changed is not None:
            self.behind.add(changed)
        # What comes after a change that has to be sent again is sent again too, or the older value would win.
        if result.outcome == "succeeded" and changed not in self.behind:
            self.journal.finish(result.items, result.record_ids)
        elif result.outcome == "rejected" or (result.outcome == "failed" and request.creates):
            self.journal.forget(result.items)  # a create that failed is known not to be done, or it would be unknown
        return result

    def is_end(self, outcome: Result | Rejection) -> bool:
        """Tell whether an outcome ends the send, and remember it."""
        if self.policy.on_record_error == "stop":
            is_lost = not self.may_look_up and self.policy.on_unknown == "fail"
            ends = ("rejected", "failed", *(["unknown"] if is_lost else []))
            self.is_stopped |= isinstance(outcome, Rejection) or outcome.outcome in ends
        return self.is_stopped

    def resolve(self) -> list[Item]:
        """Find out about the creates in doubt; report those that are settled and return those to be sent again."""
        target = self.settings.target
        if not self.doubts:
            return []
        if not self.may_look_up or target is None:
            doubts, self.doubts = self.doubts, []
            return self.give_up(doubts)
        log.info("The answers of %d creates were lost; looking for them in Insightly.", len(self.doubts))
        resolver = DoubtResolver(self.client, target, self.policy.match_on, self.journal, self.policy.unknown_wait)
        findings = resolver.resolve(self.doubts)
        self.doubts = []
        for result in findings.settled:
            if result.outcome == "succeeded":
                self.journal.finish(result.items, result.record_ids)
            self.report.add(result)
        return findings.not_done

    def give_up(self, doubts: Sequence[Result]) -> list[Item]:
        """Treat creates in doubt as the user said, where they cannot be looked up."""
        if self.policy.on_unknown == "resend":
            return [item for doubt in doubts for item in doubt.items]
        advice = "Name the fields to look it up by (match_on), or accept duplicates with on_unknown='resend'."
        for doubt in doubts:
            self.report.add(replace(doubt, message=f"{doubt.message} {advice}"))
        return []


def _one_by_one(doubt: Result) -> list[Result]:
    """Return what is in doubt about a request as a doubt about each of its records: each is looked up by itself."""
    each = zip(doubt.items, doubt.record_ids, strict=True)
    return [replace(doubt, items=(item,), record_ids=(record_id,)) for item, record_id in each]


def _check_match_on(settings: SendSettings, policy: DeliveryPolicy) -> None:
    """Refuse a field by which nothing could be looked up: it would come out when the first answer is lost."""
    target = settings.target
    for name in policy.match_on:
        if target and name not in target.fields and not name.lower().endswith(CUSTOM):
            raise SettingError(
                "match_on",
                f"match_on names {name}, but {target.name} has no such field: give the field's name in Insightly, as "
                f"after rename, such as EMAIL_ADDRESS (the name of a custom field ends in {CUSTOM}).",
            )
