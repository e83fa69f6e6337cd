"""The records of the sandbox in SQLite: each is kept as the JSON text that the API answers with.

One thread uses a store. Writes are committed before the request is answered, so that nothing that a client was told
is lost when the process is killed.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from airflow_provider_insightly.sandbox.answers import write_json
from airflow_provider_insightly.sandbox.selections import Selection, searched, to_sql

SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    object TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL, custom TEXT, updated TEXT NOT NULL,
    PRIMARY KEY (object, id));
CREATE INDEX IF NOT EXISTS records_by_update ON records (object, updated, id);
CREATE TABLE IF NOT EXISTS recycled (
    object TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL, custom TEXT, updated TEXT NOT NULL,
    PRIMARY KEY (object, id));
CREATE TABLE IF NOT EXISTS before_images (
    object TEXT NOT NULL, id INTEGER NOT NULL, body TEXT, custom TEXT, updated TEXT, written REAL NOT NULL);
CREATE TABLE IF NOT EXISTS sequences (name TEXT PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS hidden (
    user_id INTEGER NOT NULL, object TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (user_id, object, id));
CREATE TABLE IF NOT EXISTS follows (
    user_id INTEGER NOT NULL, object TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (user_id, object, id));
CREATE TABLE IF NOT EXISTS contents (
    object TEXT NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, content_type TEXT NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (object, id, name));
"""
TABLES = ("records", "recycled", "before_images", "sequences", "hidden", "follows", "contents")

FIRST_IDS = {"Users": 3_000_001}
FIRST_ID = 100_000_001

# A client that searches by ever new fields must not slow every write down.
MOST_INDEXES = 24

Record = dict[str, Any]


