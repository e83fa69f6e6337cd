"""What public clients of the API send, in several languages: all of it must work."""

import base64
import json
import socket
import time
from urllib.parse import urlsplit

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
    contact = answer.json()["CONTACT_ID"]
    changed = send(sandbox, "PUT", "/contacts/", json={"contact_id": contact, "last_name": "Durden"})
    assert (changed.status_code, changed.json()["LAST_NAME"]) == (200, "Durden")
    dates = f"/contacts/{contact}/dates"
    date = send(sandbox, "PUT", dates, json=[{"occasion_name": "Birthday"}]).json()[0]
    changed = send(sandbox, "PUT", dates, json={"date_id": date["DATE_ID"], "occasion_name": "Name day"}).json()
    assert changed == [{**date, "OCCASION_NAME": "Name day"}]


def test_a_client_knows_only_one_kind_of_number(sandbox):
    """Lua and R: ids are numbers with a fraction of zero."""
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë", ORGANISATION_ID=5.0)
    assert contact["ORGANISATION_ID"] == 5
    body = {"CONTACT_ID": float(contact["CONTACT_ID"]), "PHONE": "1"}
    assert send(sandbox, "PUT", "/Contacts", json=body).json()["PHONE"] == "1"
    assert send(sandbox, "PUT", "/Contacts", json={"CONTACT_ID": 1.5, "PHONE": "1"}).status_code == 400


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


@pytest.mark.parametrize("protocol", ["h2c", "TLS/1.2", "websocket"])
def test_a_client_that_offers_another_protocol_has_its_body_read(sandbox, protocol):
    """Java: the clients of the JDK (HTTP/2) and of Apache (TLS) offer a change with each request to plain HTTP."""
    offer = {"Connection": "Upgrade, HTTP2-Settings", "upgrade": protocol, "HTTP2-Settings": "AAEAAEAAAAIAAAAAAAMAAAAA"}
    with requests.Session() as session:
        session.auth = (sandbox.api_key, "")
        for padding in (0, 300_000, 1):
            body = " " * padding + json.dumps({"FIRST_NAME": "Zoë"})
            answer = session.post(f"{sandbox.base_url}/Contacts", headers=offer, data=body, timeout=10)
            assert (answer.status_code, answer.json()["FIRST_NAME"]) == (201, "Zoë")
            assert answer.raw.version == 11


def test_a_client_that_offers_another_protocol_is_read_however_its_bytes_arrive(sandbox):
    key = base64.b64encode(f"{sandbox.api_key}:".encode()).decode()
    body = "Host: a\r\nUpgrade: h2c\r\n\r\nX: y"
    offer = ["Host: x", f"Authorization: Basic {key}", "Connection: Upgrade", "Upgrade: h2c"]
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë")["CONTACT_ID"]
    image = f"PUT /v3.1/Contacts/{contact}/Image/a.png"
    for line, sent in (("POST /v3.1/Contacts", '{"FIRST_NAME":"Bo"}'), (image, body)):
        request = "\r\n".join([f"{line} HTTP/1.1", *offer, f"Content-Length: {len(sent)}", "", sent]).encode()
        at = request.index(b"Upgrade: h2c")
        for cut in (1, at - 1, at, at + 3, at + 12, request.index(b"\r\n\r\n") + 2, len(request) - 2):
            with socket.create_connection(("127.0.0.1", urlsplit(sandbox.url).port), timeout=10) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.sendall(request[:cut])
                time.sleep(0.02)  # so that the server reads twice
                connection.sendall(request[cut:])
                assert connection.recv(100).startswith(b"HTTP/1.1 20"), cut
    assert send(sandbox, "GET", f"/Contacts/{contact}/Image").content == body.encode()


def test_a_client_finds_headers_by_their_exact_names(sandbox):
    """PHP: headers are an array, in which x-total-count is not X-Total-Count."""
    answer = send(sandbox, "GET", "/Contacts?count_total=true")
    names = set(answer.raw.headers.keys())
    assert {"X-Total-Count", "X-RateLimit-Limit", "X-RateLimit-Remaining", "Content-Type", "Content-Length"} <= names


def test_a_client_doubles_the_slash_after_the_version(sandbox):
    """JavaScript: a base URL that ends in a slash and paths that begin with one."""
    sandbox.add("Contacts", FIRST_NAME="Zoë")
    assert len(send(sandbox, "GET", "//Contacts?top=5&brief=false").json()) == 1


@pytest.mark.parametrize("path", ["//v3.1/Contacts/{}", "/v3.1//Contacts//{}", "///v3.1/Contacts/{}//"])
def test_a_client_doubles_slashes_anywhere(sandbox, path):
    """Any language: parts that end in a slash and parts that begin with one, joined."""
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë")
    answer = requests.get(sandbox.url + path.format(contact["CONTACT_ID"]), auth=(sandbox.api_key, ""), timeout=10)
    assert answer.json() == contact


def test_a_client_writes_letters_into_the_url_as_they_are(sandbox):
    """Go and PHP: a value formatted into the query, not encoded, in UTF-8."""
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë")
    key = base64.b64encode(f"{sandbox.api_key}:".encode()).decode()
    path = "/v3.1/Contacts/Search?field_name=FIRST_NAME&field_value=Zoë"
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {key}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", urlsplit(sandbox.url).port), timeout=10) as connection:
        connection.sendall(request.encode())
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert json.loads(received.partition(b"\r\n\r\n")[2]) == [contact]
    assert sandbox.requests()[-1]["query"]["field_value"] == "Zoë"


