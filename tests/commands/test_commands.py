"""The commands about sends, as ``python -m airflow_provider_insightly`` runs them."""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_insightly.cli import COMMANDS, main
from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox
from tests.commands.conftest import Command
from tests.sending.test_send import contacts

CSV = "row,FIRST_NAME,EMAIL_ADDRESS\n1,Zoë,zoe@example.com\n2,,nobody@example.com\n3,Ann,ann@example.com\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "contacts.csv"
    path.write_text(CSV, encoding="utf-8")
    return path


def test_preview_shows_requests_and_rejections(command: Command, file: Path, capsys, insightly_sandbox):
    status = command("preview", str(file), "--template", "create_contact", "--exclude", "row")

    shown = capsys.readouterr().out
    assert status == 1
    assert '{"FIRST_NAME":"Zoë","EMAIL_ADDRESS":"zoe@example.com"}' in shown
    assert "# records 1: no request: FIRST_NAME: is required" in shown
    assert insightly_sandbox.requests() == []


def test_preview_of_a_grouping_from_the_input(command: Command, capsys, monkeypatch: pytest.MonkeyPatch):
    stdin = io.TextIOWrapper(io.BytesIO(b'{"a":1}\n{"a":2}\n'))
    monkeypatch.setattr("sys.stdin", stdin)

    status = command("preview", "-", "--url", "/Bulk", "--grouping", "wrapped_items", "--rename", "a=b")

    assert status == 0
    assert '{"records":[{"fields":{"b":1}},{"fields":{"b":2}}]}' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--template", "create_contac"], "create_contact"),
        ([], "Give --template, or --method and --url"),
        (["--template", "create_contact", "--grouping", "json_array"], "one record a request"),
        (["--template", "create_contact", "--method", "DELETE", "--batch-size", "5"], "--method and --batch-size"),
        (["--url", "/Contacts", "--grouping-options", '{"property": "x"}'], "no --grouping"),
    ],
)
def test_settings_that_cannot_work(options: list[str], message: str, command: Command, file: Path, capsys):
    assert command("preview", str(file), *options) == 1
    assert message in capsys.readouterr().err


def test_send_and_replay(command: Command, file: Path, tmp_path: Path, capsys, insightly_sandbox: InsightlySandbox):
    rejected = tmp_path / "rejected.jsonl"
    options = ["--template", "create_contact", "--exclude", "row"]

    assert command("send", str(file), *options, "--rejected", str(rejected)) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["succeeded"] == 2
    rejected.write_text(rejected.read_text().replace('"FIRST_NAME": null', '"FIRST_NAME": "Nina"'))
    assert command("replay", str(rejected), *options) == 0
    assert command("replay", str(rejected), *options) == 0

    assert json.loads(capsys.readouterr().out.splitlines()[-1])["skipped"] == 1
    assert [c["FIRST_NAME"] for c in contacts(insightly_sandbox)] == ["Zoë", "Ann", "Nina"]


@pytest.mark.parametrize(("responses", "rejected"), [("{}", "x"), ("x", "{}"), ("x", "./x")])
def test_no_file_is_written_over_another(
    responses: str, rejected: str, command: Command, file: Path, capsys, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(file.parent)
    files = ["--responses", responses.format(file), "--rejected", rejected.format(file.name)]

    assert command("send", str(file), "--template", "create_contact", *files) == 1

    assert "must be three" in capsys.readouterr().err
    assert file.read_text() == CSV


def test_a_replay_of_the_input_leaves_no_record_out(
    command: Command, capsys, monkeypatch: pytest.MonkeyPatch, insightly_sandbox: InsightlySandbox
):
    lines = [{"send": "a send", "message": "x" * 9000, "record": {"FIRST_NAME": "Ann"}}] * 3
    content = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))

    assert command("replay", "-", "--template", "create_contact") == 0

    assert len(contacts(insightly_sandbox)) == 3


def test_a_send_goes_on_by_its_key(command: Command, file: Path, capsys, insightly_sandbox: InsightlySandbox):
    options = ["--template", "create_contact", "--exclude", "row", "--key", "mine", "--on-record-error", "continue"]

    assert [command("send", str(file), *options) for _ in range(2)] == [0, 0]

    assert len(contacts(insightly_sandbox)) == 2


