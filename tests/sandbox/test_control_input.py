"""The sandbox's own routes and bad input: a clear message, never a traceback, nothing kept that spoils an answer."""

import json
import random
import re

import pytest

from airflow_provider_insightly.sandbox.control import ROUTES

NAMES = [
    *(
        "Contacts",
        "contact",
        "Leads",
        "Prospect",
        "Users",
        "Machine__c",
        "Countries",
        "MarketingCustomEvent",
        "Nonsense",
    ),
    *("100000001", "100000002", "1", "-1", "x", "9" * 30, "%00", "%ff", "é", "a'b", "Hobby__c"),
]
KEYS = [
    *(
        "seed",
        "seed_number",
        "record_ids",
        "user_id",
        "opportunity",
        "rate",
        "read_lag",
        "without",
        "put",
        "retry_after",
    ),
    *("FIELD_NAME", "FIELD_TYPE", "FIELD_ORDER", "CUSTOM_FIELD_OPTIONS", "EDITABLE", "JOIN_OBJECT", "OBJECT_NAME"),
    *("FIRST_NAME", "SCORE", "CUSTOMFIELDS", "TAGS", "LINKS", "DATES", "SUBJECT", "PAGE_VIEW_COUNT", "CONTACT_ID"),
]
VALUES = [
    *(None, True, 0, 1, -1, 2**31, 2**63, 10**40, 1.5, "", "x", "\u0000", "\ud800", "x" * 300, "2026-01-02"),
    *("Hobby__c", "Machine__c", "NUMERIC", "DROPDOWN", "demo", [], {}, [1], ["x"], [None], [{}], {"a": 1}, [[1]]),
    *([{"FIELD_NAME": "Hobby__c", "FIELD_VALUE": [1]}], [{"OPTION_VALUE": 5}], 100_000_001),
]
FAULTS = ("status", "html", "drop_before", "stall", "slow_body", "truncate", "shift", "clock_skew")
FAULT_KEYS = ("rate", "nth", "every", "times", "status", "retry_after", "text", "seconds", "records")


