"""What the connector's operators do beyond calling the engine: skipping, failing, asking a person."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from airflow.sdk import DAG

from airflow_provider_insightly.connector.configuration import Configuration
from airflow_provider_insightly.connector.overview import read_overview
from airflow_provider_insightly.connector.plans import approve
from airflow_provider_insightly.connector.records import Ref
from airflow_provider_insightly.connector.run import run_connector
from airflow_provider_insightly.operators.approval import APPROVE, REJECT, ApprovePlanOperator
from airflow_provider_insightly.operators.connector import (
    BreakersOperator,
    CheckSettingsOperator,
    PlanOperator,
    ReportOperator,
    StepOperator,
    one_record,
)
from tests.connector.conftest import Office, empty_store, office, store

__all__ = ["empty_store", "office", "store"]

HELD = {"breakers": {"creates": {"count": 0, "percent": 0}}, "create_prospects": True}


@pytest.fixture
def take(office: Office, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Execute operators of one run, in the office of this test."""
    connection = {
        "conn_type": "insightly",
        "password": office.sandbox.api_key,
        "extra": {"base_url": office.sandbox.base_url, "requests_per_second": 500},
    }
    monkeypatch.setenv("AIRFLOW_CONN_INSIGHTLY_DEFAULT", json.dumps(connection))

    def make(operator: type, settings: dict[str, Any], **options: Any) -> Any:
        configuration = Configuration.model_validate({"settings": settings, "mapping": office.mapping})
        made = operator(task_id=operator.__name__, configuration=configuration, **options)
        made.__dict__["store"] = office.store
        return made

    def execute(operator: type, params: dict[str, Any], settings: dict[str, Any], **options: Any) -> Any:
        context = {"params": params, "run_id": "run", "dag": DAG("the_dag")}
        return make(operator, settings, **options).execute(context)

    execute.make = make  # type: ignore[attr-defined]
    return execute


def plan(office: Office, take: Any, params: dict[str, Any], settings: dict[str, Any]) -> Any:
    from airflow_provider_insightly.operators.connector import ExtractOperator

    take(CheckSettingsOperator, params, settings)
    for name in ("Contacts", "Leads", "Prospect"):
        take(ExtractOperator, params, settings, object_name=name)
    return take(PlanOperator, {**params, "backfill": True}, settings)


def test_a_setting_that_is_off_is_a_skipped_task(office: Office, take: Any) -> None:
    plan(office, take, {}, {})
    with pytest.raises(AirflowSkipException, match="create_prospects is off"):
        take(StepOperator, {}, {}, step="create_prospects")
    assert take(StepOperator, {"create_prospects": True}, {}, step="create_prospects") == []


def test_a_dry_run_is_skipped_from_the_breakers_on(office: Office, take: Any) -> None:
    office.contact("a@example.com")
    params = {"dry_run": True, "create_prospects": True}
    plan(office, take, params, {})
    with pytest.raises(AirflowSkipException, match="dry run"):
        take(BreakersOperator, params, {})
    with pytest.raises(AirflowSkipException, match="dry run"):
        take(StepOperator, params, {}, step="create_prospects")
    assert take(ReportOperator, params, {})["results"] == {"create": {"planned": 1}}
    assert office.all("Prospect") == []


def test_a_tripped_breaker_fails_the_task_and_its_hash_releases_the_plan(office: Office, take: Any) -> None:
    office.contact("a@example.com")
    planned = plan(office, take, {}, HELD)
    with pytest.raises(AirflowFailException, match=f"creates: 1 of 0 prospects(.|\n)*approve_plan={planned['hash']}"):
        take(BreakersOperator, {}, HELD)
    assert take(BreakersOperator, {"approve_plan": planned["hash"]}, HELD) == "the run's parameter approve_plan"
    with pytest.raises(AirflowSkipException, match="nothing to ask"):
        take(ApprovePlanOperator, {}, HELD)


def answer(option: str) -> dict[str, Any]:
    from datetime import datetime, timezone

    responded_at = datetime.now(timezone.utc)
    user = {"id": "1", "name": "Ada"}
    return {"chosen_options": [option], "params_input": {}, "responded_at": responded_at, "responded_by_user": user}


