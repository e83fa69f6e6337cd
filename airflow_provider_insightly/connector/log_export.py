"""Rows as files: CSV for spreadsheets, JSON Lines for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import count
from typing import Any, TextIO

from airflow_provider_insightly.connector.log_search import COLUMNS
from airflow_provider_insightly.connector.values import Value

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With what a formula may begin in a spreadsheet; the last four are the first four in East Asian width."""


def as_csv(rows: Iterable[dict[str, Any]], columns: Sequence[str] = COLUMNS, *, header: bool = True) -> Iterator[str]:
    """Yield the lines of a CSV table.

    A text that a spreadsheet would take for a formula has an apostrophe before it, which spreadsheets read as "this is
    text". Source: OWASP, CSV injection.
    """
    lines = io.StringIO()
    writer = csv.DictWriter(lines, columns)
    if header:
        writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(row[name]) for name in columns})
        yield lines.getvalue()
        lines.seek(0)
        lines.truncate()
    yield lines.getvalue()


def as_jsonl(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield rows as lines of JSON."""
    for row in rows:
        yield json.dumps({name: _plain(value) for name, value in row.items()}, ensure_ascii=False) + "\n"


def export_csv(rows: Iterable[dict[str, Any]], file: TextIO, columns: Sequence[str] = COLUMNS) -> int:
    """Write rows as CSV with a header; return how many."""
    counted = count()
    file.writelines(as_csv((row for row, _ in zip(rows, counted, strict=False)), columns))
    return next(counted)


def export_jsonl(rows: Iterable[dict[str, Any]], file: TextIO) -> int:
    """Write rows as JSON Lines; return how many."""
    counted = count()
    file.writelines(as_jsonl(row for row, _ in zip(rows, counted, strict=False)))
    return next(counted)


def _plain(value: Value) -> Value:
    return value.isoformat() if isinstance(value, datetime) else value


def _cell(value: Value) -> Value:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict, bool)) else _plain(value)
