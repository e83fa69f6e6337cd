from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest

from airflow_provider_insightly.api.catalogue import get_object
from airflow_provider_insightly.api.errors import AccessDeniedError, AuthenticationError
from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox
from airflow_provider_insightly.sending.replay import read_rejected
from airflow_provider_insightly.sending.request import read_items
from airflow_provider_insightly.sending.result import read_ids
from airflow_provider_insightly.sending.send import DeliveryPolicy
from airflow_provider_insightly.sending.settings import SendSettings, from_template
from airflow_provider_insightly.sending.source import number_records, read_file
from airflow_provider_insightly.sending.template import get_template
from tests.sending.conftest import Sent, make_client

Run = Callable[..., Sent]

NAMES = ["Zoë", "O'Brien", "Łukasz", "李", "a\u0301", "  spaces  ", 'quo"te', "back\\slash", "line\nbreak", "🎈"]


def emails(count: int) -> list[dict[str, str]]:
    return [{"FIRST_NAME": NAMES[n % len(NAMES)], "EMAIL_ADDRESS": f"p{n}@example.com"} for n in range(count)]


def contacts(sandbox: InsightlySandbox) -> list[dict]:
    found: list[dict] = []
    while page := sandbox.call("GET", "/Contacts", params={"top": 500, "skip": len(found)}).json():
        found += page
    return found


def test_creates_each_record_once_and_returns_ids_in_their_order(run_send: Run, insightly_sandbox: InsightlySandbox):
    records = emails(60)

    sent = run_send("create_contact", records)

    kept = {c["CONTACT_ID"]: c for c in contacts(insightly_sandbox)}
    assert len(kept) == 60
    assert [kept[i]["EMAIL_ADDRESS"] for i in sent.summary["record_ids"]] == [r["EMAIL_ADDRESS"] for r in records]
    assert [kept[i]["FIRST_NAME"] for i in sent.summary["record_ids"]] == [r["FIRST_NAME"] for r in records]
    assert sent.summary["succeeded"] == 60
    assert [json.loads(line)["indices"] for line in sent.responses] == [[n] for n in range(60)]


def test_moves_custom_fields_and_reads_text_by_type(run_send: Run, insightly_sandbox: InsightlySandbox):
    row = {
        "FIRST_NAME": "Ann",
        "DATE_OF_BIRTH": "1980-02-29",
        "EMAIL_OPTED_OUT": "TRUE",
        "Hobby__c": "Go",
        "PHONE": None,
    }

    run_send("create_contact", [{**row, "PHONE": None}])

    body = insightly_sandbox.requests(method="POST")[0]["body"]
    assert body == {
        "FIRST_NAME": "Ann",
        "DATE_OF_BIRTH": "1980-02-29 00:00:00",
        "EMAIL_OPTED_OUT": True,
        "CUSTOMFIELDS": [{"FIELD_NAME": "Hobby__c", "FIELD_VALUE": "Go"}],
    }


def test_rejected_records_are_written_down_and_the_others_sent(run_send: Run, insightly_sandbox: InsightlySandbox):
    records = [{"FIRST_NAME": "Ann"}, {"LAST_NAME": "Nameless"}, {"FIRST_NAME": "B" * 256}, {"FIRST_NAME": "Cy"}]

    sent = run_send("create_contact", records)

    assert (sent.summary["succeeded"], sent.summary["failed"]) == (2, 2)
    assert [bool(i) for i in sent.summary["record_ids"]] == [True, False, False, True]
    missing, too_long = (json.loads(line) for line in sent.rejected)
    assert (missing["index"], missing["field"], missing["record"]) == (1, "FIRST_NAME", {"LAST_NAME": "Nameless"})
    assert "at most 255" in too_long["message"]
    assert len(insightly_sandbox.requests(method="POST")) == 2


