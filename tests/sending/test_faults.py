"""The fault matrix: whatever goes wrong, each record is in Insightly exactly once, and every id is right.

``INSIGHTLY_FAULT_RECORDS=1000 INSIGHTLY_FAULT_KILLS=20`` runs it with as many records and kills as one likes, and
``INSIGHTLY_FAULT_STALL=30 INSIGHTLY_FAULT_READ_TIMEOUT=5`` with stalls of so many seconds.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from airflow_provider_insightly.api.errors import AccessDeniedError, DailyQuotaError
from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox
from airflow_provider_insightly.sending.journal import OvertakenError
from airflow_provider_insightly.sending.send import DeliveryPolicy
from airflow_provider_insightly.sending.settings import from_template
from airflow_provider_insightly.sending.template import get_template
from tests.sending.conftest import Sent, make_client
from tests.sending.test_send import contacts, emails

Run = Callable[..., Sent]

ROOT = Path(__file__).parents[2]
COUNT = int(os.environ.get("INSIGHTLY_FAULT_RECORDS", "120"))
KILLS = int(os.environ.get("INSIGHTLY_FAULT_KILLS", "4"))
STALL = float(os.environ.get("INSIGHTLY_FAULT_STALL", "0.6"))  # seconds
READ_TIMEOUT = float(os.environ.get("INSIGHTLY_FAULT_READ_TIMEOUT", "0.3"))
BY_EMAIL = DeliveryPolicy(match_on=("EMAIL_ADDRESS",), unknown_wait=0.2)

FAULTS = {
    "503": [{"kind": "status", "status": 503, "rate": 0.05}],
    "dropped after the commit": [{"kind": "drop_after_commit", "rate": 0.05, "method": "POST"}],
    "dropped before": [{"kind": "drop_before", "rate": 0.05, "method": "POST"}],
    "stalls": [{"kind": "stall", "seconds": STALL, "rate": 0.03, "method": "POST"}],
    "429 without Retry-After": [{"kind": "status", "status": 429, "rate": 0.1}],
    "429 with Retry-After": [{"kind": "status", "status": 429, "retry_after": 0.05, "rate": 0.1}],
    "HTML 500": [{"kind": "html", "status": 500, "rate": 0.05, "method": "POST"}],
    "truncated JSON": [{"kind": "truncate", "rate": 0.05, "method": "POST"}],
    "all at once": [
        {"kind": "status", "status": 503, "rate": 0.03},
        {"kind": "drop_after_commit", "rate": 0.03, "method": "POST"},
        {"kind": "drop_before", "rate": 0.03},
        {"kind": "truncate", "rate": 0.03, "method": "POST"},
    ],
}


def assert_exactly_once(sandbox: InsightlySandbox, records: list[dict[str, str]], sent: Sent) -> None:
    kept = contacts(sandbox)
    assert Counter(c["EMAIL_ADDRESS"] for c in kept) == Counter(r["EMAIL_ADDRESS"] for r in records)
    by_id = {c["CONTACT_ID"]: c["EMAIL_ADDRESS"] for c in kept}
    assert [by_id.get(i) for i in sent.summary["record_ids"]] == [r["EMAIL_ADDRESS"] for r in records]
    assert sent.summary["failed"] == 0
    assert sent.summary["succeeded"] + sent.summary["skipped"] == len(records)


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
def test_faults(faults: list, run_send: Run, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.faults(faults, seed=7)
    records = emails(COUNT)

    sent = run_send(
        "create_contact", records, policy=BY_EMAIL, via=make_client(insightly_sandbox, read_timeout=READ_TIMEOUT)
    )

    insightly_sandbox.faults([])
    assert_exactly_once(insightly_sandbox, records, sent)


def test_searches_that_lag_behind(run_send: Run, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.settings(read_lag=0.5)
    insightly_sandbox.faults([{"kind": "drop_after_commit", "every": 5, "method": "POST"}])
    records = emails(30)

    sent = run_send("create_contact", records, policy=DeliveryPolicy(match_on=("EMAIL_ADDRESS",), unknown_wait=1.0))

    insightly_sandbox.faults([])
    insightly_sandbox.settings(read_lag=0)
    assert_exactly_once(insightly_sandbox, records, sent)


def test_a_server_whose_clock_is_off(run_send: Run, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.settings(clock_offset=-3600)
    insightly_sandbox.faults([{"kind": "drop_after_commit", "every": 4, "method": "POST"}])
    records = emails(20)

    sent = run_send("create_contact", records, policy=BY_EMAIL)

    assert_exactly_once(insightly_sandbox, records, sent)


def test_equal_records_in_doubt_each_get_an_id(run_send: Run, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.faults([{"kind": "drop_after_commit", "nth": [2, 3, 5], "method": "POST"}])
    records = [{"FIRST_NAME": "Ann", "EMAIL_ADDRESS": "ann@example.com"}] * 6

    sent = run_send("create_contact", records, policy=BY_EMAIL)

    assert len(contacts(insightly_sandbox)) == 6
    assert len(set(sent.summary["record_ids"])) == 6


def test_records_that_share_an_address_are_told_apart_by_the_rest(run_send: Run, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.faults(
        [
            {"kind": "drop_before", "nth": 1, "method": "POST"},
            {"kind": "drop_after_commit", "nth": 2, "method": "POST"},
        ]
    )
    records = [{"FIRST_NAME": name, "EMAIL_ADDRESS": "info@example.com"} for name in ("Ann", "Bea")]

    sent = run_send("create_contact", records, policy=BY_EMAIL, via=make_client(insightly_sandbox, concurrency=1))

    by_id = {c["CONTACT_ID"]: c["FIRST_NAME"] for c in contacts(insightly_sandbox)}
    assert [by_id[i] for i in sent.summary["record_ids"]] == ["Ann", "Bea"]
    assert len(by_id) == 2


def test_a_record_of_before_the_send_is_not_adopted(run_send: Run, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.settings(clock_offset=-600)
    older = insightly_sandbox.add("Contacts", FIRST_NAME="Ann", EMAIL_ADDRESS="ann@example.com")
    insightly_sandbox.settings(clock_offset=0)
    insightly_sandbox.faults([{"kind": "drop_before", "nth": 1, "method": "POST"}])

    sent = run_send("create_contact", [{"FIRST_NAME": "Ann", "EMAIL_ADDRESS": "ann@example.com"}], policy=BY_EMAIL)

    assert sent.summary["record_ids"] != [older["CONTACT_ID"]]
    assert len(contacts(insightly_sandbox)) == 2


def test_a_worker_that_goes_on_while_its_task_is_tried_again(run_send: Run, insightly_sandbox: InsightlySandbox):
    """Airflow takes a worker for dead that is not: it waits for an answer when the second attempt begins."""
    insightly_sandbox.faults([{"kind": "stall", "seconds": 0.5, "method": "POST", "times": 1}])
    records = emails(3)
    with ThreadPoolExecutor(1) as worker:
        first = worker.submit(run_send, "create_contact", records, via=make_client(insightly_sandbox, concurrency=1))
        while not insightly_sandbox.requests(method="POST"):
            assert not first.done()
        # It looks for the record for the first time after the answer has come, to the other.
        policy = DeliveryPolicy(match_on=("EMAIL_ADDRESS",), unknown_wait=16)
        second = run_send("create_contact", records, policy=policy)

    assert isinstance(first.exception(), OvertakenError)
    assert_exactly_once(insightly_sandbox, records, second)


def test_without_match_on_a_lost_answer_is_reported_and_never_sent_again(run_send: Run, insightly_sandbox):
    insightly_sandbox.faults([{"kind": "drop_after_commit", "nth": 3, "method": "POST"}])
    records = emails(6)

    first = run_send("create_contact", records)
    second = run_send("create_contact", records)

    assert (first.summary["succeeded"], first.summary["failed"]) == (5, 1)
    assert (second.summary["skipped"], second.summary["failed"]) == (5, 1)
    assert "match_on" in second.rejected[0]
    assert len(contacts(insightly_sandbox)) == 6


def test_resend_accepts_a_duplicate(run_send: Run, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.faults([{"kind": "drop_after_commit", "nth": 1, "method": "POST"}])

    sent = run_send("create_contact", emails(1), policy=DeliveryPolicy(on_unknown="resend"))

    assert sent.summary["succeeded"] == 1
    assert len(contacts(insightly_sandbox)) == 2


def test_the_quota_runs_out_in_the_middle(run_send: Run, insightly_sandbox: InsightlySandbox):
    quota = COUNT // 3
    insightly_sandbox.settings(daily_quota=quota)
    records = emails(COUNT)
    with pytest.raises(DailyQuotaError):
        run_send("create_contact", records, policy=BY_EMAIL)
    assert len(insightly_sandbox.requests(method="POST", status=201)) == quota
    insightly_sandbox.settings(daily_quota=0)

    sent = run_send("create_contact", records, policy=BY_EMAIL)

    assert sent.summary["skipped"] == quota
    assert_exactly_once(insightly_sandbox, records, sent)


def test_what_ran_out_of_attempts_is_sent_by_the_next_attempt(run_send: Run, insightly_sandbox: InsightlySandbox):
    insightly_sandbox.faults([{"kind": "status", "status": 503, "rate": 1, "times": 8}])
    client = make_client(insightly_sandbox, concurrency=1)
    first = run_send("create_contact", emails(3), via=client)
    assert first.report.counts == {"failed": 1, "succeeded": 2}

    second = run_send("create_contact", emails(3))

    assert_exactly_once(insightly_sandbox, emails(3), second)


def test_a_delete_that_was_done_and_not_answered_has_succeeded(run_send: Run, insightly_sandbox: InsightlySandbox):
    ids = [insightly_sandbox.add("Contacts", FIRST_NAME="Ann")["CONTACT_ID"] for _ in range(10)]
    insightly_sandbox.faults([{"kind": "drop_after_commit", "every": 3, "method": "DELETE"}])

    sent = run_send("delete_contact", [{"CONTACT_ID": number} for number in ids])

    assert sent.summary["succeeded"] == 10


def test_a_delete_whose_answer_was_lost_before_the_send_had_to_stop_has_succeeded(run_send: Run, insightly_sandbox):
    ann = insightly_sandbox.add("Contacts", FIRST_NAME="Ann")
    lost = {"kind": "drop_after_commit", "nth": 1, "method": "DELETE"}
    insightly_sandbox.faults([lost, {"kind": "status", "status": 403, "nth": 2, "method": "DELETE"}])
    with pytest.raises(AccessDeniedError):
        run_send("delete_contact", [{"CONTACT_ID": ann["CONTACT_ID"]}])

    sent = run_send("delete_contact", [{"CONTACT_ID": ann["CONTACT_ID"]}])

    assert sent.summary["succeeded"] == 1


def test_a_merge_is_not_in_conflict_with_itself(run_send: Run, insightly_sandbox: InsightlySandbox):
    """An attempt whose answer was lost has changed the record, so the next one's If-Match is stale."""
    ann = insightly_sandbox.add("Contacts", FIRST_NAME="Ann")
    insightly_sandbox.faults([{"kind": "drop_after_commit", "nth": [1, 3, 5], "method": "PUT"}])
    settings = from_template(get_template("update_contact"), update_mode="merge")

    sent = run_send(settings, [{"CONTACT_ID": ann["CONTACT_ID"], "LAST_NAME": "Lee"}])

    assert sent.summary["succeeded"] == 1
    assert contacts(insightly_sandbox)[0]["LAST_NAME"] == "Lee"


