"""Overview, settings, mapping, plans and approvals of a connector, over a store that a sync filled."""

from __future__ import annotations

import pytest

from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.connector.configuration import Configuration
from airflow_provider_insightly.connector.mapping import MappingError
from airflow_provider_insightly.connector.overview import note_configuration
from airflow_provider_insightly.connector.plans import PlanHeldError, find_approval, read_plan
from airflow_provider_insightly.connector.run import run_connector, utc_now
from airflow_provider_insightly.connector.state import LABELS, write_state
from airflow_provider_insightly.store.engine import writing
from tests.ui.conftest import DAG_ID, INSTANCE

pytestmark = pytest.mark.airflow

BASE = f"/connectors/{DAG_ID}"
NASTY = "<script>alert(1)</script>"
FIRST, HELD = "manual__first", "manual__held"


def configure(**settings):
    mapping = [{"prospect": "FIRST_NAME", "lead": "FIRST_NAME", "contact": "FIRST_NAME"}]
    return Configuration.model_validate({"settings": settings, "mapping": mapping})


@pytest.fixture
def sync(insightly_sandbox, store):
    """Return how to run the connector over the sandbox, as the DAG would."""
    client = InsightlyClient(insightly_sandbox.api_key, base_url=insightly_sandbox.base_url, requests_per_second=1000)

    def sync(configuration, run_id, **options):
        overrides = options.pop("overrides", {})
        try:
            return run_connector(client, store, INSTANCE, configuration, run_id=run_id, **options)
        finally:
            with writing(store) as connection:
                note_configuration(
                    *(connection, INSTANCE, configuration, overrides),
                    dag_id=DAG_ID,
                    run_id=run_id,
                    dry_run=False,
                    now=utc_now(),
                )

    sync.client = client
    return sync


@pytest.fixture
def held(sync, insightly_sandbox):
    """A plan that a breaker holds: three addresses changed, none may."""
    contacts = []
    for number in range(3):
        address = f"ann{number}@example.com"
        contacts.append(insightly_sandbox.add("Contacts", FIRST_NAME=NASTY, EMAIL_ADDRESS=address))
        insightly_sandbox.add("Prospect", FIRST_NAME="Ann", EMAIL_ADDRESS=address)
    sync(configure(), FIRST)
    for number, contact in enumerate(contacts):
        moved = {"CONTACT_ID": contact["CONTACT_ID"], "EMAIL_ADDRESS": f"moved{number}@example.com"}
        sync.client.update("Contacts", moved)
    with pytest.raises(PlanHeldError):
        sync(configure(breakers={"email_changes": {"count": 0, "percent": 0}}), HELD)
    return contacts


def plan_of(store, run_id):
    with store.connect() as connection:
        return read_plan(connection, INSTANCE, run_id)


def test_the_overview_counts_what_the_last_sync_did_and_what_waits(held, sign_in):
    text = sign_in("viewer").get(BASE).text
    assert "<dd>3</dd><dt>updated</dt>" in text
    assert "1 waiting for approval" in text


def test_the_connection_is_tested_and_what_is_wrong_is_named(connection_to_sandbox, sign_in, monkeypatch):
    page = sign_in("user")
    assert f'data-test-connection="/insightly{BASE}/connection-test"' in page.get(BASE).text
    for dag_id in (DAG_ID, "insightly_send_contacts"):
        assert f'data-test-connection="/insightly/connectors/{dag_id}/connection-test"' in page.get("/").text

    found = page.post(f"{BASE}/connection-test").json()
    assert found["works"] is True
    assert found["message"].startswith("Connected to ")

    connection_to_sandbox.faults([{"kind": "status", "status": 401}])
    found = page.post(f"{BASE}/connection-test").json()
    assert (found["works"], "Check the API key" in found["message"]) == (False, True)

    monkeypatch.delenv("AIRFLOW_CONN_INSIGHTLY_DEFAULT")
    found = page.post(f"{BASE}/connection-test").json()
    assert (found["works"], "insightly_default" in found["message"]) == (False, True)


def test_who_may_not_trigger_the_dag_cannot_test_its_connection(connection_to_sandbox, sign_in):
    assert "data-test-connection" not in sign_in("viewer").get(BASE).text
    assert "data-test-connection" not in sign_in("viewer").get("/").text
    assert sign_in("viewer").post(f"{BASE}/connection-test").status_code == 403
    assert sign_in(None).post(f"{BASE}/connection-test").status_code == 401
    assert connection_to_sandbox.requests() == []


def test_a_box_says_its_value_in_the_file_and_in_the_last_run(sync, sign_in):
    sync(configure(), FIRST, overrides={"create_prospects": True})
    text = " ".join(sign_in("admin").get(f"{BASE}/settings").text.split())
    assert "<code>create_prospects</code> is off in the YAML file; the last run had it <strong>on</strong>" in text
    assert "<code>match_by_email</code> is on in the YAML file." in text


def test_settings_that_are_no_boxes_are_shown_with_their_defaults(sync, sign_in):
    sync(configure(sweep_hours=6), FIRST)
    text = " ".join(sign_in("viewer").get(f"{BASE}/settings").text.split())
    assert "hours between two sweeps of all ids" in text
    assert '<td data-label="Value"><span class="value">6</span></td>' in text
    assert '<td data-label="Default"><span class="value">24</span></td>' in text


