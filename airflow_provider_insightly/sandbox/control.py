"""The routes below ``/sandbox/``: what a test, or a person, does to the sandbox itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from airflow_provider_insightly.sandbox import web_page
from airflow_provider_insightly.sandbox.answers import Answer, ApiError, encode, not_found, wrong_method
from airflow_provider_insightly.sandbox.call import read_json
from airflow_provider_insightly.sandbox.desk import Desk
from airflow_provider_insightly.sandbox.faults import Faults, Order
from airflow_provider_insightly.sandbox.imports import import_records
from airflow_provider_insightly.sandbox.openapi import document
from airflow_provider_insightly.sandbox.request_log import KEPT
from airflow_provider_insightly.sandbox.seeds import SEEDS

if TYPE_CHECKING:
    from airflow_provider_insightly.sandbox.sandbox import Sandbox

Body = dict[str, Any]

# Its body is a list or CSV, not a JSON object.
IMPORT = re.compile(r"/import/(\w+)")


def serve(
    sandbox: Sandbox, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
) -> Answer:
    """Answer a request to ``/sandbox/…``.

    :raises ApiError: 404 and 405 for the path, 400 for the body.
    """
    rest = path.removeprefix("/sandbox").rstrip("/")
    found = [
        (route_method, handle, match) for route_method, pattern, handle in ROUTES if (match := pattern.fullmatch(rest))
    ]
    if method == "POST" and (name := IMPORT.fullmatch(rest)):
        content_type = headers.get("content-type", "")
        return Answer(200, encode(import_records(sandbox.store, name[1], body, content_type, sandbox.now())))
    for verb, handle, match in found:
        if verb == method:
            try:
                answer = handle(sandbox, match, query, read_body(body))
            except ValidationError as error:
                raise ApiError(400, explain(error)) from None
            except (TypeError, ValueError, OverflowError) as error:
                raise ApiError(400, f"The request does not fit: {error}.") from None
            return Answer(200, encode(answer))
    raise wrong_method(method) if found else not_found(method, path)


def read_body(body: bytes) -> Body:
    """Return the JSON object that a body holds; nothing is an empty one."""
    try:
        value = read_json(body) if body.strip() else {}
    except ValueError:
        raise ApiError(400, "The body is not JSON.") from None
    if not isinstance(value, dict):
        raise ApiError(400, "The body must be a JSON object.")
    return value


def explain(error: ValidationError) -> str:
    """Return what is wrong with a body, a field a clause."""
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in error.errors())


def show_requests(sandbox: Sandbox, match: re.Match[str], query: Mapping[str, str], body: Body) -> Any:
    """GET /sandbox/requests: what was received, oldest first; ``after`` a number, at most ``limit``."""
    after, limit = (int(query.get(name) or default) for name, default in (("after", 0), ("limit", KEPT)))
    if limit < 0:
        raise ApiError(400, "limit must not be negative.")
    entries = sandbox.log.entries(after, limit)
    return {"total": sandbox.log.total, "requests": [entry.as_json() for entry in entries]}


def show_counters(sandbox: Sandbox, match: re.Match[str], query: Mapping[str, str], body: Body) -> Any:
    """GET /sandbox/counters: requests by method, object and status; records by object; faults that befell requests."""
    counts = [
        {"method": method, "object": obj, "status": status, "requests": number}
        for (method, obj, status), number in sandbox.log.counts.items()
    ]
    records = {name: number for name, number in sandbox.store.counts().items() if "/" not in name}
    faults = [
        {**fault.model_dump(exclude_defaults=True), "matched": seen, "fired": fired}
        for fault, seen, fired in zip(sandbox.faults.faults, sandbox.faults.seen, sandbox.faults.fired, strict=True)
    ]
    return {"requests": sandbox.log.total, "by_kind": counts, "records": records, "faults": faults}


def reset(sandbox: Sandbox, match: re.Match[str], query: Mapping[str, str], body: Body) -> Any:
    """POST /sandbox/reset: begin again, with the first data or with another seed."""
    seed = body.get("seed")
    if seed is not None and seed not in SEEDS:
        raise ApiError(400, f"There is no seed {seed!r}; there are {', '.join(SEEDS)}.")
    number = body.get("seed_number")
    if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
        raise ApiError(400, "seed_number must be an integer.")
    sandbox.reset(seed, number)
    return {"records": sandbox.store.counts()}


def show_settings(sandbox: Sandbox, match: re.Match[str], query: Mapping[str, str], body: Body) -> Any:
    """GET /sandbox/settings."""
    return sandbox.settings.model_dump()


def change_settings(sandbox: Sandbox, match: re.Match[str], query: Mapping[str, str], body: Body) -> Any:
    """POST /sandbox/settings: set some, keep the others."""
    return sandbox.change_settings(body).model_dump()


def show_openapi(sandbox: Sandbox, match: re.Match[str], query: Mapping[str, str], body: Body) -> Any:
    """GET /sandbox/openapi.json: the API as an OpenAPI document."""
    return document()


def order_faults(sandbox: Sandbox, match: re.Match[str], query: Mapping[str, str], body: Body) -> Any:
    """POST /sandbox/faults: these faults from now on; an empty list ends all."""
    order = Order.model_validate(body)
    sandbox.faults = Faults(order.faults, order.seed)
    return order.model_dump()


def list_snapshots(sandbox: Sandbox, match: re.Match[str], query: Mapping[str, str], body: Body) -> Any:
    """GET /sandbox/snapshots."""
    return {"snapshots": sorted(sandbox.snapshots)}


def take_snapshot(sandbox: Sandbox, match: re.Match[str], query: Mapping[str, str], body: Body) -> Any:
    """POST /sandbox/snapshots/{name}: keep a copy of all records, and of the settings."""
    sandbox.take_snapshot(match["name"])
    return list_snapshots(sandbox, match, query, body)


def restore_snapshot(sandbox: Sandbox, match: re.Match[str], query: Mapping[str, str], body: Body) -> Any:
    """POST /sandbox/snapshots/{name}/restore: put all records, and the settings, back as they were."""
    if match["name"] not in sandbox.snapshots:
        raise ApiError(404, f"There is no snapshot {match['name']!r}.")
    sandbox.restore_snapshot(match["name"])
    return {"records": sandbox.store.counts()}


def drop_snapshot(sandbox: Sandbox, match: re.Match[str], query: Mapping[str, str], body: Body) -> Any:
    """DELETE /sandbox/snapshots/{name}."""
    sandbox.drop_snapshot(match["name"])
    return list_snapshots(sandbox, match, query, body)


def act(action: Callable[..., Any]) -> Callable[..., Any]:
    """Serve an action of the web page: the path's parts are its arguments, in one transaction."""

    def handle(sandbox: Sandbox, match: re.Match[str], query: Mapping[str, str], body: Body) -> Any:
        with sandbox.store.transaction():
            return action(Desk(sandbox.store, sandbox.now()), body, **match.groupdict())

    return handle


def route(method: str, path: str, handle: Callable[..., Any]) -> tuple[str, re.Pattern[str], Callable[..., Any]]:
    """Return a route; a part in braces matches anything up to the next slash."""
    return method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path), re.IGNORECASE), handle


ROUTES = [
    route("GET", "/openapi.json", show_openapi),
    route("GET", "/requests", show_requests),
    route("GET", "/counters", show_counters),
    route("POST", "/reset", reset),
    route("GET", "/settings", show_settings),
    route("POST", "/settings", change_settings),
    route("POST", "/faults", order_faults),
    route("GET", "/snapshots", list_snapshots),
    route("POST", "/snapshots/{name}", take_snapshot),
    route("POST", "/snapshots/{name}/restore", restore_snapshot),
    route("DELETE", "/snapshots/{name}", drop_snapshot),
    *(route(method, path, act(action)) for (method, path), action in web_page.ACTIONS.items()),
]
