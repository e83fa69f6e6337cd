from __future__ import annotations

import pytest

from airflow_provider_insightly.api import errors

from .conftest import answer

ANSWERS = [
    ("401 Unauthorized", '{"Message":"Authorization has been denied for this request."}', errors.AuthenticationError),
    ("402 Payment Required", '"Record limit reached."', errors.RecordLimitError),
    ("403 Forbidden", "API User does not have access to Prospect", errors.AccessDeniedError),
    ("404 Not Found", "", errors.NotFoundError),
    ("405 Method Not Allowed", '{"Message":"no"}', errors.MethodNotAllowedError),
    ("409 Conflict", "in use", errors.ConflictError),
    ("417 Expectation Failed", "failed delete", errors.DeleteFailedError),
    ("400 Bad Request", "bad", errors.InvalidRequestError),
    ("422 Unprocessable Entity", "bad", errors.InvalidRequestError),
]


@pytest.mark.parametrize(("status", "body", "kind"), ANSWERS, ids=[status for status, _, _ in ANSWERS])
def test_each_refusal_has_an_error_of_its_own_that_says_what_to_do(server, make_client, status, body, kind):
    server.script = [answer(status, body)]
    with pytest.raises(kind) as caught:
        make_client().request("POST", "/Contacts", json={})
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.method, error.path) == (int(status[:3]), "POST", "/v3.1/Contacts")
    assert error.outcome == "refused"
    assert error.advice in str(error)
    assert ".." not in str(error)
    assert len(server.requests) == 1


def test_429_with_quota_left_is_the_burst_limit(server, make_client):
    server.script = [answer("429 Too Many Requests", "slow", "X-RateLimit-Remaining: 5", "Retry-After: 2")]
    with pytest.raises(errors.BurstLimitError) as caught:
        make_client().request("GET", "/Contacts", retry=False)
    assert caught.value.retry_after == 2


def test_429_without_quota_is_the_day_and_is_not_tried_again(server, make_client):
    server.script = [answer("429 Too Many Requests", "", "X-RateLimit-Remaining: 0")] * 2
    with pytest.raises(errors.DailyQuotaError, match="daily quota"):
        make_client().request("GET", "/Contacts")
    assert len(server.requests) == 1


@pytest.mark.parametrize(("status", "outcome"), [("500", "unknown"), ("502", "unknown"), ("503", "refused")])
def test_a_server_error_may_have_done_it_but_for_503(server, make_client, status, outcome):
    server.script = [answer(f"{status} Oh", "trouble")]
    with pytest.raises(errors.ServerError) as caught:
        make_client().request("POST", "/Contacts", json={}, retry=False)
    assert caught.value.outcome == outcome


def test_an_html_page_of_a_failing_server_shows_its_title_alone(server, make_client):
    page = "<!DOCTYPE html><html><head><title>Runtime &amp; Error</title></head><body>" + "x" * 9000 + "</body></html>"
    server.script = [answer("500 Internal Server Error", page)]
    with pytest.raises(errors.HtmlAnswerError, match="an HTML page: Runtime & Error") as caught:
        make_client().request("POST", "/Contacts", json={})
    assert len(str(caught.value)) < 400


def test_an_html_page_of_success_is_no_success(server, make_client):
    server.script = [answer("200 OK", "<html><title>Sign in</title></html>")]
    with pytest.raises(errors.HtmlAnswerError, match="Sign in") as caught:
        make_client().request("POST", "/Contacts", json={})
    assert caught.value.outcome == "unknown"


def test_json_that_breaks_off_is_an_unknown_outcome(server, make_client):
    server.script = [answer("201 Created", '{"CONTACT_ID": 12, "FIRST')]
    with pytest.raises(errors.BrokenAnswerError) as caught:
        make_client().request("POST", "/Contacts", json={})
    assert caught.value.outcome == "unknown"


def test_an_answer_cut_off_before_its_length_is_an_unknown_outcome(server, make_client):
    server.script = [answer("201 Created", '{"CONTACT_ID": 12}')[:-5]]
    with pytest.raises(errors.LostAnswerError) as caught:
        make_client().request("POST", "/Contacts", json={})
    assert caught.value.outcome == "unknown"


def test_a_connection_closed_instead_of_an_answer_is_an_unknown_outcome(server, make_client):
    server.script = [b""]
    with pytest.raises(errors.LostAnswerError) as caught:
        make_client().request("POST", "/Contacts", json={})
    assert caught.value.outcome == "unknown"


def test_no_answer_in_time_is_an_unknown_outcome(server, make_client):
    server.script = [None]
    with pytest.raises(errors.AnswerTimeoutError) as caught:
        make_client(read_timeout=0.05).request("POST", "/Contacts", json={})
    assert caught.value.outcome == "unknown"


def test_nobody_listening_means_that_nothing_was_sent(make_client):
    with pytest.raises(errors.ConnectError) as caught:
        make_client(base_url="http://127.0.0.1:1/v3.1").request("POST", "/Contacts", json={})
    assert caught.value.outcome == "not_sent"
    assert caught.value.attempts == 3


def test_a_server_without_tls_is_a_tls_error(server, make_client):
    server.script = [answer("400 Bad Request")] * 3
    with pytest.raises(errors.TlsError, match="certificate authority"):
        make_client(base_url=f"https://127.0.0.1:{server.port}/v3.1").request("GET", "/Contacts", retry=False)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"Message": "no"}', "no"),
        ('{"Message": "no", "ModelState": {"FIRST_NAME": ["required"]}}', 'no {"FIRST_NAME": ["required"]}'),
        ('"a bare string"', "a bare string"),
        ("plain\r\n  text", "plain text"),
        ("[1, 2]", "[1, 2]"),
        ('{"other": 1}', '{"other": 1}'),
        ("<html>", "an HTML page"),
        ("", ""),
        ("x" * 600, "x" * 500 + "…"),
    ],
)
def test_a_message_is_found_in_every_form_of_body(body, message):
    assert errors.read_message(body) == message


def test_a_wait_that_is_a_date_or_nonsense_is_left_to_the_backoff():
    error = errors.from_answer(
        429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, "", method="GET", path="/Contacts"
    )
    assert error.retry_after is None
