"""Creates whose answer was lost: were they done?

Insightly has no idempotency key, and its searches lag behind its writes. So a create in doubt is looked for by the
fields that the user names (``match_on``) among the records created since it went out, again and again until enough
time has passed that it would have shown. Found: its id is adopted. Not found: it may be sent again.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from airflow_provider_insightly.api.catalogue import InsightlyObject
from airflow_provider_insightly.api.client import InsightlyClient, Page
from airflow_provider_insightly.sending.fields import CUSTOM_FIELDS
from airflow_provider_insightly.sending.journal import Journal
from airflow_provider_insightly.sending.request import Item
from airflow_provider_insightly.sending.result import Result

CREATED = "DATE_CREATED_UTC"
LOOKS = (0.05, 0.2, 0.5, 1.0)
"""When to look, as shares of the time to wait: a record that is there is mostly found at once."""

DATE = re.compile(r"\d{4}-\d\d-\d\d")  # comes back with a time

CLOCK_TOLERANCE = timedelta(seconds=2)  # both clocks are read to the second


@dataclass(frozen=True, slots=True)
class Findings:
    """What came out about creates in doubt.

    :param settled: those that were found, as succeeded, and those that nobody can tell, as unknown.
    :param not_done: those that are not in Insightly and may be sent again.
    """

    settled: list[Result]
    not_done: list[Item]


class DoubtResolver:
    """Finds out whether creates were done.

    :param client: the connection.
    :param target: the object that was to be created.
    :param match_on: the fields by which a record is recognised; all must agree.
    :param journal: knows which ids belong to other records of this send, or of another.
    :param wait_seconds: after this time a record that cannot be found was not created.
    :param now: returns the time in UTC; injected by tests.
    :param sleep: takes seconds; injected by tests.
    """

    def __init__(
        self,
        client: InsightlyClient,
        target: InsightlyObject,
        match_on: Sequence[str],
        journal: Journal,
        wait_seconds: float,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._target = target
        self._match_on = tuple(match_on)
        self._journal = journal
        self._wait_seconds = wait_seconds
        self._now = now
        self._sleep = sleep
        self._adopted: set[int] = set()

    def resolve(self, doubts: Sequence[Result]) -> Findings:
        """Look for the records of creates in doubt until each is found or its time is over.

        :param doubts: one for each record.
        """
        findings = Findings([], [])
        shared = Counter(self._key(doubt.items[0]) for doubt in doubts)
        open_doubts = []
        for doubt in doubts:
            reason = self._reason_not_to_look(doubt)
            if reason:
                findings.settled.append(replace(doubt, message=f"{doubt.message} {reason}".strip()))
            else:
                open_doubts.append(doubt)
        waited = 0.0
        for share in LOOKS:
            self._sleep(self._wait_seconds * (share - waited))
            waited = share
            open_doubts = self._leave_answered(open_doubts, findings)
            open_doubts = [
                doubt
                for doubt in open_doubts
                if not self._look(doubt, findings, alone=shared[self._key(doubt.items[0])] == 1, is_last=share == 1)
            ]
        return findings

    def _leave_answered(self, doubts: Sequence[Result], findings: Findings) -> list[Result]:
        """Return the doubts whose answer did not come after all, to the attempt that made the request."""
        answers = self._journal.find_answers(doubt.items[0] for doubt in doubts)
        for doubt in doubts:
            place = doubt.items[0].record.index
            if place in answers:
                findings.settled.append(replace(doubt, outcome="succeeded", record_ids=(answers[place],), message=""))
        return [doubt for doubt in doubts if doubt.items[0].record.index not in answers]

    def _look(self, doubt: Result, findings: Findings, *, alone: bool, is_last: bool) -> bool:
        """Look for one record, and tell whether it is settled."""
        candidates = list(self._candidates(doubt))
        found = self._choose(doubt.items[0], candidates, alone)
        if found is not None:
            findings.settled.append(self._adopt(doubt, found))
        elif not is_last:
            return False
        elif candidates:
            ids = ", ".join(map(str, self._ids(candidates)))
            reason = f"Several records of {self._target.name} could be it: {ids}."
            findings.settled.append(replace(doubt, message=f"{doubt.message} {reason}".strip()))
        else:
            findings.not_done.extend(doubt.items)
        return True

    def _reason_not_to_look(self, doubt: Result) -> str:
        item = doubt.items[0]
        if self._target.id_field is None or CREATED not in self._target.fields or "search" not in self._target.verbs:
            return f"{self._target.name} cannot be searched by the time of creation."
        empty = [name for name in self._match_on if not comparable(read_field(item.values, name))]
        return f"It has no {empty[0]} to look it up by (match_on)." if empty else ""

    def _candidates(self, doubt: Result) -> Iterator[Mapping[str, Any]]:
        """Yield the records that agree on the match fields, were created since, and belong to no other record."""
        item, id_field, seen = doubt.items[0], self._target.id_field or "", set(self._adopted)
        for page in self._search(read_field(item.values, self._match_on[0])):
            offset = page.server_time - self._now() if page.server_time else timedelta()
            since = (doubt.began_at or self._now()) + offset - CLOCK_TOLERANCE
            fresh = [
                record
                for record in page.records
                if _created(record) >= since
                and all(agree(read_field(record, name), read_field(item.values, name)) for name in self._match_on)
            ]
            seen |= self._journal.is_known(self._ids(fresh))
            for record in fresh:
                if record[id_field] not in seen:
                    seen.add(record[id_field])
                    yield record

    def _search(self, value: Any) -> Iterator[Page]:
        for spelling in spellings(value):
            params = {"field_name": self._match_on[0], "field_value": spelling}
            yield from self._client.pages(f"{self._target.path}/Search", params=params)

    def _choose(self, item: Item, candidates: Sequence[Mapping[str, Any]], alone: bool) -> int | None:
        """Return the id of the candidate that is the record: the same in every field, or the only one possible."""
        same = [c for c in candidates if all(agree(c.get(k), v) for k, v in item.values.items() if _is_scalar(v))]
        if same:
            return min(self._ids(same))
        if len(candidates) == 1 and alone:
            return self._ids(candidates)[0]
        return None

    def _adopt(self, doubt: Result, record_id: int) -> Result:
        self._adopted.add(record_id)
        return replace(doubt, outcome="succeeded", record_ids=(record_id,), message="")

    def _ids(self, records: Sequence[Mapping[str, Any]]) -> list[int]:
        return sorted(int(record[self._target.id_field or ""]) for record in records)

    def _key(self, item: Item) -> tuple[str, ...]:
        return tuple(comparable(read_field(item.values, name)) for name in self._match_on)


def read_field(record: Mapping[str, Any], name: str) -> Any:
    """Return the value of a field, standard or custom."""
    if name in record:
        return record[name]
    for custom in record.get(CUSTOM_FIELDS) or []:
        if isinstance(custom, Mapping) and custom.get("FIELD_NAME") == name:
            return custom.get("FIELD_VALUE")
    return None


def spellings(value: Any) -> list[str]:
    """Return the texts by which a search, which may be exact, finds what agrees with a value: at best with one of them.

    A text may have been kept without its outer spaces, or be there in lower case, as addresses mostly are.
    """
    if not isinstance(value, str):
        return [comparable(value)]
    return list(dict.fromkeys((value, value.strip(), value.strip().lower())))


def agree(one: Any, other: Any) -> bool:
    """Tell whether two values are the same to Insightly.

    It compares texts without case and outer spaces, and what it keeps in a custom field has that field's type, whatever
    the type in which it was sent: a number may come back for the text of a CSV file, a text for a number.
    """
    if comparable(one) == comparable(other):
        return True
    return isinstance(one, str) != isinstance(other, str) and _as_number(one) == _as_number(other) is not None


def comparable(value: Any) -> str:
    """Return a value as a text that is the same for all that Insightly takes for the same; empty where there is none.

    A text of digits stays as it is: ``007`` and ``7`` may be the keys of two records.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value).strip().casefold()
    return f"{text} 00:00:00" if DATE.fullmatch(text) else text


def _as_number(value: Any) -> Decimal | None:
    try:
        number = None if isinstance(value, bool) else Decimal(str(value))
    except ArithmeticError:
        return None
    return number if number is not None and number.is_finite() else None


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, (list, dict))


def _created(record: Mapping[str, Any]) -> datetime:
    try:
        text = str(record.get(CREATED)).replace("T", " ").rstrip("Z")
        return datetime.strptime(text[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return datetime.min.replace(tzinfo=timezone.utc)
