"""What is kept of past plans, and for how long."""

from __future__ import annotations

from sqlalchemy import func, select

from airflow_provider_insightly.connector.history import recent_plans, tally, waiting_plans
from airflow_provider_insightly.store.tables import connector_actions
from tests.connector.conftest import Office


def plans_of(office: Office) -> list[str]:
    with office.store.connect() as connection:
        return [past.plan.run_id for past in recent_plans(connection, "test")]


def test_a_plan_keeps_what_came_of_it(office: Office) -> None:
    office.prospect("ada@example.com")
    office.contact("ada@example.com", PHONE="1")
    office.contact("bob@example.com")
    report = office.run(run_id="first", create_prospects=True, backfill=True)
    with office.store.connect() as connection:
        (past,) = recent_plans(connection, "test")
        counts = tally(connection, past)
    assert past.results == report.results
    assert (counts["created"], counts["updated"], counts["failed"]) == (1, 1, 0)


def test_a_dry_run_keeps_what_it_planned(office: Office) -> None:
    office.contact("bob@example.com")
    office.run(run_id="dry", create_prospects=True, backfill=True, dry_run=True)
    with office.store.connect() as connection:
        (past,) = recent_plans(connection, "test")
        assert tally(connection, past)["planned"] == 1
        assert waiting_plans(connection, [past]) == []


def test_plans_are_kept_as_long_as_the_log(office: Office) -> None:
    office.contact("ada@example.com", PHONE="1")
    office.prospect("ada@example.com")
    office.run(run_id="first", log_days=30)
    office.wait(days=29)
    office.run(run_id="second", log_days=30)
    assert plans_of(office) == ["second", "first"]
    office.wait(days=2)
    office.run(run_id="third", log_days=30)
    assert plans_of(office) == ["third", "second"]
    with office.store.connect() as connection:
        kept = set(connection.execute(select(connector_actions.c.plan_id).distinct()).scalars())
        known = {past.plan.plan_id for past in recent_plans(connection, "test")}
        assert kept <= known
        assert connection.execute(select(func.count()).select_from(connector_actions)).scalar_one() < 3
