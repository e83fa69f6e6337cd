"""Putting rows where others may put the same ones at the same time: in one statement, and so without a gap between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.engine import Connection


def put(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; where the key is there already, the row gets the other values.

    :param rows: all with the same columns. Two transactions that put the same rows must put them in the same order, or
        PostgreSQL ends one of them.
    """
    if not rows:
        return
    statement = _insert(connection, table)
    keys = table.primary_key.columns.keys()
    news = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=news), list(rows))


def put_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert those of the rows whose key is not there yet."""
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), list(rows))


def _insert(connection: Connection, table: Table) -> Any:
    return insert_postgresql(table) if connection.dialect.name == "postgresql" else insert_sqlite(table)
