"""Auth and hosts: who is let in, and which paths lead where."""

import base64

import pytest
import requests

SINGULAR = [
    "Ticket",
    "Product",
    "Pricebook",
    "PricebookEntry",
    "Quotation",
    "QuotationLineItem",
    "OpportunityLineItem",
    "Prospect",
    "KnowledgeArticle",
]
PLURAL = [
    "Contacts",
    "Leads",
    "Opportunities",
    "Organisations",
    "Projects",
    "Tasks",
    "Events",
    "Notes",
    "Emails",
    "Users",
    "Pipelines",
    "Teams",
]


def get_with(sandbox, authorization, path="/Users/Me"):
    headers = {} if authorization is None else {"Authorization": authorization}
    return requests.get(sandbox.base_url + path, headers=headers, timeout=10)


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def test_the_key_is_the_user_name_with_an_empty_password(sandbox):
    assert requests.get(f"{sandbox.base_url}/Users/Me", auth=(sandbox.api_key, ""), timeout=10).status_code == 200


def test_the_key_encoded_without_its_colon_is_accepted_too(sandbox):
    assert get_with(sandbox, f"Basic {encoded(sandbox.api_key)}").status_code == 200


def test_the_word_basic_is_accepted_in_any_case(sandbox):
    assert get_with(sandbox, f"basic {encoded(sandbox.api_key + ':')}").status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic %%%",
        "Basic " + encoded("wrong:"),
        "Bearer " + encoded("x"),
        "Basic \xff",
        "Basic " + encoded(":"),
    ],
)
def test_no_or_a_bad_key_gets_401_with_the_frameworks_message(sandbox, authorization):
    answer = get_with(sandbox, authorization)
    assert answer.status_code == 401
    assert answer.json() == {"Message": "Authorization has been denied for this request."}


def test_each_key_is_a_user_of_its_own(sandbox):
    first = get_with(sandbox, f"Basic {encoded(sandbox.api_key + ':')}").json()
    second = get_with(sandbox, f"Basic {encoded(sandbox.second_api_key + ':')}").json()
    assert first["USER_ID"] != second["USER_ID"]


def test_the_sandboxs_own_routes_and_page_want_the_key_too(sandbox):
    assert requests.get(f"{sandbox.url}/sandbox/requests", timeout=10).status_code == 401
    page = requests.get(f"{sandbox.url}/", timeout=10)
    assert page.status_code == 401
    assert page.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize("path", ["/contacts", "/CONTACTS", "/Contacts/", "/contacts/search", "/Contacts/SEARCH/"])
def test_paths_are_case_insensitive_and_a_trailing_slash_is_fine(sandbox, path):
    assert sandbox.call("GET", path).json() == []


def test_the_version_is_case_insensitive_too(sandbox):
    answer = requests.get(f"{sandbox.url}/V3.1/Contacts", auth=(sandbox.api_key, ""), timeout=10)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/Organizations", "/organizations/Search"])
def test_organizations_is_an_alias_and_keys_stay_british(sandbox, path):
    record = sandbox.add("Organizations", ORGANISATION_NAME="Øl & Co.")
    assert sandbox.call("GET", f"/organizations/{record['ORGANISATION_ID']}").json() == record
    assert sandbox.call("GET", path).json() == [record]


@pytest.mark.parametrize("name", SINGULAR)
def test_singular_objects_are_singular_and_their_plural_is_answered_with_405(sandbox, name):
    assert sandbox.call("GET", f"/{name}").status_code == 200
    for wrong in (f"/{name}s", f"/{name}s/1", f"/{name.lower()}s/Search"):
        assert sandbox.call("GET", wrong).status_code == 405


def test_the_instance_is_singular(sandbox):
    assert sandbox.call("GET", "/Instance").status_code == 200
    assert sandbox.call("GET", "/Instances").status_code == 405


@pytest.mark.parametrize("name", PLURAL)
def test_the_rest_is_plural_and_its_singular_is_answered_with_405(sandbox, name):
    singular = {"Opportunities": "Opportunity"}.get(name, name[:-1])
    assert sandbox.call("GET", f"/{name}").status_code == 200
    for wrong in (f"/{singular}", f"/{singular}/1"):
        answer = sandbox.call("GET", wrong)
        assert answer.status_code == 405
        assert list(answer.json()) == ["Message"]


def test_a_path_that_leads_nowhere_is_answered_with_404_and_a_message(sandbox):
    for path in ("/Nonsense", "/Contacts/1/Nonsense", "/"):
        answer = sandbox.call("GET", path)
        assert answer.status_code == 404
        assert list(answer.json()) == ["Message"]


def test_a_method_that_a_path_lacks_is_answered_with_405(sandbox):
    assert sandbox.call("DELETE", "/Contacts").status_code == 405
    assert sandbox.call("POST", "/Users", {}).status_code == 405


@pytest.mark.parametrize("name", ["Prospect", "Ticket", "KnowledgeArticle"])
def test_an_object_that_the_plan_lacks_is_403_with_a_text(sandbox, name):
    sandbox.settings(without=[name])
    for path in (f"/{name}", f"/{name}/1", f"/{name}/Search"):
        answer = sandbox.call("GET", path)
        assert (answer.status_code, answer.text) == (403, f"API User does not have access to {name}")
    assert sandbox.call("GET", "/Contacts").status_code == 200


@pytest.mark.parametrize("name", ["Product", "Pricebook", "Quotation"])
def test_some_objects_that_the_plan_lacks_are_404(sandbox, name):
    sandbox.settings(without=[name])
    assert sandbox.call("GET", f"/{name}").status_code == 404


def test_get_instance_is_one_object_with_four_keys(sandbox):
    keys = ["INSTANCE_NAME", "INSTANCE_SUBDOMAIN", "PLAN_NAME", "NEW_USER_EXPERIENCE_ENABLED"]
    assert list(sandbox.call("GET", "/Instance").json()) == keys


def test_get_users_me_is_the_keys_user(sandbox):
    me = sandbox.call("GET", "/Users/Me").json()
    assert sandbox.call("GET", f"/Users/{me['USER_ID']}").json() == me
    assert me["ACTIVE"] is True


def test_gzip_is_honoured(sandbox):
    for number in range(5):
        sandbox.add("Contacts", FIRST_NAME=f"No. {number}")
    plain = sandbox.call("GET", "/Contacts", headers={"Accept-Encoding": "identity"})
    packed = sandbox.call("GET", "/Contacts", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.json() == plain.json()


def test_any_accept_and_content_type_of_a_client_will_do(sandbox):
    for content_type in ("application/json", "application/json; charset=utf-8", "text/json", "text/plain"):
        headers = {"Accept": "text/html", "Content-Type": content_type}
        body = '\ufeff{"FIRST_NAME": "Zoë"}'.encode()
        answer = sandbox.call("POST", "/Contacts", data=body, headers=headers)
        assert (answer.status_code, answer.json()["FIRST_NAME"]) == (201, "Zoë")
