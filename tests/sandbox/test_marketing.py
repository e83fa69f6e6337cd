"""Marketing: prospects, visits, events, static lists."""

import pytest

READ_ONLY = {
    "LEAD_ID": 1,
    "CONTACT_ID": 1,
    "ORGANISATION_ID": 1,
    "SCORE": 99,
    "GRADE": "A",
    "LAST_ACTIVITY_DATE_UTC": "2026-01-02 03:04:05",
    "LEAD_CONVERSION_DATE_UTC": "2026-01-02 03:04:05",
}
WRITABLE = {"OPTED_OUT": True, "DO_NOT_EMAIL": True, "DO_NOT_CALL": True, "DO_NOT_SYNC": True, "GRADE_PROFILE_ID": 3}


@pytest.fixture
def prospect(sandbox):
    return sandbox.add("Prospect", EMAIL_ADDRESS="p@example.com")


def path(prospect, rest=""):
    return f"/Prospect/{prospect['PROSPECT_ID']}{rest}"


def test_prospects_live_on_the_same_host_with_full_crud_and_search(sandbox, prospect):
    assert sandbox.call("GET", path(prospect)).json() == prospect
    params = {"field_name": "EMAIL_ADDRESS", "field_value": "p@example.com"}
    assert sandbox.call("GET", "/Prospect/Search", params=params).json() == [prospect]
    assert sandbox.call("PUT", path(prospect), {"FIRST_NAME": "Zoë"}).json()["FIRST_NAME"] == "Zoë"
    assert sandbox.call("DELETE", path(prospect)).status_code == 202
    assert sandbox.call("GET", path(prospect)).status_code == 404


def test_prospects_have_tags_search_by_tag_follow_and_static_lists(sandbox, prospect):
    assert sandbox.call("POST", path(prospect, "/Tags"), {"TAG_NAME": "hot"}).status_code == 201
    assert len(sandbox.call("GET", "/Prospect/SearchByTag", params={"tagName": "hot"}).json()) == 1
    assert sandbox.call("POST", path(prospect, "/Follow")).json() == {"FOLLOWING": True}
    lists = path(prospect, "/StaticListMembership")
    assert sandbox.call("GET", lists).json() == []
    assert sandbox.call("POST", lists, {"LIST_ID": 4}).json() == [{"LIST_ID": 4}]
    assert sandbox.call("PUT", lists, [{"LIST_ID": 7}, {"LIST_ID": 5}]).json() == [{"LIST_ID": 5}, {"LIST_ID": 7}]
    assert sandbox.call("DELETE", lists, {"LIST_ID": 5}).status_code == 202
    assert sandbox.call("GET", lists).json() == [{"LIST_ID": 7}]


@pytest.mark.parametrize(("name", "value"), WRITABLE.items())
def test_these_fields_of_a_prospect_are_writable(sandbox, prospect, name, value):
    assert sandbox.call("PUT", path(prospect), {name: value}).json()[name] == value


@pytest.mark.parametrize(("name", "value"), READ_ONLY.items())
def test_these_fields_of_a_prospect_are_read_only(sandbox, prospect, name, value):
    assert sandbox.call("PUT", path(prospect), {name: value}).json()[name] == prospect[name]
    assert sandbox.add("Prospect", EMAIL_ADDRESS="q@example.com", **{name: value})[name] == prospect[name]


def test_an_email_address_is_required_on_create(sandbox):
    answer = sandbox.call("POST", "/Prospect", {"FIRST_NAME": "Zoë"})
    assert answer.status_code == 400
    assert "EMAIL_ADDRESS" in answer.text


def test_visits_are_listed_for_all_and_for_one_prospect(sandbox, prospect):
    other = sandbox.add("Prospect", EMAIL_ADDRESS="q@example.com")
    visit = sandbox.control("POST", f"/prospect/{prospect['PROSPECT_ID']}/visits", {"MKT_SOURCE": "newsletter"})
    sandbox.control("POST", f"/prospect/{other['PROSPECT_ID']}/visits")
    assert len(sandbox.call("GET", "/MarketingVisits").json()) == 2
    assert sandbox.call("GET", f"/MarketingVisits/{prospect['PROSPECT_ID']}").json() == [visit]
    expected = {"VISIT_ID", "MKT_SOURCE", "PAGE_REFERRER", "PAGE_VIEW_COUNT", "FIRST_PAGE_VIEW_DATE_UTC"}
    assert expected <= set(visit)
    assert visit["MKT_SOURCE"] == "newsletter"
    assert sandbox.call("GET", "/MarketingVisits/1").status_code == 404


def test_a_custom_event_shows_as_the_prospects_last_activity(sandbox, prospect):
    event = {"PROSPECT_ID": prospect["PROSPECT_ID"], "CATEGORY": "Webinar", "ACTION": "Joined"}
    answer = sandbox.call("POST", "/MarketingCustomEvent", event)
    assert answer.status_code == 201
    assert {name: answer.json()[name] for name in event} == event
    assert sandbox.call("GET", path(prospect)).json()["LAST_ACTIVITY_DATE_UTC"] is not None
    for lacking in event:
        body = {name: value for name, value in event.items() if name != lacking}
        assert sandbox.call("POST", "/MarketingCustomEvent", body).status_code == 400
    assert sandbox.call("POST", "/MarketingCustomEvent", {**event, "PROSPECT_ID": 1}).status_code == 400
