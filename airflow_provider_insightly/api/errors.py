"""One error for each kind of answer, and of no answer, that the Insightly API gives."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Mapping
from typing import ClassVar, Literal

Outcome = Literal["not_sent", "refused", "unknown"]

LONGEST_SERVER_MESSAGE = 500  # an error ends up in a task's log; a whole HTML page does not belong there


class InsightlyError(Exception):
    """A request to Insightly did not succeed.

    :param server_message: what the server, or the network below it, said.
    :param method: the HTTP method of the request.
    :param path: its path, without the host.
    :param status: the HTTP status; ``None`` when there was no answer.
    :param retry_after: the seconds after which the server asks to be tried again.
    """

    advice: ClassVar[str] = ""
    outcome: Outcome = "refused"
    """``not_sent``: nothing reached the server; ``refused``: it answered and did nothing; ``unknown``: it may have
    done what was asked."""

    def __init__(
        self,
        server_message: str = "",
        *,
        method: str,
        path: str,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.server_message = server_message
        self.method = method
        self.path = path
        self.status = status
        self.retry_after = retry_after
        self.attempts = 1
        super().__init__(server_message)

    def __str__(self) -> str:
        """Say what was asked, what came back and what to do, in one line."""
        came = f"{self.status} {self.server_message}".strip() if self.status else self.server_message
        tries = f" (after {self.attempts} attempts)" if self.attempts > 1 else ""
        said = f"{self.method} {self.path}: {came.rstrip('. ')}{tries}".rstrip(": ")
        return f"{said}. {self.advice}".rstrip(". ") + "."


class AuthenticationError(InsightlyError):
    """401: the key is missing, wrong or withdrawn."""

    advice = "Check the API key in the connection: Insightly shows it under User Settings > API, one for each user"


class RecordLimitError(InsightlyError):
    """402: the plan holds no more records."""

    advice = "The plan's limit of records is reached: delete records in Insightly or change the plan, then send again"


class AccessDeniedError(InsightlyError):
    """403: the key's user may not do this, or the plan lacks the object."""

    advice = (
        "The key's user lacks the permission, or the plan does not include this object: "
        "look at the user's profile and the plan in Insightly"
    )


class NotFoundError(InsightlyError):
    """404: no such record, or an object that the plan lacks."""

    advice = "The record does not exist, was deleted or merged, or the plan does not include this object"


class MethodNotAllowedError(InsightlyError):
    """405: the path does not take this method; a wrong singular or plural ends here too."""

    advice = (
        "The object may have the wrong number (it is /Prospect, /Ticket and /Product, but /Contacts and /Leads), "
        "or the API does not offer this method here (use PUT where PATCH is refused)"
    )


class ConflictError(InsightlyError):
    """409: the record is in use."""

    advice = "Other records use it: remove the links to it first"


class DeleteFailedError(InsightlyError):
    """417: the record could not be deleted."""

    advice = "Insightly could not delete the record: look in its page for what still depends on it"


class BurstLimitError(InsightlyError):
    """429 with quota left: too many requests a second, or at once."""

    advice = (
        "Lower requests_per_second or concurrency in the connection's extra; other clients of this instance count too"
    )


class DailyQuotaError(InsightlyError):
    """429 with no quota left: the instance's requests of the last 24 hours are used up."""

    advice = "The instance's daily quota is used up: wait until it resets, or send less often"


class InvalidRequestError(InsightlyError):
    """400 and the other refusals of a request for what stands in it."""

    advice = "Compare the record with the fields of the object: the message above is all that Insightly says"


class RedirectError(InsightlyError):
    """3xx: the address is not that of the API."""

    advice = "The API never redirects: check the pod, or the base_url, in the connection"


class ServerError(InsightlyError):
    """5xx: Insightly failed. Except for 503 it may have done what was asked."""

    advice = "Insightly has a problem of its own; try again later"