def test_a_client_writes_that_it_has_no_bookmark_yet(sandbox):
    """Python, a Singer tap: the first run says None, in a list, where dates filter nothing."""
    sandbox.add("Organisations", ORGANISATION_NAME="Øl")
    listed = send(sandbox, "GET", "/organisations?count_total=true&updated_after_utc=None&skip=0&top=500")
    assert (len(listed.json()), listed.headers["x-total-count"]) == (1, "1")


def test_a_client_searches_without_a_condition(sandbox):
    """Python, an Airbyte source: the first run reads all pages of the search."""
    sandbox.add("Contacts", FIRST_NAME="Zoë")
    sandbox.add("Contacts", FIRST_NAME="Bo")
    found = send(sandbox, "GET", "/Contacts/Search", params={"count_total": "True", "top": 500})
    assert [contact["FIRST_NAME"] for contact in found.json()] == ["Zoë", "Bo"]


def test_a_client_filters_by_names_that_search_does_not_know(sandbox):
    """JavaScript: the field's own name as a parameter filters nothing."""
    sandbox.add("Contacts", FIRST_NAME="Zoë")
    assert len(send(sandbox, "GET", "/Contacts/Search?EMAIL_ADDRESS=x@example.com").json()) == 1


def test_a_client_writes_booleans_as_digits(sandbox):
    """PHP: 1 and 0 in the query."""
    sandbox.add("Contacts", FIRST_NAME="Zoë")
    listed = send(sandbox, "GET", "/Contacts?brief=1&count_total=1")
    assert ("TAGS" in listed.json()[0], listed.headers["X-Total-Count"]) == (False, "1")
    listed = send(sandbox, "GET", "/Contacts?brief=0&count_total=0")
    assert ("TAGS" in listed.json()[0], "X-Total-Count" in listed.headers) == (True, False)


@pytest.mark.parametrize(
    ("part", "body"),
    [("Tags", {"TAG_NAME": "vip"}), ("Dates", {"OCCASION_NAME": "Birthday", "OCCASION_DATE": "2026-05-06"})],
)
def test_a_client_puts_one_part_where_a_list_is_meant(sandbox, part, body):
    """Clients generated from the vendor's document, which says one."""
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë")["CONTACT_ID"]
    answer = send(sandbox, "PUT", f"/Contacts/{contact}/{part}", json=body)
    name = next(iter(body))
    assert (answer.status_code, [each[name] for each in answer.json()]) == (200, [body[name]])


def test_a_client_sends_a_file_in_chunks_with_headers_on_each_part(sandbox):
    """Java: a form of unknown length, each of whose parts has a type and an encoding of its own."""
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë")["CONTACT_ID"]
    more = "Content-Type: text/plain; charset=ISO-8859-1\r\nContent-Transfer-Encoding: 8bit"
    form = (
        f'--x\r\nContent-Disposition: form-data; name="file_name"\r\n{more}\r\n\r\noffer.txt\r\n'
        f'--x\r\nContent-Disposition: form-data; name="content_type"\r\n{more}\r\n\r\ntext/plain\r\n'
        '--x\r\nContent-Disposition: form-data; name="file"; filename="f.bin"\r\n'
        "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\nØl\r\n--x--\r\n"
    ).encode()
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    path = f"/Contacts/{contact}/FileAttachments"
    file = send(sandbox, "POST", path, headers=headers, data=iter([form[:100], form[100:]])).json()
    assert (file["FILE_NAME"], file["CONTENT_TYPE"]) == ("offer.txt", "text/plain")
    assert send(sandbox, "GET", f"/FileAttachments/{file['FILE_ID']}").content == "Øl".encode()


def test_a_client_names_the_part_of_a_form_after_its_file(sandbox):
    """Python, the vendor's own library: one part, with a name of its own."""
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë")["CONTACT_ID"]
    files = {"offer.txt314159": ("offer.txt", b"abc", "text/plain")}
    file = send(sandbox, "POST", f"/contacts/{contact}/fileattachments", files=files)
    assert (file.status_code, file.json()["FILE_NAME"], file.json()["FILE_SIZE"]) == (201, "offer.txt", 3)


def test_a_client_sends_the_id_that_a_new_record_has_not_got_yet(sandbox):
    """Go: the id of what is to be made is an empty text, of what is to be changed a text in the body and the path."""
    answer = send(sandbox, "POST", "/Leads", json={"LAST_NAME": "Ng", "LEAD_ID": ""})
    assert answer.status_code == 201
    lead = answer.json()["LEAD_ID"]
    answer = send(sandbox, "PUT", f"/Leads/{lead}", json={"FIRST_NAME": "Zoë", "LEAD_ID": str(lead)})
    assert (answer.status_code, answer.json()["LEAD_ID"], answer.json()["FIRST_NAME"]) == (200, lead, "Zoë")
    machine = send(sandbox, "POST", "/Machine__c", json={"RECORD_NAME": "Lathe", "MACHINE__C_ID": ""}).json()
    assert send(sandbox, "GET", "/Machine__c/Search?top=500").json() == [machine]


def test_a_client_polls_with_a_filter_of_its_own_invention(sandbox):
    """TypeScript: updated_after, which filters nothing, and a look of its own at the dates."""
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë")
    path = "/Contacts?brief=false&count_total=false&top=100&updated_after=2999-01-01T00%3A00%3A00.000Z"
    assert send(sandbox, "GET", path).json() == [contact]


def test_a_client_that_keeps_to_nine_requests_a_second_is_never_refused(sandbox):
    """TypeScript: six at a time, at most nine in any second, under the documented ten."""
    sandbox.settings(rate=10, concurrency=6)
    for second in range(3):
        sandbox.settings(clock_offset=1.005 * second)
        assert {send(sandbox, "GET", "/Contacts?top=1&brief=true").status_code for _ in range(9)} == {200}
