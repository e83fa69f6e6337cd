"""Rows as the connector's commands write them: a table for people, CSV and JSON Lines for everything else."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

Row = dict[str, Any]
UNBOUNDED = 100_000
"""Columns of a table that goes to a file or a pipe: nothing is wrapped there."""

WRAPPED = ("before → after", "reason", "field", "record", "on the page")
"""What is wrapped where a terminal is too narrow; times, names of events and numbers are not torn apart."""


def wanted_format(args: argparse.Namespace) -> str:
    """Return the format in which the command writes its rows."""
    named = {".csv": "csv", ".jsonl": "jsonl"}.get(Path(args.output or "").suffix, "table")
    return str(args.format or named)


def wanted_limit(args: argparse.Namespace) -> int | None:
    """Return how many rows the command writes; ``None`` for all."""
    if args.limit is not None:
        return args.limit or None
    return args.table_limit if wanted_format(args) == "table" else None


def write_rows(
    args: argparse.Namespace,
    rows: Iterable[Row],
    columns: Sequence[str],
    shown: Mapping[str, Callable[[Row], Any]],
    nothing: str,
) -> None:
    """Write rows as the command's options say.

    :param rows: the rows; there may be more than the limit.
    :param columns: the names of their values, in the order of CSV.
    :param shown: the columns of the table, each with what is shown of a row.
    :param nothing: what a table says when there are no rows.
    """
    from airflow_provider_insightly.connector.log_export import export_csv, export_jsonl

    form, limit = wanted_format(args), wanted_limit(args)
    rest = iter(rows)
    chosen = rest if limit is None else islice(rest, limit)
    with ExitStack() as stack:
        file: TextIO = sys.stdout
        if args.output:
            file = stack.enter_context(open(args.output, "w", encoding="utf-8", newline=""))
        if form == "csv":
            count = export_csv(chosen, file, columns)
        elif form == "jsonl":
            count = export_jsonl(chosen, file)
        else:
            count = write_table(chosen, shown, file, nothing)
    if args.output:
        sys.stderr.write(f"{count} rows are in {args.output}.\n")
    if limit is not None and next(rest, None) is not None:
        sys.stderr.write(f"There are more than these {limit}: --limit 0 shows all of them.\n")


def write_table(
    rows: Iterable[Row], shown: Mapping[str, Callable[[Row], Any]], file: TextIO | None = None, nothing: str = ""
) -> int:
    """Write an aligned table; return how many rows it has."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    first = next(found := iter(rows), None)
    file = file or sys.stdout
    if first is None:
        file.write(f"{nothing}\n")
        return 0
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in shown:
        table.add_column(name, overflow="fold", no_wrap=name not in WRAPPED)
    for row in chain([first], found):
        table.add_row(*(Text(_printable(cell(row))) for cell in shown.values()))
    Console(file=file, width=None if file.isatty() else UNBOUNDED, highlight=False).print(table)
    return table.row_count


def show_change(row: Row) -> str:
    """Return what became of a value, both sides as JSON: ``null → "Ada"``; empty where a row is about no field."""
    return f"{_value(row['before'])} → {_value(row['after'])}" if row["field"] else ""


def show_time(moment: datetime | None) -> str:
    """Return a time in UTC, to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _printable(value: Any) -> str:
    """Return a cell's text without what a terminal would obey."""
    text = "" if value is None else str(value)
    return "".join(char if char.isprintable() else " " for char in text)
