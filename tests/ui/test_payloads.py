"""The page of the sample payloads: settings and records in, requests out; one of them sent for real."""

from __future__ import annotations

import ast
import json
import re

import pytest

from airflow_provider_insightly.sending.template import templates
from tests.ui.conftest import DAG_ID

pytestmark = pytest.mark.airflow

SENDER = "insightly_send_contacts"
CREATE = {"template": "create_contact"}


@pytest.fixture
def page(sign_in, connection_to_sandbox):
    """Ask the page of a DAG for something, as someone who may trigger it."""
    client = sign_in("op")

    def ask(action: str, settings: dict, records: object, dag_id: str = SENDER, status: int = 200, **more: object):
        text = records if isinstance(records, str) else json.dumps(records)
        sheet = {"settings": settings, "records": text, **more}
        answer = client.post(
            f"/connectors/{dag_id}/payloads/{action}",
            content=json.dumps(sheet),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
        )
        assert answer.status_code == status, answer.text
        return answer.json()

    return ask


def bodies(html: str) -> list[str]:
    """Return the bodies of the samples as they would go over the wire, the escaping undone."""
    from html import unescape

    return [unescape(text) for text in re.findall(r"bytes\)</summary><pre[^>]*>(.*?)</pre>", html, re.DOTALL)]


# The page


@pytest.mark.parametrize("dag_id", [SENDER, DAG_ID])
def test_the_page_is_there_for_each_dag_that_works_with_insightly(sign_in, dag_id: str):
    answer = sign_in("viewer").get(f"/connectors/{dag_id}/payloads")
    assert answer.status_code == 200
    assert "Would you like to batch your records together?" in answer.text
    assert '<option value="update_opportunity"' in answer.text


def test_the_tasks_of_the_dag_lend_their_settings(sign_in):
    text = sign_in("viewer").get(f"/connectors/{SENDER}/payloads").text
    found = re.search(r'value="create_test_contact" data-settings="(.*?)" data-records="(.*?)"', text, re.DOTALL)
    assert found is not None
    assert json.loads(found[1].replace("&#34;", '"')) == {"template": "create_contact"}
    assert json.loads(found[2].replace("&#34;", '"')) == {"FIRST_NAME": "Test", "LAST_NAME": "Record"}
    assert 'value="update_contacts"' in text


def test_tasks_lend_what_the_dag_tells_of_them(airflow_with_dags):
    from airflow_provider_insightly.ui.tasks import find_sends

    sends = {send.task_id: send for send in find_sends("example_opportunities")}
    assert sends["create_organisations"].settings == {"template": "create_organisation"}  # a mapped task
    assert sends["create_lead"].operator == "InsightlyRecordsOperator"
    assert json.loads(sends["create_lead"].records)[0]["Region__c"] == "North"
    assert find_sends("no_such_dag") == []


def test_who_may_not_trigger_is_told_so(sign_in):
    assert "right to trigger this DAG" in sign_in("viewer").get(f"/connectors/{SENDER}/payloads").text
    assert "right to trigger this DAG" not in sign_in("op").get(f"/connectors/{SENDER}/payloads").text


# Records to pick


@pytest.mark.parametrize("name", sorted(templates()))
def test_each_template_shows_a_request_for_its_example(page, sign_in, name: str):
    example = sign_in("viewer").get(f"/connectors/{SENDER}/payloads/records", params={"template": name}).json()
    found = page("preview", {"template": name}, example["records"])
    template = templates()[name]
    assert not found["problems"]
    assert "no request" not in found["html"]
    assert f"{template.method} http://" in found["html"]
    assert ("It has no body." in found["html"]) is (template.method == "DELETE")
    ast.parse(found["code"])


