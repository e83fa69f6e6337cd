"""Writing: create, partial and replacing PUT, PATCH, delete, errors."""

import pytest

NOT_JSON = [
    b"",
    b"{",
    b'{"FIRST_NAME": NaN}',
    b'{"FIRST_NAME": "a", "CUSTOMFIELDS": [{"FIELD_NAME": "Q__c", "FIELD_VALUE": 1e400}]}',
    b'"text"',
    b"[]",
    b"null",
    b"\xff\xfe",
    b'{"FIRST_NAME": "\\ud800"}',
    b"[" * 100_000,
]


@pytest.fixture
def contact(sandbox):
    return sandbox.add("Contacts", FIRST_NAME="Zoë", LAST_NAME="Ng", PHONE="1", EMAIL_ADDRESS="z@example.com")


def test_post_answers_201_with_the_whole_new_record(sandbox):
    answer = sandbox.call("POST", "/Contacts", {"FIRST_NAME": "Zoë"})
    assert answer.status_code == 201
    assert sandbox.call("GET", f"/Contacts/{answer.json()['CONTACT_ID']}").json() == answer.json()


@pytest.mark.parametrize("in_path", [True, False], ids=["id in the path", "id in the body"])
def test_put_is_partial_on_both_urls_and_answers_200(sandbox, contact, in_path):
    path = f"/Contacts/{contact['CONTACT_ID']}" if in_path else "/Contacts"
    body = {"PHONE": "2"} if in_path else {"PHONE": "2", "CONTACT_ID": contact["CONTACT_ID"]}
    sandbox.settings(clock_offset=60)
    answer = sandbox.call("PUT", path, body)
    assert answer.status_code == 200
    changed = {name for name, value in answer.json().items() if value != contact[name]}
    assert changed == {"PHONE", "DATE_UPDATED_UTC", "ETag"}


