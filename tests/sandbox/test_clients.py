"""What public clients of the API send, in several languages: all of it must work."""

import base64
import json

import pytest
import requests


def send(sandbox, method, path, *, encode=base64.b64encode, colon=True, **options):
    token = encode(f"{sandbox.api_key}{':' if colon else ''}".encode()).decode()
    headers = {"Authorization": f"Basic {token}", **options.pop("headers", {})}
    return requests.request(method, sandbox.base_url + path, headers=headers, timeout=10, **options)


def test_a_typed_client_sends_every_field_of_its_struct(sandbox):
    """Go: zero values for what is unset, an id of 0, read-only fields, the key in URL-safe base64 without its colon."""
    body = {
        "CONTACT_ID": 0,
        "SALUTATION": "",
        "FIRST_NAME": "Zoë",
        "IMAGE_URL": "",
        "OWNER_USER_ID": None,
        "DATE_OF_BIRTH": "",
        "ORGANISATION_ID": None,
        "EMAIL_OPTED_OUT": False,
        "CUSTOMFIELDS": None,
    }
    answer = send(sandbox, "POST", "/Contacts", encode=base64.urlsafe_b64encode, colon=False, json=body)
    assert answer.status_code == 201
    assert answer.json()["DATE_OF_BIRTH"] is None
    path = "/Contacts/Search?updated_after_utc=2020-01-01T00:00:00Z&&skip=0&top=100"
    assert len(send(sandbox, "GET", path, encode=base64.urlsafe_b64encode, colon=False).json()) == 1


def test_a_serialising_client_sends_names_in_lower_case(sandbox):
    """Ruby: snake_case keys as they are, a trailing slash."""
    answer = send(sandbox, "POST", "/contacts/", json={"first_name": "Tyler", "links": [], "tags": [], "dates": []})
    assert (answer.status_code, answer.json()["FIRST_NAME"]) == (201, "Tyler")


def test_a_client_posts_text_without_a_content_type(sandbox):
    """JavaScript: a stringified body, False written as 'false' in the query, null bodies for follows."""
    contact = send(sandbox, "POST", "/Contacts", data=json.dumps({"FIRST_NAME": "Zoë"})).json()
    params = {"brief": "false", "count_total": "false", "top": "", "skip": "0"}
    listed = send(sandbox, "GET", "/Contacts", params=params)
    assert (listed.json(), "X-Total-Count" in listed.headers) == ([contact], False)
    assert send(sandbox, "POST", f"/Contacts/{contact['CONTACT_ID']}/Follow", data=b"null").json() == {
        "FOLLOWING": True
    }


def test_a_client_capitalises_booleans(sandbox):
    """Python and C#: True and False in the query."""
    sandbox.add("Contacts", FIRST_NAME="Zoë")
    listed = send(sandbox, "GET", "/Contacts", params={"count_total": True, "brief": True})
    assert listed.headers["X-Total-Count"] == "1"
    assert "TAGS" not in listed.json()[0]


@pytest.mark.parametrize(
    "leftover", ["$top=1&$skip=5", "$filter=FIRST_NAME%20eq%20'x'", "order_by=DATE_UPDATED_UTC", "_=1"]
)
def test_leftovers_of_older_versions_do_no_harm(sandbox, leftover):
    sandbox.add("Contacts", FIRST_NAME="Zoë")
    assert len(send(sandbox, "GET", f"/Contacts?{leftover}").json()) == 1


def test_a_client_sends_ids_as_text(sandbox):
    """PHP and spreadsheets: every value is text."""
    organisation = sandbox.add("Organisations", ORGANISATION_NAME="Øl")["ORGANISATION_ID"]
    body = {"FIRST_NAME": "Zoë", "ORGANISATION_ID": str(organisation), "EMAIL_OPTED_OUT": "false"}
    contact = send(sandbox, "POST", "/Contacts", json=body).json()
    assert (contact["ORGANISATION_ID"], contact["EMAIL_OPTED_OUT"]) == (organisation, False)
    link = {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": str(organisation)}
    assert send(sandbox, "POST", f"/Contacts/{contact['CONTACT_ID']}/Links", json=link).status_code == 201


def test_a_client_keeps_its_connection_and_pipes_hundreds_of_requests_through_it(sandbox):
    with requests.Session() as session:
        session.auth = (sandbox.api_key, "")
        answers = [session.get(f"{sandbox.base_url}/Instance", timeout=10).status_code for _ in range(300)]
    assert set(answers) == {200}


def test_a_client_checks_the_connection_with_any_of_the_usual_requests(sandbox):
    for path in ("/Users/Me", "/Instance", "/Users", "/Contacts?top=1", "/Permissions", "/Countries", "/Currencies"):
        assert send(sandbox, "GET", path).status_code == 200


def test_dates_of_a_client_come_with_milliseconds_and_offsets(sandbox):
    """JavaScript's toISOString, .NET's round trip, Java's ISO_OFFSET."""
    for date in ("2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.1234567Z", "2026-01-02T05:04:05+02:00"):
        task = send(sandbox, "POST", "/Tasks", json={"TITLE": "Call", "DUE_DATE": date}).json()
        assert task["DUE_DATE"] == "2026-01-02 03:04:05"
        found = send(sandbox, "GET", "/Tasks/Search", params={"updated_after_utc": date})
        assert found.status_code == 200


def test_a_client_that_offers_http_2_has_its_body_read(sandbox):
    """Java: the client of the JDK offers an upgrade with each request to plain HTTP."""
    offer = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAEAAEAAAAIAAAAAAAMAAAAA"}
    answer = send(sandbox, "POST", "/Contacts", headers=offer, json={"FIRST_NAME": "Zoë"})
    assert (answer.status_code, answer.json()["FIRST_NAME"]) == (201, "Zoë")
    assert answer.raw.version == 11


def test_a_client_finds_headers_by_their_exact_names(sandbox):
    """PHP: headers are an array, in which x-total-count is not X-Total-Count."""
    answer = send(sandbox, "GET", "/Contacts?count_total=true")
    names = set(answer.raw.headers.keys())
    assert {"X-Total-Count", "X-RateLimit-Limit", "X-RateLimit-Remaining", "Content-Type", "Content-Length"} <= names
