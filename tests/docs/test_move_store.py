"""The script in docs/store.md moves everything, to SQLite and, where that is installed, to PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
from sqlalchemy import select

from airflow_provider_insightly.store.engine import open_store, writing
from airflow_provider_insightly.store.tables import connector_log, connector_state, metadata, sending_sends
from tests.docs.move_store import move
from tests.postgres import find_programs, postgres

NOW = datetime(2026, 11, 21, 14, 30, tzinfo=timezone.utc)
LOGGED = {
    "instance": "a",
    "run_id": "r",
    "plan_id": "p",
    "key": "k",
    "at": NOW,
    "setting": "mapping",
    "event": "update_crm",
    "field": "PHONE",
    "after": "1",
}


@pytest.fixture
def old(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'insightly.db'}"
    engine = open_store(url)
    with writing(engine) as connection:
        connection.execute(connector_state.insert(), [{"instance": "a", "name": str(n), "value": None} for n in "12"])
        sends = [{"key": f"send {number}", "attempts": 1, "began_at": NOW} for number in range(2500)]
        connection.execute(sending_sends.insert(), sends)
        log = [{**LOGGED, "seq": 1, "before": None}, {**LOGGED, "seq": 2, "before": {"a": [1, None]}}]
        connection.execute(connector_log.insert(), log)
    engine.dispose()
    return url


def check(old_url: str, new_url: str) -> None:
    move(old_url, new_url)

    old, new = open_store(old_url), open_store(new_url)
    with old.connect() as before, new.connect() as after:
        for table in metadata.sorted_tables:
            query = select(table).order_by(*table.primary_key.columns)
            assert after.execute(query).all() == before.execute(query).all(), table.name
    with writing(new) as connection:  # the numbers of new rows begin behind those that came
        connection.execute(sending_sends.insert().values(key="new", attempts=1, began_at=NOW))
        connection.execute(connector_log.insert().values(**LOGGED, seq=3))
    with pytest.raises(SystemExit, match="not empty: nothing was moved"):
        move(old_url, new_url)
    old.dispose()
    new.dispose()


def test_to_sqlite(old: str, tmp_path: Path, capsys):
    check(old, f"sqlite:///{tmp_path / 'new.db'}")
    assert "sending_sends: 2500 rows\n" in capsys.readouterr().out


@pytest.mark.skipif(find_programs() is None, reason="PostgreSQL is not installed")
def test_to_postgresql(old: str):
    with postgres(find_programs()) as url:
        check(old, url)