def test_put_leaves_links_as_they_are_which_change_through_their_own_path(sandbox, contact):
    organisation = sandbox.add("Organisations", ORGANISATION_NAME="Øl")["ORGANISATION_ID"]
    path = f"/Contacts/{contact['CONTACT_ID']}"
    link = {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": organisation}
    sandbox.call("POST", f"{path}/Links", link)
    changed = sandbox.call("PUT", path, {"LAST_NAME": "Ng", "LINKS": []}).json()
    assert [each["LINK_OBJECT_ID"] for each in changed["LINKS"]] == [organisation]


def test_an_explicit_null_clears_a_field(sandbox, contact):
    changed = sandbox.call("PUT", f"/Contacts/{contact['CONTACT_ID']}", {"PHONE": None}).json()
    assert changed["PHONE"] is None
    assert changed["LAST_NAME"] == "Ng"


def test_a_required_field_cannot_be_cleared(sandbox, contact):
    assert sandbox.call("PUT", f"/Contacts/{contact['CONTACT_ID']}", {"FIRST_NAME": None}).status_code == 400


def test_put_replaces_the_record_where_the_setting_says_so(sandbox, contact):
    sandbox.settings(put="replace")
    changed = sandbox.call("PUT", f"/Contacts/{contact['CONTACT_ID']}", {"FIRST_NAME": "Zoë"}).json()
    assert changed["LAST_NAME"] is changed["PHONE"] is changed["EMAIL_ADDRESS"] is None
    assert changed["CONTACT_ID"] == contact["CONTACT_ID"]
    assert changed["DATE_CREATED_UTC"] == contact["DATE_CREATED_UTC"]


def test_a_replacing_put_needs_the_required_fields(sandbox, contact):
    sandbox.settings(put="replace")
    answer = sandbox.call("PUT", f"/Contacts/{contact['CONTACT_ID']}", {"LAST_NAME": "Ng"})
    assert answer.status_code == 400
    assert "FIRST_NAME" in answer.text


def test_patch_is_405_unless_the_setting_says_so(sandbox, contact):
    path = f"/Contacts/{contact['CONTACT_ID']}"
    assert sandbox.call("PATCH", path, {"PHONE": "2"}).status_code == 405
    sandbox.settings(patch=True, put="replace")
    changed = sandbox.call("PATCH", path, {"PHONE": "2"})
    assert (changed.status_code, changed.json()["PHONE"], changed.json()["LAST_NAME"]) == (200, "2", "Ng")


def test_delete_answers_202_with_an_empty_body_and_get_404_afterwards(sandbox, contact):
    path = f"/Contacts/{contact['CONTACT_ID']}"
    answer = sandbox.call("DELETE", path)
    assert (answer.status_code, answer.content) == (202, b"")
    for method in ("GET", "DELETE", "PUT"):
        assert sandbox.call(method, path, {}).status_code == 404


def test_an_id_is_never_given_twice(sandbox, contact):
    sandbox.call("DELETE", f"/Contacts/{contact['CONTACT_ID']}")
    assert sandbox.add("Contacts", FIRST_NAME="Other")["CONTACT_ID"] > contact["CONTACT_ID"]


def test_read_only_fields_in_a_body_are_ignored(sandbox, contact):
    body = {"CONTACT_ID": 5, "DATE_CREATED_UTC": "1999-01-01 00:00:00", "CREATED_USER_ID": 1, "ETag": "x", "PHONE": "2"}
    changed = sandbox.call("PUT", f"/Contacts/{contact['CONTACT_ID']}", body).json()
    assert changed["PHONE"] == "2"
    for name in ("CONTACT_ID", "DATE_CREATED_UTC", "CREATED_USER_ID"):
        assert changed[name] == contact[name]


def test_a_record_that_was_read_can_be_written_back_whole(sandbox, contact):
    sandbox.call("POST", f"/Contacts/{contact['CONTACT_ID']}/Tags", {"TAG_NAME": "customer"})
    read = sandbox.call("GET", f"/Contacts/{contact['CONTACT_ID']}").json()
    written = sandbox.call("PUT", "/Contacts", read).json()
    assert {name: value for name, value in written.items() if name not in ("ETag", "DATE_UPDATED_UTC")} == {
        name: value for name, value in read.items() if name not in ("ETag", "DATE_UPDATED_UTC")
    }


def test_a_stale_if_match_is_400_with_the_observed_text_and_changes_nothing(sandbox, contact):
    path = f"/Contacts/{contact['CONTACT_ID']}"
    first = contact["ETag"]
    assert sandbox.call("PUT", path, {"PHONE": "2"}, headers={"If-Match": first}).status_code == 200
    stale = sandbox.call("PUT", path, {"PHONE": "3"}, headers={"If-Match": first})
    assert (stale.status_code, stale.text) == (400, f"If-Match header value {first} is not valid.")
    assert sandbox.call("GET", path).json()["PHONE"] == "2"
    assert sandbox.call("PUT", path, {"PHONE": "4"}, headers={"If-Match": "*"}).status_code == 200


@pytest.mark.parametrize("body", NOT_JSON, ids=lambda body: repr(body[:24]))
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_body_that_is_no_json_object_is_400_with_the_frameworks_message(sandbox, method, body):
    answer = sandbox.call(method, "/Contacts", data=body)
    assert answer.status_code == 400
    assert list(answer.json()) == ["Message"]


@pytest.mark.parametrize(
    ("shape", "read"),
    [
        ("text", lambda answer: answer.text),
        ("string", lambda answer: answer.json()),
        ("message", lambda a: a.json()["Message"]),
    ],
)
def test_application_errors_are_plain_text_or_a_bare_json_string(sandbox, shape, read):
    sandbox.settings(error_shape=shape)
    answer = sandbox.call("POST", "/Contacts", {"LAST_NAME": "Ng"})
    assert answer.status_code == 400
    assert read(answer) == "FIRST_NAME is required."
    assert answer.headers["Content-Type"].startswith("text/plain" if shape == "text" else "application/json")


@pytest.mark.parametrize(
    "path", ["/Contacts/abc", "/Contacts/-1", "/Contacts/9223372036854775808", "/Contacts/1.5", "/Contacts/%00"]
)
def test_an_id_that_is_none_is_404(sandbox, path):
    assert sandbox.call("GET", path).status_code == 404


@pytest.mark.parametrize("record_id", [None, "", "abc", [], True, {}, "²", "9" * 5000, 10**4000, -1])
def test_put_without_a_usable_id_is_refused(sandbox, record_id):
    assert sandbox.call("PUT", "/Contacts", {"CONTACT_ID": record_id, "PHONE": "1"}).status_code in (400, 404)


def test_what_becomes_of_unknown_fields_is_a_setting(sandbox):
    assert "NONSENSE" not in sandbox.add("Contacts", FIRST_NAME="Zoë", NONSENSE=1)
    sandbox.settings(unknown_fields="reject")
    answer = sandbox.call("POST", "/Contacts", {"FIRST_NAME": "Zoë", "NONSENSE": 1})
    assert answer.status_code == 400
    assert "NONSENSE" in answer.text


def test_the_record_limit_of_a_plan_is_402(sandbox, contact):
    sandbox.settings(record_limit=2)
    assert sandbox.call("POST", "/Leads", {"LAST_NAME": "Ng"}).status_code == 201
    assert sandbox.call("POST", "/Leads", {"LAST_NAME": "Ng"}).status_code == 402
    assert sandbox.call("PUT", f"/Contacts/{contact['CONTACT_ID']}", {"PHONE": "2"}).status_code == 200


def test_a_choice_that_is_in_use_is_409(sandbox):
    lead = sandbox.add("Leads", LAST_NAME="Ng")
    assert sandbox.call("DELETE", "/LeadSources", params={"id": lead["LEAD_SOURCE_ID"]}).status_code == 409
    assert sandbox.call("DELETE", "/LeadStatuses", params={"id": lead["LEAD_STATUS_ID"]}).status_code == 409
    category = sandbox.add("TaskCategories", CATEGORY_NAME="Visit", BACKGROUND_COLOR="000000")["CATEGORY_ID"]
    task = sandbox.add("Tasks", TITLE="Go", CATEGORY_ID=category)
    assert sandbox.call("DELETE", f"/TaskCategories/{category}").status_code == 409
    sandbox.call("DELETE", f"/Tasks/{task['TASK_ID']}")
    assert sandbox.call("DELETE", f"/TaskCategories/{category}").status_code == 202


def test_there_is_no_duplicate_check(sandbox, contact):
    again = sandbox.add("Contacts", FIRST_NAME="Zoë", LAST_NAME="Ng", EMAIL_ADDRESS="z@example.com")
    assert again["CONTACT_ID"] != contact["CONTACT_ID"]
    assert len(sandbox.call("GET", "/Contacts").json()) == 2


def test_there_is_no_bulk(sandbox):
    assert sandbox.call("POST", "/Contacts", [{"FIRST_NAME": "A"}, {"FIRST_NAME": "B"}]).status_code == 400
    assert sandbox.call("GET", "/Contacts").json() == []


def test_there_is_no_idempotency_key(sandbox):
    for _ in range(2):
        assert (
            sandbox.call("POST", "/Contacts", {"FIRST_NAME": "A"}, headers={"Idempotency-Key": "1"}).status_code == 201
        )
    assert len(sandbox.call("GET", "/Contacts").json()) == 2


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/Notes"),
        ("POST", "/Emails"),
        ("PUT", "/Emails"),
        ("POST", "/Contacts/1/Merge"),
        ("POST", "/Leads/1/Convert"),
        ("GET", "/Contacts/Deleted"),
        ("GET", "/Webhooks"),
    ],
)
def test_what_the_api_lacks_is_lacking_here(sandbox, method, path):
    assert sandbox.call(method, path, {}).status_code in (404, 405)