def test_a_merge_is_tried_once_more_where_others_change_the_record(run_send: Run, insightly_sandbox: InsightlySandbox):
    ann = insightly_sandbox.add("Contacts", FIRST_NAME="Ann")
    insightly_sandbox.faults([{"kind": "status", "status": 412, "rate": 1, "method": "PUT"}])
    settings = from_template(get_template("update_contact"), update_mode="merge")

    sent = run_send(settings, [{"CONTACT_ID": ann["CONTACT_ID"], "LAST_NAME": "Lee"}])

    assert sent.summary["failed"] == 1
    assert len(insightly_sandbox.requests(method="PUT")) == 2


UPDATE_FAULTS = [
    *({"kind": "status", "status": status, "rate": 0.05} for status in (503, 429)),
    *({"kind": kind, "rate": 0.05} for kind in ("drop_after_commit", "drop_before", "truncate", "html")),
]


@pytest.mark.parametrize("mode", ["partial", "merge", "replace"])
def test_updates_and_deletions_survive_all_faults(mode: Any, run_send: Run, insightly_sandbox: InsightlySandbox):
    ids = [insightly_sandbox.add("Contacts", FIRST_NAME="Ann")["CONTACT_ID"] for _ in range(COUNT)]
    records = [{"CONTACT_ID": contact_id, "FIRST_NAME": f"Ann {contact_id}"} for contact_id in ids]
    settings = from_template(get_template("update_contact"), update_mode=mode, allow_replace=True)
    insightly_sandbox.faults(UPDATE_FAULTS, seed=3)

    updated = run_send(settings, records)
    insightly_sandbox.faults([])
    kept = {c["CONTACT_ID"]: c["FIRST_NAME"] for c in contacts(insightly_sandbox)}
    insightly_sandbox.faults(UPDATE_FAULTS, seed=4)
    deleted = run_send("delete_contact", [{"CONTACT_ID": contact_id} for contact_id in ids], "deletion")
    insightly_sandbox.faults([])

    assert (updated.summary["succeeded"], updated.summary["record_ids"]) == (COUNT, ids)
    assert kept == {record["CONTACT_ID"]: record["FIRST_NAME"] for record in records}
    assert deleted.summary["succeeded"] == COUNT
    assert contacts(insightly_sandbox) == []


