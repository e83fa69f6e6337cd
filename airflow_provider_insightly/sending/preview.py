"""What a send would do, seen without doing it, and one record sent to try it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from requests.structures import CaseInsensitiveDict

from airflow_provider_insightly.api.address import BASE_PATH
from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.sending.address import fields_of_url
from airflow_provider_insightly.sending.exchange import Exchange
from airflow_provider_insightly.sending.mask import MASKED, mask, mask_text
from airflow_provider_insightly.sending.record import Record, Rejection
from airflow_provider_insightly.sending.request import build_requests, read_items
from airflow_provider_insightly.sending.result import Result
from airflow_provider_insightly.sending.settings import SendSettings
from airflow_provider_insightly.sending.source import number_records

SHOWN = 10
BASE_URL = f"https://api.{{pod}}.insightly.com{BASE_PATH}"


@dataclass(frozen=True, slots=True)
class Sample:
    """A request as it would go out, or a record that would not.

    :param indices: the places of its records in the source.
    :param headers: all headers that decide something, the key masked.
    :param body: the body as text; ``None`` for a DELETE.
    :param problem: why no request would be made; empty when one would.
    :param note: what the request does not show.
    """

    indices: tuple[int, ...]
    method: str
    url: str
    headers: Mapping[str, str]
    body: str | None
    problem: str = ""
    note: str = ""

    def __str__(self) -> str:
        """Show the request as it goes over the wire."""
        place = f"# records {', '.join(map(str, self.indices))}"
        if self.problem:
            return f"{place}: no request: {self.problem}"
        head = [place, *([f"# {self.note}"] if self.note else []), f"{self.method} {self.url}"]
        head += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\n".join([*head, *(["", self.body] if self.body is not None else [])])


def preview(
    settings: SendSettings,
    records: Iterable[Record | Rejection | Mapping[str, Any]],
    limit: int = SHOWN,
    base_url: str = BASE_URL,
) -> list[Sample]:
    """Return the first requests that a send would make, built by the code that builds them for the send.

    No connection, no network and no Airflow is needed.

    :param limit: how many requests to show.
    :param base_url: stands before the paths.
    :raises ValueError: a path has the version of the API in it, which the base URL has already.
    """
    if "://" not in settings.url:  # whose a full URL is, only a connection can tell
        settings.check_host(base_url)
    outcomes = build_requests(settings, read_items(settings, _numbered(records)))
    samples = []
    for outcome in islice(outcomes, limit):
        if isinstance(outcome, Rejection):
            problem = mask_text(outcome.message, outcome.record.values, settings.masked)
            samples.append(Sample((outcome.record.index,), settings.method, settings.url, {}, None, problem))
            continue
        url = outcome.url if "://" in outcome.url else f"{base_url.rstrip('/')}/{outcome.url.lstrip('/')}"
        for item in outcome.items if fields_of_url(settings.url) else ():
            url = mask_text(url, item.record.values, settings.masked)
        headers = CaseInsensitiveDict({"Authorization": f"Basic {MASKED}", "Accept": "application/json"})
        headers.update(outcome.headers)
        if outcome.body is not None:
            headers["Content-Type"] = "application/json"
        note = "the record is read first, and these fields are laid over it" if settings.update_mode == "merge" else ""
        samples.append(
            Sample(outcome.indices, outcome.method, url, dict(headers), _shown(settings, outcome.body), note=note)
        )
    return samples


def test_send(
    settings: SendSettings,
    record: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    client: InsightlyClient,
    *,
    confirm_delete: bool = False,  # noqa: PT028  not a test of pytest's
) -> Result | Rejection:
    """Make one request for real, outside of any journal, and return what became of it.

    :param record: the record, edited as one likes; or the records of one batch.
    :param confirm_delete: the consent that a deletion asks for: it cannot be undone.
    :raises ValueError: a deletion without consent, a URL of another host, or records that are not one request.
    :raises InsightlyError: the key, a permission, the quota or the way to the server is the trouble.
    """
    if settings.method == "DELETE" and not confirm_delete:
        raise ValueError("This would delete the record in Insightly for good: confirm it (confirm_delete=True).")
    settings.check_host(client.base_url)
    requests = []
    for outcome in build_requests(settings, read_items(settings, number_records(record))):
        if isinstance(outcome, Rejection):
            return outcome
        requests.append(outcome)
    if len(requests) != 1:
        raise ValueError(f"A test is one request; by the settings these records make {len(requests)}.")
    return Exchange(client, settings)(requests[0])


test_send.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for a test otherwise


def _numbered(records: Iterable[Record | Rejection | Mapping[str, Any]]) -> Iterable[Record | Rejection]:
    for index, record in enumerate(records):
        if isinstance(record, (Record, Rejection)):
            yield record
        else:
            yield from (Record(index, r.values) if isinstance(r, Record) else r for r in number_records(record))


def _shown(settings: SendSettings, body: bytes | None) -> str | None:
    if body is None or not settings.masked:
        return None if body is None else body.decode()
    try:
        return json.dumps(mask(json.loads(body), settings.masked), ensure_ascii=False, separators=(",", ":"))
    except ValueError:  # JSON Lines
        lines = (json.loads(line) for line in body.decode().splitlines())
        return "".join(f"{json.dumps(mask(line, settings.masked), ensure_ascii=False)}\n" for line in lines)
