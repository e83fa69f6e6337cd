from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta, timezone

import pytest

from airflow_provider_insightly.api import errors
from airflow_provider_insightly.api.client import InsightlyClient, format_time
from airflow_provider_insightly.api.retry import NO_RETRY

from .conftest import API_KEY, answer

CONTACT = {"CONTACT_ID": 7, "FIRST_NAME": "Zoë"}


def created(**extra):
    return answer("201 Created", json.dumps(CONTACT | extra, ensure_ascii=False))


def body_of(request: bytes):
    return json.loads(request.partition(b"\r\n\r\n")[2])


def test_a_create_sends_the_key_the_record_and_who_asks(server, make_client):
    server.script = [created()]

    assert make_client().create("contact", {"FIRST_NAME": "Zoë"}) == CONTACT

    [request] = server.requests
    head = request.partition(b"\r\n\r\n")[0].decode()
    assert head.startswith("POST /v3.1/Contacts HTTP/1.1\r\n")
    assert f"Authorization: Basic {base64.b64encode(f'{API_KEY}:'.encode()).decode()}" in head
    assert "Content-Type: application/json" in head
    assert "User-Agent: airflow-provider-insightly/" in head
    assert '{"FIRST_NAME": "Zoë"}'.encode() in request


def test_get_update_and_delete_name_the_record(server, make_client):
    server.script = [answer(body=json.dumps(CONTACT)), answer(body=json.dumps(CONTACT)), answer("202 Accepted")]
    client = make_client()

    client.get("Contacts", 7)
    client.update("Contacts", {"CONTACT_ID": 7, "FIRST_NAME": None})
    client.delete("Contacts", 7)

    lines = [request.partition(b"\r\n")[0].decode() for request in server.requests]
    assert lines == ["GET /v3.1/Contacts/7 HTTP/1.1", "PUT /v3.1/Contacts HTTP/1.1", "DELETE /v3.1/Contacts/7 HTTP/1.1"]
    assert body_of(server.requests[1]) == {"CONTACT_ID": 7, "FIRST_NAME": None}


def test_an_update_without_an_id_is_refused_before_it_is_sent(server, make_client):
    with pytest.raises(ValueError, match="needs the record's CONTACT_ID"):
        make_client().update("Contacts", {"FIRST_NAME": "Zoë"})
    assert server.requests == []


def test_pages_follow_the_count_even_over_a_short_page(server, make_client):
    pages = [[{"CONTACT_ID": 1}, {"CONTACT_ID": 2}], [{"CONTACT_ID": 3}], [{"CONTACT_ID": 4}]]
    server.script = [answer("200 OK", json.dumps(page), "X-Total-Count: 4") for page in pages]

    assert [record["CONTACT_ID"] for record in make_client().list("Contacts", brief=True)] == [1, 2, 3, 4]
    first, second, third = (request.partition(b" HTTP")[0].decode() for request in server.requests)
    assert first == "GET /v3.1/Contacts?brief=true&top=500&skip=0&count_total=true"
    assert "skip=2" in second
    assert "skip=3" in third


def test_pages_without_a_count_end_at_the_empty_page(server, make_client):
    server.script = [answer(body='[{"CONTACT_ID": 1}]'), answer(body="[]")]
    assert [record["CONTACT_ID"] for record in make_client().list("Contacts")] == [1]


def test_an_empty_list_is_one_empty_page(server, make_client):
    server.script = [answer("200 OK", "[]", "X-Total-Count: 0", "Date: Sat, 21 Nov 2026 20:00:00 GMT")]
    [page] = make_client().pages("/Contacts")
    assert (page.records, page.total) == ([], 0)
    assert page.server_time == datetime(2026, 11, 21, 20, tzinfo=timezone.utc)


@pytest.mark.parametrize("date", ["yesterday", "Xxx, 99 Foo 2026 99:99:99 GMT"])
def test_a_clock_that_nobody_can_read_is_none(server, make_client, date):
    server.script = [answer("200 OK", "[]", f"Date: {date}")]
    assert [page.server_time for page in make_client().pages("/Contacts")] == [None]


def test_a_search_names_the_field_and_the_moment_in_utc(server, make_client):
    server.script = [answer("200 OK", "[]", "X-Total-Count: 0")]
    moment = datetime(2018, 4, 9, 18, 58, 14, tzinfo=timezone(timedelta(hours=2)))
    list(make_client().search("Leads", field="EMAIL", value="a@b.c", updated_after=moment))
    line = server.requests[0].partition(b" HTTP")[0].decode()
    assert line.startswith("GET /v3.1/Leads/Search?field_name=EMAIL&field_value=a%40b.c")
    assert "updated_after_utc=2018-04-09T16%3A58%3A14Z" in line


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        format_time(datetime(2018, 4, 9))


@pytest.mark.parametrize("body", ["[]", "7", "", '"saved"'])
def test_an_answer_that_is_no_record_is_an_unknown_outcome(server, make_client, body):
    server.script = [answer("201 Created", body)]
    with pytest.raises(errors.BrokenAnswerError, match="not a record") as caught:
        make_client().create("Contacts", {"FIRST_NAME": "Zoë"})
    assert caught.value.outcome == "unknown"


