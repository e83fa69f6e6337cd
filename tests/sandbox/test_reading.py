"""Reading: pages, searches, lag."""

import pytest


@pytest.fixture
def contacts(sandbox):
    """Seven contacts, each changed an hour after the one before."""
    made = []
    for number in range(7):
        sandbox.settings(clock_offset=number * 3600)
        made.append(sandbox.add("Contacts", FIRST_NAME=f"No. {number}", EMAIL_ADDRESS=f"{number % 2}@example.com"))
    return made


def names(answer):
    assert answer.status_code == 200, answer.text
    return [record["FIRST_NAME"] for record in answer.json()]


def test_top_is_100_unless_told_and_at_most_500(sandbox):
    sandbox.reset("small")
    assert len(sandbox.call("GET", "/Contacts").json()) == 100
    assert len(sandbox.call("GET", "/Contacts", params={"top": 3}).json()) == 3
    assert len(sandbox.call("GET", "/Contacts", params={"top": 501}).json()) == 500
    assert len(sandbox.call("GET", "/Contacts", params={"top": 10**15}).json()) == 500


def test_pages_come_by_ascending_id_and_make_the_whole(sandbox):
    sandbox.reset("small")
    pages = [sandbox.call("GET", "/Contacts", params={"top": 500, "skip": skip}).json() for skip in (0, 500, 1000)]
    ids = [record["CONTACT_ID"] for page in pages for record in page]
    assert len(ids) == 1000
    assert ids == sorted(set(ids))


def test_past_the_end_is_200_and_an_empty_list(sandbox, contacts):
    for skip in (7, 1000, 10**18):
        answer = sandbox.call("GET", "/Contacts", params={"skip": skip})
        assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize("name", ["top", "skip"])
@pytest.mark.parametrize("value", ["ten", "-1", "1.5"])
def test_a_page_that_is_no_number_is_400(sandbox, name, value):
    assert sandbox.call("GET", "/Contacts", params={name: value}).status_code == 400


def test_count_total_adds_the_header_x_total_count(sandbox, contacts):
    answer = sandbox.call("GET", "/Contacts", params={"count_total": "true", "top": 2})
    assert answer.headers["X-Total-Count"] == "7"
    assert "X-Total-Count" not in sandbox.call("GET", "/Contacts").headers
    search = {"count_total": "true", "field_name": "EMAIL_ADDRESS", "field_value": "1@example.com", "top": 1}
    assert sandbox.call("GET", "/Contacts/Search", params=search).headers["X-Total-Count"] == "3"


def test_brief_drops_custom_fields_tags_links_and_dates(sandbox, contacts):
    whole = sandbox.call("GET", "/Contacts").json()[0]
    brief = sandbox.call("GET", "/Contacts", params={"brief": "true"}).json()[0]
    assert set(whole) - set(brief) == {"CUSTOMFIELDS", "TAGS", "LINKS", "DATES"}
    assert list(brief) == [name for name in whole if name in brief]


@pytest.mark.parametrize(
    "ignored",
    [
        {"updated_after_utc": "2999-01-01T00:00:00Z"},
        {"field_name": "EMAIL_ADDRESS", "field_value": "nobody"},
        {"EMAIL_ADDRESS": "nobody"},
        {"$filter": "EMAIL_ADDRESS eq 'nobody'", "$orderby": "x", "$top": "1"},
    ],
)
def test_plain_lists_silently_ignore_filters(sandbox, contacts, ignored):
    assert sandbox.call("GET", "/Contacts", params=ignored).json() == contacts


def test_query_parameters_are_case_insensitive(sandbox, contacts):
    assert names(sandbox.call("GET", "/Contacts", params={"TOP": 1, "Skip": 2})) == ["No. 2"]


def test_search_matches_one_field_exactly(sandbox, contacts):
    def search(value):
        return names(
            sandbox.call("GET", "/Contacts/Search", params={"field_name": "EMAIL_ADDRESS", "field_value": value})
        )

    assert search("0@example.com") == ["No. 0", "No. 2", "No. 4", "No. 6"]
    for not_exact in ("0@example", "0@example.co%", "%", "", "0@EXAMPLE.com"):
        assert search(not_exact) == []


@pytest.mark.parametrize(
    ("field", "stored", "searched"),
    [
        ("ORGANISATION_ID", 5, "5"),
        ("EMAIL_OPTED_OUT", True, "true"),
        ("DATE_OF_BIRTH", "1990-02-03 00:00:00", "1990-02-03"),
        ("LAST_NAME", "O'Neil; DROP--\"", "O'Neil; DROP--\""),
        ("last_name", "Łukasz ✓", "Łukasz ✓"),
    ],
)
def test_search_finds_values_of_every_type(sandbox, field, stored, searched):
    found = sandbox.add("Contacts", FIRST_NAME="This", **{field: stored})
    sandbox.add("Contacts", FIRST_NAME="Other")
    answer = sandbox.call("GET", "/Contacts/Search", params={"field_name": field, "field_value": searched})
    assert answer.json() == [found]


