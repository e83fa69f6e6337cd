"""The sandbox's own routes: the log, settings, reset, snapshots, imports, counters."""

import json

import pytest
import requests

from airflow_provider_insightly.sandbox.request_log import KEPT, Entry, RequestLog


def test_the_log_shows_what_was_received(sandbox):
    sandbox.call("POST", "/contacts/", {"FIRST_NAME": "Zoë"}, headers={"X-Trace": "7"}, params={"brief": "true"})
    entry = sandbox.requests()[-1]
    expected = {"method": "POST", "path": "/v3.1/contacts/", "query": {"brief": "true"}, "status": 201}
    assert {name: entry[name] for name in expected} == expected
    assert entry["body"] == {"FIRST_NAME": "Zoë"}
    assert entry["headers"]["x-trace"] == "7"


def test_the_log_holds_no_key(sandbox):
    sandbox.call("GET", "/Users/Me")
    text = sandbox.call("GET", "/sandbox/requests").text
    assert "authorization" not in text.lower()
    assert sandbox.api_key not in text


def test_the_log_shows_a_body_that_is_no_json_as_text(sandbox):
    sandbox.call("POST", "/Contacts", data=b"<contact/>")
    assert sandbox.requests()[-1]["body"] == "<contact/>"


def test_the_log_can_be_read_from_a_number_on(sandbox):
    for _ in range(4):
        sandbox.call("GET", "/Instance")
    found = sandbox.control("GET", "/requests?after=1&limit=2")
    assert found["total"] == 4
    assert [entry["number"] for entry in found["requests"]] == [3, 4]


def test_the_log_shows_refused_requests_too(sandbox):
    sandbox.settings(daily_quota=1)
    sandbox.call("GET", "/Instance")
    sandbox.call("GET", "/Instance")
    requests.get(f"{sandbox.base_url}/Instance", timeout=10)
    assert [entry["status"] for entry in sandbox.requests()] == [200, 429, 401]


def test_the_log_does_not_grow_for_ever():
    log = RequestLog()
    for _ in range(KEPT + 10):
        log.open(Entry(0, 0, "GET", "/", {}, {}, b""))
    assert len(log.entries()) == KEPT
    assert log.entries()[-1].number == log.total == KEPT + 10
    for _ in range(100):
        log.open(Entry(0, 0, "GET", "/", {}, {}, bytes(1024 * 1024)))
    assert sum(len(entry.body) for entry in log.entries()) <= 64 * 1024 * 1024


def test_reset_begins_again(sandbox):
    sandbox.add("Contacts", FIRST_NAME="Zoë")
    sandbox.settings(rate=5, put="replace")
    sandbox.faults([{"kind": "status", "status": 500, "times": 0}])
    sandbox.reset()
    assert sandbox.requests() == []
    assert sandbox.call("GET", "/Contacts").json() == []
    settings = sandbox.control("GET", "/settings")
    assert (settings["rate"], settings["put"]) == (0, "partial")
    assert sandbox.control("GET", "/counters")["faults"] == []


def test_reset_can_begin_with_another_seed(sandbox):
    sandbox.reset("demo")
    assert sandbox.control("GET", "/counters")["records"]["Contacts"] > 10
    assert sandbox.call("POST", "/sandbox/reset", {"seed": "nonsense"}).status_code == 400
    sandbox.reset()
    assert "Contacts" not in sandbox.control("GET", "/counters")["records"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonsense": 1},
        {"clock_offset": 1e300},
        {"rate": -1},
        {"put": "merge"},
        {"rate": "fast"},
        [],
    ],
)
def test_a_setting_that_cannot_be_is_400_and_changes_nothing(sandbox, wrong):
    before = sandbox.control("GET", "/settings")
    assert sandbox.call("POST", "/sandbox/settings", wrong).status_code == 400
    assert sandbox.control("GET", "/settings") == before


def test_a_snapshot_brings_everything_back(sandbox):
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë")
    path = f"/Contacts/{contact['CONTACT_ID']}"
    sandbox.control("POST", "/custom-fields/Contacts", {"FIELD_NAME": "Hobby__c"})
    sandbox.control("POST", "/snapshots/before")
    sandbox.call("DELETE", path)
    other = sandbox.add("Contacts", FIRST_NAME="Other")
    sandbox.control("DELETE", "/custom-fields/Contacts/Hobby__c")
    for _ in range(2):
        sandbox.control("POST", "/snapshots/before/restore")
        assert sandbox.call("GET", "/Contacts").json() == [contact]
        assert len(sandbox.call("GET", "/CustomFields/Contacts").json()) == 1
    assert sandbox.add("Contacts", FIRST_NAME="Again")["CONTACT_ID"] == other["CONTACT_ID"]
    assert sandbox.control("GET", "/snapshots") == {"snapshots": ["before"]}
    sandbox.control("DELETE", "/snapshots/before")
    assert sandbox.call("POST", "/sandbox/snapshots/before/restore").status_code == 404