def test_a_person_says_yes_in_the_ui(office: Office, take: Any) -> None:
    office.contact("a@example.com")
    settings = {**HELD, "approval": "ask"}
    planned = plan(office, take, {}, settings)
    assert take(BreakersOperator, {}, settings) is None
    context = {"params": {}, "run_id": "run"}
    take.make(ApprovePlanOperator, settings).execute_complete(context, answer(APPROVE))
    assert len(take(StepOperator, {}, settings, step="create_prospects")) == 1
    assert planned["counts"] == {"create_prospects create planned": 1}


def test_a_person_says_no_in_the_ui(office: Office, take: Any) -> None:
    office.contact("a@example.com")
    settings = {**HELD, "approval": "ask"}
    plan(office, take, {}, settings)
    context = {"params": {}, "run_id": "run"}
    with pytest.raises(AirflowFailException, match="was rejected"):
        take.make(ApprovePlanOperator, settings).execute_complete(context, answer(REJECT))


def test_what_waits_is_not_asked_about_once_it_was_approved_by_hash(office: Office, take: Any) -> None:
    settings = {"approval": "ask", "delete_or_merge_prospects": True, "delete_mode": "delete"}
    settings |= {"sweep_hours": 0, "delete_grace_hours": 0}
    contact = office.contact("a@example.com")
    office.prospect("a@example.com")
    configuration = Configuration.model_validate({"settings": settings, "mapping": office.mapping})
    run_connector(office.client, office.store, "insightly_default", configuration)
    office.delete("Contacts", contact)
    planned = plan(office, take, {}, settings)
    assert planned["counts"] == {"delete_or_merge_prospects delete pending_approval": 1}

    assert take(BreakersOperator, {}, settings) is None
    approve(office.store, "insightly_default", planned["hash"], "Ann", office.now())
    with pytest.raises(AirflowSkipException, match=r"was approved by Ann"):
        take(ApprovePlanOperator, {}, settings)
    assert len(take(StepOperator, {}, settings, step="delete_or_merge_prospects")) == 1
    assert take(BreakersOperator, {}, settings) == "Ann"


def test_a_wrong_key_fails_at_once(office: Office, take: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {"conn_type": "insightly", "password": "wrong", "extra": {"base_url": office.sandbox.base_url}}
    monkeypatch.setenv("AIRFLOW_CONN_INSIGHTLY_DEFAULT", json.dumps(connection))
    with pytest.raises(AirflowFailException, match="401"):
        take(CheckSettingsOperator, {}, {})


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("", None),
        ("Contacts/5", Ref("Contacts", 5)),
        ("Leads/5", Ref("Leads", 5)),
        ("Prospect/5", Ref("Prospect", 5)),
        (" contact/5 ", Ref("Contacts", 5)),
    ],
)
def test_one_record(text: str, ref: Ref | None) -> None:
    assert one_record({"params": {"record": text}}) == ref  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("5", "names no record"),
        ("Contacts", "names no record"),
        ("Tasks/5", "'Tasks' is no object of the connector"),
        ("Contacts/x", "names no record"),
        ("Contacts/\u0665", "names no record"),
    ],
)
def test_what_names_no_record_is_refused(text: str, problem: str) -> None:
    with pytest.raises(AirflowFailException, match=f"record='{text}': .*{problem}: write "):
        one_record({"params": {"record": text}})  # type: ignore[arg-type]


def test_a_run_for_a_record_that_was_never_read_fails(office: Office, take: Any) -> None:
    contact = office.contact("a@example.com")
    with pytest.raises(AirflowFailException, match="shows no Contacts 5: there is no such record"):
        plan(office, take, {"record": "Contacts/5"}, {})
    assert plan(office, take, {"record": f"Contacts/{contact}"}, {})["counts"] == {}


def test_the_check_keeps_which_run_has_which_boxes(office: Office, take: Any) -> None:
    take(CheckSettingsOperator, {"create_prospects": True, "match_by_email": True, "dry_run": True}, {})
    with office.store.connect() as connection:
        known = read_overview(connection, "insightly_default").configuration
    assert known is not None
    assert (known["dag_id"], known["run_id"], known["dry_run"]) == ("the_dag", "run", True)
    assert known["overrides"] == {"create_prospects": True}
    assert known["configuration"]["settings"]["create_prospects"] is False
