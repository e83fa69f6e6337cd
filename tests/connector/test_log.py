"""View Connector Log: rows, filters, export, retention, and why a field has its value."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest

from airflow_provider_insightly.connector.explanation import explain
from airflow_provider_insightly.connector.log_export import export_csv, export_jsonl
from airflow_provider_insightly.connector.log_search import LogFilter, read_log
from airflow_provider_insightly.connector.mapping import FieldMapping
from airflow_provider_insightly.connector.records import EMAIL_FIELD, OPT_OUT_FIELD, Ref
from tests.connector.conftest import Office


@pytest.fixture
def pair(office: Office) -> tuple[int, int]:
    contact = office.contact("a@example.com", FIRST_NAME="Augusta", PHONE_MOBILE="1")
    prospect = office.prospect("a@example.com", TITLE="Dr")
    office.run(run_id="first")
    return prospect, contact


def test_a_row_for_each_action_and_field(office: Office, pair: tuple[int, int]) -> None:
    rows = {(row["event"], row["field"]): row for row in office.log()}
    assert set(rows) == {
        ("link", ""),
        ("update_prospect", "FIRST_NAME"),
        ("update_prospect", "MOBILE"),
        ("update_crm", "TITLE"),
    }
    row = rows["update_prospect", "FIRST_NAME"]
    assert row["at"] <= row["finished_at"]
    del row["at"], row["finished_at"], row["id"]
    assert row == {
        "instance": "test",
        "run_id": "first",
        "direction": "to_marketing",
        "setting": "mapping",
        "event": "update_prospect",
        "result": "applied",
        "reason": None,
        "crm_object": "Contacts",
        "crm_id": pair[1],
        "prospect_id": pair[0],
        "field": "FIRST_NAME",
        "before": "Ada",
        "after": "Augusta",
        "behavior": "CRM Value",
        "http_status": 200,
        "error": None,
    }


def test_the_intent_is_there_before_the_request(office: Office, pair: tuple[int, int]) -> None:
    office.edit("Contacts", pair[1], FIRST_NAME="Grace")
    seen = []
    original = office.client.update

    def look(object_name: str, record: object) -> object:
        seen.extend((row["after"], row["result"]) for row in office.log(field="FIRST_NAME", run_id="second"))
        return original(object_name, record)  # type: ignore[arg-type]

    office.client.update = look  # type: ignore[method-assign,assignment]
    office.run(run_id="second")
    assert seen == [("Grace", None)]
    assert [row["result"] for row in office.log(field="FIRST_NAME", run_id="second")] == ["applied"]


def test_filters(office: Office, pair: tuple[int, int]) -> None:
    office.wait(hours=1)
    office.edit("Contacts", pair[1], FIRST_NAME="Grace")
    office.run(run_id="second")
    between = office.now() - timedelta(minutes=30)
    assert {row["run_id"] for row in office.log(since=between)} == {"second"}
    assert {row["run_id"] for row in office.log(until=between)} == {"first"}
    assert {row["run_id"] for row in office.log(run_id="second")} == {"second"}
    assert {row["event"] for row in office.log(event="link")} == {"link"}
    assert {row["setting"] for row in office.log(setting="6")} == {"6"}
    assert {row["field"] for row in office.log(field="MOBILE")} == {"MOBILE"}
    assert {row["field"] for row in office.log(text="aUGUSTA")} == {"FIRST_NAME"}
    assert office.log(text="a_gusta") == []
    assert office.log(result="failed") == []
    assert len(office.log(record=Ref("Prospect", pair[0]))) == len(office.log(record=Ref("Contacts", pair[1]))) == 5
    assert office.log(record=Ref("Leads", pair[1])) == []


def test_export(office: Office, pair: tuple[int, int]) -> None:
    with office.store.connect() as connection:
        rows = list(read_log(connection, "test", LogFilter()))
    table, lines = io.StringIO(), io.StringIO()
    assert export_csv(rows, table) == export_jsonl(rows, lines) == 4
    read = list(csv.DictReader(io.StringIO(table.getvalue())))
    parsed = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [row["after"] for row in read] == [row["after"] or "" for row in parsed]
    assert {row["field"] for row in parsed} == {"", "FIRST_NAME", "MOBILE", "TITLE"}


def test_a_dry_run_logs_what_is_planned(office: Office, pair: tuple[int, int]) -> None:
    office.edit("Contacts", pair[1], FIRST_NAME="Grace")
    before = len(office.writes())
    office.run(run_id="dry", dry_run=True)
    assert [(row["field"], row["after"], row["result"]) for row in office.log(run_id="dry")] == [
        ("FIRST_NAME", "Grace", "planned")
    ]
    assert len(office.writes()) == before


def test_a_rejected_write_says_why(office: Office, pair: tuple[int, int]) -> None:
    office.edit("Contacts", pair[1], FIRST_NAME="Grace")
    office.sandbox.faults([{"kind": "status", "status": 400, "method": "PUT", "nth": 1}])
    office.run(run_id="second")
    [row] = office.log(run_id="second")
    assert (row["result"], row["http_status"]) == ("rejected", 400)
    assert "/Prospect" in row["error"]


def test_old_rows_are_dropped_and_consent_lives_longer(office: Office, pair: tuple[int, int]) -> None:
    office.edit("Prospect", pair[0], OPTED_OUT=True)
    office.run(run_id="consent")
    office.contact("b@example.com", EMAIL_OPTED_OUT=True)
    office.run(create_prospects=True, backfill=True)
    office.wait(days=91)
    office.run()
    assert {(row["event"], row["field"]) for row in office.log()} == {
        ("opt_out_crm", "EMAIL_OPTED_OUT"),
        ("create", "OPTED_OUT"),
    }
    office.wait(days=310)
    office.run()
    assert office.log() == []


def test_explain_says_why_a_field_has_its_value(office: Office, pair: tuple[int, int]) -> None:
    mapping = [FieldMapping.model_validate(row) for row in office.mapping]
    with office.store.connect() as connection:
        lines = explain(connection, "test", Ref("Prospect", pair[0]), "MOBILE", mapping).lines
    assert lines[:4] == [
        f"Prospect {pair[0]}, MOBILE:",
        f"Pair: prospect {pair[0]} and Contacts {pair[1]}, by email.",
        "Mapping: Prospect.MOBILE, Leads.MOBILE, Contacts.PHONE_MOBILE; update behavior 'CRM Value'.",
        "Both sides last agreed on '1'.",
    ]
    assert lines[4].endswith("run first: update_prospect MOBILE None → '1': applied")


@pytest.mark.parametrize("record", ["Prospect", "Leads"])
def test_explain_says_which_rule_carries_an_address_and_an_opt_out(office: Office, record: str) -> None:
    lead, prospect = office.lead("a@example.com"), office.prospect("a@example.com")
    office.run()
    office.edit("Leads", lead, EMAIL="b@example.com", EMAIL_OPTED_OUT=True)
    office.run(run_id="second", overwrite_opted_out=True)
    ref = Ref(record, prospect if record == "Prospect" else lead)
    told = []
    for names in (EMAIL_FIELD, OPT_OUT_FIELD):
        with office.store.connect() as connection:
            told += explain(connection, "test", ref, names[record], ()).lines[2:]
    assert [line.split(" run ")[-1] for line in told] == [
        "Rule: the address is carried from CRM to Marketing alone, by setting 2 (update_email_addresses).",
        "second: change_email EMAIL_ADDRESS 'a@example.com' → 'b@example.com': applied",
        "Rule: opt-outs only grow; from CRM to Marketing by setting 7 (overwrite_opted_out).",
        "Both sides last agreed on True.",
        "second: opt_out_prospect OPTED_OUT False → True: applied",
    ]


def test_explain_an_unmapped_field_of_an_unlinked_record(office: Office, pair: tuple[int, int]) -> None:
    with office.store.connect() as connection:
        lines = explain(connection, "test", Ref("Leads", 77), "FAX", ()).lines
    assert lines == [
        "Leads 77, FAX:",
        "The record is in no pair: the connector writes nothing to it.",
        "No row of the mapping names the field.",
    ]
