"""The report of a send: counts and ids, and a line in a file for each answer and each record that failed."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypedDict

from airflow_provider_insightly.sending.body import write_line
from airflow_provider_insightly.sending.mask import find_masked, mask, mask_text
from airflow_provider_insightly.sending.record import Record, Rejection
from airflow_provider_insightly.sending.result import Outcome, Result

Write = Callable[[str], object]
"""Takes a line, its end included."""

LONGEST_RESPONSE = 100_000  # characters of an answer in the responses file


class Summary(TypedDict):
    """What a send returns: numbers and ids, never rows."""

    succeeded: int
    failed: int
    skipped: int
    record_ids: list[int | None]
    responses_path: str | None
    rejected_path: str | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A record that did not get to Insightly, for a log or an error."""

    place: str
    outcome: str
    message: str

    def __str__(self) -> str:
        """Name the record and what is wrong."""
        return f"{self.place}: {self.message}"


class Report:
    """Collects what became of the records of a send; its memory is eight bytes a record.

    :param send: the send's name in the journal; a replay goes on under the same.
    :param write_response: takes the line of each answer.
    :param write_rejected: takes the line of each record that failed.
    :param mask_fields: fields whose values are not written.
    """

    SHOWN = 10  # failures that are kept for the error's text; the rest are in the file

    def __init__(
        self,
        send: str | None = None,
        write_response: Write | None = None,
        write_rejected: Write | None = None,
        mask_fields: Iterable[str] = (),
    ) -> None:
        self.counts: Counter[Outcome] = Counter()
        self.failures: list[Failure] = []
        self._send = send
        self._write_response = write_response
        self._write_rejected = write_rejected
        self._mask_fields = frozenset(mask_fields)
        self._ids = array("q")  # 0 stands for "no id": Insightly's begin at 1

    @property
    def failed(self) -> int:
        """How many records did not get to Insightly, or nobody knows whether they did."""
        return self.counts["rejected"] + self.counts["failed"] + self.counts["unknown"]

    @property
    def total(self) -> int:
        """How many records have an outcome."""
        return sum(self.counts.values())

    def add(self, outcome: Result | Rejection) -> None:
        """Take note of what became of a record, or of the records of a request."""
        if isinstance(outcome, Rejection):
            self._fail(outcome.record, "rejected", outcome.message, outcome.field, None, 0)
            return
        self._respond(outcome)
        for item, record_id in zip(outcome.items, outcome.record_ids, strict=True):
            if outcome.outcome in ("succeeded", "skipped"):
                self._count(item.record.index, outcome.outcome, record_id)
            else:
                self._fail(item.record, outcome.outcome, outcome.message, None, outcome.status, outcome.attempts)

    def summary(self, responses_path: str | None = None, rejected_path: str | None = None) -> Summary:
        """Return the numbers, and the ids in the records' order.

        :param responses_path: where the answers were written.
        :param rejected_path: where failed records were written; it is named only when there are any.
        """
        return Summary(
            succeeded=self.counts["succeeded"],
            failed=self.failed,
            skipped=self.counts["skipped"],
            record_ids=[record_id or None for record_id in self._ids],
            responses_path=responses_path,
            rejected_path=rejected_path if self.failed else None,
        )

    def _count(self, index: int, outcome: Outcome, record_id: int | None) -> None:
        self.counts[outcome] += 1
        missing = index + 1 - len(self._ids)
        if missing > 0:
            self._ids.extend([0] * missing)
        self._ids[index] = record_id or 0

    def _fail(
        self, record: Record, outcome: Outcome, message: str, field: str | None, status: int | None, attempts: int
    ) -> None:
        self._count(record.index, outcome, None)
        message = mask_text(message, record.values, self._mask_fields)
        if len(self.failures) < self.SHOWN:
            self.failures.append(Failure(record.place, outcome, message))
        if self._write_rejected is None:
            return
        masked = sorted({name for name, _ in find_masked(record.values, self._mask_fields)})
        line = {
            "index": record.index,
            "line": record.line,
            "outcome": outcome,
            "status": status,
            "field": field,
            "message": message,
            "attempts": attempts,
            "send": self._send,
            **({"masked": masked} if masked else {}),
            "record": mask(record.values, self._mask_fields),
        }
        self._write_rejected(f"{write_line(line)}\n")

    def _respond(self, result: Result) -> None:
        if self._write_response is None:
            return
        response = mask(result.response, self._mask_fields)
        if isinstance(response, str):
            for item in result.items:
                response = mask_text(response, item.record.values, self._mask_fields)
            response = response[:LONGEST_RESPONSE]
        line = {
            "indices": [item.record.index for item in result.items],
            "outcome": result.outcome,
            "status": result.status,
            "url": mask_text(result.items[0].url, result.items[0].record.values, self._mask_fields),
            "record_ids": list(result.record_ids),
            "attempts": result.attempts,
            "seconds": round(result.seconds, 3),
            "response": response,
        }
        self._write_response(f"{write_line(line)}\n")
