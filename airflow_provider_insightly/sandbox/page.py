"""The page at ``/``: the records and the last requests, for a person. No script, no link to elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from airflow_provider_insightly.api.catalogue import InsightlyObject, objects
from airflow_provider_insightly.sandbox.answers import Answer, ApiError, html_answer, not_found
from airflow_provider_insightly.sandbox.call import object_named
from airflow_provider_insightly.sandbox.request_log import read
from airflow_provider_insightly.sandbox.selections import Selection

if TYPE_CHECKING:
    from airflow_provider_insightly.sandbox.sandbox import Sandbox

ROWS = 50
MOST_COLUMNS = 8
LONGEST_TEXT = 2000
DETAILS = re.compile(r"/details/(\w+)/(\d{1,18})", re.ASCII)

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #59636e; --line: #d1d9e0; --back: #fff; --good: #1a7f37;
  --bad: #b42318; --link: #0757ba; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --dim: #9198a1; --line: #3d444d; --back: #0d1117;
  --good: #4cc26c; --bad: #ff8a80; --link: #79b8ff; } }
body { margin: 2rem auto; max-width: 78rem; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif;
  color: var(--ink); background: var(--back); }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; } a { color: var(--link); }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--dim); font-weight: 600; } .dim { color: var(--dim); } .good { color: var(--good); }
.bad { color: var(--bad); } pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font-size: 13px; }
ul { columns: 14rem; padding-left: 1.2rem; }
"""


class Html(str):
    """Text that is HTML already; everything else is escaped."""

    __slots__ = ()


def serve(sandbox: Sandbox, path: str, query: Mapping[str, str]) -> Answer:
    """Answer with the page at a path.

    ``/`` shows what there is and the last requests, ``/?object=Contacts`` its records, with ``&id=`` one of them;
    ``/details/Contact/5`` is a record's address as in the web application, where links from Airflow lead.

    :raises ApiError: 404 for anything else.
    """
    details = DETAILS.fullmatch(path)
    if details:
        query = {"object": details[1], "id": details[2]}
    elif path != "/":
        raise not_found("GET", path)
    name = query.get("object")
    if not name:
        content = overview(sandbox)
    else:
        try:
            obj = object_named(name)
        except LookupError as error:
            raise ApiError(404, str(error)) from None
        record_id = query.get("id", "")
        shows_one = record_id.isascii() and record_id.isdigit() and len(record_id) < 19
        content = (
            one_record(sandbox, obj, int(record_id)) if shows_one else records(sandbox, obj, query.get("skip", ""))
        )
    answer = html_answer(200, document(content))
    answer.headers.update(
        {
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
    )
    return answer


def document(content: Html) -> str:
    """Return the whole page around its content."""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Insightly sandbox</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f'<body><h1><a href="/">Insightly sandbox</a></h1>{content}</body></html>'
    )


def overview(sandbox: Sandbox) -> Html:
    """Return what there is, and the last requests."""
    counts = sandbox.store.counts()
    custom = [name for name in counts if name.endswith("__c") and "/" not in name]
    items = "".join(
        f"<li>{link(name, object=name)} {tag('span', str(counts[name]), 'dim')}</li>"
        for name in (*objects(), *custom)
        if name in counts
    )
    rows = [
        (
            datetime.fromtimestamp(entry.time, timezone.utc).strftime("%H:%M:%S"),
            entry.method,
            entry.path + (f"?{urlencode(entry.query)}" if entry.query else ""),
            status(entry.status),
            entry.fault or "",
            tag("pre", shorten(read(entry.body[:LONGEST_TEXT]))),
        )
        for entry in sandbox.log.last(ROWS)
    ]
    requests = table(("Time", "Method", "Path", "Status", "Fault", "Body"), rows)
    if not rows:
        requests = tag("p", "Nothing yet: send a request to /v3.1/Contacts with your API key as user name.", "dim")
    total = f"{sandbox.log.total} since the start or the last reset; the newest first."
    return Html(f"<h2>Records</h2><ul>{items}</ul><h2>Requests</h2>{tag('p', total, 'dim')}{requests}")


def records(sandbox: Sandbox, obj: InsightlyObject, skip_text: str) -> Html:
    """Return a page of an object's records."""
    skip = int(skip_text) if skip_text.isascii() and skip_text.isdigit() and len(skip_text) < 19 else 0
    total = sandbox.store.count(Selection(obj.name))
    found = [json.loads(text) for text in sandbox.store.select(Selection(obj.name), skip, ROWS)]
    names = columns(obj, found)
    rows = [
        [
            link(record[name], object=obj.name, id=record[name]) if name == obj.id_field else shorten(record[name])
            for name in names
        ]
        for record in found
    ]
    steps = [link("Earlier", object=obj.name, skip=max(0, skip - ROWS))] if skip else []
    steps += [link("Later", object=obj.name, skip=skip + ROWS)] if skip + ROWS < total else []
    shown = f"{skip + 1} to {skip + len(found)} of {total}" if found else "none"
    return Html(f"<h2>{escape(obj.name)}</h2>{tag('p', shown, 'dim')}{table(names, rows)}<p>{' '.join(steps)}</p>")


def one_record(sandbox: Sandbox, obj: InsightlyObject, record_id: int) -> Html:
    """Return all fields of a record."""
    record = sandbox.store.get(obj.name, record_id)
    if record is None:
        raise ApiError(404, f"{obj.type} {record_id} was not found.")
    rows = [(name, tag("pre", shorten(value))) for name, value in record.items()]
    above = f"<h2>{escape(obj.type)} {record_id}</h2><p>{link(obj.name, object=obj.name)}</p>"
    return Html(above + table(("Field", "Value"), rows))


def columns(obj: InsightlyObject, found: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the fields to show of many records: the id, and the first that are set in any of them."""
    set_somewhere = {name for record in found for name, value in record.items() if value not in (None, "", [], False)}
    names = [name for name in obj.fields if name in set_somewhere and name not in ("OWNER_USER_ID", "ETag")]
    return names[:MOST_COLUMNS]


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Html:
    """Return a table; cells are escaped unless they are HTML."""
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(f"<tr>{''.join(tag('td', cell) for cell in row)}</tr>" for row in rows)
    return Html(f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>')


def tag(name: str, content: Any, css: str = "") -> Html:
    """Return an element; its content is escaped unless it is HTML."""
    inner = content if isinstance(content, Html) else escape(str(content))
    return Html(f'<{name} class="{css}">{inner}</{name}>' if css else f"<{name}>{inner}</{name}>")


def link(text: Any, **query: Any) -> Html:
    """Return a link within the page."""
    return Html(f'<a href="/?{escape(urlencode(query))}">{escape(str(text))}</a>')


def status(code: int | None) -> Html:
    """Return a status with its colour."""
    return tag("span", code or "dropped", "good" if code and code < 400 else "bad")


def shorten(value: Any) -> str:
    """Return a value as short text."""
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"
