"""The command: a port of its own, a database that outlives the process, even one that is killed."""

import subprocess
import sys
from contextlib import contextmanager

import pytest
import requests

from airflow_provider_insightly.sandbox.__main__ import main
from airflow_provider_insightly.sandbox.running import run_sandbox
from airflow_provider_insightly.sandbox.sandbox import Sandbox
from airflow_provider_insightly.sandbox.selections import Selection
from airflow_provider_insightly.sandbox.settings import Settings

KEY = "7d1c0a3e-0000-4000-8000-000000000001"


@contextmanager
def running(*options):
    command = [sys.executable, "-m", "airflow_provider_insightly.sandbox", "--port", "0", "--api-key", KEY, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            assert line.startswith("Insightly sandbox: http://127.0.0.1:"), process.stderr.read()
            session = requests.Session()
            session.auth = (KEY, "")
            yield process, session, line.split()[-1]
        finally:
            process.kill()


def test_it_prints_its_url_and_answers_there(tmp_path):
    rows = tmp_path / "contacts.csv"
    rows.write_text("First Name\nZoë\n")
    with running("--rate", "0", "--without", "Ticket", "--put", "replace", "--import", f"Leads={rows}") as (
        _,
        session,
        url,
    ):
        assert session.get(f"{url}/Users/Me").status_code == 200
        assert session.get(f"{url}/Ticket").status_code == 403
        assert [lead["FIRST_NAME"] for lead in session.get(f"{url}/Leads").json()] == ["Zoë"]
        settings = session.get(url.replace("/v3.1", "/sandbox/settings")).json()
        assert (settings["rate"], settings["put"], settings["without"]) == (0, "replace", ["Ticket"])


def test_it_names_the_columns_of_an_import_that_are_no_field(tmp_path):
    rows = tmp_path / "contacts.csv"
    rows.write_text("First Name,Shoe Size\nZoë,38\n")
    with running("--import", f"Contacts={rows}") as (process, _, _url):
        process.terminate()
        assert "1 records; no field for Shoe Size" in process.stderr.read()


def test_what_was_answered_survives_the_kill_of_the_process(tmp_path):
    database = ["--database", str(tmp_path / "sandbox.db"), "--rate", "0", "--seed", "demo"]
    with running(*database) as (process, session, url):
        ids = [session.post(f"{url}/Contacts", json={"FIRST_NAME": f"No. {n}"}).json()["CONTACT_ID"] for n in range(20)]
        session.delete(f"{url}/Contacts/{ids[-1]}")
        process.kill()
        process.wait()
    with running(*database) as (_, session, url):
        contacts = session.get(f"{url}/Contacts", params={"top": 500}).json()
        assert [contact["CONTACT_ID"] for contact in contacts[-19:]] == ids[:-1]
        assert session.get(f"{url}/Contacts/{ids[-1]}").status_code == 404
        assert session.post(f"{url}/Contacts", json={"FIRST_NAME": "New"}).json()["CONTACT_ID"] > ids[-1]


def test_it_runs_for_a_while_in_a_process_of_its_own():
    with run_sandbox("--seed", "demo", api_key=KEY) as sandbox:
        assert len(sandbox.call("GET", "/Contacts").json()) == 60
        assert [request["status"] for request in sandbox.requests()] == [200]
    with pytest.raises(requests.ConnectionError):
        sandbox.call("GET", "/Contacts")
    with pytest.raises(RuntimeError, match="did not start"), run_sandbox("--seed", "nonsense"):
        pass


def test_a_key_that_a_database_does_not_know_yet_is_a_user_too(tmp_path):
    for keys in (["a"], ["a", "b"]):
        sandbox = Sandbox(keys, database=str(tmp_path / "sandbox.db"))
        users = [user["USER_ID"] for user in sandbox.store.records(Selection("Users"))]
        sandbox.store.close()
        assert users == list(sandbox.users.values())


def test_it_ends_when_asked(tmp_path):
    with running() as (process, session, url):
        session.get(f"{url}/Instance")
        process.terminate()
        process.wait(timeout=20)
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--api-key", KEY, "--import", "x"], "--import"),
        (["--api-key", KEY, "--import", "Contacs=EXPORT"], "Contacs"),
        (["--api-key", KEY, "--import", "Contacts=EXPORT"], "EMAIL_OPTED_OUT"),
        (["--api-key", KEY, "--database", "no/such/folder/file.db"], "--database no/such/folder/file.db"),
        (["--api-key", KEY, "--database", "EXPORT"], "file is not a database"),
        (["--api-key", KEY, "--rate", "-1"], "--rate"),
        (["--api-key", KEY, "--without", "Prospects, please"], "--without"),
        (["--api-key", KEY, "--port", "70000"], "port"),
        (["--api-key", KEY, "--host", "203.0.113.7"], "203.0.113.7"),
    ],
)
def test_what_keeps_it_from_starting_is_said_in_a_line(options, named, tmp_path):
    export = tmp_path / "contacts.csv"
    export.write_text("EMAIL_OPTED_OUT,FIRST_NAME\nperhaps,Zoë\n" + "x" * 2000)
    with pytest.raises(SystemExit) as end:
        main(["--port", "0", *(option.replace("EXPORT", str(export)) for option in options)])
    assert named in end.value.code
    assert "\n" not in end.value.code


def test_a_port_in_use_is_said_with_the_way_out(sandbox):
    port = sandbox.url.rpartition(":")[2]
    with pytest.raises(SystemExit, match=f"{port}.*--port 0"):
        main(["--api-key", KEY, "--port", port])


@pytest.mark.parametrize(
    "options", [[], ["--api-key", KEY, "--put", "merge"], ["--api-key", KEY, "--seed", "nonsense"], ["--port", "x"]]
)
def test_options_that_cannot_be_are_refused(options, capsys):
    with pytest.raises(SystemExit):
        main(["--port", "0", *options])
    assert options[-2:-1] == [] or options[-2] in capsys.readouterr().err


def test_its_help_names_every_setting(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(f"--{name.replace('_', '-')}" in text for name in Settings.model_fields)
