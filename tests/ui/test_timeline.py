"""The timeline in the Airflow UI: finding a record, what is shown of it, and long timelines."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from html import unescape
from typing import Any

import pytest

from airflow_provider_insightly.connector.actions import APPLIED, FAILED, Action, Change
from airflow_provider_insightly.connector.links import pair_up
from airflow_provider_insightly.connector.log import log_intent, log_result
from airflow_provider_insightly.connector.plans import Plan, Summary
from airflow_provider_insightly.connector.records import Record, Ref
from airflow_provider_insightly.connector.staging import stage
from airflow_provider_insightly.store.tables import connector_visits
from tests.ui.conftest import DAG_ID, INSTANCE

pytestmark = pytest.mark.airflow

TIMELINE = f"/connectors/{DAG_ID}/timeline"
AT = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def pair(store):
    """Prospect 7 and Contact 5, both of ada@example.com, with their names."""
    with store.begin() as connection:
        person = {"FIRST_NAME": "Ada", "LAST_NAME": "Byron", "EMAIL_ADDRESS": "Ada@example.com"}
        stage(connection, INSTANCE, [Record(Ref("Prospect", 7), person), Record(Ref("Contacts", 5), person)], AT)
        pair_up(connection, INSTANCE, 7, Ref("Contacts", 5), "email", {}, AT)


@pytest.fixture
def write(store):
    numbers = iter(range(1000))

    def write(minutes: int, *changes: Change, event: str = "update_prospect", result: str = APPLIED) -> None:
        action = Action("sync_fields", event, "mapping", 7, Ref("Contacts", 5), changes)
        plan, seq, at = Plan("plan", INSTANCE, "run", "", Summary(), False, AT), next(numbers), AT
        with store.begin() as connection:
            log_intent(connection, plan, seq, action, at + timedelta(minutes=minutes))
            log_result(connection, plan, seq, result, at)

    return write


@pytest.fixture
def visit(store):
    numbers = iter(range(1, 1000))

    def visit(minutes: int, **fields: Any) -> None:
        row = {"instance": INSTANCE, "visit_id": next(numbers), "prospect_id": 7, "data": fields}
        with store.begin() as connection:
            connection.execute(connector_visits.insert().values(**row, at=AT + timedelta(minutes=minutes)))

    return visit


def entries(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    found = re.findall(r'<li class="(?:visit|event)">(.*?)</li>', answer.text, re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]*>", " ", entry)).split()) for entry in found]


def test_visits_events_and_changes_are_in_one_line(sign_in, pair, write, visit):
    write(0, event="link")
    visit(5, PAGE_VIEW_COUNT=3, MKT_SOURCE="newsletter", PAGE_REFERRER="https://www.example.org/")
    write(60 * 24, Change("FIRST_NAME", "Ada", "Augusta"), Change("PHONE", None, "1"))
    write(60 * 24 + 1, Change("TITLE", None, "Dr"), result=FAILED)
    answer = sign_in("viewer").get(f"{TIMELINE}?record=Contacts/5")
    last, middle, first = entries(answer)
    assert "change update prospect Contacts 5 FIRST_NAME Ada → Augusta PHONE empty → 1" in last
    assert "visit 3 page views Campaign source newsletter Page before https://www.example.org/" in middle
    assert "sync link Contacts 5" in first
    assert re.findall(r"<h2><time>([^<]*)</time>", answer.text) == ["2026-05-02", "2026-05-01"]


@pytest.mark.parametrize("record", ["Contacts/5", "contact/5", "Prospect/7", "5", "7", "ada@EXAMPLE.com", " 7 "])
def test_a_record_is_found_by_id_and_by_address(sign_in, pair, visit, record):
    visit(0)
    answer = sign_in("viewer").get(TIMELINE, params={"record": record})
    assert len(entries(answer)) == 1
    assert "Ada Byron" in answer.text
    assert "<dt>Prospect 7</dt>" in answer.text
    assert "<dt>Contacts 5</dt>" in answer.text


def test_several_records_of_one_address_are_offered(sign_in, pair, store):
    with store.begin() as connection:
        lead = Record(Ref("Leads", 9), {"FIRST_NAME": SCRIPT, "LAST_NAME": "B", "EMAIL": "ada@example.com"})
        stage(connection, INSTANCE, [lead], AT)
    answer = sign_in("viewer").get(f"{TIMELINE}?record=ada@example.com")
    assert "Several are meant" in answer.text
    for record in ("Prospect%2F7", "Contacts%2F5", "Leads%2F9"):
        assert f"timeline?record={record}" in answer.text
    assert SCRIPT not in answer.text


def test_a_bare_id_that_two_pairs_have_is_asked_back(sign_in, pair, store):
    with store.begin() as connection:
        pair_up(connection, INSTANCE, 5, Ref("Leads", 7), "email", {}, AT)
    answer = sign_in("viewer").get(f"{TIMELINE}?record=5")
    assert "Several are meant" in answer.text


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ("", "Whose timeline?"),
        ("Tasks/5", "is no object of the connector"),
        ("x", "names no record"),
        ("a@b", "is no e-mail address"),
        ("nobody@example.com", "No such record"),
        ("99", "No such record"),
        ("99999999999999999999", "names no record"),
        ("a\0@example.com", "is no e-mail address"),
        ("Leads/99", "Nothing happened yet"),
    ],
)
def test_what_is_missing_is_said(sign_in, pair, record, said):
    answer = sign_in("viewer").get(TIMELINE, params={"record": record})
    assert answer.status_code == 200
    assert said in unescape(answer.text)


def test_box_8_is_named_where_it_is_off(sign_in, pair):
    answer = sign_in("viewer").get(f"{TIMELINE}?record=Prospect/7")
    assert "Visits are read while setting 8" in answer.text
    assert f'href="/insightly/connectors/{DAG_ID}/settings"' in answer.text


def test_a_long_timeline_has_pages(sign_in, pair, write, visit):
    for number in range(150):
        visit(2 * number, PAGE_VIEW_COUNT=number + 1)
        write(2 * number + 1, Change("TITLE", None, f"T{number}"))
    client = sign_in("viewer")
    answer, seen = client.get(f"{TIMELINE}?record=Prospect/7"), []
    for _ in range(3):
        seen.append(entries(answer))
        older = re.findall(r'rel="next" href="([^"]*)"', answer.text)
        if older:
            answer = client.get(unescape(older[0]).removeprefix("/insightly"))
    assert [len(page) for page in seen] == [100, 100, 100]
    assert older == []
    assert len({entry for page in seen for entry in page}) == 300


def test_everything_is_escaped_and_no_address_of_a_visit_is_a_link(sign_in, pair, write, visit):
    visit(0, PAGE_REFERRER="javascript:alert(1)", MKT_SOURCE=SCRIPT, REFR_SOURCE="https://evil.example/")
    write(1, Change(SCRIPT, SCRIPT, SCRIPT * 20, reason=SCRIPT))
    answer = sign_in("viewer").get(f"{TIMELINE}?record=Prospect/7")
    assert "<script>alert" not in answer.text
    assert "javascript:alert(1)" in answer.text
    assert not re.search(r'href="(?!/)', answer.text.replace('href="#main"', ""))


def test_the_records_lead_to_insightly(sign_in, pair, connection_to_sandbox):
    answer = sign_in("viewer").get(f"{TIMELINE}?record=Prospect/7")
    origin = connection_to_sandbox.base_url.split("/v3")[0]
    for page in ("Prospect/7", "Contact/5"):
        assert f'href="{origin}/details/{page}" data-insightly' in answer.text


@pytest.mark.parametrize("before", ["x", "99999999999d"])
def test_a_page_that_is_none_is_refused(sign_in, pair, before):
    assert sign_in("viewer").get(f"{TIMELINE}?record=Prospect/7&before={before}").status_code == 400


def test_who_may_not_see_it_does_not(sign_in, pair, monkeypatch):
    from airflow.api_fastapi.app import get_auth_manager

    path = f"{TIMELINE}?record=Prospect/7"
    assert sign_in(None).get(path).status_code == 401
    assert sign_in("viewer").get(path.replace(DAG_ID, "insightly_send_contacts")).status_code == 404
    client = sign_in("viewer")
    monkeypatch.setattr(get_auth_manager(), "is_authorized_dag", lambda **_: False)
    refused = client.get(path)
    assert refused.status_code == 403
    assert "Byron" not in refused.text
