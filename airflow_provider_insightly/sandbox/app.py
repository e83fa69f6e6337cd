"""The server: an ASGI application that lets requests in, serves them, and answers or fails as it was told."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import re
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from airflow_provider_insightly.api.address import BASE_PATH
from airflow_provider_insightly.sandbox import control, page
from airflow_provider_insightly.sandbox.answers import (
    DEFECT_PAGE,
    ERROR_PAGE,
    TEXT,
    Answer,
    ApiError,
    error_answer,
    html_answer,
    not_found,
)
from airflow_provider_insightly.sandbox.call import Call
from airflow_provider_insightly.sandbox.faults import Fault
from airflow_provider_insightly.sandbox.handlers import find_handler
from airflow_provider_insightly.sandbox.plan import check_object
from airflow_provider_insightly.sandbox.request_log import Entry
from airflow_provider_insightly.sandbox.routes import ALIASES, find_route
from airflow_provider_insightly.sandbox.sandbox import Sandbox
from airflow_provider_insightly.sandbox.unset import show_unset

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

DENIED = ApiError(401, "Authorization has been denied for this request.", framework=True)
WORTH_COMPRESSING = 1000
WITHOUT_BODY = (204, 205, 304)

# Some clients encode the key with the alphabet that is safe in URLs.
URL_SAFE = str.maketrans("-_", "+/")

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Request:
    """An HTTP request as it arrived, whole."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class App:
    """The ASGI application over a :class:`Sandbox`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's event; uvicorn calls this."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            request = Request(
                scope["method"],
                re.sub("//+", "/", scope["path"]),  # as the live API's web server does
                dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
                {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
                await _read(receive),
            )
            if request.path.lower().startswith("/v"):
                await self._serve_api(request, send)
            else:
                await _send(self._serve_tools(request), request, send)

    def _serve_tools(self, request: Request) -> Answer:
        """Answer a request to ``/sandbox/…`` or to the page."""
        if self._user(request) is None:
            answer = error_answer(DENIED, "text")
            answer.headers["WWW-Authenticate"] = 'Basic realm="Insightly sandbox: your API key as user name"'
            return answer
        try:
            if request.path.startswith("/sandbox/"):
                return control.serve(
                    self.sandbox, request.method, request.path, request.query, request.headers, request.body
                )
            if request.method == "GET":
                return page.serve(self.sandbox, request.path, request.query)
            raise not_found(request.method, request.path)
        except ApiError as error:
            return error_answer(error, "message")

    async def _serve_api(self, request: Request, send: Send) -> None:
        """Log a request to the API, let a fault befall it if one was ordered, serve it and answer."""
        sandbox = self.sandbox
        settings = sandbox.settings
        obj = _object_in(request.path)
        entry = Entry(0, sandbox.now(), request.method, request.path, request.query, request.headers, request.body)
        sandbox.log.open(entry)
        entry.user_id = self._user(request)
        fault = sandbox.faults.choose(request.method, obj, request.path) if entry.user_id is not None else None
        entry.fault = fault.kind if fault else None
        refusal = None if entry.user_id is None else sandbox.limits.admit(settings, sandbox.now())
        # Those who are turned away take nobody's place, or clients that try again would keep each other out for ever.
        takes_place = entry.user_id is not None and refusal is None
        sandbox.limits.in_flight += takes_place
        try:
            answer = self._answer(request, entry.user_id, fault, refusal)
            delay = settings.latency_ms / 1000
            if fault is not None and fault.kind == "stall":
                delay += fault.seconds
            if delay:
                await asyncio.sleep(delay)
        finally:
            sandbox.limits.in_flight -= takes_place
        dropped = answer is None
        if answer is not None:
            limit, remaining = sandbox.limits.headers(settings)
            answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"] = limit, remaining
            answer.headers["Date"] = _http_date(int(sandbox.now()))
            entry.status, entry.answer_bytes = answer.status, len(answer.body)
        sandbox.log.close(entry, obj)
        if answer is None or dropped:
            await _hang_up(send)
        else:
            await _send(answer, request, send, fault)

    def _answer(self, request: Request, user_id: int | None, fault: Fault | None, refusal: str | None) -> Answer | None:
        """Return the answer to a request, or ``None`` where the connection is to be dropped."""
        sandbox = self.sandbox
        if user_id is None:
            return error_answer(DENIED, "text")
        if fault is not None and fault.kind in ("drop_before", "status", "html"):
            return None if fault.kind == "drop_before" else _faulty_answer(fault)
        if refusal is not None:
            return _too_many(refusal, sandbox.settings.retry_after)
        try:
            answer = self._call(request, user_id, fault)
        except ApiError as error:
            answer = error_answer(error, sandbox.settings.error_shape)
        except Exception:
            log.exception("%s %s could not be served", request.method, request.path)
            answer = html_answer(500, DEFECT_PAGE)
        return None if fault is not None and fault.kind == "drop_after_commit" else answer

    def _call(self, request: Request, user_id: int, fault: Fault | None) -> Answer:
        """Find out what a request asks for and do it."""
        sandbox = self.sandbox
        if not request.path.lower().startswith(f"{BASE_PATH}/"):
            raise not_found(request.method, request.path)
        route = find_route(request.method, request.path[len(BASE_PATH) :], patch=sandbox.settings.patch)
        check_object(sandbox.store, sandbox.settings, route)
        call = Call(
            sandbox.store,
            sandbox.settings,
            route.operation,
            route.parameters,
            {name.lower(): value for name, value in request.query.items()},
            request.headers,
            request.body,
            user_id,
            sandbox.now() + (fault.seconds if fault and fault.kind == "clock_skew" else 0),
            fault.records if fault and fault.kind == "shift" else 0,
        )
        answer = find_handler(route.operation)(call)
        if sandbox.settings.unset_custom == "null":
            show_unset(call, answer)
        return answer

    def _user(self, request: Request) -> int | None:
        """Return the user whose key a request carries, or ``None``."""
        return self.sandbox.users.get(read_key(request.headers.get("authorization", "")))


def read_key(header: str) -> str:
    """Return the API key in an ``Authorization`` header, whether it was encoded with its colon or without."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        decoded = base64.b64decode(encoded.strip().translate(URL_SAFE) + "==").decode()
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[0]


