"""Requests that brought no answer: what went wrong, and whether anything can have reached the server."""

from __future__ import annotations

import ssl
import traceback
from collections.abc import Iterator

import requests
import urllib3.exceptions

from airflow_provider_insightly.api import errors

BEFORE_CONNECTING = (  # a proxy that does not let through, an address that is none, of a proxy too
    requests.exceptions.ProxyError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
)


def find_kind(error: OSError) -> type[errors.InsightlyError]:
    """Return the kind of error for a request that brought no answer, by what lies at the bottom of it.

    :param error: what ``requests`` raised. All of its own errors are an ``OSError``, and it lets others through.
    """
    causes = list(_causes(error))
    if _came_through(causes, "cert_verify"):  # there is no file with certificates where there should be
        return errors.TlsError
    if _came_through(causes, "connect"):
        return _find_kind_of_connecting(causes)
    if isinstance(error, BEFORE_CONNECTING):
        return errors.ConnectError
    if isinstance(error, requests.ReadTimeout) or _are(causes, urllib3.exceptions.ReadTimeoutError):
        return errors.AnswerTimeoutError
    return errors.LostAnswerError


def find_reason(error: BaseException) -> str:
    """Return the words of the innermost error: the outer ones repeat it with the addresses of objects."""
    innermost = list(_causes(error))[-1]
    return f"{type(innermost).__name__}: {innermost}"[: errors.LONGEST_SERVER_MESSAGE]


def _find_kind_of_connecting(causes: list[BaseException]) -> type[errors.InsightlyError]:
    if _are(causes, requests.exceptions.SSLError, ssl.SSLError):
        return errors.TlsError
    return errors.DnsError if _are(causes, urllib3.exceptions.NameResolutionError) else errors.ConnectError


def _are(causes: list[BaseException], *kinds: type[BaseException]) -> bool:
    """Tell whether one of the causes is of one of these kinds."""
    return any(isinstance(cause, kinds) for cause in causes)


def _came_through(causes: list[BaseException], function: str) -> bool:
    """Tell whether an error came through a function.

    TLS fails in the same words before the request and after it, and so do time-outs and broken connections; only the
    place tells whether a connection was still being made, when nothing can have reached the server.
    """
    frames = (frame for cause in causes for frame, _ in traceback.walk_tb(cause.__traceback__))
    return any(frame.f_code.co_name == function for frame in frames)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that lies below it, in ``__cause__``, in ``reason`` and in its arguments."""
    todo, seen = [error], set()
    while todo:
        current = todo.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        below = [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
        todo += [cause for cause in below if isinstance(cause, BaseException)]
