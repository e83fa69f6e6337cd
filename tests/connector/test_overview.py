"""What is kept of a run and its check, so that a page can show it without asking Insightly."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_insightly.api.errors import AuthenticationError
from airflow_provider_insightly.connector.configuration import Configuration
from airflow_provider_insightly.connector.mapping import MappingError
from airflow_provider_insightly.connector.overview import Overview, note_configuration, read_overview
from airflow_provider_insightly.store.engine import writing
from tests.connector.conftest import Office

HOBBY = {"FIELD_LABEL": "Hobby", "FIELD_TYPE": "TEXT", "EDITABLE": True}


def overview(office: Office) -> Overview:
    with office.store.connect() as connection:
        return read_overview(connection, "test")


def rows(office: Office) -> dict[str, dict[str, Any]]:
    checked = overview(office).checked
    assert checked is not None
    return {row["prospect"]: row for row in checked["fields"]}


def test_nothing_is_known_before_the_first_run(office: Office) -> None:
    assert overview(office) == Overview(None, None, None)


def test_a_run_keeps_the_configuration_that_is_in_force_and_the_quota(office: Office) -> None:
    office.run(dry_run=True, run_id="a run", create_prospects=True)
    known = overview(office)
    assert known.configuration is not None
    assert known.configuration["at"] <= office.now().isoformat()
    kept = {name: known.configuration[name] for name in ("dag_id", "run_id", "dry_run", "overrides")}
    assert kept == {"dag_id": None, "run_id": "a run", "dry_run": True, "overrides": {}}
    read = Configuration.model_validate(known.configuration["configuration"])
    assert read.settings.create_prospects
    assert [row.prospect for row in read.mapping] == [row["prospect"] for row in office.mapping]
    assert known.quota is not None
    assert known.quota["remaining"] > 0


def test_boxes_that_a_run_sets_otherwise_stand_beside_the_configuration(office: Office) -> None:
    configuration = Configuration.model_validate({"settings": {"create_prospects": True}})
    boxes = {"create_prospects": True, "match_by_email": False}
    run: dict[str, Any] = {"dag_id": "a_dag", "run_id": "1", "dry_run": False, "now": office.now()}
    with writing(office.store) as connection:
        note_configuration(connection, "test", configuration, boxes, **run)
    known = overview(office).configuration
    assert known is not None
    assert known["overrides"] == {"match_by_email": False}
    assert known["configuration"]["settings"]["match_by_email"] is True
    assert known["dag_id"] == "a_dag"


def test_a_check_keeps_the_mapping_with_types_and_labels(office: Office) -> None:
    for name in ("Prospect", "Contacts"):
        office.in_web_page(f"/custom-fields/{name}", {**HOBBY, "FIELD_NAME": "Hobby__c"})
    office.mapping = [
        {"prospect": "Hobby__c", "contact": "Hobby__c", "primary": "contact", "behavior": "Marketing Value"},
        {"prospect": "ORGANISATION_NAME", "organisation": "ORGANISATION_NAME"},
        {"prospect": "SALUTATION", "contact": "SALUTATION", "values": {"Frau": "Ms", "Fräulein": "Ms"}},
        {"prospect": "SCORE", "lead": "LEAD_RATING"},
    ]
    office.run(dry_run=True)
    known = rows(office)
    assert known["Hobby__c"] == {
        "prospect": "Hobby__c",
        "prospect_label": "Hobby",
        "prospect_type": "text",
        "lead": None,
        "lead_label": None,
        "lead_type": None,
        "contact": "Hobby__c",
        "contact_label": "Hobby",
        "contact_type": "text",
        "organisation": None,
        "organisation_label": None,
        "organisation_type": None,
        "behavior": "Marketing Value",
        "type": None,
        "primary": "contact",
        "values": {},
        "note": None,
    }
    assert known["ORGANISATION_NAME"]["note"] == "Contacts: to Marketing alone, since organisations are only read"
    assert known["SALUTATION"]["note"] == "Contacts: to Marketing alone, since the way back would lose something"
    assert known["SCORE"]["note"] == "Leads: to CRM alone, since Prospect.SCORE is read-only"


def test_a_check_that_fails_keeps_its_problems_beside_the_rows(office: Office) -> None:
    office.mapping = [{"prospect": "FIRST_NAME", "contact": "FIRST_NAME"}, {"prospect": "No__c", "contact": "TITLE"}]
    with pytest.raises(MappingError):
        office.run()
    problem = "Prospect: there is no custom field No__c, or it is of a type that cannot be mapped"
    checked = overview(office).checked
    assert checked is not None
    assert checked["problems"] == [f"row 2: {problem}"]
    known = rows(office)
    assert (known["No__c"]["note"], known["No__c"]["prospect_type"], known["No__c"]["contact_type"]) == (
        *(problem, None, "text"),
    )
    assert known["FIRST_NAME"]["note"] is None
    office.mapping = office.mapping[:1]
    office.run()
    checked = overview(office).checked
    assert checked is not None
    assert checked["problems"] == []


def test_a_key_that_does_not_work_is_a_problem_of_the_check(office: Office) -> None:
    office.sandbox.faults([{"kind": "status", "status": 401, "method": "GET", "nth": 1}])
    with pytest.raises(AuthenticationError):
        office.run()
    checked = overview(office).checked
    assert checked is not None
    assert "401" in checked["problems"][0]
    assert [row["prospect"] for row in checked["fields"]] == [row["prospect"] for row in office.mapping]