def test_search_finds_custom_fields(sandbox):
    sandbox.control("POST", "/custom-fields/Contacts", {"FIELD_NAME": "Size__c", "FIELD_TYPE": "NUMERIC"})
    sandbox.control("POST", "/custom-fields/Contacts", {"FIELD_NAME": "Vip__c", "FIELD_TYPE": "BIT"})
    values = {"Hobby__c": "Chess", "Size__c": 4, "Vip__c": True}
    fields = [{"FIELD_NAME": name, "FIELD_VALUE": value} for name, value in values.items()]
    found = sandbox.add("Contacts", FIRST_NAME="This", CUSTOMFIELDS=fields)
    sandbox.add("Contacts", FIRST_NAME="Other", CUSTOMFIELDS=[{"FIELD_NAME": "Hobby__c", "FIELD_VALUE": "Go"}])
    for name, value in (("Hobby__c", "Chess"), ("Size__c", "4"), ("Vip__c", "true")):
        answer = sandbox.call("GET", "/Contacts/Search", params={"field_name": name, "field_value": value})
        assert answer.json() == [found]


@pytest.mark.parametrize("name", ["NONSENSE", "TAGS", "CUSTOMFIELDS", "a'b"])
def test_a_field_that_cannot_be_searched_is_400(sandbox, name):
    answer = sandbox.call("GET", "/Contacts/Search", params={"field_name": name, "field_value": "x"})
    assert answer.status_code == 400
    assert name in answer.text


def test_updated_after_utc_is_exclusive(sandbox, contacts):
    third = contacts[2]["DATE_UPDATED_UTC"]
    found = names(sandbox.call("GET", "/Contacts/Search", params={"updated_after_utc": third}))
    assert found == ["No. 3", "No. 4", "No. 5", "No. 6"]


def test_updated_after_utc_takes_both_forms_and_stands_alone_or_with_a_field(sandbox, contacts):
    third = contacts[2]["DATE_UPDATED_UTC"]
    both = [third, third.replace(" ", "T") + "Z"]
    answers = [sandbox.call("GET", "/Contacts/Search", params={"updated_after_utc": form}).json() for form in both]
    assert answers[0] == answers[1] == contacts[3:]
    params = {"field_name": "EMAIL_ADDRESS", "field_value": "0@example.com", "updated_after_utc": third}
    assert names(sandbox.call("GET", "/Contacts/Search", params=params)) == ["No. 4", "No. 6"]


def test_updated_after_utc_that_is_no_date_is_400(sandbox):
    for wrong in ("yesterday", "2020-13-01", "2020-01-01T25:00:00Z"):
        assert sandbox.call("GET", "/Contacts/Search", params={"updated_after_utc": wrong}).status_code == 400


def test_filters_go_by_the_last_change_and_creation_counts_as_one(sandbox, contacts):
    sandbox.settings(clock_offset=100 * 3600)
    sandbox.call("PUT", f"/Contacts/{contacts[0]['CONTACT_ID']}", {"LAST_NAME": "Changed"})
    last = contacts[5]["DATE_UPDATED_UTC"]
    assert names(sandbox.call("GET", "/Contacts/Search", params={"updated_after_utc": last})) == ["No. 0", "No. 6"]


def test_search_by_tag(sandbox, contacts):
    for contact in contacts[1:3]:
        sandbox.call("POST", f"/Contacts/{contact['CONTACT_ID']}/Tags", {"TAG_NAME": 'v.i.p. "é"'})
    found = names(sandbox.call("GET", "/Contacts/SearchByTag", params={"tagName": 'v.i.p. "é"'}))
    assert found == ["No. 1", "No. 2"]
    assert sandbox.call("GET", "/Contacts/SearchByTag", params={"tagName": "v.i.p."}).json() == []
    assert sandbox.call("GET", "/Contacts/SearchByTag").status_code == 400


def test_lists_and_searches_lag_writes_while_get_by_id_is_read_your_write(sandbox):
    sandbox.settings(read_lag=30)
    contact = sandbox.add("Contacts", FIRST_NAME="New")
    path = f"/Contacts/{contact['CONTACT_ID']}"
    search = {"field_name": "FIRST_NAME", "field_value": "New", "count_total": "true"}
    assert sandbox.call("GET", path).json() == contact
    assert sandbox.call("GET", "/Contacts").json() == []
    lagging = sandbox.call("GET", "/Contacts/Search", params=search)
    assert (lagging.json(), lagging.headers["X-Total-Count"]) == ([], "0")

    sandbox.settings(clock_offset=31)
    assert names(sandbox.call("GET", "/Contacts/Search", params=search)) == ["New"]
    sandbox.call("PUT", path, {"FIRST_NAME": "Newer"})
    sandbox.call("PUT", path, {"FIRST_NAME": "Newest"})
    assert names(sandbox.call("GET", "/Contacts")) == ["New"]
    assert sandbox.call("GET", path).json()["FIRST_NAME"] == "Newest"

    sandbox.settings(clock_offset=62)
    assert names(sandbox.call("GET", "/Contacts")) == ["Newest"]
    sandbox.call("DELETE", path)
    assert sandbox.call("GET", path).status_code == 404
    assert names(sandbox.call("GET", "/Contacts")) == ["Newest"]
    sandbox.settings(clock_offset=93)
    assert sandbox.call("GET", "/Contacts").json() == []


def test_statuses_of_converted_leads_can_be_left_out(sandbox):
    def listed(**query):
        return [status["LEAD_STATUS"] for status in sandbox.call("GET", "/LeadStatuses", params=query).json()]

    assert "CLOSED - Converted" in listed(include_converted="true")
    assert listed(include_converted="false") == [each for each in listed() if each != "CLOSED - Converted"]