def test_a_full_url_of_another_host_never_gets_the_key(server, make_client):
    client = make_client()
    with pytest.raises(ValueError, match="not sent to another host"):
        client.request("GET", "https://evil.example/v3.1/Contacts")
    assert server.requests == []


def test_a_full_url_of_the_same_host_is_taken(server, make_client):
    server.script = [answer(body="[]")]
    client = make_client()
    client.request("GET", f"{client.base_url}/Users")
    assert server.requests[0].startswith(b"GET /v3.1/Users ")


def test_a_user_cannot_replace_the_authorization(server, make_client):
    server.script = [answer(body="{}")]
    make_client().request("GET", "/Users/Me", headers={"Authorization": "Bearer other"})
    assert b"Bearer other" not in server.requests[0]


def test_timeouts_arrive_at_the_socket(server, make_client):
    server.script = [None]
    with pytest.raises(errors.AnswerTimeoutError):
        make_client(read_timeout=0.05).request("POST", "/Contacts", json={}, retry=False)


def test_a_proxy_of_the_environment_is_used_unless_it_is_told_not_to(server, make_client, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
    client = make_client(base_url="http://insightly.example/v3.1")
    server.script = [answer(body="[]")] * 3
    for _ in range(2):
        client.request("GET", "/Users")
        assert server.requests.pop().startswith(b"GET http://insightly.example/v3.1/Users ")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    make_client().request("GET", "/Users")
    assert server.requests.pop().startswith(b"GET /v3.1/Users ")


def test_the_connection_s_own_proxy_and_certificates_win_over_the_environment_s(server, make_client, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/the/environment/s.pem")
    proxies = {"http": f"http://127.0.0.1:{server.port}"}
    client = make_client(base_url="http://insightly.example/v3.1", proxies=proxies, verify=False)
    server.script = [answer(body="[]")]
    client.request("GET", "/Users")
    assert server.requests[0].startswith(b"GET http://insightly.example/v3.1/Users ")
    assert client._surroundings("https://insightly.example")["verify"] is False


def test_the_quota_that_is_left_is_on_the_answer(server, make_client):
    server.script = [answer("200 OK", "{}", "X-RateLimit-Remaining: 41")]
    assert make_client().request("GET", "/Users/Me").quota_remaining == 41


def test_a_redirect_is_an_error_and_is_not_followed(server, make_client):
    server.script = [answer("302 Found", "", "Location: http://127.0.0.1:1/elsewhere")]
    with pytest.raises(errors.RedirectError, match="base_url"):
        make_client().request("POST", "/Contacts", json={})
    assert len(server.requests) == 1


def test_the_key_is_in_no_error_even_when_the_server_repeats_it(server, make_client):
    encoded = base64.b64encode(f"{API_KEY}:".encode()).decode()
    server.script = [answer("400 Bad Request", f"bad key {API_KEY} as Basic {encoded}")]
    with pytest.raises(errors.InvalidRequestError) as caught:
        make_client().request("GET", "/Contacts")
    assert API_KEY not in str(caught.value)
    assert encoded not in str(caught.value)
    assert "bad key *** as Basic ***" in str(caught.value)


@pytest.mark.parametrize(
    ("body", "key", "shown"),
    [
        ({"asked": f"Basic {API_KEY}"}, API_KEY, {"asked": "Basic ***"}),
        ({"asked": "no key"}, API_KEY, {"asked": "no key"}),
        ({"id": 12345}, "12345", '{"id": ***}'),
    ],
)
def test_an_answer_that_repeats_the_key_stays_as_it_is_and_is_shown_without_it(server, make_client, body, key, shown):
    server.script = [answer("200 OK", json.dumps(body))]
    client = InsightlyClient(key, base_url=make_client().base_url)
    found = client.request("POST", "/Contacts", json={})
    assert found.body == body
    assert client.redact(found) == shown


@pytest.mark.parametrize("status", ["201 Created", "400 Bad Request"])
def test_an_answer_that_is_nested_without_end_is_an_error_of_its_own(server, make_client, status):
    server.script = [answer(status, "[" * 100_000)]
    with pytest.raises(errors.InsightlyError):
        make_client().request("POST", "/Contacts", json={})


@pytest.mark.parametrize(("asked", "pause"), [("7", 7), ("86400", 120), ("inf", None), ("1e999", None), ("x", None)])
def test_no_answer_makes_all_workers_wait_longer_than_a_request_is_tried(server, make_client, mocker, asked, pause):
    server.script = [answer("429 Too Many Requests", "", f"Retry-After: {asked}")]
    client = make_client()
    slow_down = mocker.spy(client.throttle, "slow_down")
    with pytest.raises(errors.BurstLimitError):
        client.request("GET", "/Contacts", retry=False)
    slow_down.assert_called_once_with(pause)


def test_the_key_is_not_in_the_clients_name():
    assert API_KEY not in repr(InsightlyClient(API_KEY, pod="na1"))


def test_a_client_without_a_key_is_refused():
    with pytest.raises(ValueError, match="API key is empty"):
        InsightlyClient("", pod="na1")


def test_a_pod_that_does_not_exist_is_a_dns_error():
    client = InsightlyClient(API_KEY, base_url="https://api.zz9.insightly.invalid/v3.1", retry=NO_RETRY)
    with pytest.raises(errors.DnsError, match="check the pod") as caught:
        client.get("Contacts", 1)
    assert caught.value.outcome == "not_sent"
