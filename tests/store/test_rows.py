"""Rows that several tasks put at once."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import pytest
from sqlalchemy import select

from airflow_provider_insightly.connector.records import Record, Ref
from airflow_provider_insightly.connector.staging import stage
from airflow_provider_insightly.store.engine import open_store, writing
from airflow_provider_insightly.store.rows import put, put_new
from airflow_provider_insightly.store.tables import connector_opt_outs, connector_state, metadata

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    url = f"sqlite:///{tmp_path}/store.db"
    if request.param == "postgresql":
        url = os.environ.get("INSIGHTLY_TEST_POSTGRES")
        if not url:
            pytest.skip("INSIGHTLY_TEST_POSTGRES names no database")
    engine = open_store(url)
    with writing(engine) as connection:
        for table in metadata.tables.values():
            connection.execute(table.delete())
    yield engine
    engine.dispose()


def fact(name, value):
    return {"instance": "a", "name": name, "value": value}


def test_the_last_row_counts(store):
    with writing(store) as connection:
        put(connection, connector_state, [fact("one", 1), fact("two", 2)])
        put(connection, connector_state, [fact("two", 3), fact("three", 4)])
        put(connection, connector_state, [])
        kept = connection.execute(select(connector_state.c.name, connector_state.c.value)).all()
    assert dict(map(tuple, kept)) == {"one": 1, "two": 3, "three": 4}


def test_the_first_of_new_rows_counts(store):
    with writing(store) as connection:
        put_new(connection, connector_state, [fact("one", 1)])
        put_new(connection, connector_state, [fact("one", 2), fact("two", 2)])
        kept = connection.execute(select(connector_state.c.name, connector_state.c.value)).all()
    assert dict(map(tuple, kept)) == {"one": 1, "two": 2}


def test_extractions_that_run_at_once_do_not_stumble_over_each_other(store):
    """Contacts and Leads share addresses that opted out, and a changed organisation queues its Contacts."""

    def contact(number, name):
        data = {"EMAIL_ADDRESS": f"{number}@example.com", "EMAIL_OPTED_OUT": True, "ORGANISATION_ID": number % 9 + 1}
        return Record(Ref("Contacts", number), {**data, "FIRST_NAME": name}, NOW, NOW, NOW)

    def lead(number, name):
        data = {"EMAIL": f"{number}@example.com", "EMAIL_OPTED_OUT": True, "FIRST_NAME": name}
        return Record(Ref("Leads", number), data, NOW, NOW, NOW)

    def organisation(number, name):
        return Record(Ref("Organisations", number), {"ORGANISATION_NAME": name}, NOW, NOW, NOW)

    def read(make, numbers):
        for name in "abc":
            for start in range(0, len(numbers), 50):
                with writing(store) as connection:
                    stage(
                        connection,
                        "test",
                        [make(number, name) for number in numbers[start : start + 50]],
                        NOW,
                        certain=True,
                    )

    with writing(store) as connection:  # the organisations' Contacts are known
        known = [Record(Ref("Contacts", number), {"ORGANISATION_ID": number % 9 + 1}) for number in range(1, 200)]
        stage(connection, "test", known, NOW)
    tasks = [(contact, range(1, 200)), (lead, range(1, 200)), (organisation, range(1, 10))]
    with ThreadPoolExecutor(len(tasks)) as threads:
        for done in [threads.submit(read, *task) for task in tasks]:
            done.result()
    with store.connect() as connection:
        assert len(connection.execute(select(connector_opt_outs)).all()) == 199