def test_a_snapshot_brings_permissions_files_follows_the_bin_and_settings_back(sandbox):
    kept, deleted, hidden = (sandbox.add("Contacts", FIRST_NAME=name)["CONTACT_ID"] for name in "abc")
    sandbox.call("DELETE", f"/Contacts/{deleted}")
    sandbox.control("POST", "/permissions/Contacts/lose", {"record_ids": [hidden]})
    sandbox.call("POST", f"/Contacts/{kept}/Follow")
    file = sandbox.call("POST", f"/Contacts/{kept}/FileAttachments", files={"file": ("a.txt", b"abc")}).json()[
        "FILE_ID"
    ]
    settings = sandbox.settings(put="replace", read_lag=0, clock_offset=60, without=["Ticket"])
    sandbox.control("POST", "/snapshots/before")

    sandbox.settings(put="partial", read_lag=30, clock_offset=999, without=[])
    sandbox.control("POST", "/permissions/Contacts/regain")
    sandbox.control("POST", f"/recycle-bin/Contacts/{deleted}/restore")
    sandbox.call("DELETE", f"/Contacts/{kept}/Follow")
    sandbox.call("DELETE", f"/FileAttachments/{file}")
    sandbox.faults([{"kind": "status", "status": 503, "nth": 100}])
    sandbox.control("POST", "/snapshots/before/restore")

    assert sandbox.control("GET", "/settings") == settings
    assert [contact["CONTACT_ID"] for contact in sandbox.call("GET", "/Contacts").json()] == [kept]
    assert [contact["CONTACT_ID"] for contact in sandbox.control("GET", "/recycle-bin/Contacts")["records"]] == [
        deleted
    ]
    assert sandbox.call("GET", f"/Contacts/{kept}/Follow").json() == {"FOLLOWING": True}
    assert sandbox.call("GET", f"/FileAttachments/{file}").content == b"abc"
    assert len(sandbox.control("GET", "/counters")["faults"]) == 1


def test_the_counters_count_requests_by_method_object_and_status(sandbox):
    sandbox.add("Contacts", FIRST_NAME="Zoë")
    sandbox.call("GET", "/contacts/1")
    counters = sandbox.control("GET", "/counters")
    assert counters["requests"] == 2
    assert {"method": "POST", "object": "contacts", "status": 201, "requests": 1} in counters["by_kind"]
    assert {"method": "GET", "object": "contacts", "status": 404, "requests": 1} in counters["by_kind"]
    assert counters["records"]["Contacts"] == 1


def test_paths_that_lead_nowhere_are_404_and_wrong_methods_405(sandbox):
    assert sandbox.call("GET", "/sandbox/nonsense").status_code == 404
    assert sandbox.call("PUT", "/sandbox/reset").status_code == 405
    assert sandbox.call("POST", "/sandbox/settings", data=b"{").status_code == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/requests?after=x", None),
        ("/reset", {"seed": "demo", "seed_number": []}),
        ("/reset", {"seed": []}),
        ("/permissions/Contacts/lose", {"record_ids": ["x"]}),
        ("/permissions/Contacts/lose", {"record_ids": [10**30]}),
        ("/permissions/Contacts/lose", {"record_ids": 5}),
        ("/emails", {"EMAIL_DATE_UTC": "soon"}),
        ("/custom-fields/Contacts", {"FIELD_NAME": "A__c", "CUSTOM_FIELD_OPTIONS": [5]}),
        ("/faults", {"faults": "all"}),
    ],
)
def test_what_does_not_fit_is_400_and_names_what(sandbox, path, body):
    answer = sandbox.call("GET" if body is None else "POST", f"/sandbox{path}", body)
    assert answer.status_code == 400
    assert answer.json()["Message"]


