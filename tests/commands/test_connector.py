"""The commands about the CRM connector."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.api.retry import NO_RETRY
from airflow_provider_insightly.commands.connector.rows import write_table
from airflow_provider_insightly.connector.configuration import load_configuration
from airflow_provider_insightly.connector.plans import PlanHeldError
from airflow_provider_insightly.connector.records import Ref
from airflow_provider_insightly.connector.run import run_connector
from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox
from airflow_provider_insightly.store.engine import open_store
from tests.commands.conftest import Command
from tests.connector.conftest import MAPPING, Office

LOW = {"count": 0, "percent": 0}


@pytest.fixture
def office(insightly_sandbox: InsightlySandbox, tmp_path: Path) -> Any:
    """Both sides, and a connector whose store is that of the commands; its instance is the connection ``test``."""
    client = InsightlyClient(
        insightly_sandbox.api_key, base_url=insightly_sandbox.base_url, requests_per_second=10_000, retry=NO_RETRY
    )
    store = open_store(f"sqlite:///{tmp_path / 'insightly.db'}")
    yield Office(insightly_sandbox, client, store)
    store.dispose()


@pytest.fixture
def pair(office: Office) -> tuple[int, int]:
    contact = office.contact("a@example.com", FIRST_NAME="Augusta", PHONE_MOBILE="1")
    prospect = office.prospect("a@example.com", TITLE="Dr")
    office.run(run_id="first")
    return prospect, contact


def write_configuration(folder: Path, mapping: list[dict[str, Any]] = MAPPING, **settings: Any) -> str:
    """Write the configuration with which the office syncs, and return its path."""
    path = folder / "insightly_crm_connector.yaml"
    given = {"sweep_hours": 0, "read_lag_seconds": 0, **settings}
    content = {"insightly_conn_id": "test", "settings": given, "mapping": mapping}
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return str(path)


def cells(output: str) -> list[list[str]]:
    """Return the cells of a table, which two spaces or more part."""
    return [re.split(r"\s{2,}", line.strip()) for line in output.splitlines()]


def test_check_shows_what_fits(command: Command, office: Office, tmp_path: Path, capsys):
    assert command("connector", "check", write_configuration(tmp_path)) == 0

    shown = cells(capsys.readouterr().out)
    assert ["MOBILE (text)", "MOBILE (text)", "PHONE_MOBILE (text)", "CRM Value"] in shown
    assert shown[-1][0].endswith("can be used with test: 6 mapped fields fit.")
    assert office.writes() == []


def test_check_names_the_lines_that_do_not_fit_the_instance(command: Command, tmp_path: Path, capsys):
    path = tmp_path / "c.yaml"
    path.write_text(
        "insightly_conn_id: test\nmapping:\n"
        "  - {prospect: TITLE, lead: TITLE}\n"
        "  - {prospect: Hobby__c, lead: Hobby__c}\n"
        "  - {prospect: Score__c, lead: PHONE}\n"
    )

    assert command("connector", "check", str(path)) == 1

    problems = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[0] for line in problems] == [f"{path}, line 4", f"{path}, line 4", f"{path}, line 5"]
    assert "Leads: there is no custom field Hobby__c" in "\n".join(problems)


def test_check_and_plan_name_the_lines_of_mistakes(command: Command, tmp_path: Path, capsys):
    path = tmp_path / "c.yaml"
    path.write_text("settings:\n  match_by_mail: true\nmapping:\n  - {prospect: TITLE, lead: TITEL}\n")

    for action in ("check", "plan", "settings"):
        assert command("connector", action, str(path)) == 1
        problems = capsys.readouterr().err
        assert f"{path}, line 2: settings.match_by_mail: there is no such setting" in problems
        assert f"{path}, line 4: mapping: Leads: there is no field TITEL" in problems


def test_plan_names_the_lines_that_do_not_fit_the_instance(command: Command, tmp_path: Path, capsys):
    path = tmp_path / "c.yaml"
    path.write_text("insightly_conn_id: test\nmapping:\n  - {prospect: Hobby__c, lead: TITLE}\n")

    assert command("connector", "plan", str(path)) == 1
    assert f"{path}, line 3: mapping: Prospect: there is no custom field Hobby__c" in capsys.readouterr().err


def test_check_says_what_cannot_be_read(command: Command, tmp_path: Path, capsys, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.faults([{"kind": "status", "status": 403, "rate": 1, "object": "Prospect"}])

    assert command("connector", "check", write_configuration(tmp_path)) == 1
    assert "test: Prospect cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "There is no file"), ("insightly_conn_id: nobody\n", "nobody"), ("- 1\n", "line 1")],
)
def test_a_file_or_a_connection_that_is_not_there(
    content: str | None, message: str, command: Command, tmp_path: Path, capsys
):
    path = tmp_path / "c.yaml"
    if content is not None:
        path.write_text(content)

    assert command("connector", "check", str(path)) == 1
    assert message in capsys.readouterr().err


def test_plan_shows_the_changes_and_writes_nothing(
    command: Command, office: Office, pair: tuple[int, int], tmp_path: Path, capsys
):
    prospect, contact = pair
    office.edit("Contacts", contact, FIRST_NAME="Grace")
    office.edit("Prospect", prospect, TITLE="Prof")
    lone = office.contact("b@example.com")
    before = office.writes()

    status = command("connector", "plan", write_configuration(tmp_path, create_prospects=True), "--backfill")

    shown = cells(capsys.readouterr().out)
    assert status == 0
    assert shown[0] == ["object", "id", "event", "field", "before → after", "setting", "reason"]
    changes = ["Prospect", str(prospect), "update_prospect", "FIRST_NAME", '"Augusta" → "Grace"', "mapping"]
    assert changes in shown
    assert ["Contacts", str(contact), "update_crm", "TITLE", '"Dr" → "Prof"', "mapping"] in shown
    assert ["Prospect", "new", "create", "EMAIL_ADDRESS", 'null → "b@example.com"', "1"] in shown
    assert lone not in {record.id for record in office.links().values()}
    assert ["No breaker would hold this plan."] in shown
    assert office.writes() == before


def test_plan_shows_what_is_skipped_when_asked(
    command: Command, office: Office, pair: tuple[int, int], tmp_path: Path, capsys
):
    office.edit("Contacts", pair[1], FIRST_NAME="Grace", PHONE_MOBILE=None)
    shown = {}
    for options in ((), ("--skipped",)):
        plan = ("connector", "plan", write_configuration(tmp_path), "--format", "jsonl")
        assert command(*plan, *options) == 0
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        shown[options] = {(row["field"], row["verdict"]) for row in rows}
    assert shown == {
        (): {("FIRST_NAME", "planned")},
        ("--skipped",): {("FIRST_NAME", "planned"), ("MOBILE", "skipped")},
    }


def test_a_table_fits_a_terminal(pair: tuple[int, int], command: Command, capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")

    assert command("connector", "log", "--conn-id", "test") == 0

    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 110
    assert any("update_prospect" in line for line in lines)


def test_plan_of_one_record(command: Command, office: Office, pair: tuple[int, int], tmp_path: Path, capsys):
    other = office.contact("b@example.com")
    office.prospect("b@example.com")
    office.edit("Contacts", pair[1], FIRST_NAME="Grace")

    path = write_configuration(tmp_path)
    assert command("connector", "plan", path, "--record", f"contact/{other}", "--format", "jsonl") == 0

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["crm_id"] for row in rows} == {other}
    assert {row["event"] for row in rows} == {"link"}


def test_plan_of_a_record_that_is_not_there(command: Command, tmp_path: Path, capsys):
    assert command("connector", "plan", write_configuration(tmp_path), "--record", "Contacts/5") == 1
    assert "test shows no Contacts 5" in capsys.readouterr().err


def test_plan_of_a_record_that_was_deleted(
    command: Command, office: Office, pair: tuple[int, int], tmp_path: Path, insightly_sandbox: InsightlySandbox
):
    insightly_sandbox.call("DELETE", f"/Contacts/{pair[1]}")
    path = write_configuration(tmp_path, delete_grace_hours=0)

    for _ in range(2):
        assert command("connector", "plan", path, "--record", f"Contacts/{pair[1]}") == 0


def test_a_plan_that_a_breaker_holds_is_approved(
    command: Command, office: Office, pair: tuple[int, int], tmp_path: Path, capsys
):
    office.edit("Contacts", pair[1], EMAIL_ADDRESS="new@example.com")
    path = write_configuration(tmp_path, breakers={"email_changes": LOW})

    assert command("connector", "plan", path) == 1
    shown = capsys.readouterr().out
    assert "email_changes: 1 of 1 pairs (allowed: 0 or 0.0 %)" in shown
    plan = re.search(r"^Plan (\w{64})$", shown, re.MULTILINE)[1]
    configuration = load_configuration(path)
    with pytest.raises(PlanHeldError, match=plan):
        run_connector(office.client, office.store, "test", configuration, run_id="held")

    assert command("connector", "approve", plan[:12], "--conn-id", "test", "--by", "Ann") == 0
    shown = capsys.readouterr().out
    assert shown.index("update_email_addresses: 1 change_email planned") < shown.index("Approved by Ann.")
    assert "Clear the task breakers of the run held" in shown
    run_connector(office.client, office.store, "test", configuration, run_id="held")

    assert office.get("Prospect", pair[0])["EMAIL_ADDRESS"] == "new@example.com"
    assert command("connector", "approve", plan, "--conn-id", "test") == 1
    assert "released already (Ann)" in capsys.readouterr().err


def test_a_no_on_the_terminal_approves_nothing(
    command: Command, office: Office, pair: tuple[int, int], capsys, monkeypatch: pytest.MonkeyPatch
):
    office.edit("Contacts", pair[1], EMAIL_ADDRESS="new@example.com")
    with pytest.raises(PlanHeldError) as held:
        office.run(breakers={"email_changes": LOW})
    plan = str(held.value).rsplit("=", 1)[1]
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: "n")

    assert command("connector", "approve", plan, "--conn-id", "test") == 1

    assert "Nothing is approved." in capsys.readouterr().out
    with pytest.raises(PlanHeldError):
        office.run(breakers={"email_changes": LOW})
    assert command("connector", "approve", plan, "--conn-id", "test", "--yes") == 0


@pytest.mark.parametrize(("plan", "message"), [("abc", "too short"), ("0" * 64, "test has no plan 0000")])
def test_a_hash_that_names_no_plan(plan: str, message: str, command: Command, capsys):
    assert command("connector", "approve", plan, "--conn-id", "test") == 1
    assert message in capsys.readouterr().err


def test_log_is_a_table(command: Command, pair: tuple[int, int], capsys):
    assert command("connector", "log", "--conn-id", "test", "--event", "update_prospect") == 0

    header, *rows = cells(capsys.readouterr().out)
    assert header[1:6] == ["event", "prospect", "record", "field", "before → after"]
    mobile, name = rows
    assert mobile[1:] == [
        *("update_prospect", str(pair[0]), f"Contacts {pair[1]}", "MOBILE", 'null → "1"', "mapping", "applied")
    ]
    assert name[4:6] == ["FIRST_NAME", '"Ada" → "Augusta"']


@pytest.mark.parametrize(
    ("filters", "fields"),
    [
        (["--field", "TITLE"], ["TITLE"]),
        (["--result", "failed"], []),
        (["--result", "under_way"], []),
        (["--setting", "6"], [""]),
        (["--run", "first", "--limit", "1"], ["TITLE"]),
        (["--run", "second"], []),
        (["--text", "aUGUST"], ["FIRST_NAME"]),
        (["--text", "%"], []),
        (["--since", "1h", "--event", "link"], [""]),
        (["--until", "1h"], []),
        (["--since", "2020-01-01 10:00", "--until", "2020-01-02"], []),
    ],
)
def test_log_is_filtered(filters: list[str], fields: list[str], command: Command, pair: tuple[int, int], capsys):
    assert command("connector", "log", "--conn-id", "test", "--format", "jsonl", *filters) == 0
    assert [json.loads(line)["field"] for line in capsys.readouterr().out.splitlines()] == fields


def test_log_finds_letters_beyond_ascii(command: Command, office: Office, pair: tuple[int, int], capsys):
    office.edit("Contacts", pair[1], FIRST_NAME="Zoë")
    office.run(run_id="second")

    assert command("connector", "log", "--conn-id", "test", "--text", "zoë", "--format", "jsonl") == 0
    assert [json.loads(line)["after"] for line in capsys.readouterr().out.splitlines()] == ["Zoë"]


def test_log_of_a_record(command: Command, pair: tuple[int, int], capsys):
    for record, count in ((f"Prospect/{pair[0]}", 4), (f"contacts/{pair[1]}", 4), ("Leads/1", 0)):
        assert command("connector", "log", "--conn-id", "test", "--format", "jsonl", "--record", record) == 0
        assert len(capsys.readouterr().out.splitlines()) == count


def test_log_goes_to_a_file(command: Command, pair: tuple[int, int], tmp_path: Path, capsys):
    path = tmp_path / "log.csv"

    assert command("connector", "log", "--conn-id", "test", "--output", str(path)) == 0

    with path.open(encoding="utf-8", newline="") as file:
        assert {row["field"] for row in csv.DictReader(file)} == {"", "FIRST_NAME", "MOBILE", "TITLE"}
    assert capsys.readouterr() == ("", f"4 rows are in {path}.\n")


def test_a_table_says_that_there_is_more(command: Command, pair: tuple[int, int], capsys):
    assert command("connector", "log", "--conn-id", "test", "--limit", "3") == 0
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 4
    assert "more than these 3" in shown.err
    assert command("connector", "log", "--conn-id", "test", "--limit", "4") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["log", "--since", "yesterday"], "write 2026-11-21"),
        (["log", "--record", "Contacts"], "write Contacts/5"),
        (["log", "--record", "Tasks/5"], "is no object of the connector"),
        (["log", "--result", "done"], "'done' is no result: write applied, skipped, "),
        (["log", "--limit", "some"], "0 for all"),
        (["explain", "Tasks", "5", "TITLE"], "is no object of the connector"),
    ],
)
def test_arguments_that_say_nothing(arguments: list[str], message: str, command: Command, capsys):
    assert command("connector", *arguments) == 2
    assert message in capsys.readouterr().err


def test_explain(command: Command, pair: tuple[int, int], tmp_path: Path, capsys):
    path = write_configuration(tmp_path)

    assert command("connector", "explain", "prospect", str(pair[0]), "MOBILE", "--config", path) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"Pair: prospect {pair[0]} and Contacts {pair[1]}, by email."
    assert lines[-1].endswith("run first: update_prospect MOBILE None → '1': applied")


def test_explain_finds_the_configuration_beside_the_dag(
    command: Command, pair: tuple[int, int], tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(tmp_path))
    arguments = ("connector", "explain", "Contacts", str(pair[1]), "PHONE_MOBILE")

    assert command(*arguments) == 1
    assert "say --config" in capsys.readouterr().err
    write_configuration(tmp_path)
    assert command(*arguments) == 0
    assert "Mapping: Prospect.MOBILE, Leads.MOBILE, Contacts.PHONE_MOBILE" in capsys.readouterr().out


def test_links(command: Command, office: Office, pair: tuple[int, int], tmp_path: Path, capsys):
    lead, prospect = office.lead("b@example.com"), office.prospect("b@example.com")
    office.run()

    assert command("connector", "links", "--conn-id", "test") == 0
    rows = [row[:3] for row in cells(capsys.readouterr().out)[1:]]
    assert rows == [[str(pair[0]), f"Contacts {pair[1]}", "email"], [str(prospect), f"Leads {lead}", "email"]]

    chosen = {
        ("--object", "Leads"): [prospect],
        ("--object", "prospect"): [pair[0], prospect],
        ("--record", f"Contacts/{pair[1]}"): [pair[0]],
        ("--record", f"Prospect/{prospect}"): [prospect],
        ("--record", f"Leads/{pair[1] + 10_000}"): [],
    }
    for filters, expected in chosen.items():
        assert command("connector", "links", "--conn-id", "test", "--format", "csv", *filters) == 0
        read = list(csv.DictReader(capsys.readouterr().out.splitlines()))
        assert [int(row["prospect_id"]) for row in read] == expected


def test_an_instance_without_pairs(command: Command, capsys):
    assert command("connector", "links") == 0
    assert capsys.readouterr().out == "insightly_default has no such pairs.\n"


def test_settings(command: Command, tmp_path: Path, capsys):
    assert command("connector", "settings", write_configuration(tmp_path, create_prospects=True, log_days=7)) == 0

    shown = cells(capsys.readouterr().out)
    boxes = [row for row in shown if row[0] in set("123456789")]
    assert [row[0] for row in boxes] == list("123456789")
    assert boxes[0][1].startswith("Automatically create prospects in Insightly Marketing if")
    assert boxes[0][2:] == ["create_prospects", "on", "off"]
    assert boxes[5][2:] == ["match_by_email", "on", "on"]
    assert ["log_days", "7", "90"] in shown
    assert ["breakers.creates", "count: 500, percent: 20.0", "count: 500, percent: 20.0"] in shown


def test_an_opt_out_is_lifted_and_logged(command: Command, office: Office, pair: tuple[int, int], capsys):
    prospect, contact = pair
    office.edit("Prospect", prospect, OPTED_OUT=True)
    office.run()
    office.edit("Prospect", prospect, OPTED_OUT=False)
    office.edit("Contacts", contact, EMAIL_OPTED_OUT=False)

    arguments = ("connector", "lift-opt-out", " A@example.com", "--conn-id", "test", "--evidence", "letter of 1 May")
    assert command(*arguments, "--by", "Ann") == 0
    shown = capsys.readouterr().out
    assert f"Opted out when last read: Contacts {contact}, Prospect {prospect}." in shown
    office.run()

    assert office.get("Prospect", prospect)["OPTED_OUT"] is False
    assert office.get("Contacts", contact)["EMAIL_OPTED_OUT"] is False
    for record in (Ref("Prospect", prospect), Ref("Contacts", contact)):
        [row] = office.log(event="lift_opt_out", setting="7", text="letter", record=record)
        assert (row["result"], row["reason"]) == ("applied", "letter of 1 May (Ann)")


@pytest.mark.parametrize(
    ("address", "evidence", "message"),
    [
        ("nobody@example.com", "x", "has no opt-out of nobody@example.com"),
        ("nobody", "x", "is no e-mail address"),
        ("nobody@example.com", " ", "--evidence is empty"),
    ],
)
def test_an_opt_out_that_is_not_there(address: str, evidence: str, message: str, command: Command, capsys):
    assert command("connector", "lift-opt-out", address, "--evidence", evidence) == 1
    assert message in capsys.readouterr().err


def test_a_table_shows_a_value_as_it_is(capsys):
    write_table([{"x": "[bold]a[/bold]\x1b[31m\nb"}], {"x": lambda row: row["x"]})
    assert capsys.readouterr().out.split() == ["x", "[bold]a[/bold]", "[31m", "b"]