def test_who_may_not_trigger_the_dag_is_not_offered_a_preview(sign_in):
    assert "Preview what would change" in sign_in("user").get(f"{BASE}/settings").text
    assert "Preview what would change" not in sign_in("viewer").get(f"{BASE}/settings").text


def test_the_mapping_before_the_first_check_says_what_to_do(sign_in):
    assert "Not checked yet" in sign_in("viewer").get(f"{BASE}/mapping").text


def test_the_mapping_names_the_problems_that_the_check_found(sync, sign_in):
    rows = [{"prospect": "FIRST_NAME", "contact": "Nowhere__c"}]
    with pytest.raises(MappingError):
        sync(Configuration.model_validate({"mapping": rows}), FIRST)
    text = sign_in("viewer").get(f"{BASE}/mapping").text
    assert "Contacts: there is no custom field Nowhere__c" in text


def test_the_mapping_lists_labels_that_drifted(sync, insightly_sandbox, sign_in, store):
    for name, label in (("Prospect", "Hobby"), ("Contacts", "Pastime")):
        described = {"FIELD_NAME": "Hobby__c", "FIELD_LABEL": label, "FIELD_TYPE": "TEXT"}
        insightly_sandbox.control("POST", f"/custom-fields/{name}", described)
    rows = [{"prospect": "Hobby__c", "contact": "Hobby__c", "primary": "prospect"}]
    sync(Configuration.model_validate({"mapping": rows}), FIRST)
    with writing(store) as connection:
        write_state(connection, INSTANCE, LABELS, {"Contacts.Hobby__c": "Hobby"})
    text = sign_in("viewer").get(f"{BASE}/mapping").text
    assert "Label drift" in text
    assert '<code>Contacts.Hobby__c</code>: <span class="value">Pastime</span>' in text


def test_a_plan_shows_its_changes_as_text(held, sign_in):
    text = sign_in("viewer").get(f"{BASE}/plan", params={"run": FIRST}).text
    assert NASTY not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_a_plan_can_be_narrowed_to_a_step(held, sign_in):
    text = sign_in("viewer").get(f"{BASE}/plan", params={"run": HELD, "step": "update_email_addresses"}).text
    assert text.count("change email<br>") == 3
    text = sign_in("viewer").get(f"{BASE}/plan", params={"run": HELD, "step": "create_prospects"}).text
    assert "Nothing is written here." in text


def test_a_run_without_a_plan_is_not_found(sign_in):
    assert sign_in("viewer").get(f"{BASE}/plan", params={"run": "no_such_run"}).status_code == 404


def test_a_held_plan_is_shown_with_its_breakers_and_changes(held, sign_in):
    text = sign_in("viewer").get(f"{BASE}/approvals").text
    assert "email_changes: 3 of 3 pairs" in text
    assert "moved0@example.com" in text
    assert "Approving takes the right to trigger the DAG" in text


def test_an_approval_is_given_in_the_name_of_who_is_signed_in(held, sign_in, store):
    plan = plan_of(store, HELD)
    answer = sign_in("user").post(f"{BASE}/approvals", json={"plan_hash": plan.hash})
    assert answer.status_code == 200
    with store.connect() as connection:
        assert find_approval(connection, plan, "") == "ann"
    assert "Approved by ann" in sign_in("viewer").get(f"{BASE}/approvals").text


def test_who_may_not_trigger_the_dag_cannot_approve(held, sign_in, store):
    plan = plan_of(store, HELD)
    assert sign_in("viewer").post(f"{BASE}/approvals", json={"plan_hash": plan.hash}).status_code == 403
    assert sign_in(None).post(f"{BASE}/approvals", json={"plan_hash": plan.hash}).status_code == 401
    with store.connect() as connection:
        assert find_approval(connection, plan, "") is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_another_site_cannot_approve_in_somebody_elses_name(held, sign_in, store, headers):
    plan = plan_of(store, HELD)
    answer = sign_in("admin").post(f"{BASE}/approvals", json={"plan_hash": plan.hash}, headers=headers)
    assert answer.status_code == 403
    with store.connect() as connection:
        assert find_approval(connection, plan, "") is None


def test_an_old_browser_is_judged_by_its_origin(held, sign_in, store):
    client, plan = sign_in("admin"), plan_of(store, HELD)
    del client.headers["Sec-Fetch-Site"]
    for origin, status in ((None, 403), ("http://elsewhere.example", 403), ("http://testserver", 200)):
        headers = {} if origin is None else {"Origin": origin}
        assert client.post(f"{BASE}/approvals", json={"plan_hash": plan.hash}, headers=headers).status_code == status


def test_a_plan_that_a_later_run_replaced_can_no_longer_be_approved(held, sync, sign_in, store):
    plan = plan_of(store, HELD)
    sync(configure(), "manual__later")
    assert sign_in("admin").post(f"{BASE}/approvals", json={"plan_hash": plan.hash}).status_code == 409
    assert "Nothing waits" in sign_in("admin").get(f"{BASE}/approvals").text
