"""Limits: the second, the concurrency, the day."""

import asyncio
import threading
from base64 import b64encode

import pytest
import requests

from airflow_provider_insightly.sandbox.app import App
from airflow_provider_insightly.sandbox.faults import Fault, Faults
from airflow_provider_insightly.sandbox.limits import Limits
from airflow_provider_insightly.sandbox.sandbox import Sandbox
from airflow_provider_insightly.sandbox.settings import Settings


def admitted(limits, settings, *moments):
    return [limits.admit(settings, moment) for moment in moments]


def test_ten_requests_a_second_are_let_in_unless_told_otherwise():
    limits = Limits()
    assert admitted(limits, Settings(), *[100.0] * 12) == [None] * 10 + ["rate", "rate"]
    assert admitted(limits, Settings(), 100.9, 101.0, 101.1) == ["rate", None, None]


def test_less_than_one_a_second_is_one_in_a_longer_time():
    assert admitted(Limits(), Settings(rate=0.5), 100, 101, 101.9, 102) == [None, "rate", "rate", None]


def test_above_the_rate_the_answer_is_429_until_time_has_passed(sandbox):
    sandbox.settings(rate=0.001)
    assert [sandbox.call("GET", "/Instance").status_code for _ in range(3)] == [200, 429, 429]
    sandbox.settings(clock_offset=1001)
    assert sandbox.call("GET", "/Instance").status_code == 200


def test_rate_and_concurrency_are_limits_of_their_own(sandbox):
    sandbox.settings(rate=0, concurrency=2, latency_ms=300)
    statuses = []

    def get():
        answer = requests.get(f"{sandbox.base_url}/Instance", auth=(sandbox.api_key, ""), timeout=10)
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=get) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 429 in statuses
    assert statuses.count(200) >= 2
    assert [sandbox.call("GET", "/Instance").status_code for _ in range(3)] == [200] * 3


async def ask(app, path):
    """Make a request with no server and no network between, and return the answer's status."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    headers = [(b"authorization", b"Basic " + b64encode(b"key:"))]
    await app({"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}, receive, send)
    return sent[0]["status"]


def test_a_request_that_was_refused_takes_no_place():
    sandbox = Sandbox(["key"], Settings(rate=0, concurrency=1))
    sandbox.faults = Faults([Fault(kind="stall", path="/Users/Me", seconds=3600)])

    async def ask_three_times():
        served, refused = (asyncio.create_task(ask(App(sandbox), "/v3.1/Users/Me")) for _ in range(2))
        while sandbox.log.total < 2:
            await asyncio.sleep(0)
        assert await ask(App(sandbox), "/v3.1/Instance") == 429
        served.cancel()
        await asyncio.wait([served])
        assert await ask(App(sandbox), "/v3.1/Instance") == 200
        assert not refused.done()
        refused.cancel()

    asyncio.run(ask_three_times())


def test_a_burst_429_has_requests_of_the_day_remaining(sandbox):
    sandbox.settings(rate=0.001, daily_quota=1000)
    sandbox.call("GET", "/Instance")
    refused = sandbox.call("GET", "/Instance")
    assert refused.status_code == 429
    assert int(refused.headers["X-RateLimit-Remaining"]) > 0


def test_the_days_quota_ends_in_429_with_nothing_remaining(sandbox):
    sandbox.settings(daily_quota=3)
    answers = [sandbox.call("GET", "/Instance") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0", "0"]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"3"}


def test_the_day_is_a_rolling_one(sandbox):
    sandbox.settings(daily_quota=1)
    assert sandbox.call("GET", "/Instance").status_code == 200
    sandbox.settings(clock_offset=23 * 3600)
    assert sandbox.call("GET", "/Instance").status_code == 429
    sandbox.settings(clock_offset=24 * 3600 + 61)
    assert sandbox.call("GET", "/Instance").status_code == 200


@pytest.mark.parametrize("path", ["/Contacts", "/Contacts/1", "/Nonsense", "/Contact", "/Instance"])
def test_every_response_carries_the_limit_and_what_remains_of_the_day(sandbox, path):
    sandbox.settings(daily_quota=1000)
    answer = sandbox.call("GET", path)
    assert answer.headers["X-RateLimit-Limit"] == "1000"
    assert answer.headers["X-RateLimit-Remaining"] == "999"


def test_a_refusal_carries_them_too(sandbox):
    sandbox.settings(daily_quota=1000)
    sandbox.faults([{"kind": "status", "status": 500, "path": "/Leads"}])
    answers = [requests.get(f"{sandbox.base_url}/Instance", timeout=10), sandbox.call("GET", "/Leads")]
    answers.append(sandbox.call("POST", "/Contacts", {}))
    assert [answer.status_code for answer in answers] == [401, 500, 400]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1000", "999", "998"]


def test_without_a_quota_the_headers_say_what_an_enterprise_plan_has(sandbox):
    assert sandbox.call("GET", "/Instance").headers["X-RateLimit-Limit"] == "100000"


def test_retry_after_is_a_setting_as_nobody_knows_it(sandbox):
    sandbox.settings(daily_quota=1)
    sandbox.call("GET", "/Instance")
    assert "Retry-After" not in sandbox.call("GET", "/Instance").headers
    sandbox.settings(retry_after=7)
    assert sandbox.call("GET", "/Instance").headers["Retry-After"] == "7"


def test_requests_to_the_sandboxs_own_routes_are_not_counted(sandbox):
    sandbox.settings(rate=0.001, daily_quota=2)
    for _ in range(5):
        sandbox.requests()
    assert sandbox.call("GET", "/Instance").status_code == 200
