"""The client: one object for a connection to Insightly, with pages as generators and typed errors."""

from __future__ import annotations

import base64
import json as jsonlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from airflow_provider_insightly import __version__
from airflow_provider_insightly.api import errors
from airflow_provider_insightly.api.address import find_base_url
from airflow_provider_insightly.api.catalogue import get_object
from airflow_provider_insightly.api.no_answer import find_kind, find_reason
from airflow_provider_insightly.api.retry import NO_RETRY, RetryPolicy, retrying
from airflow_provider_insightly.api.throttle import LocalThrottle, Throttle

LARGEST_PAGE = 500  # a larger ``top`` is clamped by the server


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer.

    :param status: the HTTP status.
    :param headers: the headers, found in any case.
    :param body: the parsed JSON; ``None`` when the body is empty.
    :param text: the body as it came; :meth:`InsightlyClient.redact` gives what may be written down of it.
    :param seconds: how long the last attempt took.
    :param attempts: how many attempts there were.
    """

    status: int
    headers: Mapping[str, str]
    body: Any
    text: str
    seconds: float
    attempts: int = 1

    @property
    def quota_remaining(self) -> int | None:
        """The requests that are left of the day's quota."""
        return _integer(self.headers.get("X-RateLimit-Remaining"))

    @property
    def server_time(self) -> datetime | None:
        """The server's clock in UTC when it answered, to the second; ``None`` when it does not say."""
        try:
            return parsedate_to_datetime(self.headers.get("Date", "")).astimezone(timezone.utc)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of records.

    :param records: the records, in the server's order.
    :param total: how many there are on all pages, by the server's count; ``None`` when it does not say.
    :param skip: how many stand before this page.
    :param server_time: the server's clock when it answered.
    """

    records: list[dict[str, Any]]
    total: int | None
    skip: int
    server_time: datetime | None


class InsightlyClient:
    """A connection to one Insightly instance. Threads may share it.

    :param api_key: the user's API key.
    :param pod: the region in the host's name, such as ``na1``.
    :param base_url: the whole address up to and with ``/v3.1``; wins over the pod.
    :param requests_per_second: the highest rate. Insightly documents 10; some instances bear about 5.
    :param concurrency: the most requests under way at once.
    :param connect_timeout: seconds until a connection must stand.
    :param read_timeout: seconds without a byte after which an answer counts as lost.
    :param verify: whether the server's certificate is checked, or the path of a CA bundle to check it with.
    :param proxies: proxies by scheme, as ``requests`` takes them.
    :param retry: how stubbornly a request is tried.
    :param throttle: a throttle shared with others; else one of this client's own, by rate and concurrency.
    :param sleep: takes the pause between attempts in seconds; injected by tests.
    :raises ValueError: the pod or the base URL cannot be one.

    >>> client = InsightlyClient("a-key", pod="na1")
    >>> client.base_url
    'https://api.na1.insightly.com/v3.1'
    """

    def __init__(
        self,
        api_key: str,
        *,
        pod: str | None = None,
        base_url: str | None = None,
        requests_per_second: float = 10.0,
        concurrency: int = 5,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        verify: bool | str = True,
        proxies: Mapping[str, str] | None = None,
        retry: RetryPolicy | None = None,
        throttle: Throttle | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not api_key:
            raise ValueError("The API key is empty: Insightly shows yours under User Settings > API.")
        self.base_url = find_base_url(pod, base_url)
        self.concurrency = concurrency
        self.throttle = throttle or LocalThrottle(requests_per_second, concurrency)
        self.retry = retry or RetryPolicy()
        self._timeout = (connect_timeout, read_timeout)
        self._sleep = sleep
        self._secrets = secrets_of(api_key)
        self._hosts: dict[str, Mapping[str, Any]] = {}
        self._session = requests.Session()
        self._session.auth = (api_key, "")
        self._session.verify = verify
        self._session.proxies.update(proxies or {})
        self._session.headers.update(
            {"User-Agent": f"airflow-provider-insightly/{__version__}", "Accept": "application/json"}
        )
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=concurrency, max_retries=0)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def __repr__(self) -> str:
        """Name the instance, never the key."""
        return f"InsightlyClient({self.base_url!r})"

    # Requests

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        retry: bool = True,
        allow_other_hosts: bool = False,
    ) -> Answer:
        """Send one request and return its answer; try again what is safe to try again.

        A POST is sent again only when nothing reached the server or it said that it did nothing. A DELETE whose
        answer was lost, and which then meets 404, has succeeded.

        :param path: below ``/v3.1`` (``/Contacts/5``), or a full URL of the same host.
        :param json: the body as a JSON value; or
        :param data: the body as bytes of JSON.
        :param retry: ``False`` for one attempt.
        :param allow_other_hosts: let a full URL name another host, which then receives the API key.
        :raises InsightlyError: the kind of error says what happened; see :mod:`.errors`.
        :raises ValueError: a full URL of another host.
        """
        url = self._url(path, allow_other_hosts)
        body = jsonlib.dumps(json, ensure_ascii=False).encode() if json is not None else data
        asked = requests.Request(
            method.upper(), url, params=_without_none(params), data=body, headers=dict(headers or {})
        )
        try:
            prepared = self._session.prepare_request(asked)
        except requests.RequestException as error:  # such as a port that is none
            raise errors.ConnectError(self._redact(find_reason(error)), method=method.upper(), path=path) from None
        if body is not None:
            prepared.headers["Content-Type"] = "application/json"
        may_be_done = False
        for attempt in retrying(self.retry if retry else NO_RETRY, self._sleep):
            with attempt:
                number = attempt.retry_state.attempt_number
                try:
                    return replace(self._send(prepared), attempts=number)
                except errors.InsightlyError as error:
                    error.attempts = number
                    if isinstance(error, errors.NotFoundError) and prepared.method == "DELETE" and may_be_done:
                        return Answer(404, CaseInsensitiveDict(), None, "", 0.0, number)
                    may_be_done = may_be_done or error.outcome == "unknown"
                    raise
        raise AssertionError("the loop of attempts returns or raises")

    def _send(self, prepared: requests.PreparedRequest) -> Answer:
        """Make one attempt."""
        method, path = prepared.method or "", urlsplit(prepared.url or "").path
        settings = self._surroundings(prepared.url or "")
        with self.throttle.slot():
            started = time.monotonic()
            try:
                response = self._session.send(prepared, timeout=self._timeout, allow_redirects=False, **settings)
            except OSError as error:  # all of requests' errors are some, and it raises others as they are
                raise find_kind(error)(self._redact(find_reason(error)), method=method, path=path) from None
            seconds = time.monotonic() - started
        text = response.content.decode("utf-8-sig", "replace")
        if not 200 <= response.status_code < 300:
            failure = errors.from_answer(
                response.status_code, response.headers, self._redact(text), method=method, path=path
            )
            if isinstance(failure, errors.BurstLimitError):
                # All workers pause: for longer than one request is tried, nobody would know what they wait for.
                pause = failure.retry_after
                self.throttle.slow_down(None if pause is None else min(pause, self.retry.seconds))
            raise failure
        try:
            body = jsonlib.loads(text) if text.strip() else None
        except (ValueError, RecursionError):
            kind = errors.HtmlAnswerError if errors.is_html(text) else errors.BrokenAnswerError
            broken = kind(
                errors.read_message(self._redact(text)), method=method, path=path, status=response.status_code
            )
            broken.outcome = "unknown"
            raise broken from None
        return Answer(response.status_code, response.headers, body, text, seconds)

    def _surroundings(self, url: str) -> Mapping[str, Any]:
        """Return the proxies and certificates for a URL's host: the connection's, else the environment's.

        The environment is read once for each host: reading it takes a tenth of a request's time.
        """
        host = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        if host not in self._hosts:
            ours = self._session  # given as if for this request alone, or the environment's would win
            self._hosts[host] = ours.merge_environment_settings(host, dict(ours.proxies), None, ours.verify, None)
        return self._hosts[host]

    def _url(self, path: str, allow_other_hosts: bool) -> str:
        """Return the full URL of a path; a full URL must be of the connection's own host."""
        if "://" not in path:
            return f"{self.base_url}/{path.lstrip('/')}"
        here, there = urlsplit(self.base_url), urlsplit(path)
        if (here.scheme, here.netloc.lower()) != (there.scheme, there.netloc.lower()) and not allow_other_hosts:
            raise ValueError(
                f"The URL is of the host {there.netloc!r}, the connection of {here.netloc!r}: the API key is not sent "
                "to another host. Use a path, or correct the pod, or allow it (allow_other_hosts)."
            )
        return path

    def redact(self, answer: Answer) -> Any:
        """Return the body of an answer as it may be written down: without the API key, should the server repeat it.

        The body itself keeps it: a record is written back as it was read, whatever a user wrote into it.
        """
        text = self._redact(answer.text)
        if text == answer.text:
            return answer.body
        try:
            return jsonlib.loads(text)
        except ValueError:  # the key was no text
            return text

    def _redact(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    # Records

    def get(self, object_name: str, record_id: int) -> dict[str, Any]:
        """Return one record: ``GET /{Object}/{id}``.

        :raises NotFoundError: there is none, or it is not to be seen by the key's user.
        """
        return self._record("GET", f"{get_object(object_name).path}/{int(record_id)}")

    def create(self, object_name: str, record: Mapping[str, Any]) -> dict[str, Any]:
        """Create a record and return it as Insightly keeps it, with its id: ``POST /{Object}``."""
        return self._record("POST", get_object(object_name).path, record)

    def update(self, object_name: str, record: Mapping[str, Any]) -> dict[str, Any]:
        """Change the given fields of a record and return it: ``PUT /{Object}``, the id among the fields.

        :param record: the id field and the fields to change; an explicit ``None`` clears a field.
        """
        obj = get_object(object_name)
        if obj.id_field is None or record.get(obj.id_field) is None:
            raise ValueError(f"An update of {obj.name} needs the record's {obj.id_field}.")
        return self._record("PUT", obj.path, record)

    def delete(self, object_name: str, record_id: int) -> None:
        """Delete a record for good: ``DELETE /{Object}/{id}``."""
        self.request("DELETE", f"{get_object(object_name).path}/{int(record_id)}")

    def list(self, object_name: str, *, brief: bool = False) -> Iterator[dict[str, Any]]:
        """Yield all records of an object, by ascending id: ``GET /{Object}``.

        :param brief: leave out CUSTOMFIELDS, TAGS, LINKS and DATES.
        """
        for page in self.pages(get_object(object_name).path, params={"brief": "true" if brief else None}):
            yield from page.records

    def search(
        self,
        object_name: str,
        *,
        field: str | None = None,
        value: Any = None,
        updated_after: datetime | str | None = None,
        brief: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """Yield the records that match: ``GET /{Object}/Search``.

        :param field: one field, standard or custom, whose value must be exactly ``value``.
        :param updated_after: changed or created after this moment (exclusive), as an aware datetime or in the API's
            own form in UTC.
        :param brief: leave out CUSTOMFIELDS, TAGS, LINKS and DATES.
        """
        obj = get_object(object_name)
        params = {
            "field_name": field,
            "field_value": value,
            "updated_after_utc": format_time(updated_after) if isinstance(updated_after, datetime) else updated_after,
            "brief": "true" if brief else None,
        }
        for page in self.pages(f"{obj.path}/Search", params=params):
            yield from page.records

    def pages(
        self, path: str, *, params: Mapping[str, Any] | None = None, top: int = LARGEST_PAGE, skip: int = 0
    ) -> Iterator[Page]:
        """Yield the pages of a list until there are no more.

        :param params: query parameters besides ``top``, ``skip`` and ``count_total``.
        :param top: the records on a page, 500 at most.
        :param skip: how many records to leave out before the first page.
        """
        first = skip
        while True:
            answer = self.request(
                "GET", path, params={**(params or {}), "top": top, "skip": skip, "count_total": "true"}
            )
            if not isinstance(answer.body, list):
                raise self._unexpected("a list", answer, "GET", path)
            total = _integer(answer.headers.get("X-Total-Count"))
            if answer.body or skip == first:
                yield Page(answer.body, total, skip, answer.server_time)
            skip += len(answer.body)
            # A page may be short before the end (rows that the user may not see), so the server's count decides.
            if not answer.body or (total is not None and skip >= total):
                return

    def _record(self, method: str, path: str, record: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = self.request(method, path, json=dict(record) if record is not None else None)
        if not isinstance(answer.body, dict):
            raise self._unexpected("a record", answer, method, path)
        return answer.body

    def _unexpected(self, expected: str, answer: Answer, method: str, path: str) -> errors.BrokenAnswerError:
        came = self._redact(errors.read_message(answer.text)) or "an empty body"
        return errors.BrokenAnswerError(f"not {expected}: {came}", method=method, path=path, status=answer.status)


def secrets_of(api_key: str) -> tuple[str, ...]:
    """Return every form in which a key may stand in a text: itself, and base64 with and without the colon.

    A text that is shorter than any key is left out: masking a letter would only garble messages.
    """
    encoded = (base64.b64encode(form.encode()).decode() for form in (f"{api_key}:", api_key))
    return tuple(form for form in (*encoded, api_key, quote(api_key, safe="")) if len(form) > 3)


def format_time(moment: datetime) -> str:
    """Write an aware datetime as the API reads it: ``2018-04-09T16:58:14Z``."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone.")
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _without_none(params: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (params or {}).items() if value is not None}


def _integer(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
