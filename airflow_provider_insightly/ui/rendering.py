"""Pages from templates: Jinja with everything escaped, and how values and times are written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib import resources
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from airflow_provider_insightly.ui import PREFIX

TITLES = {
    400: "This cannot be read",
    401: "Please sign in",
    403: "You may not do this",
    404: "Not found",
    405: "This address takes no such request",
}


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page.

    :param template: its file in ``templates``.
    :param values: what the template shows.
    """
    return HTMLResponse(render(request, template, **values), status)


def render(request: Request, template: str, **values: Any) -> str:
    """Return the text of a template, which may be a part of a page."""
    root = request.scope.get("root_path", "").rstrip("/")
    places = {"root": root, "airflow": root.removesuffix(PREFIX)}
    return _environment.get_template(template).render(**places, **values)


def error_page(request: Request, status: int, detail: str) -> Response:
    """Return what went wrong: a page to people, JSON to scripts."""
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": detail}, status)
    return page(request, "error.html", status, title=TITLES.get(status, "Something went wrong"), detail=detail)


def query(**values: Any) -> str:
    """Return the query of an address, without what is empty: ``?run=…``; empty when nothing is left."""
    given = {name: value for name, value in values.items() if value not in (None, "")}
    return f"?{urlencode(given)}" if given else ""


def _when(moment: datetime | None) -> Markup:
    """Write a time in UTC; the script in the page shows it in the time zone chosen in Airflow."""
    if moment is None:
        return Markup('<span class="none">not yet</span>')
    utc = moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return Markup('<time datetime="{}">{} UTC</time>').format(
        utc.isoformat(timespec="seconds"), f"{utc:%Y-%m-%d %H:%M:%S}"
    )


def _value(value: Any) -> Markup:
    """Write a field's value so that empty, a text, a number and a list differ."""
    if value is None:
        return Markup('<span class="none">empty</span>')
    if isinstance(value, bool):
        return Markup("<code>{}</code>").format("true" if value else "false")
    if isinstance(value, float):
        return Markup('<span class="value">{}</span>').format(int(value) if value.is_integer() else value)
    if isinstance(value, (list, dict)):
        return Markup("<code>{}</code>").format(json.dumps(value, ensure_ascii=False))
    return Markup('<span class="value">{}</span>').format(str(value))


def _words(name: str) -> str:
    """Write ``pending_approval`` as ``pending approval``."""
    return name.replace("_", " ")


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {_words(name)}" for name, number in counts.items())


_environment = Environment(
    loader=FileSystemLoader(str(resources.files(__package__) / "templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {"when": _when, "value": _value, "words": _words, "counts": _counts}
_environment.filters["moment"] = lambda text: _when(datetime.fromisoformat(text))
_environment.filters["segment"] = lambda text: quote(str(text), safe="")
_environment.globals["query"] = query