def test_a_worker_that_is_killed_at_random_moments(store: Engine, insightly_sandbox: InsightlySandbox, tmp_path: Path):
    insightly_sandbox.settings(latency_ms=60)  # so that the send takes longer than all its lives that are cut short
    insightly_sandbox.faults(
        [{"kind": kind, "rate": 0.02, "method": "POST"} for kind in ("drop_before", "drop_after_commit", "truncate")]
    )
    result = tmp_path / "summary.json"
    arguments = [
        insightly_sandbox.base_url,
        insightly_sandbox.api_key,
        store.url.render_as_string(hide_password=False),
        str(result),
        str(COUNT),
    ]
    moments = random.Random(4)
    kills = 0
    while not result.exists():
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.sending.worker", *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert worker.stdout.readline() == "ready\n"
        try:
            worker.wait(timeout=moments.uniform(0.02, 0.5) if kills < KILLS else 600)
        except subprocess.TimeoutExpired:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            kills += 1
        worker.stdout.close()

    insightly_sandbox.faults([])
    summary = json.loads(result.read_text())
    kept = {c["CONTACT_ID"]: c["EMAIL_ADDRESS"] for c in contacts(insightly_sandbox)}
    assert kills == KILLS
    assert len(kept) == COUNT
    assert [kept[i] for i in summary["record_ids"]] == [r["EMAIL_ADDRESS"] for r in emails(COUNT)]