class Store:
    """Records, recycle bin, links of users to records, and file contents, in one SQLite database.

    :param database: the path of a file, or ``:memory:``.
    :param clock: returns the seconds since the epoch.
    """

    def __init__(self, database: str = ":memory:", clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.keep_images_for = 0.0
        self.connection = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        # Killing the process loses nothing that was committed; only a power cut could.
        self.connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;")
        self._prepare()

    def _prepare(self) -> None:
        self.connection.executescript(SCHEMA)
        self._indexed: set[str] = {
            name for (name,) in self.connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
        }
        self._sequences: dict[str, int] = dict(self.connection.execute("SELECT name, last FROM sequences"))
        self._any_hidden = bool(self.connection.execute("SELECT 1 FROM hidden LIMIT 1").fetchone())
        self._definitions: dict[str, dict[str, Record]] = {}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything that happens inside, or nothing."""
        sequences = dict(self._sequences)
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            self._sequences = sequences
            self._definitions.clear()
            raise
        self.connection.execute("COMMIT")

    def next_number(self, name: str) -> int:
        """Return a number that ``name`` has never had, even when the record that had it is gone."""
        number = self._sequences.get(name, FIRST_IDS.get(name, FIRST_ID) - 1) + 1
        self.raise_sequence(name, number)
        return number

    def raise_sequence(self, name: str, last: int) -> None:
        """Make sure that the next number of ``name`` lies above ``last``."""
        if last > self._sequences.get(name, 0):
            self._sequences[name] = last
            self.connection.execute("INSERT OR REPLACE INTO sequences VALUES (?, ?)", (name, last))

    def get(self, obj: str, record_id: int, hidden_from: int | None = None) -> Record | None:
        """Return a record as it is now, or ``None``."""
        text = self.get_text(obj, record_id, hidden_from)
        return None if text is None else json.loads(text)

    def get_text(self, obj: str, record_id: int, hidden_from: int | None = None) -> str | None:
        """Return a record's JSON text as it is now, or ``None``."""
        row = self.connection.execute(
            "SELECT body FROM records WHERE object = ? AND id = ?", (obj, record_id)
        ).fetchone()
        if row is None or (
            hidden_from is not None and self._any_hidden and self.is_hidden(hidden_from, obj, record_id)
        ):
            return None
        return str(row[0])

    def put(self, obj: str, record_id: int, record: Record, updated: str) -> str:
        """Insert or replace a record and return its JSON text."""
        text = write_json(record)
        self._keep_image(obj, record_id)
        self.connection.execute(
            "INSERT INTO records (object, id, body, custom, updated) VALUES (?, ?, ?, ?, ?) ON CONFLICT (object, id) "
            "DO UPDATE SET body = excluded.body, custom = excluded.custom, updated = excluded.updated",
            (obj, record_id, text, _custom_values(record), updated),
        )
        return text

    def put_many(self, obj: str, id_field: str, records: Iterable[Record]) -> None:
        """Insert many records that carry their ids and dates, and raise the object's sequence above them."""
        last = 0

        def rows() -> Iterator[tuple[Any, ...]]:
            nonlocal last
            for record in records:
                last = max(last, record[id_field])
                text = write_json(record)
                yield obj, record[id_field], text, _custom_values(record), record.get("DATE_UPDATED_UTC") or ""

        self.connection.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?)", rows())
        self.raise_sequence(obj, last)

    def recycle(self, obj: str, record_id: int) -> bool:
        """Move a record into the recycle bin; return whether there was one."""
        self._keep_image(obj, record_id)
        return self._move("records", "recycled", obj, record_id)

    def restore(self, obj: str, record_id: int) -> bool:
        """Move a record out of the recycle bin; return whether it was there."""
        self._keep_image(obj, record_id)
        return self._move("recycled", "records", obj, record_id)

    def remove(self, obj: str, record_id: int) -> bool:
        """Remove a record for good; return whether there was one."""
        self._keep_image(obj, record_id)
        cursor = self.connection.execute("DELETE FROM records WHERE object = ? AND id = ?", (obj, record_id))
        return cursor.rowcount > 0

    def recycled(self, obj: str) -> list[Record]:
        """Return the records of an object that lie in the recycle bin."""
        rows = self.connection.execute("SELECT body FROM recycled WHERE object = ? ORDER BY id", (obj,))
        return [json.loads(body) for (body,) in rows]

    def select(
        self, selection: Selection, skip: int = 0, top: int = -1, *, without: Collection[str] = ()
    ) -> list[bytes]:
        """Return the JSON texts of the selected records, in UTF-8, by ascending id.

        :param skip: how many to leave out at the start.
        :param top: how many to return at most; -1 for all.
        :param without: the fields to leave out of each.
        """
        # As bytes, a text goes from the database to the network without being decoded and encoded again.
        paths = "".join(f", '$.{name}'" for name in sorted(without))
        text = f"CAST({f'json_remove(body{paths})' if paths else 'body'} AS BLOB)"
        source, parameters = self._where(selection)
        parameters.update(skip=max(0, min(skip, 2**62)), top=top)
        if selection.as_of is None and (selection.field or selection.updated_after):
            # The plus keeps SQLite from walking all records in the order of ids instead of using the field's index.
            ids = f"SELECT id FROM {source} ORDER BY +id LIMIT :top OFFSET :skip"  # noqa: S608
            statement = f"SELECT {text} FROM records WHERE object = :object AND id IN ({ids}) ORDER BY id"  # noqa: S608
        else:
            statement = f"SELECT {text} FROM {source} ORDER BY id LIMIT :top OFFSET :skip"  # noqa: S608
        rows = self.connection.execute(statement, parameters)
        return [body for (body,) in rows]

    def records(self, selection: Selection) -> list[Record]:
        """Return the selected records."""
        return [json.loads(text) for text in self.select(selection)]

    def count(self, selection: Selection) -> int:
        """Return how many records a selection has."""
        source, parameters = self._where(selection)
        return int(self.connection.execute(f"SELECT count(*) FROM {source}", parameters).fetchone()[0])  # noqa: S608

    def counts(self) -> dict[str, int]:
        """Return the number of records of each object that has any."""
        return dict(self.connection.execute("SELECT object, count(*) FROM records GROUP BY object ORDER BY object"))

    def tags(self, obj: str) -> list[str]:
        """Return the tags that an object's records carry, by name."""
        rows = self.connection.execute(
            "SELECT DISTINCT json_extract(tag.value, '$.TAG_NAME') FROM records, json_each(body, '$.TAGS') AS tag "
            "WHERE object = ? ORDER BY 1",
            (obj,),
        )
        return [name for (name,) in rows]

    def hide(self, user_id: int, obj: str, record_ids: Iterable[int]) -> None:
        """Take a user's permission to see some records."""
        self.connection.executemany(
            "INSERT OR IGNORE INTO hidden VALUES (?, ?, ?)", [(user_id, obj, i) for i in record_ids]
        )
        self._any_hidden = True

    def show(self, user_id: int, obj: str | None = None) -> None:
        """Give a user back the permission to see all records, or all of one object."""
        self.connection.execute("DELETE FROM hidden WHERE user_id = ? AND object = coalesce(?, object)", (user_id, obj))
        self._any_hidden = bool(self.connection.execute("SELECT 1 FROM hidden LIMIT 1").fetchone())

    def is_hidden(self, user_id: int, obj: str, record_id: int) -> bool:
        """Return whether a user may not see a record."""
        row = self.connection.execute(
            "SELECT 1 FROM hidden WHERE user_id = ? AND object = ? AND id = ?", (user_id, obj, record_id)
        )
        return row.fetchone() is not None

    def save_content(self, obj: str, record_id: int, name: str, content_type: str, content: bytes) -> None:
        """Keep a file or an image of a record."""
        self.connection.execute(
            "INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?, ?)", (obj, record_id, name, content_type, content)
        )

    def content(self, obj: str, record_id: int, name: str) -> tuple[str, bytes] | None:
        """Return the content type and the bytes of a file or image, or ``None``."""
        row = self.connection.execute(
            "SELECT content_type, content FROM contents WHERE object = ? AND id = ? AND name = ?",
            (obj, record_id, name),
        ).fetchone()
        return None if row is None else (row[0], row[1])

    def content_name(self, obj: str, record_id: int) -> str | None:
        """Return the name of the file that goes by this id, or ``None``."""
        row = self.connection.execute(
            "SELECT name FROM contents WHERE object = ? AND id = ?", (obj, record_id)
        ).fetchone()
        return None if row is None else str(row[0])

    def remove_content(self, obj: str, record_id: int, name: str) -> bool:
        """Remove a file or image; return whether there was one."""
        cursor = self.connection.execute(
            "DELETE FROM contents WHERE object = ? AND id = ? AND name = ?", (obj, record_id, name)
        )
        return cursor.rowcount > 0

    def follow(self, user_id: int, obj: str, record_id: int, following: bool) -> None:
        """Make a user follow a record, or stop."""
        statement = (
            "INSERT OR IGNORE INTO follows VALUES (?, ?, ?)"
            if following
            else ("DELETE FROM follows WHERE user_id = ? AND object = ? AND id = ?")
        )
        self.connection.execute(statement, (user_id, obj, record_id))

    def followed(self, user_id: int) -> list[tuple[str, int]]:
        """Return the object and id of each record that a user follows."""
        rows = self.connection.execute(
            "SELECT object, id FROM follows WHERE user_id = ? ORDER BY object, id", (user_id,)
        )
        return [(obj, record_id) for obj, record_id in rows]

    def clear(self) -> None:
        """Remove everything."""
        with self.transaction():
            for table in TABLES:
                self.connection.execute(f"DELETE FROM {table}")  # noqa: S608
        self._prepare()

    def definitions(self, obj: str) -> Mapping[str, Record]:
        """Return the definitions of an object's custom fields by name, in their order."""
        if obj not in self._definitions:
            found = self.records(Selection(f"CustomFields/{obj}"))
            found.sort(key=lambda definition: definition["FIELD_ORDER"])
            self._definitions[obj] = {definition["FIELD_NAME"]: definition for definition in found}
        return self._definitions[obj]

    def define(self, obj: str, definition: Record) -> None:
        """Add the definition of a custom field, or replace the one of the same name."""
        number = self.find_id(f"CustomFields/{obj}", "FIELD_NAME", definition["FIELD_NAME"])
        number = number or self.next_number("CustomFields")
        self.put(f"CustomFields/{obj}", number, definition, "")
        self._definitions.clear()

    def undefine(self, obj: str, name: str) -> bool:
        """Remove the definition of a custom field; return whether there was one."""
        number = self.find_id(f"CustomFields/{obj}", "FIELD_NAME", name)
        self._definitions.clear()
        return number is not None and self.remove(f"CustomFields/{obj}", number)

    def find_id(self, obj: str, field: str, name: str) -> int | None:
        """Return the id of the record of an object that has a name in a field, in any case; or ``None``."""
        row = self.connection.execute(
            "SELECT id FROM records WHERE object = ? AND lower(json_extract(body, '$.' || ?)) = ?",
            (obj, field, name.lower()),
        ).fetchone()
        return None if row is None else int(row[0])

    def snapshot(self) -> sqlite3.Connection:
        """Return a copy of everything, for :meth:`load`."""
        copy = sqlite3.connect(":memory:", check_same_thread=False)
        self.connection.backup(copy)
        return copy

    def load(self, snapshot: sqlite3.Connection) -> None:
        """Put everything back as it was when the snapshot was taken."""
        snapshot.backup(self.connection)
        self._prepare()

    def close(self) -> None:
        """Close the database."""
        self.connection.close()

    def _move(self, source: str, target: str, obj: str, record_id: int) -> bool:
        key = (obj, record_id)
        self.connection.execute(
            f"INSERT OR REPLACE INTO {target} SELECT * FROM {source} WHERE object = ? AND id = ?",  # noqa: S608
            key,
        )
        cursor = self.connection.execute(f"DELETE FROM {source} WHERE object = ? AND id = ?", key)  # noqa: S608
        return cursor.rowcount > 0

    def _keep_image(self, obj: str, record_id: int) -> None:
        """Remember a record as it is before a write, for as long as lists lag behind."""
        if not self.keep_images_for:
            return
        now = self.clock()
        self.connection.execute("DELETE FROM before_images WHERE written <= ?", (now - self.keep_images_for,))
        self.connection.execute(
            "INSERT INTO before_images SELECT :object, :id, body, custom, updated, :now FROM (SELECT 1) "
            "LEFT JOIN records ON object = :object AND id = :id",
            {"object": obj, "id": record_id, "now": now},
        )

    def _where(self, selection: Selection) -> tuple[str, dict[str, Any]]:
        """Return the table and condition of a selection in SQL, and its parameters."""
        expression = searched(selection)
        if expression is not None:
            self._index(expression)
        return to_sql(selection, any_hidden=self._any_hidden)

    def _index(self, expression: str) -> None:
        """Index a field when it is first searched, so that matching thousands of records by it stays quick."""
        name = f"by_{expression}"
        if name not in self._indexed and len(self._indexed) < MOST_INDEXES:
            quoted = name.replace('"', '""')
            self.connection.execute(f'CREATE INDEX IF NOT EXISTS "{quoted}" ON records (object, {expression})')
            self._indexed.add(name)


def _custom_values(record: Record) -> str | None:
    """Return a record's custom fields as one JSON object, which SQLite can index."""
    fields = record.get("CUSTOMFIELDS")
    if not fields:
        return None
    return write_json({field["FIELD_NAME"]: field["FIELD_VALUE"] for field in fields})
