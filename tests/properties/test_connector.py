"""What must always hold of the connector, over random worlds, random edits and crashes at any request.

The numbers in the names of the checks are those of the list in ``docs/connector.md``.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.api.errors import InsightlyError
from airflow_provider_insightly.api.retry import NO_RETRY
from airflow_provider_insightly.connector.actions import APPLIED
from airflow_provider_insightly.connector.mapping import CRM_VALUE, MARKETING_VALUE, MOST_RECENT
from airflow_provider_insightly.connector.records import EMAIL_FIELD, Ref
from airflow_provider_insightly.connector.settings import BOXES
from airflow_provider_insightly.connector.values import is_empty
from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox
from airflow_provider_insightly.store.engine import open_store
from tests.connector.conftest import ID_FIELDS, Office, empty_store

__all__ = ["empty_store"]

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "0"))
OF_A_PART = 100  # processes share the parts
PARTS = -(-EXAMPLES // OF_A_PART) or 1
MACHINE = settings(
    max_examples=OF_A_PART if EXAMPLES else 20,
    stateful_step_count=14,
    deadline=None,
    derandomize=not EXAMPLES,
    suppress_health_check=list(HealthCheck),
)

ADDRESSES = [f"{name}@example.com" for name in "abc"]
WORDS = ["x", "y", "z", "", None]
PAIRED = {"FIRST_NAME": "FIRST_NAME", "PHONE": "PHONE", "TITLE": "TITLE"}
REPLAYED = ("create", "update_prospect", "update_crm", "change_email", "opt_out_prospect", "opt_out_crm")
OPT_OUT = {"prospect": "OPTED_OUT", "lead": "EMAIL_OPTED_OUT", "contact": "EMAIL_OPTED_OUT", "behavior": MOST_RECENT}
CRM = ("Contacts", "Leads")
NAMES = ("Prospect", *CRM)
KINDS = ("contact", "lead", "prospect")


class Crash(BaseException):
    """The process ends here."""


class Connector(RuleBasedStateMachine):
    """A small CRM and Marketing, people who work in both, and a connector that may die at any request."""

    sandbox: InsightlySandbox
    template: Path
    number = 0

    @initialize(
        boxes=st.fixed_dictionaries({name: st.booleans() for name in BOXES.values()}),
        behavior=st.sampled_from([CRM_VALUE, MARKETING_VALUE, MOST_RECENT]),
    )
    def begin(self, boxes: dict[str, bool], behavior: str) -> None:
        self.sandbox.reset()
        Connector.number += 1
        path = self.template.parent / f"run-{Connector.number}.db"
        shutil.copy(self.template, path)
        self.store = open_store(f"sqlite:///{path}")
        self.path = path
        client = InsightlyClient(
            self.sandbox.api_key, base_url=self.sandbox.base_url, requests_per_second=10_000, retry=NO_RETRY
        )
        self.office = Office(self.sandbox, client, self.store)
        self.office.settings |= boxes
        rows = [{"prospect": name, "lead": name, "contact": name, "behavior": behavior} for name in PAIRED]
        self.office.mapping = [*rows, OPT_OUT]
        self.opted_out: set[int] = set()
        self.values = {*ADDRESSES, *(value for value in WORDS if value), "Ada", "Byron"}
        self.settled = False

    def teardown(self) -> None:
        if not hasattr(self, "office"):
            return
        try:
            self.settle()
        finally:
            self.store.dispose()
            self.path.unlink()

    def ids(self, object_name: str) -> list[int]:
        return [record[ID_FIELDS[object_name]] for record in self.office.all(object_name)]

    def pick(self, object_name: str, index: int) -> int | None:
        ids = self.ids(object_name)
        return ids[index % len(ids)] if ids else None

    # What people do.

    @rule(
        kind=st.sampled_from(KINDS),
        address=st.sampled_from(ADDRESSES),
        word=st.sampled_from(WORDS),
    )
    def add(self, kind: str, address: str, word: str | None) -> None:
        getattr(self.office, kind)(address, PHONE=word, TITLE=word)

    @rule(
        name=st.sampled_from(NAMES),
        index=st.integers(0, 5),
        field=st.sampled_from(sorted(PAIRED)),
        word=st.sampled_from(WORDS),
    )
    def edit(self, name: str, index: int, field: str, word: str | None) -> None:
        number = self.pick(name, index)
        if number is not None and not (field == "FIRST_NAME" and not word):
            self.office.edit(name, number, **{field: word})

    @rule(name=st.sampled_from(NAMES), index=st.integers(0, 5), address=st.sampled_from([*ADDRESSES, "bad"]))
    def move(self, name: str, index: int, address: str) -> None:
        number = self.pick(name, index)
        if number is not None:
            self.office.edit(name, number, **{EMAIL_FIELD[name]: address})

    @rule(name=st.sampled_from(NAMES), index=st.integers(0, 5), out=st.booleans())
    def tick(self, name: str, index: int, out: bool) -> None:
        number = self.pick(name, index)
        if number is not None and (out or name != "Prospect"):
            self.office.edit(name, number, **{"OPTED_OUT" if name == "Prospect" else "EMAIL_OPTED_OUT": out})

    @rule(name=st.sampled_from(NAMES), index=st.integers(0, 5))
    def remove(self, name: str, index: int) -> None:
        number = self.pick(name, index)
        if number is not None:
            self.office.delete(name, number)
            if name == "Prospect":
                self.opted_out.discard(number)

    @rule(index=st.integers(0, 5))
    def convert(self, index: int) -> None:
        number = self.pick("Leads", index)
        if number is not None and not self.office.get("Leads", number)["CONVERTED"]:
            self.office.in_web_page(f"/leads/{number}/convert")

    @rule(one=st.integers(0, 5), other=st.integers(0, 5))
    def merge(self, one: int, other: int) -> None:
        lost, kept = self.pick("Contacts", one), self.pick("Contacts", other)
        if lost is not None and lost != kept:
            self.office.in_web_page(f"/contacts/{lost}/merge-into/{kept}")

    @rule(hours=st.sampled_from([0.05, 30]))
    def wait(self, hours: float) -> None:
        self.office.wait(hours=hours)

    # What the connector does.

    @rule(backfill=st.booleans())
    def sync(self, backfill: bool) -> None:
        self.checked_run(backfill=backfill)

    @rule()
    def sync_while_a_permission_is_lost(self) -> None:
        """Within the grace period nothing may be concluded from it."""
        links, tombstones = self.office.links(), self.office.tombstones()
        prospects = {number: self.office.get("Prospect", number)["DO_NOT_SYNC"] for number in self.ids("Prospect")}
        if set(links) - set(prospects) or any(self.is_gone(ref) for ref in links.values()):
            return  # real deletions may come due
        self.office.in_web_page("/permissions/Contacts/lose")
        self.office.run(create_prospects=False, delete_grace_hours=1000)
        self.office.in_web_page("/permissions/Contacts/regain")
        assert {pair for pair in self.office.tombstones() - tombstones if pair[1].object == "Contacts"} == set()
        for number, closed in prospects.items():
            assert self.office.get("Prospect", number)["DO_NOT_SYNC"] == closed

    @rule(
        nth=st.integers(1, 25),
        committed=st.booleans(),
        cleared=st.booleans(),
        backfill=st.booleans(),
    )
    def crash(self, nth: int, committed: bool, cleared: bool, backfill: bool) -> None:
        """The process dies at its nth request, before or after the server did it; 3: the run taken up again is safe."""
        run_id = f"crash {self.office.offset} {random.random()}"
        original, left = self.office.client._send, [nth]

        def send(prepared: Any) -> Any:
            left[0] -= 1
            if left[0] == 0 and not committed:
                raise Crash
            answer = original(prepared)
            if left[0] == 0:
                raise Crash
            return answer

        self.office.client._send = send  # type: ignore[method-assign]
        try:
            self.office.run(run_id=run_id, backfill=backfill)
        except Crash:
            pass
        finally:
            self.office.client._send = original  # type: ignore[method-assign]
        if cleared:
            self.office.run(run_id=run_id, backfill=backfill)
        self.check_world()

    @rule(
        status=st.sampled_from([400, 403]),
        method=st.sampled_from(["GET", "POST", "PUT"]),
        nth=st.sets(st.integers(1, 6), min_size=1, max_size=4),
    )
    def sync_while_requests_are_refused(self, status: int, method: str, nth: set[int]) -> None:
        """What is refused is tried again; where too much is, the run ends before its end."""
        fault = {"kind": "status", "status": status, "method": method, "object": "Prospect", "nth": sorted(nth)}
        self.sandbox.faults([fault])
        with contextlib.suppress(InsightlyError):
            self.office.run(run_id=f"crash {self.office.offset} {random.random()}")
        self.sandbox.faults([])
        self.check_world()

    @rule(delete_mode=st.sampled_from(["archive", "delete"]))
    def sync_with_a_yes(self, delete_mode: str) -> None:
        """A person lets through what waits for one."""
        plan = self.office.run(delete_mode=delete_mode, dry_run=True).plan_hash
        assert self.office.run(delete_mode=delete_mode, approve_plan=plan).plan_hash == plan  # 13
        self.check_world()

    @rule(name=st.sampled_from(NAMES), index=st.integers(0, 5))
    def sync_one_record(self, name: str, index: int) -> None:
        number = self.pick(name, index)
        if number is not None:
            self.office.run(only=Ref(name, number))
            self.check_world()

    def checked_run(self, **options: Any) -> Any:
        dry = self.office.run(dry_run=True, **options)
        crm_before = {name: set(self.ids(name)) for name in CRM}
        before = len(self.sandbox.requests())
        run_id = f"run {before} {random.random()}"
        report = self.office.run(run_id=run_id, **options)
        received = self.sandbox.requests()[before:]
        writes = [each for each in received if each["method"] != "GET"]
        assert report.plan_hash == dry.plan_hash  # 13: the dry run's plan is the real run's
        assert {name: set(self.ids(name)) for name in CRM} == crm_before  # 7
        assert not [each for each in writes if each["method"] != "PUT" and "Prospect" not in each["path"]]  # 7
        pages = [each for each in received if each["method"] == "GET" and each["path"].lower().count("/") <= 3]
        self.check_values(writes)
        self.check_replay(run_id)
        changes = sum(sum(counts.values()) for counts in report.results.values())
        assert len(received) <= 6 * changes + len(pages) + self.looked_up() + 10  # 16; a merge takes 6 requests
        self.check_world()
        return report

    def looked_up(self) -> int:
        """Reads by id that changes behind our back cost: at most one for each record that there is."""
        return sum(len(self.ids(name)) for name in ("Prospect", *CRM))

    def check_values(self, writes: list[dict[str, Any]]) -> None:
        boxes = self.office.settings
        for each in writes:
            body = each["body"] if isinstance(each["body"], dict) else {}
            for field, value in body.items():
                if isinstance(value, str):
                    assert value.strip() in self.values | {""}, each  # 5: every written value existed
                if is_empty(value):
                    to_marketing = "Prospect" in each["path"]
                    box = "crm_empty_overwrites_marketing" if to_marketing else "marketing_empty_overwrites_crm"
                    assert boxes[box], (field, each)  # 6: with the boxes off nothing is lost

    def check_world(self) -> None:
        links = self.office.links()
        assert len(set(links.values())) == len(links)  # 8: links are one to one
        assert not set(links.items()) & self.office.tombstones()  # 9: no tombstoned pair comes back
        prospects = {record["PROSPECT_ID"]: record for record in self.office.all("Prospect")}
        assert all(prospects[number]["OPTED_OUT"] for number in self.opted_out & set(prospects))  # 4
        self.opted_out |= {number for number, record in prospects.items() if record["OPTED_OUT"]}
        assert self.office.log(result=None) is not None

    def is_gone(self, ref: Ref) -> bool:
        return self.sandbox.call("GET", f"/{ref.object}/{ref.id}").status_code == 404

    def settle(self) -> None:
        """1 and 2: two runs after the last edit both sides agree, and the third writes nothing."""
        for _ in range(4):  # what is missing gets past its grace period; merges lead to further changes
            self.checked_run()
            self.office.wait(hours=30)
        before = len(self.sandbox.requests())
        report = self.office.run()
        assert [each for each in self.sandbox.requests()[before:] if each["method"] != "GET"] == [], report
        unfinished = [row for row in self.office.log() if row["result"] is None]
        assert not [row for row in unfinished if not row["run_id"].startswith("crash")]  # 14
        self.check_agreement()

    def check_agreement(self) -> None:
        for prospect_id, ref in self.office.links().items():
            prospect = self.sandbox.call("GET", f"/Prospect/{prospect_id}")
            crm = self.sandbox.call("GET", f"/{ref.object}/{ref.id}")
            if not prospect.ok or not crm.ok:
                continue
            assert not prospect.json()["DO_NOT_SYNC"]  # nobody here closes one, and what we archive is in no pair
            for field in PAIRED:
                ours, theirs = prospect.json()[field], crm.json()[field]
                if is_empty(ours) or is_empty(theirs):
                    continue  # an empty winner may be held back
                quarantined = [
                    row
                    for row in self.office.log(record=Ref("Prospect", prospect_id), field=field)
                    if (row["reason"] or "").startswith("quarantined")
                ]
                assert ours == theirs or quarantined, (field, prospect.json(), crm.json())

    def check_replay(self, run_id: str) -> None:
        """14: what a run logged as applied is what both sides have after it."""
        written: dict[tuple[Ref, str], Any] = {}
        for row in reversed(self.office.log(run_id=run_id, result=APPLIED)):  # the oldest first
            to_crm = row["direction"] == "to_crm"
            target = Ref(row["crm_object"], row["crm_id"]) if to_crm else Ref("Prospect", row["prospect_id"])
            if row["field"] and row["event"] in REPLAYED:
                written[target, row["field"]] = row["after"]
        for (target, field), value in written.items():
            assert self.office.get(*target)[field] == value, (target, field)


@pytest.fixture
def machine(insightly_sandbox_server: InsightlySandbox, empty_store: Path) -> type[Connector]:
    Connector.sandbox, Connector.template = insightly_sandbox_server, empty_store
    return Connector


@pytest.mark.parametrize("part", range(PARTS))
def test_connector(machine: type[Connector], part: int) -> None:
    run_state_machine_as_test(machine, settings=MACHINE)