def _object_in(path: str) -> str:
    """Return the object at the start of an API path, in lower case."""
    first = path.lower().removeprefix(BASE_PATH).strip("/").partition("/")[0]
    return ALIASES.get(first, first)


def _too_many(refusal: str, retry_after: float | None) -> Answer:
    """Answer 429; what the live API writes into the body is unknown."""
    reasons = {
        "quota": "The daily quota of API requests is used up.",
        "rate": "Too many requests in a second.",
        "concurrency": "Too many requests at one time.",
    }
    answer = Answer(429, reasons[refusal].encode(), TEXT)
    if retry_after is not None:
        answer.headers["Retry-After"] = f"{retry_after:g}"
    return answer


def _faulty_answer(fault: Fault) -> Answer:
    """Answer as a fault of kind ``status`` or ``html`` says."""
    if fault.kind == "html":
        answer = html_answer(fault.status, fault.text or ERROR_PAGE)
    else:
        answer = Answer(fault.status, (fault.text or f"The sandbox was told to answer {fault.status}.").encode(), TEXT)
    if fault.retry_after is not None:
        answer.headers["Retry-After"] = f"{fault.retry_after:g}"
    return answer


async def _read(receive: Receive) -> bytes:
    """Return a request's body."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body") or b"")
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(answer: Answer, request: Request, send: Send, fault: Fault | None = None) -> None:
    """Send an answer, compressed where the client takes it, as slowly or as far as a fault says."""
    body = b"" if answer.status in WITHOUT_BODY else answer.body
    headers = [(_name(name), value.encode("latin-1")) for name, value in answer.headers.items()]
    if answer.content_type:
        headers.append((_name("Content-Type"), answer.content_type.encode("latin-1")))
    if len(body) >= WORTH_COMPRESSING and "gzip" in request.headers.get("accept-encoding", ""):
        compressor = zlib.compressobj(level=1, wbits=31)
        body = compressor.compress(body) + compressor.flush()
        headers += [(_name("Content-Encoding"), b"gzip"), (_name("Vary"), b"Accept-Encoding")]
    headers.append((_name("Content-Length"), b"%d" % len(body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if fault is not None and fault.kind == "truncate":
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await _hang_up(send)
        return
    if fault is not None and fault.kind == "slow_body":
        for start in range(0, len(body), max(1, len(body) // 10)):
            await asyncio.sleep(fault.seconds / 10)
            part = body[start : start + max(1, len(body) // 10)]
            await send({"type": "http.response.body", "body": part, "more_body": True})
        body = b""
    await send({"type": "http.response.body", "body": body})


class _Name(bytes):
    """A header's name as the live API writes it, which clients in PHP rely on; uvicorn writes ``name.lower()``."""

    def lower(self) -> _Name:
        return self

    def __eq__(self, other: object) -> bool:
        return bytes.lower(self) == other

    __hash__ = bytes.__hash__


@cache
def _name(text: str) -> _Name:
    return _Name(text.encode("latin-1"))


async def _hang_up(send: Send) -> None:
    """Close the client's connection without another byte.

    ASGI has no word for this. uvicorn's ``send`` is a method of the object that holds the connection's transport.
    """
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
    transport.close()
    while not send.__self__.disconnected:  # type: ignore[attr-defined]
        await asyncio.sleep(0)


async def _live(receive: Receive, send: Send) -> None:
    """Answer the server's start and its end; there is nothing to prepare."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


_date_cache: tuple[int, str] = (0, "")


def _http_date(now: int) -> str:
    """Return a moment as HTTP writes it, computed once a second."""
    global _date_cache
    if _date_cache[0] != now:
        _date_cache = (now, formatdate(now, usegmt=True))
    return _date_cache[1]
