"""The connector log in the Airflow UI: filters, paging, exports, links, and why a field has its value."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import datetime, timedelta, timezone
from html import unescape
from typing import Any

import pytest

from airflow_provider_insightly.connector.actions import APPLIED, SKIPPED, Action, Change
from airflow_provider_insightly.connector.log import log_intent, log_result, log_verdicts
from airflow_provider_insightly.connector.plans import Plan, Summary
from airflow_provider_insightly.connector.records import Ref
from airflow_provider_insightly.store.tables import connector_log
from tests.ui.conftest import DAG_ID, INSTANCE

pytestmark = pytest.mark.airflow

LOG = f"/connectors/{DAG_ID}/log"
WHY = f"/connectors/{DAG_ID}/why"
AT = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
SCRIPT = "<script>alert(1)</script>"


def change(field: str, before: Any = "Ada", after: Any = "Grace", reason: str | None = None) -> Change:
    return Change(field, before, after, "CRM Value", reason)


@pytest.fixture
def write(store):
    """Write actions to the log, a minute after each other, as runs do."""
    numbers = iter(range(1000))

    def write(action: Action, result: str | None = APPLIED, run_id: str = "manual__one", **kept: Any) -> None:
        number = next(numbers)
        at = AT + timedelta(minutes=number)
        plan = Plan(f"plan of {run_id}", kept.pop("instance", INSTANCE), run_id, "", Summary(), False, AT)
        with store.begin() as connection:
            if result == SKIPPED:
                log_verdicts(connection, plan, [(number, action, result)], at)
                return
            log_intent(connection, plan, number, action, at)
            if result is not None:
                log_result(connection, plan, number, result, at, **kept)

    return write


@pytest.fixture
def some(write):
    """A log with a row of each kind."""
    pair = {"prospect_id": 7, "crm": Ref("Contacts", 5)}
    write(Action("match_by_email", "link", "6", **pair, reason="email"))
    write(Action("sync_fields", "update_prospect", "mapping", **pair, changes=(change("FIRST_NAME"),)))
    write(Action("sync_fields", "update_crm", "mapping", **pair, changes=(change("TITLE", "Ms", "Dr"),)), run_id="two")
    lead = Action("create_prospects", "create", "1", None, Ref("Leads", 5), (change("PHONE", None, "+49 1"),))
    write(lead, "rejected", run_id="two", http_status=400, error="no such number")
    held = Action("sync_fields", "update_prospect", "4", 8, Ref("Contacts", 7), (change("PHONE", "1", None),), SKIPPED)
    write(held, SKIPPED, run_id="two")
    write(Action("sync_fields", "update_crm", "mapping", 9, Ref("Leads", 6), (change("PHONE"),)), None, run_id="two")


def rows(answer) -> list[str]:
    """Return the rows of the page, as text without tags."""
    assert answer.status_code == 200, answer.text
    body = re.findall(r"<tbody>(.*?)</tbody>", answer.text, re.DOTALL)
    found = re.findall(r"<tr>(.*?)</tr>", body[0], re.DOTALL) if body else []
    return [" ".join(unescape(re.sub(r"<[^>]*>", " ", row)).split()) for row in found]


def links(answer, text: str) -> list[str]:
    return [unescape(found) for found in re.findall(rf'href="([^"]*)"[^>]*>\s*[^<]*{re.escape(text)}', answer.text)]


@pytest.mark.parametrize(
    ("query", "events"),
    [
        ("", ["update crm", "update prospect", "create", "update crm", "update prospect", "link"]),
        ("from=2026-05-01+12:04", ["update crm", "update prospect"]),
        ("until=2026-05-01T12:01:00Z", ["link"]),
        ("run=manual__one", ["update prospect", "link"]),
        ("event=update_crm", ["update crm", "update crm"]),
        ("result=rejected", ["create"]),
        ("result=skipped", ["update prospect"]),
        ("result=under_way", ["update crm"]),
        ("setting=6", ["link"]),
        ("setting=mapping", ["update crm", "update crm", "update prospect"]),
        ("record=Prospect/7", ["update crm", "update prospect", "link"]),
        ("record=contact/5", ["update crm", "update prospect", "link"]),
        ("record=Leads/5", ["create"]),
        ("record=5", ["create", "update crm", "update prospect", "link"]),
        ("record=7", ["update prospect", "update crm", "update prospect", "link"]),
        ("field=PHONE", ["update crm", "update prospect", "create"]),
        ("text=NO+SUCH+number", ["create"]),
        ("text=dr", ["update crm"]),
        ("event=update_crm&run=two&field=TITLE", ["update crm"]),
        ("record=5&result=applied&from=2026-05-01+12:01&until=2026-05-01+12:02", ["update prospect"]),
        ("event=update_crm&setting=6", []),
        ("event=restore", []),
        ("field=+PHONE+&event=", ["update crm", "update prospect", "create"]),
    ],
)
def test_each_filter_alone_and_together(sign_in, some, query, events):
    answer = sign_in("viewer").get(f"{LOG}?{query}")
    found = rows(answer)
    assert [event for row in found for event in [e for e in EVENT_WORDS if f"UTC {e}" in cut(row)]] == events
    if not events:
        assert "No such rows" in answer.text


EVENT_WORDS = ("update crm", "update prospect", "create", "link")


def cut(row: str) -> str:
    """Return a row without the id of its run, which follows its time."""
    return re.sub(r"UTC \S+", "UTC", row)


def test_a_filter_is_shown_and_can_be_cleared(sign_in, some):
    answer = sign_in("viewer").get(f"{LOG}?event=update_crm&field=PHONE")
    assert '<option value="update_crm" selected>' in answer.text
    assert 'name="field" value="PHONE"' in answer.text
    assert f'href="/insightly{LOG}?event=update_crm" aria-label="Clear the filter Field"' in answer.text
    assert f'href="/insightly{LOG}?field=PHONE" aria-label="Clear the filter Event"' in answer.text


@pytest.mark.parametrize(
    ("query", "name", "problem"),
    [
        ("from=yesterday", "from", "is no time: write 2026-11-21"),
        ("until=2026-13-01", "until", "is no time"),
        ("from=99999999d", "from", "is no time"),
        ("from=999999d", "from", "is no time"),
        ("from=2026-05-02&until=2026-05-01", "until", "not after the time in From"),
        ("record=Tasks/5", "record", "is no object of the connector"),
        ("record=Contacts", "record", "names no record"),
        ("record=Contacts/99999999999999999999", "record", "names no record"),
        ("record=99999999999999999999", "record", "names no record"),
        ("record=%C2%B2", "record", "names no record"),
        ("event=dance", "event", "there is no event"),
        ("result=good", "result", "there is no result"),
        ("setting=10", "setting", "there is no setting"),
        ("text=a%00b", "text", "no value has such a character"),
        (f"record={SCRIPT}", "record", "names no record"),
    ],
)
def test_what_cannot_be_read_is_said_at_the_field(sign_in, some, query, name, problem):
    answer = sign_in("viewer").get(f"{LOG}?{query}")
    assert answer.status_code == 200
    [said] = re.findall(rf'id="problem-{name}">([^<]*)<', answer.text)
    assert problem in unescape(said)
    assert f'aria-describedby="problem-{name}"' in answer.text
    assert "No such rows" not in answer.text
    assert SCRIPT not in answer.text
    assert rows(answer) == []
    for form in ("csv", "jsonl"):
        refused = sign_in("viewer").get(f"{LOG}.{form}?{query}")
        assert refused.status_code == 400
        assert problem in unescape(refused.text)


@pytest.mark.parametrize("cursor", ["before=x", "after=-1", "before=99999999999999999999"])
def test_a_page_that_is_none_is_refused(sign_in, some, cursor):
    assert sign_in("viewer").get(f"{LOG}?{cursor}").status_code == 400


def numbers(answer) -> list[int]:
    return [int(number) for row in rows(answer) for number in re.findall(r"Prospect (\d+)", row)]


def follow(client, answer, text):
    [path, *_] = links(answer, text)
    return client.get(path.removeprefix("/insightly"))


def test_pages_both_ways_stay_as_they_are_while_rows_are_added(sign_in, write):
    for number in range(120):
        write(Action("match_by_email", "link", "6", number + 1, Ref("Contacts", 5)))
    client = sign_in("viewer")
    first = client.get(f"{LOG}?event=link")
    assert numbers(first) == list(range(120, 70, -1))
    for number in (121, 122):
        write(Action("match_by_email", "link", "6", number, Ref("Contacts", 5)))
    second = follow(client, first, "Older")
    assert numbers(second) == list(range(70, 20, -1))
    assert "event=link" in links(second, "Newer")[0]
    third = follow(client, second, "Older")
    assert numbers(third) == list(range(20, 0, -1))
    assert links(third, "Older") == []
    assert numbers(follow(client, third, "Newer")) == numbers(second)
    assert numbers(follow(client, second, "Newer")) == numbers(first)
    newest = follow(client, follow(client, second, "Newer"), "Newer")
    assert numbers(newest) == list(range(122, 72, -1))
    assert links(newest, "Newer") == []


def test_another_instance_is_not_shown(sign_in, write):
    write(Action("match_by_email", "link", "6", 7, Ref("Contacts", 5)), instance="another")
    assert "Nothing is logged yet" in sign_in("viewer").get(LOG).text
    assert sign_in("viewer").get(f"{LOG}.jsonl").text == ""


def test_a_long_search_says_how_far_it_came(sign_in, some, monkeypatch):
    from airflow_provider_insightly.connector import log_search

    monkeypatch.setattr(log_search, "SEARCHED_AT_ONCE", 3)
    monkeypatch.setattr(log_search, "AT_ONCE", 1)
    monkeypatch.setattr("airflow_provider_insightly.ui.pages.log.PAGE_ROWS", 1)
    client = sign_in("viewer")
    answer = client.get(f"{LOG}?text=email")
    assert rows(answer) == []
    assert "None so far" in answer.text
    assert '<time datetime="2026-05-01T12:03:00+00:00">' in answer.text
    answer = follow(client, answer, "Search older")
    assert len(rows(answer)) == 1
    assert "None so far" not in answer.text


def test_exports_hold_what_is_filtered(sign_in, some, monkeypatch):
    monkeypatch.setattr("airflow_provider_insightly.ui.pages.log.EXPORTED_AT_ONCE", 2)
    client = sign_in("viewer")
    table = client.get(f"{LOG}.csv?run=two")
    assert table.headers["content-disposition"] == f'attachment; filename="{DAG_ID}_log.csv"'
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    read = list(csv.DictReader(io.StringIO(table.text)))
    lines = client.get(f"{LOG}.jsonl?run=two")
    assert lines.headers["content-disposition"] == f'attachment; filename="{DAG_ID}_log.jsonl"'
    parsed = [json.loads(line) for line in lines.text.splitlines()]
    assert [row["event"] for row in read] == [row["event"] for row in parsed]
    assert [row["event"] for row in read] == ["update_crm", "update_prospect", "create", "update_crm"]
    assert parsed[2]["after"] == "+49 1"
    assert read[2]["after"] == "'+49 1"  # a spreadsheet would reckon with it


def test_no_value_runs_as_a_formula(sign_in, write):
    values = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "plain", "a=b", -1]
    for value in values:
        write(Action("s", "update_crm", "mapping", 7, Ref("Contacts", 5), (change("A", None, value),)))
    table = sign_in("viewer").get(f"{LOG}.csv").text
    cells = [row["after"] for row in csv.DictReader(io.StringIO(table, newline=""))][::-1]
    assert cells == [f"'{value}" for value in values[:8]] + ["plain", "a=b", "-1"]


def test_everything_from_records_is_escaped(sign_in, write, store):
    evil = (change(SCRIPT, SCRIPT, SCRIPT * 20, SCRIPT), change("list", [SCRIPT], {SCRIPT: SCRIPT}))
    action = Action("sync_fields", "update_prospect", "mapping", 7, Ref("Contacts", 5), evil)
    write(action, "rejected", run_id=SCRIPT, error=SCRIPT)
    with store.begin() as connection:
        connection.execute(connector_log.update().values(behavior=SCRIPT, direction=SCRIPT))
    client = sign_in("viewer")
    for answer in (
        client.get(LOG),
        client.get(f"{LOG}?run={SCRIPT}&text={SCRIPT}"),
        client.get(WHY, params={"record": "Prospect/7", "field": SCRIPT}),
    ):
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text


def test_a_row_leads_to_its_records_in_insightly(sign_in, some, connection_to_sandbox):
    answer = sign_in("viewer").get(f"{LOG}?event=link")
    origin = connection_to_sandbox.base_url.split("/v3")[0]
    for page in ("Prospect/7", "Contact/5"):
        assert re.search(rf'href="{origin}/details/{page}" data-insightly', answer.text), answer.text


def test_the_page_is_there_without_the_connection(sign_in, some):
    answer = sign_in("viewer").get(LOG)
    assert len(rows(answer)) == 6
    assert "data-insightly" not in answer.text


def test_a_row_leads_to_the_reason_and_to_the_timeline(sign_in, some):
    answer = sign_in("viewer").get(f"{LOG}?field=TITLE")
    assert f'href="/insightly{WHY}?record=Contacts%2F5&amp;field=TITLE"' in answer.text
    assert f'href="/insightly/connectors/{DAG_ID}/timeline?record=Prospect%2F7"' in answer.text
    answer = sign_in("viewer").get(f"{LOG}?field=FIRST_NAME")
    assert f'href="/insightly{WHY}?record=Prospect%2F7&amp;field=FIRST_NAME"' in answer.text


@pytest.mark.parametrize("path", [LOG, f"{LOG}.csv", f"{LOG}.jsonl", WHY])
def test_nobody_sees_the_log_without_signing_in_or_for_a_dag_that_is_none(sign_in, some, path):
    refused = sign_in(None).get(path)
    assert refused.status_code == 401
    assert "Grace" not in refused.text
    assert sign_in("viewer").get(path.replace(DAG_ID, "no_such_dag")).status_code == 404
    assert sign_in("viewer").get(path.replace(DAG_ID, "insightly_send_contacts")).status_code == 404


@pytest.mark.parametrize("path", [LOG, f"{LOG}.csv", f"{LOG}.jsonl", WHY])
def test_who_may_not_read_the_dag_sees_nothing(sign_in, some, path, monkeypatch):
    from airflow.api_fastapi.app import get_auth_manager

    client = sign_in("viewer")
    monkeypatch.setattr(get_auth_manager(), "is_authorized_dag", lambda **_: False)
    refused = client.get(path)
    assert refused.status_code == 403
    assert "Grace" not in refused.text


def test_why_shows_the_history_newest_first(sign_in, write):
    pair = {"prospect_id": 7, "crm": Ref("Contacts", 5)}
    for before, after in (("Ada", "Grace"), ("Grace", "Augusta")):
        changes = (change("FIRST_NAME", before, after),)
        write(Action("sync_fields", "update_prospect", "mapping", **pair, changes=changes))
    answer = sign_in("viewer").get(f"{WHY}?record=Prospect/7&field=FIRST_NAME")
    assert answer.status_code == 200
    assert answer.text.index("Augusta") < answer.text.index("Ada")
    assert "in no pair" in answer.text
    assert "Not known before the first run" in answer.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "Which value?"),
        ("record=Contacts/5", "say which field"),
        ("field=PHONE", "say of which record"),
        ("record=Tasks/5&field=PHONE", "is no object of the connector"),
        ("record=Contacts/5&field=a%00", "no field has such a character"),
        ("record=Contacts/5&field=PHONE", "The log has no change of it"),
    ],
)
def test_why_says_what_is_missing(sign_in, store, query, said):
    answer = sign_in("viewer").get(f"{WHY}?{query}")
    assert answer.status_code == 200
    assert said in unescape(answer.text)


@pytest.fixture
def run_in_airflow(airflow_with_dags):
    """A run that Airflow knows; gone afterwards. Its mapped tasks have as many instances as a test says."""
    from airflow.models.dagrun import DagRun
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType
    from sqlalchemy import delete, update

    run_id = "manual__2026-05-01T12:00:00+00:00"

    def run(mapped: dict[str, int]) -> str:
        with create_session() as session:
            SerializedDagModel.get(DAG_ID, session=session).dag.create_dagrun(
                run_id=run_id,
                run_after=AT,
                run_type=DagRunType.MANUAL,
                triggered_by=DagRunTriggeredByType.TEST,
                state=DagRunState.SUCCESS,
                session=session,
            )
            for task_id, index in mapped.items():
                instance = (TaskInstance.run_id == run_id) & (TaskInstance.task_id == task_id)
                session.execute(update(TaskInstance).where(instance).values(map_index=index))
        return run_id

    yield run
    with create_session() as session:
        for model in (TaskInstance, DagRun):
            session.execute(delete(model).where(model.run_id == run_id))


def test_a_row_leads_to_the_log_of_the_task_that_wrote_it(sign_in, write, run_in_airflow, store):
    from airflow_provider_insightly.store.tables import connector_actions

    mapped = {"match_by_email_writes": 0, "sync_fields_writes": 3}
    run_id = run_in_airflow(mapped)
    pair = {"prospect_id": 7, "crm": Ref("Contacts", 5)}
    link = Action("match_by_email", "link", "6", **pair)
    update = Action("sync_fields", "update_crm", "mapping", **pair, changes=(change("TITLE"),))
    held = Action("sync_fields", "update_crm", "4", **pair, changes=(change("PHONE"),), verdict=SKIPPED)
    planned = Action("sync_opt_outs", "opt_out_crm", "7", **pair, changes=(change("EMAIL_OPTED_OUT"),))
    with store.begin() as connection:
        for seq, (action, result) in enumerate([(link, APPLIED), (update, APPLIED), (held, SKIPPED), (planned, None)]):
            row = {"plan_id": f"plan of {run_id}", "seq": seq, "step": action.step, "event": action.event}
            kept = {**row, "key": action.key, "data": action.to_json(), "result": result}
            connection.execute(connector_actions.insert().values(kept))
    write(link, run_id=run_id)
    write(update, run_id=run_id)
    write(held, SKIPPED, run_id=run_id)
    write(planned, "planned", run_id=run_id)
    write(Action("overwrite_opted_out", "lift_opt_out", "7", **pair), run_id="lift-opt-out__by-hand")
    answer = sign_in("viewer").get(LOG)
    found = [re.findall(r'href="([^"]*)" data-airflow', row) for row in answer.text.split("<tr>")[2:]]
    tasks = f"/dags/{DAG_ID}/runs/manual__2026-05-01T12%3A00%3A00%2B00%3A00/tasks"
    assert found == [
        [],
        [f"{tasks}/report"],
        [f"{tasks}/report"],
        [f"{tasks}/sync_fields_writes/mapped"],
        [f"{tasks}/match_by_email_writes/mapped/0"],
    ]
