"""What became of records that were sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from airflow_provider_insightly.api.catalogue import InsightlyObject
from airflow_provider_insightly.sending.fields import find_id
from airflow_provider_insightly.sending.request import Item

Outcome = Literal["succeeded", "rejected", "failed", "skipped", "unknown"]
"""``rejected``: refused for what stands in it; ``failed``: ran out of attempts; ``skipped``: known from an earlier
attempt as done; ``unknown``: sent, and the answer never came."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of the records of one request.

    :param items: the records.
    :param record_ids: for each record the id in Insightly, as far as it is known.
    :param status: the HTTP status; ``None`` when no answer came, or no request was made.
    :param response: the parsed body of the answer.
    :param message: what went wrong; empty when nothing did.
    :param attempts: how often the request was made.
    :param seconds: how long the last attempt took.
    :param quota_remaining: the requests that were left of the day's quota after it.
    :param began_at: for an unknown outcome: when the request went out, by this machine's clock in UTC.
    """

    items: tuple[Item, ...]
    outcome: Outcome
    record_ids: tuple[int | None, ...]
    status: int | None = None
    response: Any = None
    message: str = ""
    attempts: int = 0
    seconds: float = 0.0
    quota_remaining: int | None = None
    began_at: datetime | None = None


def read_ids(target: InsightlyObject | None, items: tuple[Item, ...], body: Any) -> tuple[int | None, ...]:
    """Return the id of each record from an answer: one record's, or a list's where it is as long as the batch."""
    answers = body if isinstance(body, list) and len(body) == len(items) else [body] if len(items) == 1 else []
    found = [find_id(target, answer) for answer in answers] or [None] * len(items)
    return tuple(item.record_id if given is None else given for item, given in zip(items, found, strict=True))