def test_staged_records_are_lent(sign_in, store, page):
    from datetime import datetime, timezone

    from airflow_provider_insightly.connector.records import CONTACTS, Record, Ref
    from airflow_provider_insightly.connector.staging import stage

    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    with store.begin() as connection:
        made = [Record(Ref(CONTACTS, number), {"FIRST_NAME": f"Ann {number}"}, now, now, now) for number in range(1, 9)]
        stage(connection, "insightly_default", made, now=now)
    asked = {"template": "update_contact", "staged": True}
    viewer = sign_in("viewer")
    found = json.loads(viewer.get(f"/connectors/{DAG_ID}/payloads/records", params=asked).json()["records"])
    assert [record["CONTACT_ID"] for record in found] == [8, 7, 6, 5, 4]
    assert bodies(page("preview", {"template": "update_contact"}, found)["html"])[0] == (
        '{"CONTACT_ID":8,"FIRST_NAME":"Ann 8"}'
    )
    leads = viewer.get(f"/connectors/{DAG_ID}/payloads/records", params={**asked, "template": "update_lead"}).json()
    assert "holds no Leads" in leads["problems"]["records"]
    sender = viewer.get(f"/connectors/{SENDER}/payloads/records", params=asked).json()
    assert "holds no Contacts" in sender["problems"]["records"]


def test_an_endpoint_without_an_object_has_nothing_to_pick(sign_in):
    viewer = sign_in("viewer")
    path = f"/connectors/{SENDER}/payloads/records"
    assert "names no object" in viewer.get(path, params={"url": "/Bulk/of/it"}).json()["problems"]["records"]
    assert "Choose an endpoint" in viewer.get(path).json()["problems"]["records"]


# Samples


def test_samples_follow_the_settings(page):
    record = {"row": 1, "first": "Zoë", "LAST_NAME": None}
    problem = page("preview", CREATE, record)["html"]
    assert "Contacts has no such field" in problem
    assert "no request" in problem
    settings = {**CREATE, "exclude_attributes": "row", "rename": "first=FIRST_NAME", "headers": "X-Source:airflow"}
    shown = page("preview", settings, record)
    assert bodies(shown["html"]) == ['{"FIRST_NAME":"Zoë"}']
    assert "Authorization: Basic ***" in shown["html"]
    assert "X-Source: airflow" in shown["html"]
    assert shown["fields"] == ["row", "first", "LAST_NAME"]
    cleared = page("preview", {**settings, "nulls": "send"}, record)
    assert bodies(cleared["html"]) == ['{"FIRST_NAME":"Zoë","LAST_NAME":null}']


@pytest.mark.parametrize(
    ("settings", "body"),
    [
        ({"grouping": "json_array"}, '[{"a":1,"k":"x"},{"a":2,"k":"x"}]'),
        (
            {"grouping": "property_inside_json_object", "grouping_property": "data.all"},
            '{"data":{"all":[{"a":1,"k":"x"},{"a":2,"k":"x"}]}}',
        ),
        (
            {"grouping": "object_with_static_fields", "grouping_static_fields": '{"by": "me"}'},
            '{"by":"me","records":[{"a":1,"k":"x"},{"a":2,"k":"x"}]}',
        ),
        ({"grouping": "hoisted_fields", "grouping_fields": "k"}, '{"k":"x","records":[{"a":1},{"a":2}]}'),
        (
            {"grouping": "wrapped_items", "grouping_item": "f"},
            '{"records":[{"f":{"a":1,"k":"x"}},{"f":{"a":2,"k":"x"}}]}',
        ),
        ({"grouping": "map_by_key", "grouping_key_field": "a"}, '{"1":{"a":1,"k":"x"},"2":{"a":2,"k":"x"}}'),
    ],
)
def test_each_grouping_has_its_body_and_its_code(page, settings: dict, body: str):
    records = [{"a": 1, "k": "x"}, {"a": 2, "k": "x"}, {"a": 3, "k": "x"}]
    found = page("preview", {"method": "POST", "url": "/Bulk", "batch_size": "2", **settings}, records)
    assert bodies(found["html"])[0] == body
    assert "records 0 to 1" in found["html"]
    keywords = {k.arg: ast.literal_eval(k.value) for k in ast.parse(found["code"]).body[1].value.keywords}
    assert (keywords["grouping"], keywords["batch_size"]) == (settings["grouping"], 2)


def test_json_lines_are_shown_as_they_go_out(page):
    found = page("preview", {"url": "/Bulk", "grouping": "json_lines"}, [{"a": "<i>"}, {"a": 2}])
    assert "{&#34;a&#34;:&#34;&lt;i&gt;&#34;}\n{&#34;a&#34;:2}\n</pre>" in found["html"]


