"""Faults on order: by kind, by request, seeded and repeatable."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

ANY = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)


def post(sandbox, number=0):
    """Return the status of a POST, or how it failed."""
    try:
        return sandbox.call("POST", "/Contacts", {"FIRST_NAME": f"No. {number}"}).status_code
    except ANY as error:
        return type(error).__name__


def test_a_status_is_answered_and_nothing_is_done(sandbox):
    sandbox.faults([{"kind": "status", "status": 503, "retry_after": 3}])
    answer = sandbox.call("POST", "/Contacts", {"FIRST_NAME": "Zoë"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3")
    sandbox.faults([])
    assert sandbox.call("GET", "/Contacts").json() == []


@pytest.mark.parametrize("status", [402, 403, 409, 417, 429, 500, 502, 504])
def test_any_status_can_be_ordered(sandbox, status):
    sandbox.faults([{"kind": "status", "status": status}])
    assert sandbox.call("GET", "/Contacts").status_code == status


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_that_has_no_body_leaves_none_on_the_connection(sandbox, status):
    sandbox.faults([{"kind": "status", "status": status, "nth": 1}])
    answer = sandbox.call("GET", "/Contacts")
    assert (answer.status_code, answer.headers["Content-Length"]) == (status, "0")
    assert sandbox.call("GET", "/Contacts").json() == []


def test_a_storm_of_429s_leaves_the_day_its_requests(sandbox):
    sandbox.faults([{"kind": "status", "status": 429, "times": 3}])
    answers = [sandbox.call("GET", "/Contacts") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 429, 429, 200]
    assert int(answers[0].headers["X-RateLimit-Remaining"]) > 0


def test_an_html_page_comes_instead_of_json(sandbox):
    sandbox.faults([{"kind": "html"}])
    answer = sandbox.call("GET", "/Contacts")
    assert answer.status_code == 500
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")
    sandbox.faults([{"kind": "html", "status": 200}])
    assert sandbox.call("GET", "/Contacts").status_code == 200


def test_a_connection_dropped_before_leaves_nothing_behind(sandbox):
    sandbox.faults([{"kind": "drop_before", "nth": 1}])
    with pytest.raises(requests.ConnectionError):
        sandbox.call("POST", "/Contacts", {"FIRST_NAME": "Zoë"})
    assert sandbox.call("GET", "/Contacts").json() == []


def test_a_connection_dropped_after_the_commit_leaves_the_record(sandbox):
    sandbox.faults([{"kind": "drop_after_commit", "nth": 1}])
    with pytest.raises(requests.ConnectionError):
        sandbox.call("POST", "/Contacts", {"FIRST_NAME": "Zoë"})
    assert [record["FIRST_NAME"] for record in sandbox.call("GET", "/Contacts").json()] == ["Zoë"]


def test_a_stalled_answer_comes_later_than_the_client_waits_while_the_work_is_done(sandbox):
    sandbox.faults([{"kind": "stall", "seconds": 2, "method": "POST"}])
    with pytest.raises(requests.ReadTimeout):
        sandbox.call("POST", "/Contacts", {"FIRST_NAME": "Zoë"}, timeout=0.2)
    assert len(sandbox.call("GET", "/Contacts").json()) == 1


def test_a_slow_body_is_too_slow_for_the_impatient_and_comes_whole_to_others(sandbox):
    sandbox.add("Contacts", FIRST_NAME="Zoë")
    sandbox.faults([{"kind": "slow_body", "seconds": 20, "nth": 1}, {"kind": "slow_body", "seconds": 0.1}])
    with pytest.raises(requests.ConnectionError, match="timed out"):
        sandbox.call("GET", "/Contacts", timeout=0.2)
    assert len(sandbox.call("GET", "/Contacts").json()) == 1


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_truncated_body_is_noticed_by_the_client(sandbox, encoding):
    for number in range(3):
        sandbox.add("Contacts", FIRST_NAME=f"No. {number}")
    sandbox.faults([{"kind": "truncate"}])
    with pytest.raises(ANY):
        sandbox.call("GET", "/Contacts", headers={"Accept-Encoding": encoding})


def test_pages_shift_under_the_reader(sandbox):
    for number in range(6):
        sandbox.add("Contacts", FIRST_NAME=f"No. {number}")
    sandbox.faults([{"kind": "shift", "records": -1}])
    pages = [sandbox.call("GET", "/Contacts", params={"top": 3, "skip": skip}).json() for skip in (0, 3)]
    assert [record["FIRST_NAME"][-1] for page in pages for record in page] == list("012234")
    sandbox.faults([{"kind": "shift", "records": 1}])
    assert [record["FIRST_NAME"] for record in sandbox.call("GET", "/Contacts", params={"skip": 3}).json()] == [
        "No. 4",
        "No. 5",
    ]


def test_clocks_of_servers_differ(sandbox):
    sandbox.faults([{"kind": "clock_skew", "seconds": -3600, "nth": 2}])
    first, second = (sandbox.add("Contacts", FIRST_NAME=name) for name in "ab")
    assert second["DATE_CREATED_UTC"] < first["DATE_CREATED_UTC"]


def test_a_fault_befalls_the_object_and_method_that_it_names(sandbox):
    sandbox.faults([{"kind": "status", "status": 500, "method": "post", "object": "contacts"}])
    assert post(sandbox) == 500
    assert sandbox.call("GET", "/Contacts").status_code == 200
    assert sandbox.call("POST", "/Leads", {"LAST_NAME": "Ng"}).status_code == 201
    sandbox.faults([{"kind": "status", "status": 500, "object": "Organisations"}])
    assert sandbox.call("GET", "/organizations").status_code == 500


def test_nth_counts_the_matching_requests(sandbox):
    sandbox.faults([{"kind": "status", "status": 500, "nth": [2, 4], "method": "POST"}])
    outcomes = []
    for number in range(5):
        outcomes.append(post(sandbox, number))
        sandbox.call("GET", "/Contacts")
    assert outcomes == [201, 500, 201, 500, 201]
    sandbox.faults([{"kind": "status", "status": 500, "every": 3}])
    assert [post(sandbox) for _ in range(6)] == [201, 201, 500, 201, 201, 500]


def test_a_rate_is_repeatable_from_its_seed(sandbox):
    def outcomes(seed):
        sandbox.faults([{"kind": "status", "status": 500, "rate": 0.3}], seed=seed)
        return [sandbox.call("GET", "/Instance").status_code for _ in range(60)]

    first = outcomes(1)
    assert outcomes(1) == first
    assert outcomes(2) != first
    assert 5 < first.count(500) < 35


def test_as_many_requests_fail_however_they_arrive(sandbox):
    def outcomes(workers):
        sandbox.reset()
        sandbox.faults([{"kind": "status", "status": 503, "rate": 0.2, "method": "POST"}, {"kind": "html", "every": 9}])
        with ThreadPoolExecutor(workers) as pool:
            statuses = Counter(pool.map(lambda number: post(sandbox, number), range(150)))
        counters = sandbox.control("GET", "/counters")
        fired = [(fault["matched"], fault["fired"]) for fault in counters["faults"]]
        by_status = {kind["status"]: kind["requests"] for kind in counters["by_kind"]}
        assert by_status == statuses
        assert counters["records"]["Contacts"] == statuses[201]
        return statuses, fired

    one_by_one = outcomes(1)
    assert outcomes(8) == outcomes(8) == one_by_one
    assert one_by_one[0][503] > 10


def test_an_empty_list_ends_all_faults(sandbox):
    sandbox.faults([{"kind": "status", "status": 500}])
    sandbox.faults([])
    assert sandbox.call("GET", "/Instance").status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "nonsense"},
        {"kind": "status", "rate": 2},
        {"kind": "status", "rate": 0.1, "nth": 1},
        {"kind": "html", "x": 1},
    ],
)
def test_an_order_that_cannot_be_is_400_and_changes_nothing(sandbox, wrong):
    sandbox.faults([{"kind": "status", "status": 503}])
    assert sandbox.call("POST", "/sandbox/faults", {"faults": [wrong]}).status_code == 400
    assert sandbox.call("GET", "/Instance").status_code == 503


def test_the_log_names_the_fault_and_the_counters_count_it(sandbox):
    sandbox.faults([{"kind": "drop_after_commit", "method": "POST"}])
    post(sandbox)
    entry = sandbox.requests()[-1]
    assert (entry["fault"], entry["status"]) == ("drop_after_commit", None)
    faults = sandbox.control("GET", "/counters")["faults"]
    assert [(fault["matched"], fault["fired"]) for fault in faults] == [(1, 1)]


def test_faults_do_not_befall_those_without_a_key(sandbox):
    sandbox.faults([{"kind": "status", "status": 500}])
    assert requests.get(f"{sandbox.base_url}/Instance", timeout=10).status_code == 401