class TestImport:
    def post(self, sandbox, obj, content, content_type):
        return sandbox.call("POST", f"/sandbox/import/{obj}", data=content, headers={"Content-Type": content_type})

    def test_an_export_in_json_comes_back_as_it_was(self, sandbox):
        sandbox.reset("demo")
        exported = sandbox.call("GET", "/Prospect").json()
        sandbox.reset()
        answer = self.post(sandbox, "Prospect", json.dumps(exported).encode(), "application/json")
        assert answer.json() == {"imported": len(exported), "ignored_columns": []}
        assert sandbox.call("GET", "/Prospect").json() == exported
        assert sandbox.add("Prospect", EMAIL_ADDRESS="n@example.com")["PROSPECT_ID"] > exported[-1]["PROSPECT_ID"]

    def test_the_ids_of_links_and_dates_survive_an_export(self, sandbox):
        organisation = sandbox.add("Organisations", ORGANISATION_NAME="Øl")["ORGANISATION_ID"]
        link = {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": organisation}
        for _ in range(2):
            contact = sandbox.add("Contacts", FIRST_NAME="Zoë", LINKS=[link], DATES=[{"OCCASION_NAME": "x"}])
        exported = {name: sandbox.call("GET", f"/{name}").json() for name in ("Contacts", "Organisations")}
        sandbox.reset()
        for name, records in exported.items():
            self.post(sandbox, name, json.dumps(records).encode(), "application/json")
        assert {name: sandbox.call("GET", f"/{name}").json() for name in exported} == exported
        new = sandbox.add("Contacts", FIRST_NAME="Bo", LINKS=[link], DATES=[{"OCCASION_NAME": "y"}])
        assert new["LINKS"][0]["LINK_ID"] > contact["LINKS"][0]["LINK_ID"]
        assert new["DATES"][0]["DATE_ID"] > contact["DATES"][0]["DATE_ID"]

    def test_an_export_in_csv_has_the_web_pages_columns(self, sandbox):
        rows = (
            "\ufeffRecord ID,First Name,Last Name,Email Address,Email Opted Out,Date Created UTC,Hobby__c,Shoe Size\r\n"
            '77,Zoë,"O\'Neil, Jr.",z@example.com,TRUE,2020-01-02 03:04:05,Chess,39\r\n'
            ",Ana,,,,,,\r\n"
        )
        answer = self.post(sandbox, "contacts", rows.encode(), "text/csv")
        assert answer.json() == {"imported": 2, "ignored_columns": ["Shoe Size"]}
        first = sandbox.call("GET", "/Contacts/77").json()
        assert (first["FIRST_NAME"], first["LAST_NAME"], first["EMAIL_OPTED_OUT"]) == ("Zoë", "O'Neil, Jr.", True)
        assert first["DATE_CREATED_UTC"] == first["DATE_UPDATED_UTC"] == "2020-01-02 03:04:05"
        assert first["CUSTOMFIELDS"][0]["FIELD_VALUE"] == "Chess"

    def test_a_foreign_etag_is_kept_until_the_record_changes(self, sandbox):
        rows = [{"CONTACT_ID": 77, "FIRST_NAME": "Zoë", "ETag": "something else"}]
        self.post(sandbox, "Contacts", json.dumps(rows).encode(), "application/json")
        assert sandbox.call("GET", "/Contacts/77").json()["ETag"] == "something else"
        headers = {"If-Match": "something else"}
        assert sandbox.call("PUT", "/Contacts/77", {"PHONE": "1"}, headers=headers).status_code == 200
        assert sandbox.call("PUT", "/Contacts/77", {"PHONE": "2"}, headers=headers).status_code == 400

    def test_a_row_that_does_not_fit_is_named_and_nothing_is_imported(self, sandbox):
        rows = b"First Name,Organisation ID\nZoe,1\nAna,one\n"
        answer = self.post(sandbox, "Contacts", rows, "text/csv")
        assert answer.status_code == 400
        assert "Row 2" in answer.text
        assert "ORGANISATION_ID" in answer.text
        assert sandbox.call("GET", "/Contacts").json() == []

    @pytest.mark.parametrize(
        ("obj", "content", "status"), [("Nonsense", b"[]", 404), ("Contacts", b"{}", 400), ("Contacts", b"[1", 400)]
    )
    def test_what_cannot_be_read_is_refused(self, sandbox, obj, content, status):
        assert self.post(sandbox, obj, content, "application/json").status_code == status


def test_a_setting_that_is_no_number_of_json_is_400(sandbox):
    for text in (b'{"rate": Infinity}', b'{"rate": NaN}'):
        assert sandbox.call("POST", "/sandbox/settings", data=text).status_code == 400