def test_the_first_ten_are_shown_of_all_that_are_looked_at(page):
    found = page("preview", CREATE, "\n".join(json.dumps({"FIRST_NAME": f"A{n}"}) for n in range(1500)))
    assert found["html"].count("data-key=") == 10
    assert "10 requests of more than 1,000 records" in found["html"]


def test_masked_values_are_shown_nowhere_in_the_request(page):
    settings = {**CREATE, "mask_fields": "EMAIL_ADDRESS"}
    html = page("preview", settings, {"FIRST_NAME": "Ann", "EMAIL_ADDRESS": "ann@example.com"})["html"]
    assert bodies(html) == ['{"FIRST_NAME":"Ann","EMAIL_ADDRESS":"***"}']
    assert "ann@example.com" not in html.partition('<div class="edit">')[0]


@pytest.mark.parametrize(
    ("settings", "records", "place", "message"),
    [
        ({"template": "create_contract"}, "[]", "template", "no template"),
        ({"url": "https://evil.example/v3.1/Contacts"}, {"a": 1}, "url", "not sent to another host"),
        ({"url": "//evil.example/Contacts"}, {"a": 1}, None, "/v3.1/evil.example/Contacts"),
        ({"url": "/Contacts/{record.ID"}, {"a": 1}, "url", "braces"),
        ({**CREATE, "headers": "X-A:1\r\nHost:evil"}, {"a": 1}, "headers", "one line"),
        ({**CREATE, "headers": "Authorization:Basic eA=="}, {"a": 1}, "headers", "set by the provider"),
        ({"template": "update_contact", "update_mode": "replace"}, {"a": 1}, "allow_replace", "clears every field"),
        ({**CREATE, "grouping": "json_array"}, {"a": 1}, "grouping", "one record a request"),
        ({"url": "/Bulk", "grouping": "map_by_key"}, {"a": 1}, "grouping_key_field", "key_field"),
        ({"url": "/Bulk", "batch_size": "x"}, {"a": 1}, "batch_size", "whole number"),
        ({"url": True}, {"a": 1}, "url", "must be a text"),
        (CREATE, "", "records", "no records yet"),
        (CREATE, '[{"FIRST_NAME": "Ann"},\n {"FIRST_NAME" "Bo"}]', "records", "Line 2, column 16"),
        (CREATE, "a,b,a\n1,2,3", "records", "more than once"),
        (CREATE, "[" * 200_000, "records", "nested too deeply"),
        (CREATE, "FIRST_NAME\n\ud800", "records", "half a character"),
        (CREATE, json.dumps([{"FIRST_NAME": "x" * 1_000_000}]), "records", "paste fewer records"),
        ({**CREATE, "rename": "a=\ud800"}, {"a": 1}, "rename", "half a character"),
        ({**CREATE, "exclude_attributes": "a," * 3000}, {"a": 1}, "exclude_attributes", "the page takes 5,000"),
    ],
)
def test_mistakes_are_told_at_their_field(page, settings: dict, records: object, place: str | None, message: str):
    found = page("preview", settings, records)
    if place is None:
        assert message in found["html"]
    else:
        assert message in found["problems"][place]
        assert "html" not in found


@pytest.mark.parametrize(
    ("record", "shown"),
    [
        ('{"FIRST_NAME": "\\ud800"}', "half a character"),
        ('{"\\ud800": 1}', "has no such field"),
        ('{"FIRST_NAME": ' + "[" * 200 + "]" * 200 + "}", "No request would be made"),
        ('{"FIRST_NAME": NaN}', "No request would be made"),
        ("[5]", "must be an object with fields, not int"),
        ("[]", "There is nothing to send"),
        ('{"FIRST_NAME": "<script>alert(1)</script>"}', "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ('{"\\"><img src=x>": 1, "FIRST_NAME": "Ann"}', "&#34;&gt;&lt;img src=x&gt;"),
    ],
)
def test_odd_records_are_shown_as_text_with_their_reason(page, record: str, shown: str):
    html = page("preview", CREATE, record)["html"]
    assert shown in html
    assert "<script" not in html
    assert "<img" not in html


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        ("not json", 400, "not what the page sends"),
        ("[]", 400, "not what the page sends"),
        ('{"settings": 5, "records": ""}', 400, "not what the page sends|texts and boxes"),
        ('{"settings": {"url": {}}, "records": ""}', 400, "texts and boxes"),
        ('{"settings": {}, "records": "", "more": 1}', 400, "not what the page sends"),
        ("x" * 10_000_000, 413, "more than the page takes"),
    ],
)
def test_what_the_page_never_sends_is_refused(sign_in, content: str, status: int, message: str):
    answer = sign_in("op").post(f"/connectors/{SENDER}/payloads/preview", content=content)
    assert answer.status_code == status
    assert re.search(message, answer.text)