def test_a_server_side_refusal_names_the_record(run_send: Run, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.faults([{"kind": "status", "nth": 2, "status": 400, "text": "EMAIL is wrong", "method": "POST"}])

    sent = run_send("create_contact", emails(3), via=make_client(insightly_sandbox, concurrency=1))

    rejected = json.loads(sent.rejected[0])
    assert (rejected["index"], rejected["status"], rejected["outcome"]) == (1, 400, "rejected")
    assert "EMAIL is wrong" in rejected["message"]


def test_updates_by_id_with_the_given_fields_alone(run_send: Run, insightly_sandbox: InsightlySandbox):
    ann = insightly_sandbox.add("Contacts", FIRST_NAME="Ann", LAST_NAME="Lee")

    sent = run_send("update_contact", [{"CONTACT_ID": ann["CONTACT_ID"], "LAST_NAME": "Ray"}])

    put = insightly_sandbox.requests(method="PUT")[0]
    assert put["path"] == f"/v3.1/Contacts/{ann['CONTACT_ID']}"
    assert put["body"] == {"CONTACT_ID": ann["CONTACT_ID"], "LAST_NAME": "Ray"}
    assert sent.summary["record_ids"] == [ann["CONTACT_ID"]]
    after = insightly_sandbox.call("GET", f"/Contacts/{ann['CONTACT_ID']}").json()
    assert (after["FIRST_NAME"], after["LAST_NAME"]) == ("Ann", "Ray")


@pytest.mark.parametrize("value", [None, "", "  ", "x", 0, -3, 1.5, True, "7/../8"])
def test_a_bad_id_never_reaches_the_collection(value: object, run_send: Run, insightly_sandbox: InsightlySandbox):
    sent = run_send("delete_contact", [{"CONTACT_ID": value}])

    assert sent.summary["failed"] == 1
    assert json.loads(sent.rejected[0])["field"] == "CONTACT_ID"
    assert insightly_sandbox.requests() == []


def test_deletes(run_send: Run, insightly_sandbox: InsightlySandbox):
    ann = insightly_sandbox.add("Contacts", FIRST_NAME="Ann")

    sent = run_send("delete_contact", [{"CONTACT_ID": str(ann["CONTACT_ID"]), "FIRST_NAME": "not looked at"}])

    assert sent.summary["succeeded"] == 1
    assert contacts(insightly_sandbox) == []


def test_merge_survives_a_server_whose_put_replaces(run_send: Run, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.settings(put="replace")
    ann = insightly_sandbox.add(
        "Contacts", FIRST_NAME="Ann", LAST_NAME="Lee", CUSTOMFIELDS=[{"FIELD_NAME": "A__c", "FIELD_VALUE": "1"}]
    )
    settings = from_template(get_template("update_contact"), update_mode="merge")

    run_send(settings, [{"CONTACT_ID": ann["CONTACT_ID"], "LAST_NAME": "Ray", "B__c": "2"}])

    after = insightly_sandbox.call("GET", f"/Contacts/{ann['CONTACT_ID']}").json()
    assert (after["FIRST_NAME"], after["LAST_NAME"]) == ("Ann", "Ray")
    assert {c["FIELD_NAME"]: c["FIELD_VALUE"] for c in after["CUSTOMFIELDS"]} == {"A__c": "1", "B__c": "2"}


def test_a_record_that_holds_the_key_is_written_back_as_it_was_and_the_key_is_in_no_file(
    run_send: Run, insightly_sandbox: InsightlySandbox
):
    insightly_sandbox.settings(put="replace")
    background = f"The key is {insightly_sandbox.api_key}."
    ann = insightly_sandbox.add("Contacts", FIRST_NAME="Ann", BACKGROUND=background)
    settings = from_template(get_template("update_contact"), update_mode="merge")

    sent = run_send(settings, [{"CONTACT_ID": ann["CONTACT_ID"], "LAST_NAME": "Ray"}])

    assert contacts(insightly_sandbox)[0]["BACKGROUND"] == background
    assert json.loads(sent.responses[0])["response"]["BACKGROUND"] == "The key is ***."


def test_merge_reads_the_record_with_the_headers_of_the_send(run_send: Run, insightly_sandbox: InsightlySandbox):
    ann = insightly_sandbox.add("Contacts", FIRST_NAME="Ann")
    update = get_template("update_contact")
    settings = from_template(update, update_mode="merge", headers={"X-Gateway": "a"})

    run_send(settings, [{"CONTACT_ID": ann["CONTACT_ID"], "LAST_NAME": "Ray"}])

    asked = [r for r in insightly_sandbox.requests() if r["method"] in ("GET", "PUT")]
    assert [{k.lower(): v for k, v in r["headers"].items()}.get("x-gateway") for r in asked] == ["a", "a"]


@pytest.mark.parametrize(("given", "known"), [(7, 7), ("7", 7), (2**70, None), (0, None), (None, None), ("x", None)])
def test_an_id_in_an_answer_that_nobody_can_keep_is_none(given: object, known: int | None):
    item = next(iter(read_items(SendSettings(method="POST", url="/Contacts"), number_records([{"A": 1}]))))

    assert read_ids(get_object("Contacts"), (item,), {"CONTACT_ID": given}) == (known,)


def test_replace_nulls_what_is_not_given(run_send: Run, insightly_sandbox: InsightlySandbox):
    ann = insightly_sandbox.add("Contacts", FIRST_NAME="Ann", LAST_NAME="Lee", PHONE="1")
    settings = from_template(get_template("update_contact"), update_mode="replace", allow_replace=True)

    run_send(settings, [{"CONTACT_ID": ann["CONTACT_ID"], "FIRST_NAME": "Ann", "PHONE": "2"}])

    after = insightly_sandbox.call("GET", f"/Contacts/{ann['CONTACT_ID']}").json()
    assert (after["FIRST_NAME"], after["LAST_NAME"], after["PHONE"]) == ("Ann", None, "2")


def test_a_wrong_key_costs_one_request(run_send: Run, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.faults([{"kind": "status", "rate": 1, "status": 401}])

    with pytest.raises(AuthenticationError):
        run_send("create_contact", emails(50))

    assert len(insightly_sandbox.requests()) == 1


def test_a_permission_lost_on_the_way_stops_the_send_and_keeps_the_rest(run_send: Run, insightly_sandbox):
    insightly_sandbox.faults([{"kind": "status", "nth": list(range(10, 401)), "status": 403}])
    with pytest.raises(AccessDeniedError):
        run_send("create_contact", emails(400))
    asked = len(insightly_sandbox.requests(method="POST"))
    insightly_sandbox.faults([])
    before = len(contacts(insightly_sandbox))

    again = run_send("create_contact", emails(400))

    assert before == 9
    assert asked <= before + 5  # one refusal for each request that was under way
    assert again.summary["skipped"] == before
    assert again.summary["succeeded"] == 400 - before
    assert len(contacts(insightly_sandbox)) == 400
    assert len(set(again.summary["record_ids"])) == 400


def test_stop_ends_the_send_at_the_first_failure(run_send: Run, insightly_sandbox: InsightlySandbox):
    records = [{"FIRST_NAME": "Ann"}, {"FIRST_NAME": ""}, *emails(600)]

    sent = run_send("create_contact", records, policy=DeliveryPolicy(on_record_error="stop"))

    assert sent.summary["failed"] == 1
    assert len(insightly_sandbox.requests(method="POST")) < 300


def test_stop_ends_the_send_at_a_lost_answer_that_nothing_can_tell_about(run_send: Run, insightly_sandbox):
    insightly_sandbox.faults([{"kind": "drop_after_commit", "nth": 2, "method": "POST"}])
    one_by_one = make_client(insightly_sandbox, concurrency=1)

    sent = run_send("create_contact", emails(300), policy=DeliveryPolicy(on_record_error="stop"), via=one_by_one)

    assert sent.summary["failed"] == 1
    assert sent.report.total < 300


@pytest.mark.parametrize(("failed", "ratio", "is_failure"), [(29, 0.29, False), (30, 0.29, True), (1, 0.0, True)])
def test_the_share_that_may_fail_is_exact(failed: int, ratio: float, is_failure: bool, mocker):
    report = mocker.Mock(failed=failed, total=100)

    assert DeliveryPolicy(max_failure_ratio=ratio).is_failure(report) is is_failure


def test_the_id_in_the_url_of_a_create_is_not_that_of_what_was_created(run_send: Run, insightly_sandbox):
    ann = insightly_sandbox.add("Contacts", FIRST_NAME="Ann")["CONTACT_ID"]
    url = "/Contacts/{id}/Notes"
    by_hand = SendSettings(method="POST", url=url, id_field="contact")
    checked = SendSettings(method="POST", url=url, id_field="contact", object="Notes")

    assert run_send(by_hand, [{"contact": ann, "TITLE": "a"}]).summary["record_ids"] == [None]
    run_send(checked, [{"contact": ann, "TITLE": "a"}], "second")
    assert [r["body"] for r in insightly_sandbox.requests(path=f"/v3.1/Contacts/{ann}/Notes")] == [{"TITLE": "a"}] * 2


def test_a_second_attempt_sends_nothing_twice_even_in_another_order(run_send: Run, insightly_sandbox: InsightlySandbox):
    records = [*emails(20), *emails(3)]  # three records stand there twice
    first = run_send("create_contact", records)

    second = run_send("create_contact", records[::-1])

    assert second.summary["skipped"] == 23
    assert len(contacts(insightly_sandbox)) == 23
    assert sorted(second.summary["record_ids"]) == sorted(first.summary["record_ids"])


def test_a_create_is_known_when_a_setting_or_an_excluded_column_has_changed(run_send: Run, insightly_sandbox):
    create = get_template("create_contact")
    records = [{**record, "loaded_at": datetime(2026, 1, 1), "row": n} for n, record in enumerate(emails(5))]
    first = run_send(from_template(create, exclude_attributes=("loaded_at", "row")), records)

    later = [{**record, "loaded_at": datetime(2026, 1, 2)} for record in records]
    second = run_send(from_template(create, exclude_attributes=("loaded_at", "row")), later)
    third = run_send(from_template(create, exclude_attributes=("loaded_at",), rename={"row": "PHONE"}), records)

    assert [sent.summary["skipped"] for sent in (first, second, third)] == [0, 5, 5]
    assert first.summary["record_ids"] == second.summary["record_ids"] == third.summary["record_ids"]
    assert len(contacts(insightly_sandbox)) == 5


def test_a_patch_that_is_refused_says_what_to_do(run_send: Run, insightly_sandbox: InsightlySandbox):
    ann = insightly_sandbox.add("Contacts", FIRST_NAME="Ann")
    settings = SendSettings(method="PATCH", url="/Contacts/{record.CONTACT_ID}")

    sent = run_send(settings, [{"CONTACT_ID": ann["CONTACT_ID"], "FIRST_NAME": "Bea"}])

    assert "patch_fallback='put'" in json.loads(sent.rejected[0])["message"]


def test_a_patch_falls_back_to_put(run_send: Run, insightly_sandbox: InsightlySandbox):
    ann = insightly_sandbox.add("Contacts", FIRST_NAME="Ann")
    settings = SendSettings(method="PATCH", url="/Contacts/{record.CONTACT_ID}", patch_fallback="put")
    records = [{"CONTACT_ID": ann["CONTACT_ID"], "FIRST_NAME": name} for name in ("Bea", "Cy", "Di")]

    sent = run_send(settings, records, via=make_client(insightly_sandbox, concurrency=1))

    assert sent.summary["succeeded"] == 3
    assert [r["method"] for r in insightly_sandbox.requests()][1:] == ["PATCH", "PUT", "PUT", "PUT"]


def test_the_example_of_the_documentation(insightly_sandbox: InsightlySandbox, tmp_path):
    from tests.sending.example import create_leads

    summary = create_leads(
        insightly_sandbox.api_key, insightly_sandbox.base_url, f"sqlite:///{tmp_path / 'example.db'}"
    )

    assert summary["succeeded"] == 2
    assert [lead["LAST_NAME"] for lead in insightly_sandbox.call("GET", "/Leads").json()] == ["Ångström", "Núñez"]


def test_huge_and_endless_values(run_send: Run, insightly_sandbox: InsightlySandbox):
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    huge = "x" * 10_000_000
    records = [
        {"FIRST_NAME": "Ann", "BACKGROUND": huge},
        {"FIRST_NAME": "Bea", "TAGS": deep},
        {"FIRST_NAME": "Cy", "Notes__c": huge},
        {"FIRST_NAME": "caf\udce9"},
    ]

    sent = run_send("create_contact", records)

    rejected = [json.loads(line) for line in sent.rejected]
    assert [(line["index"], line["field"]) for line in rejected] == [(0, "BACKGROUND"), (1, "TAGS"), (3, "FIRST_NAME")]
    assert "10000000 characters" in rejected[0]["message"]
    (kept,) = contacts(insightly_sandbox)
    assert kept["CUSTOMFIELDS"][0]["FIELD_VALUE"] == huge


@pytest.mark.parametrize("value", [math.nan, -math.inf, Decimal("NaN"), "caf\udce9"])
def test_a_rejected_value_that_is_not_corrected_is_rejected_again(value: object, run_send: Run, insightly_sandbox):
    first = run_send("create_contact", [{"FIRST_NAME": "Ann", "PHONE": value}])

    lines = read_file(io.BytesIO("".join(first.rejected).encode()), "jsonl", "rejected")
    again = run_send("create_contact", [record.values for record in read_rejected(lines)])

    assert again.summary["failed"] == 1
    assert [json.loads(line)["field"] for line in (*first.rejected, *again.rejected)] == ["PHONE"] * 2
    assert contacts(insightly_sandbox) == []


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_a_time_that_nobody_can_wait_is_refused(seconds: float):
    with pytest.raises(ValueError, match="unknown_wait must be"):
        DeliveryPolicy(unknown_wait=seconds)


def test_what_cannot_be_sent_may_stand_in_a_column_that_is_left_out(run_send: Run, insightly_sandbox: InsightlySandbox):
    settings = from_template(get_template("create_contact"), exclude_attributes=("row",))
    records = [{"FIRST_NAME": "Ann", "row": value} for value in (10**5000, object(), {1, 2}, b"x", float("nan"))]

    assert run_send(settings, records).summary["succeeded"] == 5