def test_notes_are_made_through_their_parent(sandbox, contact):
    path = f"/Contacts/{contact['CONTACT_ID']}/Notes"
    note = sandbox.call("POST", path, {"TITLE": "Hello", "BODY": "World"}).json()
    assert sandbox.call("GET", path).json() == [note]
    assert sandbox.call("GET", f"/Notes/{note['NOTE_ID']}").json() == note
    assert note["LINKS"][0]["LINK_OBJECT_NAME"] == "Contact"
    assert note["LINKS"][0]["LINK_OBJECT_ID"] == contact["CONTACT_ID"]
    assert sandbox.call("GET", f"/Contacts/{contact['CONTACT_ID']}").json() == contact
    changed = sandbox.call("PUT", path, {"NOTE_ID": note["NOTE_ID"], "BODY": "Again"}).json()
    assert changed["BODY"] == "Again"


def test_e_mails_can_be_read_and_deleted(sandbox):
    email = sandbox.control("POST", "/emails", {"SUBJECT": "Hello"})
    assert sandbox.call("GET", f"/Emails/{email['EMAIL_ID']}").json()["SUBJECT"] == "Hello"
    assert sandbox.call("DELETE", f"/Emails/{email['EMAIL_ID']}").status_code == 202


@pytest.mark.parametrize(
    ("name", "required"),
    [("Opportunities", {"OPPORTUNITY_NAME": "O"}), ("Projects", {"PROJECT_NAME": "P", "STATUS": "x"})],
)
def test_pipeline_and_stage_change_through_pipeline_alone(sandbox, name, required):
    flag = f"FOR_{name.upper()}"
    pipeline = next(each for each in sandbox.call("GET", "/Pipelines").json() if each[flag])["PIPELINE_ID"]
    stages = [each for each in sandbox.call("GET", "/PipelineStages").json() if each["PIPELINE_ID"] == pipeline]
    record = sandbox.add(name, **required, PIPELINE_ID=pipeline, STAGE_ID=stages[0]["STAGE_ID"])
    path = f"/{name}/{next(iter(record.values()))}"
    sandbox.call("PUT", path, {"PIPELINE_ID": pipeline, "STAGE_ID": stages[0]["STAGE_ID"]})
    assert sandbox.call("GET", path).json()["PIPELINE_ID"] is None

    change = {"PIPELINE_ID": pipeline, "PIPELINE_STAGE_CHANGE": {"STAGE_ID": stages[1]["STAGE_ID"]}}
    assert sandbox.call("PUT", f"{path}/Pipeline", change).status_code == 200
    assert sandbox.call("GET", path).json()["STAGE_ID"] == stages[1]["STAGE_ID"]
    assert sandbox.call("PUT", f"{path}/PipelineStage", {"STAGE_ID": stages[2]["STAGE_ID"]}).status_code == 200
    assert sandbox.call("GET", path).json()["STAGE_ID"] == stages[2]["STAGE_ID"]
    assert sandbox.call("PUT", f"{path}/PipelineStage", {"STAGE_ID": 1}).status_code == 400
    assert sandbox.call("DELETE", f"{path}/Pipeline").status_code == 202
    assert sandbox.call("GET", path).json()["PIPELINE_ID"] is None
