"""The key of a connection stays out of everything that a run leaves behind."""

from __future__ import annotations

import json
import logging

import pytest

from airflow_provider_insightly.api.client import secrets_of
from demo.environment import ROOT


def found_in(home, output, key):
    """Return where one of the forms of a key stands: in the output or in a file below Airflow's home."""
    secrets = [secret.encode() for secret in secrets_of(key)]
    places = {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    places["output"] = output.encode()
    return [place for place, content in places.items() if any(secret in content for secret in secrets)]


@pytest.mark.parametrize("right", [True, False], ids=["right key", "wrong key"])
def test_the_key_is_nowhere(load_dag, connection, monkeypatch, airflow_home, capfd, caplog, right):
    key = connection["password"] if right else "deadbeef-0000-4000-8000-feedfacecafe"
    monkeypatch.setenv("AIRFLOW_CONN_INSIGHTLY_DEFAULT", json.dumps({**connection, "password": key}))
    caplog.set_level(logging.DEBUG)

    run = load_dag(ROOT / "dags/insightly_send_contacts", "insightly_send_contacts").test()

    assert run.state == ("success" if right else "failed")
    output = "".join(capfd.readouterr()) + caplog.text
    assert "create_test_contact" in output
    assert found_in(airflow_home, output, key) == []