class HtmlAnswerError(InsightlyError):
    """An HTML page in the place of JSON: a failing server, or a proxy between."""

    advice = (
        "Something other than the API answered (a proxy, a sign-in page, a failing server): check base_url and proxies"
    )


class BrokenAnswerError(InsightlyError):
    """An answer of success that cannot be read as what was asked for."""

    advice = "The answer was cut off or is not what the API promises; what was asked may have been done"
    outcome = "unknown"


class DnsError(InsightlyError):
    """The host has no address: the usual sign of a wrong pod."""

    advice = "The host is not known: check the pod (na1, eu1, au1: User Settings > API shows yours) or the base_url"
    outcome = "not_sent"


class TlsError(InsightlyError):
    """The secure connection failed."""

    advice = "Check the certificate authority ('verify' in the extra may be the path of a CA bundle) and the proxy"
    outcome = "not_sent"


class ConnectError(InsightlyError):
    """No connection came about: refused, unreachable or too slow."""

    advice = "Nothing answers there: check the base_url, the network and the proxies"
    outcome = "not_sent"


class AnswerTimeoutError(InsightlyError):
    """The request went out and no answer came in time."""

    advice = "What was asked may have been done; read_timeout in the connection's extra says how long to wait"
    outcome = "unknown"


class LostAnswerError(InsightlyError):
    """The request went out and the connection broke before the answer was complete."""

    advice = "What was asked may have been done: look in Insightly before sending it again"
    outcome = "unknown"


BY_STATUS: Mapping[int, type[InsightlyError]] = {
    401: AuthenticationError,
    402: RecordLimitError,
    403: AccessDeniedError,
    404: NotFoundError,
    405: MethodNotAllowedError,
    409: ConflictError,
    417: DeleteFailedError,
    429: BurstLimitError,
}


def from_answer(status: int, headers: Mapping[str, str], text: str, *, method: str, path: str) -> InsightlyError:
    """Return the error that an answer other than success stands for.

    :param headers: the answer's headers; ``X-RateLimit-Remaining`` tells the day's quota from the burst limit.
    :param text: the body, in any of the API's forms: JSON, a bare JSON string, plain text, an HTML page.
    """
    kind = BY_STATUS.get(status, InvalidRequestError)
    if status == 429 and headers.get("X-RateLimit-Remaining") == "0":
        kind = DailyQuotaError
    elif status >= 500:
        kind = HtmlAnswerError if is_html(text) else ServerError
    elif 300 <= status < 400:
        kind = RedirectError
    error = kind(
        read_message(text), method=method, path=path, status=status, retry_after=_seconds(headers.get("Retry-After"))
    )
    if status >= 500 and status != 503:
        error.outcome = "unknown"
    return error


def is_html(text: str) -> bool:
    """Tell whether a body is an HTML page."""
    return text.lstrip()[:200].lower().startswith(("<!doctype html", "<html", "<head", "<body"))


def read_message(text: str) -> str:
    """Return the message in an error's body, whatever its form, cut to one line of reasonable length."""
    if is_html(text):
        title = re.search(r"<(?:title|h1)[^>]*>(.*?)</", text, re.IGNORECASE | re.DOTALL)
        message = f"an HTML page: {html.unescape(title[1])}" if title else "an HTML page"
    else:
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            body = text
        if isinstance(body, dict):
            parts = [str(body[key]) for key in ("Message", "MessageDetail", "ExceptionMessage") if body.get(key)]
            parts += [json.dumps(body["ModelState"])] if body.get("ModelState") else []
            body = " ".join(parts) or text
        message = body if isinstance(body, str) else text
    message = " ".join(message.split())
    return message if len(message) <= LONGEST_SERVER_MESSAGE else f"{message[:LONGEST_SERVER_MESSAGE]}…"


def _seconds(retry_after: str | None) -> float | None:
    """Read ``Retry-After`` in seconds; its other form, a date, is rare and not worth trusting two clocks for."""
    try:
        seconds = float(retry_after or "")
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
