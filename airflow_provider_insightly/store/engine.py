"""Opening the store: one SQL database (SQLite or PostgreSQL) that brings its own schema up to date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import column, create_engine, event, inspect, select, table, text
from sqlalchemy.engine import URL, Connection, Engine, make_url

from airflow_provider_insightly.store.tables import VERSION_TABLE

LOCK_WAIT_SECONDS = 60
"""How long a process waits for another one that is writing; SQLite has one writer at a time."""

_ADVISORY_LOCK = 0x1A5167  # any constant: PostgreSQL's advisory locks are plain numbers, shared by those who know one
_IMMEDIATE = "insightly_store_write"


class StoreUrlError(ValueError):
    """The store's URL is not one of SQLite (a file) or PostgreSQL."""


def open_store(url: str | URL) -> Engine:
    """Open the store and bring its schema up to date; safe when several processes start at once.

    :param url: an SQLAlchemy URL: ``sqlite:////path/insightly.db`` or ``postgresql://user:password@host/database``.
    :returns: an engine; write through :func:`writing`, read through ``engine.connect()``.
    :raises StoreUrlError: for another database, and for SQLite in memory, which no second task could see.
    :raises StoreVersionError: a newer version of the provider has used it.
    """
    engine = _engine(_supported(url))
    with engine.connect() as connection:
        current = _revision(connection)
    if current != _head():
        _migrate(engine)
    return engine


class StoreVersionError(ValueError):
    """A newer version of the provider has brought the store up to date: this one does not know its tables."""


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Give a connection in a transaction that may write: committed at the end, rolled back on an error.

    SQLite takes its write lock at the start of the transaction: one that starts by reading and then writes would fail,
    instead of waiting, where another process has written in between.
    """
    with engine.connect().execution_options(**{_IMMEDIATE: True}) as connection, connection.begin():
        yield connection


def migration_scripts() -> Config:
    """Return Alembic's configuration of the store's migrations."""
    config = Config()
    config.set_main_option("script_location", str(resources.files(__package__) / "migrations"))
    return config


def _supported(url: str | URL) -> URL:
    if isinstance(url, str) and url.startswith("postgres://"):  # as Airflow writes its connections
        url = url.replace("postgres://", "postgresql://", 1)
    parsed = make_url(url)
    if parsed.drivername == "postgresql":  # the one driver that every SQLAlchemy from 1.4 on knows
        parsed = parsed.set(drivername="postgresql+psycopg2")
    backend = parsed.get_backend_name()
    if backend == "postgresql" or (backend == "sqlite" and parsed.database not in (None, "", ":memory:")):
        return parsed
    raise StoreUrlError(
        f"The store cannot live at {parsed.render_as_string(hide_password=True)!r}: "
        "give sqlite:////path/to/file.db or postgresql://user:password@host/database."
    )


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        try:
            return create_engine(url, future=True, pool_pre_ping=True)
        except ModuleNotFoundError:
            raise StoreUrlError(
                "A store on PostgreSQL needs psycopg2: pip install 'airflow-provider-insightly[postgres]'."
            ) from None
    engine = create_engine(url, future=True, connect_args={"timeout": LOCK_WAIT_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver would begin transactions late, and commit before DDL
        connection.execute("PRAGMA journal_mode=WAL")  # readers go on while one process writes
        connection.execute("PRAGMA synchronous=NORMAL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get(_IMMEDIATE)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _migrate(engine: Engine) -> None:
    from alembic import command  # late: it takes longer to import than an up-to-date store takes to open

    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
        current = _revision(connection)
        if current == _head():
            return  # another process was quicker
        config = migration_scripts()
        if current not in (None, *(each.revision for each in ScriptDirectory.from_config(config).walk_revisions())):
            raise StoreVersionError(
                f"The store is at revision {current}, which this version of the provider does not know: a newer one "
                "has used it. Install that version on every machine."
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    # Asked of the table itself: Alembic's own way writes two lines into the task's log each time.
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar()
    return found


def _head() -> str | None:
    return ScriptDirectory.from_config(migration_scripts()).get_current_head()