def test_without_a_connection_the_samples_are_shown_all_the_same(sign_in, monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_INSIGHTLY_DEFAULT", raising=False)
    sheet = {"settings": CREATE, "records": '{"FIRST_NAME": "Ann"}'}
    viewer = sign_in("viewer")
    found = viewer.post(f"/connectors/{SENDER}/payloads/preview", json=sheet).json()
    assert "https://api.{pod}.insightly.com/v3.1/Contacts" in found["html"]
    assert "The connection &#39;insightly_default&#39; cannot be used" in found["html"]
    found = sign_in("op").post(f"/connectors/{SENDER}/payloads/test", json=sheet).json()
    assert found["outcome"] == "failed"
    assert "cannot be used" in found["html"]


def test_a_connection_in_airflows_database_is_used(sign_in, insightly_sandbox, monkeypatch):
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    monkeypatch.delenv("AIRFLOW_CONN_INSIGHTLY_DEFAULT", raising=False)
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")  # as the API server does when it starts
    extra = json.dumps({"base_url": insightly_sandbox.base_url})
    made = Connection("insightly_default", conn_type="insightly", password=insightly_sandbox.api_key, extra=extra)
    with create_session() as session:
        session.add(made)
    try:
        sheet = {"settings": CREATE, "records": '{"FIRST_NAME": "Ann"}'}
        found = sign_in("op").post(f"/connectors/{SENDER}/payloads/test", json=sheet).json()
    finally:
        with create_session() as session:
            session.execute(delete(Connection).where(Connection.conn_id == "insightly_default"))
    assert found["outcome"] == "succeeded"


# Code


def test_the_code_makes_the_same_settings(page):
    from airflow_provider_insightly.operators.records import InsightlyRecordsOperator
    from airflow_provider_insightly.sending.form import read_settings

    given = {
        "template": "update_lead",
        "id_field": "id",
        "update_mode": "replace",
        "allow_replace": True,
        "headers": 'X-Quote:say "hi"',
        "exclude_attributes": 'row, it\'s "quoted"',
        "rename": "first=FIRST_NAME",
        "nulls": "send",
        "mask_fields": "EMAIL",
    }
    code = page("preview", given, {"id": 5, "LAST_NAME": "Lee"})["code"]
    names: dict = {}
    exec(
        compile(code.replace("InsightlyRecordsOperator(\n", "made = InsightlyRecordsOperator(\n"), "code", "exec"),
        names,
    )
    assert isinstance(names["made"], InsightlyRecordsOperator)
    assert names["made"].build_settings() == read_settings(given)


def test_the_code_of_a_send_by_hand_makes_the_same_settings(page):
    from airflow_provider_insightly.sending.form import read_settings

    given = {
        "method": "POST",
        "url": "/Bulk",
        "include_attributes": "a,b",
        "grouping": "object_with_static_fields",
        "grouping_static_fields": '{"by": "me", "yes": true, "none": null}',
        "grouping_property": "all",
        "batch_size": "7",
    }
    code = page("preview", given, {"a": 5})["code"]
    names: dict = {}
    exec(code.replace("\nInsightly", "\nmade = Insightly"), names)
    assert names["made"].build_settings() == read_settings(given)


def test_a_template_with_an_operator_of_its_own_is_named(page):
    code = page("preview", CREATE, {"FIRST_NAME": "Ann"})["code"]
    assert "import InsightlyCreateContactOperator\n" in code
    assert "template" not in code


# Test data


def test_a_record_is_created_updated_and_deleted_for_real(page, connection_to_sandbox):
    created = page("test", CREATE, {"FIRST_NAME": "Ann", "LAST_NAME": "Lee"})
    assert created["outcome"] == "succeeded"
    record_id = int(re.search(r'details/Contact/(\d+)" data-insightly', created["html"])[1])
    assert "&#34;FIRST_NAME&#34;: &#34;Ann&#34;" in created["html"]

    update = {"template": "update_contact"}
    assert page("test", update, {"CONTACT_ID": record_id, "FIRST_NAME": "Anna"})["outcome"] == "succeeded"

    delete = {"template": "delete_contact"}
    asked = page("test", delete, {"CONTACT_ID": record_id})
    assert asked["confirm"] == f"DELETE {connection_to_sandbox.base_url}/Contacts/{record_id}"
    assert not connection_to_sandbox.requests(method="DELETE")
    deleted = page("test", delete, {"CONTACT_ID": record_id}, confirm_delete=True)
    assert deleted["outcome"] == "succeeded"

    sent = [(r["method"], r["path"].partition("/v3.1")[2]) for r in connection_to_sandbox.requests()]
    of_contact = f"/Contacts/{record_id}"
    assert sent == [("POST", "/Contacts"), ("PUT", of_contact), ("DELETE", of_contact)]
    assert connection_to_sandbox.requests(method="PUT")[0]["body"] == {"CONTACT_ID": record_id, "FIRST_NAME": "Anna"}


def test_a_batch_is_sent_as_one_request(page, connection_to_sandbox):
    settings = {"url": "/Contacts", "grouping": "json_array", "batch_size": "2"}
    page("test", settings, [{"FIRST_NAME": "A"}, {"FIRST_NAME": "B"}])
    (request,) = connection_to_sandbox.requests(method="POST")
    assert request["body"] == [{"FIRST_NAME": "A"}, {"FIRST_NAME": "B"}]
    three = page("test", settings, [{"FIRST_NAME": "A"}, {"FIRST_NAME": "B"}, {"FIRST_NAME": "C"}])
    assert "these records make 2" in three["html"]
    assert len(connection_to_sandbox.requests(method="POST")) == 1


@pytest.mark.parametrize(
    ("settings", "records", "message"),
    [
        (CREATE, {"LAST_NAME": "Lee"}, "No request was made: FIRST_NAME: is required"),
        (CREATE, [{"FIRST_NAME": "A"}, {"FIRST_NAME": "B"}], "these records make 2"),
        (CREATE, "[]", "these records make 0"),
    ],
)
def test_what_is_no_request_is_not_sent(page, connection_to_sandbox, settings: dict, records: object, message: str):
    assert message in page("test", settings, records)["html"]
    assert not connection_to_sandbox.requests()


@pytest.mark.parametrize(
    ("settings", "records", "place", "message"),
    [
        ({"url": "https://evil.example/v3.1/Contacts"}, {"a": 1}, "url", "not sent to another host"),
        ({"template": "update_contact", "update_mode": "replace"}, {"CONTACT_ID": 1}, "allow_replace", "clears every"),
        ({"template": "delete_contact"}, {"CONTACT_ID": ""}, "records", "the id of the record is missing"),
        ({"template": "delete_contact"}, [{"CONTACT_ID": 1}, {"CONTACT_ID": 2}], "records", "one record"),
        ({"template": "delete_contact"}, "[]", "records", "one record"),
        (CREATE, "{", "records", "Line 1, column 2"),
        (CREATE, "[5]", "records", "must be an object"),
    ],
)
def test_mistakes_are_told_before_anything_is_sent(
    page, connection_to_sandbox, settings: dict, records: object, place: str, message: str
):
    assert message in page("test", settings, records)["problems"][place]
    assert not connection_to_sandbox.requests()


def test_a_refusal_says_what_the_server_said_without_masked_values(page):
    found = page(
        "test",
        {"template": "update_contact", "mask_fields": "FIRST_NAME"},
        {"CONTACT_ID": 2**31 - 1, "FIRST_NAME": "Secretissima"},
    )
    assert found["outcome"] == "rejected"
    assert "<strong>404</strong>" in found["html"]
    assert "does not exist" in found["html"]
    assert "Secretissima" not in found["html"]


def test_masked_values_are_masked_in_the_answer_too(page):
    found = page("test", {**CREATE, "mask_fields": "LAST_NAME"}, {"FIRST_NAME": "Ann", "LAST_NAME": "Secretissima"})
    assert found["outcome"] == "succeeded"
    assert "Secretissima" not in found["html"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"password": "another-key-entirely"}, "Check the API key"),
        ({"password": ""}, "has no API key"),
        ({"extra": {"base_url": "http://127.0.0.1:9/v3.1"}}, "Nothing answers there"),
        ({"extra": {}}, "cannot be used"),
        ({"extra": {"speed": 5}}, "speed"),
    ],
)
def test_trouble_with_the_connection_is_told_without_the_key(
    sign_in, connection_to_sandbox, monkeypatch, change: dict, message: str
):
    sandbox = connection_to_sandbox
    good = {"conn_type": "insightly", "password": sandbox.api_key, "extra": {"base_url": sandbox.base_url}}
    monkeypatch.setenv("AIRFLOW_CONN_INSIGHTLY_DEFAULT", json.dumps({**good, **change}))
    sheet = {"settings": CREATE, "records": '{"FIRST_NAME": "Ann"}'}
    answer = sign_in("op").post(f"/connectors/{SENDER}/payloads/test", json=sheet)
    assert answer.status_code == 200
    assert answer.json()["outcome"] == "failed"
    assert message in answer.json()["html"]
    for key in (sandbox.api_key, "another-key-entirely"):
        assert key not in answer.text


