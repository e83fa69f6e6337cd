"""The store opens by itself, on SQLite and (where INSIGHTLY_TEST_POSTGRES names one) on PostgreSQL."""

import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import IntegrityError

from airflow_provider_insightly.store.engine import StoreUrlError, StoreVersionError, open_store, writing
from airflow_provider_insightly.store.tables import VERSION_TABLE, connector_state, connector_tombstones, metadata


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/insightly.db"
    url = os.environ.get("INSIGHTLY_TEST_POSTGRES")
    if not url:
        pytest.skip("INSIGHTLY_TEST_POSTGRES names no empty database")
    with open_store(url).begin() as connection:
        metadata.drop_all(connection)
        connection.execute(text(f"DROP TABLE IF EXISTS {VERSION_TABLE}"))
    return url


def test_an_empty_database_gets_every_table(url):
    engine = open_store(url)
    assert set(metadata.tables) <= set(inspect(engine).get_table_names())


def test_migrations_and_tables_say_the_same(url):
    with open_store(url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_opening_again_keeps_what_is_there(url):
    with writing(open_store(url)) as connection:
        connection.execute(connector_state.insert().values(instance="a", name="b", value={"c": 1}))
    with open_store(url).connect() as connection:
        assert connection.execute(select(connector_state.c.value)).scalar_one() == {"c": 1}


def test_processes_that_start_at_once_do_not_stumble_over_each_other(url):
    program = f"from airflow_provider_insightly.store.engine import open_store; open_store({url!r})"
    started = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [(process.communicate()[1], process.returncode) for process in started] == [("", 0)] * 4
    assert set(metadata.tables) <= set(inspect(open_store(url)).get_table_names())


def test_a_write_that_fails_leaves_nothing(url):
    engine = open_store(url)
    row = {"instance": "a", "name": "b", "value": 1}
    with pytest.raises(IntegrityError), writing(engine) as connection:
        connection.execute(connector_state.insert(), [row, row])
    with engine.connect() as connection:
        assert connection.execute(select(connector_state)).all() == []


def test_times_come_back_as_utc(url):
    engine = open_store(url)
    at = datetime(2026, 5, 1, 14, 0, 7, tzinfo=timezone(timedelta(hours=2)))
    row = {"instance": "a", "crm_object": "Leads", "crm_id": 1, "prospect_id": 2, "reason": "deleted", "buried_at": at}
    with writing(engine) as connection:
        connection.execute(connector_tombstones.insert().values(row))
    with engine.connect() as connection:
        kept = connection.execute(select(connector_tombstones.c.buried_at)).scalar_one()
    assert kept == at
    assert kept.utcoffset() == timedelta(0)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://u:hidden@h/db"])
def test_another_database_is_refused(url):
    with pytest.raises(StoreUrlError, match="give sqlite:////path/to/file") as refused:
        open_store(url)
    assert "hidden" not in str(refused.value)


def test_a_store_of_a_newer_version_is_left_alone(url):
    engine = open_store(url)

    def set_revision(revision: str) -> str:
        with writing(engine) as connection:
            former = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one()
            connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = :revision"), {"revision": revision})
        return former

    ours = set_revision("9999")
    with pytest.raises(StoreVersionError, match="revision 9999, which this version"):
        open_store(url)
    set_revision(ours)
    open_store(url)