def test_a_send_that_stops_says_how_to_go_on(command: Command, file: Path, capsys, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.settings(daily_quota=1)
    insightly_sandbox.call("GET", "/Instance")

    assert command("send", str(file), "--template", "create_contact", "--exclude", "row") == 1

    said = capsys.readouterr().err
    key = said.split("The key of this send is ")[1].split(".\n")[0]
    assert "daily quota is used up" in said
    assert f"go on where this send ended with --key {key}\n" in said


def test_send_test(command: Command, capsys, insightly_sandbox: InsightlySandbox):
    assert command("send-test", '{"FIRST_NAME": "Tess"}', "--template", "create_contact") == 0
    assert "succeeded: 201" in capsys.readouterr().out
    contact_id = contacts(insightly_sandbox)[0]["CONTACT_ID"]
    deletion = ["send-test", json.dumps({"CONTACT_ID": contact_id}), "--template", "delete_contact"]

    assert command(*deletion) == 1
    assert "say --confirm-delete" in capsys.readouterr().err
    assert command(*deletion, "--confirm-delete") == 0
    assert contacts(insightly_sandbox) == []


def test_a_test_shows_no_masked_value(command: Command, capsys, insightly_sandbox: InsightlySandbox):
    test = ["send-test", '{"FIRST_NAME": "Tess", "mail": "tess@secret.example", "born": "on a Monday"}', "--template"]
    test += ["create_contact", "--mask", "EMAIL_ADDRESS,born", "--rename", "mail=EMAIL_ADDRESS,born=DATE_OF_BIRTH"]
    assert command(*test) == 1
    assert command(*test, "--exclude", "born") == 0
    insightly_sandbox.faults([{"kind": "status", "status": 400, "rate": 1, "text": "tess@secret.example is wrong"}])
    assert command(*test, "--exclude", "born") == 1

    shown = "".join(capsys.readouterr())
    assert "is wrong" in shown
    assert "secret.example" not in shown
    assert "Monday" not in shown


def test_a_wrong_key_is_said_and_not_shown(command: Command, file: Path, capsys, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.faults([{"kind": "status", "status": 401, "rate": 1}])

    assert command("send", str(file), "--template", "create_contact", "--exclude", "row") == 1

    shown = "".join(capsys.readouterr())
    assert "Check the API key" in shown
    assert insightly_sandbox.api_key not in shown


def test_a_misspelt_field_of_the_connection(command: Command, capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIRFLOW_CONN_TEST", '{"conn_type": "insightly", "password": "a key", "extra": {"pood": "na1"}}')

    assert command("send-test", "{}", "--template", "create_contact", "--conn-id", "test") == 1
    assert "pood: there is no such field. Fields: pod, base_url" in capsys.readouterr().err


def test_a_connection_that_does_not_exist(command: Command, file: Path, capsys):
    for arguments in (["send", str(file)], ["send-test", '{"FIRST_NAME": "Ann"}']):
        assert command(*arguments, "--template", "create_contact", "--conn-id", "nowhere") == 1
        assert "`nowhere` isn't defined" in capsys.readouterr().err


def test_a_test_record_that_is_not_json(command: Command, capsys):
    assert command("send-test", "[" * 100_000, "--template", "create_contact") != 0
    assert "this is not JSON: maximum recursion" in capsys.readouterr().err
    assert command("send-test", '{"FIRST_NAME"', "--template", "create_contact") != 0
    assert "this is not JSON: Expecting ':'" in capsys.readouterr().err


def test_a_file_without_records(command: Command, file: Path, capsys):
    file.write_text("FIRST_NAME\n")
    assert command("preview", str(file), "--template", "create_contact") == 0
    assert capsys.readouterr().out == "There are no records.\n"


def test_failures_that_are_allowed(command: Command, file: Path):
    send = ["send", str(file), "--template", "create_contact", "--exclude", "row", "--max-failure-ratio"]
    assert command(*send, "0.4") == 0
    assert command(*send, "0.3") == 1


def test_db(command: Command, file: Path, capsys):
    assert command("db", "upgrade") == 0
    assert "is up to date" in capsys.readouterr().out
    command("send", str(file), "--template", "create_contact", "--exclude", "row")
    assert command("db", "prune", "--older-than", "1") == 0
    assert "Forgot 0 sends" in capsys.readouterr().out
    assert command("db", "prune", "--older-than", "-1") == 0
    assert "Forgot 1 sends" in capsys.readouterr().out


@pytest.mark.parametrize("days", ["nan", "inf", "1e9", "x"])
def test_days_that_are_none(days: str, command: Command, capsys):
    assert command("db", "prune", "--older-than", days) == 2
    assert "no number of days" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_ends_the_command_quietly(file: Path):
    program = [sys.executable, "-m", "airflow_provider_insightly", "preview", str(file), "--template", "create_contact"]
    read_end, write_end = os.pipe()
    os.close(read_end)
    ended = subprocess.run(program, stdout=write_end, stderr=subprocess.PIPE, check=False)
    os.close(write_end)
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGPIPE, b"")


@pytest.mark.parametrize(
    ("store", "message"),
    [
        (None, "`store` isn't defined: add this connection to Airflow"),
        ("mysql://user:secret@127.0.0.1/x", "The store cannot live at 'mysql://user:***@127.0.0.1/x'"),
        ("postgres://user:secret@127.0.0.1:1/x", "The store cannot be used: connection to server"),
    ],
)
def test_a_store_that_cannot_be_used(
    store: str | None, message: str, command: Command, capsys, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AIRFLOW__INSIGHTLY__STORE_CONN_ID", "store")
    if store:
        monkeypatch.setenv("AIRFLOW_CONN_STORE", store)

    for arguments in (("db", "upgrade"), ("connector", "links")):
        assert command(*arguments) == 1
        said = capsys.readouterr().err
        assert message in said
        assert "secret" not in said


def test_an_error_of_our_own_is_not_hidden(command: Command, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("airflow_provider_insightly.commands.db.run", lambda args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["db", "upgrade"])


def test_the_options_have_the_names_of_the_operators_too(command: Command, file: Path, capsys):
    names = ["--records-format", "csv", "--exclude-attributes", "EMAIL_ADDRESS", "--mask-fields", "LAST_NAME"]

    command("preview", str(file), "--template", "create_contact", *names)

    assert "EMAIL_ADDRESS" not in capsys.readouterr().out


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from _parsers(child)


def test_every_command_and_option_has_a_help():
    root = argparse.ArgumentParser(description="commands")
    commands = root.add_subparsers()
    for each in COMMANDS:
        each.add_arguments(commands.add_parser(each.name, description=each.help))

    for parser in _parsers(root):
        assert parser.description, parser.prog
        for action in parser._actions:
            is_group = isinstance(action, argparse._SubParsersAction)
            assert action.help or is_group, f"{parser.prog} {action.option_strings or action.dest}"
