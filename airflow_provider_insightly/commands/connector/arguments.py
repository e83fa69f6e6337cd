"""Arguments that several sub-commands of the connector take, and how they are read."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

T = TypeVar("T")


def add_command(actions: Any, name: str, help: str) -> argparse.ArgumentParser:
    """Add a sub-command, whose own help begins with what it does."""
    parser: argparse.ArgumentParser = actions.add_parser(name, help=help, description=help)
    return parser


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """Add the file with settings and mapping."""
    parser.add_argument("configuration", metavar="CONFIG.yaml", help="settings and mapping, as the DAG reads them")


def add_record(parser: argparse.ArgumentParser, help: str) -> None:
    """Add ``--record OBJECT/ID``."""
    parser.add_argument("--record", type=read_record, metavar="OBJECT/ID", help=f"{help}: Contacts/5, Leads/5, …")


def add_rows(parser: argparse.ArgumentParser, limit: int) -> None:
    """Add how many rows are written, how, and where to."""
    parser.add_argument(
        "--limit",
        type=read_count,
        metavar="N",
        help=f"the most rows; 0: all (default: {limit} in a table, all in a file's formats)",
    )
    parser.add_argument(
        "--format", choices=("table", "csv", "jsonl"), help="default: as the name of --output says, else a table"
    )
    parser.add_argument("--output", metavar="FILE", help="write the rows to this file")
    parser.set_defaults(table_limit=limit)


def read_object(text: str) -> str:
    """Read an object's name, in the plural or the singular."""
    from airflow_provider_insightly.connector import asking

    return _read(asking.read_object, text)


def read_record(text: str) -> tuple[str, int]:
    """Read ``Contacts/5``."""
    from airflow_provider_insightly.connector import asking

    return _read(asking.read_ref, text)


def read_result(text: str) -> str:
    """Read a result of an action."""
    from airflow_provider_insightly.connector.log_search import RESULTS

    if text not in RESULTS:
        raise argparse.ArgumentTypeError(f"{text!r} is no result: write {', '.join(RESULTS)}")
    return text


def read_count(text: str) -> int:
    """Read a number of rows."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rows: write 50, or 0 for all")
    return int(text)


def read_moment(text: str) -> datetime:
    """Read a time: ``2026-11-21``, ``2026-11-21 14:30`` (UTC where it names no zone), or ``7d`` for seven days ago."""
    from airflow_provider_insightly.connector import asking

    return _read(asking.read_moment, text)


def _read(reader: Callable[[str], T], text: str) -> T:
    try:
        return reader(text)
    except ValueError as error:  # argparse shows the words of its own errors alone
        raise argparse.ArgumentTypeError(str(error)) from None


def as_ref(record: tuple[str, int] | None) -> Any:
    """Return the record that was asked for, as the connector names it."""
    from airflow_provider_insightly.connector.records import Ref

    return None if record is None else Ref(*record)