def test_a_server_that_does_not_answer_is_waited_for_briefly(page, connection_to_sandbox, monkeypatch):
    monkeypatch.setattr("airflow_provider_insightly.ui.pages.payloads.READ_SECONDS", 0.3)
    connection_to_sandbox.faults([{"kind": "stall", "nth": 1, "seconds": 5}])
    found = page("test", CREATE, {"FIRST_NAME": "Ann"})
    assert found["outcome"] == "unknown"
    assert "may have been done" in found["html"]


def test_a_key_that_a_server_sends_back_is_not_shown(page, connection_to_sandbox):
    key = connection_to_sandbox.api_key
    found = page("test", CREATE, {"FIRST_NAME": "Ann", "LAST_NAME": key})
    assert found["outcome"] == "succeeded"
    assert key not in found["html"]


def test_a_test_stands_in_the_audit_log_and_the_servers_log_without_its_record(page, caplog):
    from airflow.models.log import Log
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with caplog.at_level("INFO"):
        page("test", CREATE, {"FIRST_NAME": "Secretissima"})
    with create_session() as session:
        rows = session.scalars(select(Log).where(Log.event == "insightly_send_test_data").order_by(Log.id)).all()
    row = rows[-1]
    assert (row.dag_id, row.owner) == (SENDER, "ann")
    assert json.loads(row.extra) == {"method": "POST", "url": "/Contacts", "conn_id": "insightly_default"}
    assert "'ann' sent test data" in caplog.text
    assert "Secretissima" not in caplog.text


# Who may


@pytest.mark.parametrize("action", ["preview", "test"])
def test_nobody_and_other_sites_are_refused(sign_in, connection_to_sandbox, action: str):
    path, sheet = f"/connectors/{SENDER}/payloads/{action}", {"settings": CREATE, "records": '{"FIRST_NAME": "A"}'}
    assert sign_in(None).post(path, json=sheet).status_code == 401
    foreign = sign_in("admin").post(path, json=sheet, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert not connection_to_sandbox.requests()


def test_a_viewer_sees_samples_and_sends_nothing(sign_in, connection_to_sandbox):
    viewer, sheet = sign_in("viewer"), {"settings": CREATE, "records": '{"FIRST_NAME": "A"}'}
    shown = viewer.post(f"/connectors/{SENDER}/payloads/preview", json=sheet)
    assert shown.status_code == 200
    assert "data-send" not in shown.json()["html"]
    assert viewer.post(f"/connectors/{SENDER}/payloads/test", json=sheet).status_code == 403
    assert not connection_to_sandbox.requests()
