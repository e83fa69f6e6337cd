from __future__ import annotations

import json

import pytest

from airflow_provider_insightly.api import errors
from airflow_provider_insightly.api.retry import RetryPolicy

from .conftest import answer

DONE = answer("200 OK", json.dumps({"CONTACT_ID": 7}))
PUT_OFF = ["408 Request Timeout", "425 Too Early", "429 Too Many Requests", "503 Service Unavailable"]
PERHAPS_DONE = [answer("500 Error"), answer("502 Bad Gateway"), answer("504 Gateway Timeout"), b"", DONE[:-4], None]


@pytest.mark.parametrize("status", PUT_OFF)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_what_the_server_put_off_is_sent_again(server, make_client, method, status):
    server.script = [answer(status), answer(status), DONE]
    assert make_client().request(method, "/Contacts").attempts == 3
    assert len(server.requests) == 3


@pytest.mark.parametrize("trouble", PERHAPS_DONE)
def test_a_post_that_may_have_been_done_is_never_sent_again(server, make_client, trouble):
    server.script = [trouble, DONE]
    with pytest.raises(errors.InsightlyError) as caught:
        make_client(read_timeout=0.05).request("POST", "/Contacts", json={})
    assert caught.value.outcome == "unknown"
    assert len(server.requests) == 1


@pytest.mark.parametrize("trouble", PERHAPS_DONE)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_changes_nothing_when_done_twice_is_sent_again(server, make_client, method, trouble):
    server.script = [trouble, DONE]
    assert make_client(read_timeout=0.05).request(method, "/Contacts/7").attempts == 2


@pytest.mark.parametrize("status", ["400 Bad", "401 No", "403 No", "404 No", "405 No", "409 No", "417 No", "501 No"])
def test_a_refusal_is_final(server, make_client, status):
    server.script = [answer(status), DONE]
    with pytest.raises(errors.InsightlyError):
        make_client().request("GET", "/Contacts")
    assert len(server.requests) == 1


def test_a_delete_that_meets_its_own_404_has_succeeded(server, make_client):
    server.script = [b"", answer("404 Not Found")]
    make_client().delete("Contacts", 7)
    assert len(server.requests) == 2


def test_a_delete_that_was_put_off_and_then_meets_404_has_not(server, make_client):
    server.script = [answer("503 Service Unavailable"), answer("404 Not Found")]
    with pytest.raises(errors.NotFoundError):
        make_client().delete("Contacts", 7)


def test_the_server_says_how_long_to_wait(server, make_client, pauses):
    server.script = [answer("429 Too Many Requests", "", "Retry-After: 7"), DONE]
    make_client().request("GET", "/Contacts")
    assert 7 <= pauses[0] <= 8


def test_pauses_are_random_and_may_double_up_to_a_cap(server, make_client, pauses, mocker):
    mocker.patch("random.uniform", side_effect=lambda low, high: high)
    server.script = [answer("503 Service Unavailable")] * 5 + [DONE]
    make_client(retry=RetryPolicy(attempts=6, first_wait=1, longest_wait=5)).request("GET", "/Contacts")
    assert pauses == [1, 2, 4, 5, 5]


def test_a_wait_beyond_the_time_allowed_ends_the_attempts(server, make_client, pauses):
    server.script = [answer("503 Service Unavailable", "", "Retry-After: 3600"), DONE]
    with pytest.raises(errors.ServerError):
        make_client(retry=RetryPolicy(seconds=60)).request("GET", "/Contacts")
    assert (pauses, len(server.requests)) == ([], 1)


def test_the_error_says_how_often_it_was_tried(server, make_client):
    server.script = [answer("503 Service Unavailable")] * 3
    with pytest.raises(errors.ServerError, match="after 3 attempts"):
        make_client().request("GET", "/Contacts")
