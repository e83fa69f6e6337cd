from __future__ import annotations

import json
import socket
from urllib.parse import quote

import pytest

from airflow_provider_insightly.hooks.insightly import ConnectionExtra, InsightlyHook
from airflow_provider_insightly.hooks.store import find_store_url

KEY = "3c0ffee0-aaaa-4bbb-8ccc-1234567890ab"


@pytest.fixture
def connect(monkeypatch):
    """Set the connection ``insightly_default``, as JSON or as a URI."""

    def connect(described):
        text = described if isinstance(described, str) else json.dumps({"conn_type": "insightly", **described})
        monkeypatch.setenv("AIRFLOW_CONN_INSIGHTLY_DEFAULT", text)
        return InsightlyHook()

    return connect


# The connection's forms


def test_a_connection_as_json(connect):
    hook = connect({"password": KEY, "extra": {"pod": "eu1", "requests_per_second": 5, "concurrency": 2}})
    client = hook.client()
    assert client.base_url == "https://api.eu1.insightly.com/v3.1"
    assert client.throttle.full_rate == 5
    assert client.concurrency == 2


def test_a_connection_as_a_uri(connect):
    base_url = quote("http://127.0.0.1:8765/v3.1", safe="")
    hook = connect(f"insightly://:{KEY}@/?base_url={base_url}&requests_per_second=2.5&verify=false")
    assert hook.client().base_url == "http://127.0.0.1:8765/v3.1"
    assert hook.extra.requests_per_second == 2.5
    assert hook.extra.verify is False


def test_a_form_that_nobody_touched_gives_the_defaults(connect):
    untouched = dict.fromkeys(ConnectionExtra.model_fields, "")
    hook = connect({"password": KEY, "port": 0, "extra": {**untouched, "pod": "na1"}})
    assert hook.extra == ConnectionExtra(pod="na1")


def test_numbers_and_proxies_may_stand_as_text(connect):
    extra = {"pod": "na1", "concurrency": "3", "read_timeout": "7.5", "proxies": '{"https": "http://proxy:3128"}'}
    hook = connect({"password": KEY, "extra": json.dumps(extra)})
    assert (hook.extra.concurrency, hook.extra.read_timeout) == (3, 7.5)
    assert hook.extra.proxies == {"https": "http://proxy:3128"}


def test_verify_may_be_the_path_of_a_bundle(connect):
    assert connect({"password": KEY, "extra": {"pod": "na1", "verify": "/etc/ca.pem"}}).extra.verify == "/etc/ca.pem"


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"pod": "na1", "concurrency": "many"}, "concurrency: .*valid integer"),
        ({"pod": "na1", "requests_per_second": 0}, "requests_per_second: .*greater than 0"),
        ({"pod": "na1", "rate": 5}, "rate: .*Fields: pod, base_url, requests_per_second"),
        ({"pod": "na1", "proxies": "proxy:3128"}, "proxies: .*must be JSON"),
        ({"pod": "antarctica"}, "'antarctica' is no pod"),
        ({}, "Neither pod nor base_url is given"),
    ],
)
def test_an_extra_that_cannot_be_used_names_the_field(connect, extra, message):
    with pytest.raises(ValueError, match=message):
        connect({"password": KEY, "extra": extra}).client()


def test_a_connection_without_a_key_says_where_it_belongs(connect):
    with pytest.raises(ValueError, match="'insightly_default' has no API key: put it into the field 'API key'"):
        connect({"extra": {"pod": "na1"}}).client()


# The link to a record's page


@pytest.mark.parametrize(
    ("extra", "name", "expected"),
    [
        ({"pod": "na1"}, "contact", "https://crm.na1.insightly.com/details/Contact/7"),
        ({"pod": "eu1"}, "Opportunities", "https://crm.eu1.insightly.com/details/Opportunity/7"),
        ({"base_url": "http://127.0.0.1:8765/v3.1"}, "Prospect", "http://127.0.0.1:8765/details/Prospect/7"),
        ({"pod": "na1"}, "Tags", None),
    ],
)
def test_a_record_has_a_page(connect, extra, name, expected):
    assert connect({"password": KEY, "extra": extra}).record_url(name, 7) == expected


# The test of a connection


@pytest.fixture
def to_sandbox(connect, insightly_sandbox):
    def to_sandbox(key=insightly_sandbox.api_key):
        return connect({"password": key, "extra": {"base_url": insightly_sandbox.base_url}})

    return to_sandbox


def test_the_test_of_a_right_key_names_the_instance_and_the_quota(to_sandbox):
    works, message = to_sandbox().test_connection()
    assert works
    assert message.startswith("Connected to '")
    assert "requests are left today" in message
    assert message.endswith("Prospects are available.")


def test_the_test_costs_two_requests_and_writes_nothing(to_sandbox, insightly_sandbox):
    to_sandbox().test_connection()
    assert [(r["method"], r["path"]) for r in insightly_sandbox.requests()] == [
        ("GET", "/v3.1/Instance"),
        ("GET", "/v3.1/Prospect"),
    ]


def test_the_test_of_a_wrong_key_says_so(to_sandbox):
    works, message = to_sandbox(key=KEY).test_connection()
    assert not works
    assert "401" in message
    assert "Check the API key" in message
    assert KEY not in message


def test_the_test_of_an_unknown_pod_says_so(connect):
    works, message = connect({"password": KEY, "extra": {"pod": "zz9"}}).test_connection()
    assert not works
    assert "check the pod" in message


def test_the_test_of_a_server_that_is_down_says_so(connect):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{free.getsockname()[1]}/v3.1"
    works, message = connect({"password": KEY, "extra": {"base_url": base_url}}).test_connection()
    assert not works
    assert "Connection refused" in message
    assert "check the base_url" in message


def test_the_test_of_a_plan_without_prospects_says_what_does_not_work(to_sandbox, insightly_sandbox):
    insightly_sandbox.settings(without=["Prospect"])
    works, message = to_sandbox().test_connection()
    assert works
    assert "Prospects are not available: the plan lacks Marketing" in message


def test_the_test_without_quota_says_that_the_key_works(to_sandbox, insightly_sandbox):
    insightly_sandbox.settings(daily_quota=1)
    hook = to_sandbox()
    hook.test_connection()
    works, message = hook.test_connection()
    assert not works
    assert message.startswith("The key works, but:")
    assert "daily quota" in message


def test_the_test_of_a_connection_without_a_key_says_so(connect):
    works, message = connect({"extra": {"pod": "na1"}}).test_connection()
    assert not works
    assert "has no API key" in message


# The store


def test_the_store_is_a_file_in_airflows_home(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    assert find_store_url() == f"sqlite:///{tmp_path}/insightly.db"


def test_the_store_may_be_an_airflow_connection(monkeypatch):
    monkeypatch.setenv("AIRFLOW__INSIGHTLY__STORE_CONN_ID", "insightly_store")
    monkeypatch.setenv("AIRFLOW_CONN_INSIGHTLY_STORE", "postgres://me:p%40ss@db.example:5432/insightly")
    assert find_store_url() == "postgresql://me:p%40ss@db.example:5432/insightly"
