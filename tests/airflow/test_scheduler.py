"""DAGs through Airflow's own scheduler, workers and API server: processes of their own, on this machine."""

from __future__ import annotations

import json

import psutil
import pytest

pytestmark = pytest.mark.airflow


def test_from_a_template_to_a_dag_that_reads_the_answers(standalone, insightly_sandbox, tmp_path):
    """What Insightly's destination page has a user do: look, change, try, activate, and use the answers."""
    people = tmp_path / "people.csv"
    people.write_text("row,FIRST_NAME,LAST_NAME\n1,Zoë,O'Brien\n", encoding="utf-8")
    chosen = ["--template", "create_contact", "--exclude", "row"]

    first = standalone.command("preview", str(people), *chosen)
    changed = standalone.command("preview", str(people), *chosen, "--rename", "LAST_NAME=TITLE")
    assert '{"FIRST_NAME":"Zoë","LAST_NAME":"O\'Brien"}' in first
    assert '{"FIRST_NAME":"Zoë","TITLE":"O\'Brien"}' in changed
    assert insightly_sandbox.requests() == []

    edited = json.dumps({"row": "1", "FIRST_NAME": "Zoë", "LAST_NAME": "Tester"})
    assert "succeeded: 201" in standalone.command("send-test", edited, *chosen)
    (tested,) = insightly_sandbox.call("GET", "/Contacts").json()
    assert tested["LAST_NAME"] == "Tester"

    assert standalone.find("example_producer")["is_paused"]
    standalone.activate("example_consumer")
    sending = standalone.trigger("example_producer", folder=str(tmp_path))
    assert standalone.finish("example_producer", sending) == "success"

    def started():
        return standalone.call("GET", "/dags/example_consumer/dagRuns")["dag_runs"]

    (reading,) = standalone.wait_until("a run of example_consumer", started)
    assert reading["run_type"] == "asset_triggered"
    assert standalone.finish("example_consumer", reading["dag_run_id"]) == "success"
    sent = standalone.xcom("example_producer", sending, "create")["record_ids"]
    assert standalone.xcom("example_consumer", reading["dag_run_id"], "read_ids") == sent
    kept = insightly_sandbox.call("GET", "/Contacts").json()
    assert [contact["CONTACT_ID"] for contact in kept] == [tested["CONTACT_ID"], *sent]


def test_both_dags_run_through_the_scheduler(standalone, insightly_sandbox):
    insightly_sandbox.reset("demo")
    before = len(insightly_sandbox.requests(method="POST"))
    sending = standalone.trigger("insightly_send_contacts")
    connecting = standalone.trigger("insightly_crm_connector", create_prospects=True, backfill=True)

    assert standalone.finish("insightly_send_contacts", sending) == "success"
    assert standalone.finish("insightly_crm_connector", connecting) == "success"

    sent = standalone.xcom("insightly_send_contacts", sending, "create_contacts")
    assert (sent["succeeded"], sent["failed"]) == (198, 2)
    created = standalone.xcom("insightly_crm_connector", connecting, "report")
    posts = insightly_sandbox.requests(method="POST")[before:]
    prospects = [post for post in posts if post["path"] == "/v3.1/Prospect" and post["status"] == 201]
    assert prospects
    assert len(created["created_prospect_ids"]) == len(set(created["created_prospect_ids"])) == len(prospects)


def find_process(task_id):
    """The process in which a task runs, by the title that Airflow gives it."""
    title = f"airflow worker -- {task_id}"
    (found,) = [each for each in psutil.process_iter(["cmdline"]) if title in " ".join(each.info["cmdline"] or ())]
    return found


def test_a_task_whose_process_is_killed_goes_on_where_it_was(standalone, insightly_sandbox, tmp_path):
    people = [{"FIRST_NAME": "Zoë", "EMAIL_ADDRESS": f"p{number}@example.com"} for number in range(300)]
    source = tmp_path / "people.jsonl"
    source.write_text("".join(f"{json.dumps(person)}\n" for person in people))
    insightly_sandbox.settings(latency_ms=60)
    run = standalone.trigger("example_retried", path=str(source))
    task = f"/dags/example_retried/dagRuns/{run}/taskInstances/create"

    standalone.wait_until("a send under way", lambda: len(insightly_sandbox.requests(method="POST")) > 50)
    find_process(standalone.call("GET", task)["id"]).kill()

    assert standalone.finish("example_retried", run) == "success"
    assert standalone.call("GET", task)["try_number"] == 2
    sent = standalone.xcom("example_retried", run, "create")
    kept = insightly_sandbox.call("GET", "/Contacts", params={"top": 500}).json()
    by_id = {contact["CONTACT_ID"]: contact["EMAIL_ADDRESS"] for contact in kept}
    assert [by_id[record_id] for record_id in sent["record_ids"]] == [person["EMAIL_ADDRESS"] for person in people]
    assert len(kept) == len(people)
    assert (sent["succeeded"] + sent["skipped"], sent["failed"]) == (len(people), 0)
    assert 50 < sent["skipped"] < len(people)
