"""One request goes out, and what came back is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from airflow_provider_insightly.api import errors
from airflow_provider_insightly.api.client import Answer, InsightlyClient
from airflow_provider_insightly.sending.body import to_json
from airflow_provider_insightly.sending.fields import CUSTOM_FIELDS
from airflow_provider_insightly.sending.request import Request
from airflow_provider_insightly.sending.result import Result, read_ids
from airflow_provider_insightly.sending.settings import SendSettings

STOPPING = (
    errors.AuthenticationError,
    errors.AccessDeniedError,
    errors.DailyQuotaError,
    errors.RedirectError,
    errors.DnsError,
    errors.TlsError,
    errors.ConnectError,
)
"""What the next record would meet too: the send stops, and these are raised."""

MOST_MERGES = 6  # of one record: a server that loses every answer must not hold up the send for ever

PUT_OFF = frozenset({408, 425, 429, 503})


class Exchange:
    """Makes the requests of one send. Threads may share it.

    :param client: the connection.
    :param settings: the send's settings.
    """

    def __init__(self, client: InsightlyClient, settings: SendSettings) -> None:
        self._client = client
        self._settings = settings
        self._patch_is_refused = False

    def __call__(self, request: Request) -> Result:
        """Make a request and return what became of its records.

        :raises InsightlyError: one of :data:`STOPPING`; nothing was done.
        """
        began_at = datetime.now(timezone.utc)
        try:
            answer = self._merge(request) if self._settings.update_mode == "merge" else self._request(request)
        except STOPPING:
            raise
        except errors.InsightlyError as error:
            return self._judge(request, error, began_at)
        return Result(
            request.items,
            "succeeded",
            read_ids(self._settings.target, request.items, answer.body),
            answer.status,
            self._client.redact(answer),
            attempts=answer.attempts,
            seconds=answer.seconds,
            quota_remaining=answer.quota_remaining,
        )

    def _request(self, request: Request) -> Answer:
        method = "PUT" if self._patch_is_refused and request.method == "PATCH" else request.method
        try:
            return self._send(replace(request, method=method))
        except errors.MethodNotAllowedError:
            if method != "PATCH" or self._settings.patch_fallback != "put":
                raise
        self._patch_is_refused = True  # for the rest of the send
        return self._send(replace(request, method="PUT"))

    def _send(self, request: Request) -> Answer:
        return self._client.request(
            request.method,
            request.url,
            data=request.body,
            headers=request.headers,
            allow_other_hosts=self._settings.allow_other_hosts,
        )

    def _merge(self, request: Request) -> Answer:
        """Lay the given fields over the record as it is, and send the whole; once more if it changed meanwhile.

        What changed it may have been this very request, in an attempt whose answer was lost: that is no conflict.
        """
        conflicts = 0
        for _ in range(MOST_MERGES - 1):
            try:
                return self._merge_once(request)
            except errors.InvalidRequestError as error:
                if error.status != 412 and "if-match" not in error.server_message.lower():
                    raise
                conflicts += error.attempts == 1
                if conflicts > 1:
                    raise
        return self._merge_once(request)

    def _merge_once(self, request: Request) -> Answer:
        current = self._send(replace(request, method="GET", body=None))
        if not isinstance(current.body, dict):
            raise errors.BrokenAnswerError("not a record", method="GET", path=request.url, status=current.status)
        etag = current.headers.get("ETag") or current.body.get("ETag")
        headers = {**request.headers, **({"If-Match": str(etag)} if etag else {})}
        body = to_json(self._laid_over(current.body, request.items[0].values))
        return self._send(replace(request, body=body, headers=headers))

    def _laid_over(self, current: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        target = self._settings.target
        writable = {f.name for f in target.fields.values() if not f.read_only} if target else set(current)
        kept = {name: value for name, value in current.items() if name in writable}
        merged = {**given, **kept, **given}
        if CUSTOM_FIELDS in given:
            by_name = {c["FIELD_NAME"]: c for c in [*(kept.get(CUSTOM_FIELDS) or []), *(given[CUSTOM_FIELDS] or [])]}
            merged[CUSTOM_FIELDS] = list(by_name.values())
        return merged

    def _judge(self, request: Request, error: errors.InsightlyError, began_at: datetime) -> Result:
        lost = error.outcome == "unknown"
        if lost and request.creates:
            outcome = "unknown"
        elif lost or error.outcome == "not_sent" or error.status in PUT_OFF:
            outcome = "failed"
        else:
            outcome = "rejected"
        message = str(error)
        if isinstance(error, errors.MethodNotAllowedError) and request.method == "PATCH":
            message += " This server does not take PATCH: use method PUT, or patch_fallback='put'."
        return Result(
            request.items,
            outcome,  # type: ignore[arg-type]
            tuple(item.record_id for item in request.items),
            error.status,
            error.server_message,
            message,
            error.attempts,
            began_at=began_at if outcome == "unknown" else None,
        )
