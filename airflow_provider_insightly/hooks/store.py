"""Where the provider's store is, by Airflow's configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import conf
from airflow.sdk import BaseHook

from airflow_provider_insightly.store.engine import open_store

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

FILE = "insightly.db"


def open_airflow_store() -> Engine:
    """Return the engine of the store, its tables made and migrated.

    :raises AirflowNotFoundException: ``[insightly] store_conn_id`` names a connection that does not exist.
    """
    return open_store(find_store_url())


def find_store_url() -> str:
    """Return the database address of the store: that of ``[insightly] store_conn_id``, else SQLite in AIRFLOW_HOME."""
    conn_id = conf.get("insightly", "store_conn_id", fallback="")
    if not conn_id:
        return f"sqlite:///{airflow_home() / FILE}"
    # SQLAlchemy knows the dialect by the name postgresql alone, Airflow writes connections with the shorter one.
    return BaseHook.get_connection(conn_id).get_uri().replace("postgres://", "postgresql://", 1)


def airflow_home() -> Path:
    """Return AIRFLOW_HOME as Airflow itself finds it."""
    return Path(os.path.expandvars(os.environ.get("AIRFLOW_HOME", "~/airflow"))).expanduser()