class Inventor:
    """Invents requests to the sandbox's own routes from a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def request(self):
        """Return a method, a path and a body."""
        choice = self.random.choice
        method, pattern, _ = choice(ROUTES)
        path = re.sub(r"\(\?P<\w+>\[\^/\]\+\)", lambda match: choice(NAMES), pattern.pattern).replace("\\", "")
        body = {choice(KEYS): choice(VALUES) for _ in range(self.random.randrange(4))}
        if path == "/faults":
            fault = {"kind": choice(FAULTS), "path": "/never", choice(FAULT_KEYS): choice(VALUES)}
            body = {"seed": choice(VALUES), "faults": [fault]}
        if self.random.random() < 0.15:
            method, path, body = "POST", f"/import/{choice(NAMES)}", [body, {choice(KEYS): choice(VALUES)}]
        return method, path, choice(VALUES) if self.random.random() < 0.1 else body


def test_random_requests_never_give_a_traceback_and_every_refusal_says_why(sandbox):
    sandbox.reset("demo")
    invented = Inventor(2)
    for number in range(600):
        method, path, body = invented.request()
        answer = sandbox.call(method, f"/sandbox{path}", data=json.dumps(body).encode())
        said = (number, method, path, body, answer.status_code, answer.text[:500])
        assert answer.status_code in (200, 400, 404, 405, 409), said
        assert answer.ok or answer.json()["Message"], said
    sandbox.control("POST", "/settings", {"rate": 0, "read_lag": 0, "without": [], "put": "partial"})
    for name in ("Contacts", "Leads", "Prospect", "Machine__c", "CustomFields/Contacts", "CustomObjects", "Emails"):
        assert sandbox.call("GET", f"/{name}").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("/import/Contacts", [{"FIRST_NAME": "Zoë"}, {"FIRST_NAME": "Bo", "CUSTOMFIELDS": 5}], "Row 2: CUSTOMFIELDS"),
        ("/import/Contacts", [{"FIRST_NAME": "Zoë", "CUSTOMFIELDS": "Hobby__c"}], "Row 1: CUSTOMFIELDS"),
        ("/faults", {"faults": [{"kind": "status", "nth": 0}]}, "nth"),
        ("/faults", {"faults": [{"kind": "status", "nth": [1, -1]}]}, "nth"),
    ],
)
def test_what_does_not_fit_is_named(sandbox, path, body, named):
    answer = sandbox.call("POST", f"/sandbox{path}", body)
    assert answer.status_code == 400
    assert named in answer.json()["Message"]
    assert sandbox.call("GET", "/Contacts").json() == []


@pytest.mark.parametrize("text", [b'"\\ud800"', b"NaN", b"1e999", b"[" * 100_000, b"\xff"])
def test_what_json_cannot_write_again_is_not_taken(sandbox, text):
    whole = {"/import/Contacts": b'[{"FIRST_NAME": %s}]', "/emails": b'{"SUBJECT": %s}', "/faults": b'{"faults": %s}'}
    for path, body in whole.items():
        assert sandbox.call("POST", f"/sandbox{path}", data=body % text).status_code == 400
    assert sandbox.call("GET", "/Contacts").json() == []


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "after=1.5"])
def test_a_part_of_the_log_that_cannot_be_is_400(sandbox, query):
    assert sandbox.call("GET", f"/sandbox/requests?{query}").status_code == 400


@pytest.mark.parametrize("name", ["Countries", "MarketingCustomEvent", "Tags"])
def test_an_object_whose_records_have_no_ids_is_404(sandbox, name):
    sandbox.reset("demo")
    prospect = sandbox.call("GET", "/Prospect").json()[0]["PROSPECT_ID"]
    sandbox.call("POST", "/MarketingCustomEvent", {"PROSPECT_ID": prospect, "CATEGORY": "a", "ACTION": "b"})
    for path, body in (
        (f"/import/{name}", [{}]),
        (f"/permissions/{name}/lose", {}),
        (f"/records/{name}/100000001", {}),
    ):
        answer = sandbox.call("POST", f"/sandbox{path}", body)
        assert answer.status_code == 404
        assert name in answer.json()["Message"]


def test_an_edit_that_would_break_a_record_is_refused_or_mended(sandbox):
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë")
    organisation = sandbox.add("Organisations", ORGANISATION_NAME="Øl")["ORGANISATION_ID"]
    path = f"/Contacts/{contact['CONTACT_ID']}"
    for wrong in (5, None):
        answer = sandbox.call("POST", f"/sandbox/records{path}", {"CONTACT_ID": wrong})
        assert answer.status_code == 400
        assert "CONTACT_ID" in answer.json()["Message"]
    sandbox.control("POST", f"/records{path}", dict.fromkeys(("LINKS", "TAGS", "DATES", "CUSTOMFIELDS")))
    link = {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": organisation}
    assert sandbox.call("POST", f"{path}/Links", link).status_code == 201
    assert sandbox.call("PUT", f"{path}/Dates", {"DATE_ID": 5}).status_code == 404
    links = sandbox.call("GET", f"{path}/Links").json()
    edited = sandbox.control("POST", f"/records{path}", {"PHONE": "1", "LINKS": [], "DATES": [{"OCCASION_NAME": "x"}]})
    assert edited["LINKS"] == links
    assert edited["DATES"][0]["DATE_ID"] > 0


def test_the_links_of_an_email_that_arrives_lead_somewhere_and_have_ids(sandbox):
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë")["CONTACT_ID"]
    link = {"LINK_OBJECT_NAME": "contact", "LINK_OBJECT_ID": str(contact)}
    email = sandbox.control("POST", "/emails", {"SUBJECT": "Hello", "LINKS": [link]})
    assert [(each["OBJECT_NAME"], each["LINK_OBJECT_NAME"]) for each in email["LINKS"]] == [("Email", "Contact")]
    assert sandbox.call("GET", f"/Contacts/{contact}/Emails").json() == [email]
    link_path = f"/Emails/{email['EMAIL_ID']}/Links/{email['LINKS'][0]['LINK_ID']}"
    assert sandbox.call("DELETE", link_path).status_code == 202
    assert sandbox.call("POST", "/sandbox/emails", {"LINKS": [{**link, "LINK_OBJECT_ID": 5}]}).status_code == 400


def test_a_conversions_opportunity_must_have_a_name_that_fits(sandbox):
    lead = sandbox.add("Leads", LAST_NAME="Ng")["LEAD_ID"]
    for wrong in ([1], "x" * 300):
        answer = sandbox.call("POST", f"/sandbox/leads/{lead}/convert", {"opportunity": wrong})
        assert answer.status_code == 400
        assert "OPPORTUNITY_NAME" in answer.json()["Message"]
    assert sandbox.call("GET", "/Contacts").json() == []


def test_a_definition_is_changed_by_its_name_in_any_case(sandbox):
    sandbox.control("POST", "/custom-fields/Contacts", {"FIELD_NAME": "Hobby__c"})
    sandbox.control("POST", "/custom-fields/Contacts", {"FIELD_NAME": "HOBBY__c", "FIELD_LABEL": "Pastime"})
    fields = sandbox.call("GET", "/CustomFields/Contacts").json()
    assert [(each["FIELD_NAME"], each["FIELD_LABEL"]) for each in fields] == [("Hobby__c", "Pastime")]
    sandbox.control("POST", "/custom-objects", {"OBJECT_NAME": "Machine__c"})
    sandbox.control("POST", "/custom-objects", {"OBJECT_NAME": "machine__c", "PLURAL_LABEL": "Engines"})
    defined = sandbox.call("GET", "/CustomObjects").json()
    assert [(each["OBJECT_NAME"], each["PLURAL_LABEL"]) for each in defined] == [("Machine__c", "Engines")]
