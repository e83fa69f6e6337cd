"""Runs that died, tasks that are cleared in any order, and old runs that are cleared after newer ones."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from airflow_provider_insightly.api.errors import AccessDeniedError
from airflow_provider_insightly.connector import plans
from airflow_provider_insightly.connector.applying import DENIALS
from airflow_provider_insightly.connector.plans import OutdatedPlanError, chunks, read_plan
from airflow_provider_insightly.connector.records import Ref
from airflow_provider_insightly.store.tables import connector_actions, connector_records
from tests.connector.conftest import Office

CREATING = {"create_prospects": True, "backfill": True}
DELETING = {"delete_or_merge_prospects": True, "delete_grace_hours": 0, "delete_mode": "delete"}


class Crash(BaseException):
    """The process ends here."""


def crash(office: Office, method: str, *, before: bool = False, **options: Any) -> None:
    """Run, and die at the first request of this kind: when the server has answered it, or before it is sent."""
    original = office.client._send

    def send(prepared: Any) -> Any:
        if prepared.method == method and before:
            raise Crash
        answer = original(prepared)
        if prepared.method == method:
            raise Crash
        return answer

    office.client._send = send  # type: ignore[method-assign]
    try:
        with pytest.raises(Crash):
            office.run(**options)
    finally:
        office.client._send = original  # type: ignore[method-assign]


def pairs(office: Office, number: int) -> list[tuple[int, int]]:
    """Return pairs, each a Contact and its prospect."""
    made = [(office.contact(f"{each}@example.com"), office.prospect(f"{each}@example.com")) for each in range(number)]
    office.run()
    return made


def results(office: Office, event: str) -> list[str]:
    return [row["result"] for row in office.log(event=event, run_id="one")]


def staged(office: Office, prospect: int) -> Any:
    table = connector_records.c
    query = select(connector_records).where(table.object == "Prospect", table.record_id == prospect)
    with office.store.connect() as connection:
        return connection.execute(query).one()


def test_a_created_prospect_that_was_read_before_its_task_was_cleared_is_not_created_again(office: Office) -> None:
    contact = office.contact("a@example.com")
    crash(office, "POST", run_id="one", **CREATING)
    office.run(run_id="one", **CREATING)  # all tasks are cleared, and so the prospects are read again
    [prospect] = office.all("Prospect")
    assert office.links() == {prospect["PROSPECT_ID"]: Ref("Contacts", contact)}


def test_an_older_prospect_that_got_the_address_meanwhile_is_not_taken_for_the_created_one(office: Office) -> None:
    contact, other = office.contact("a@example.com"), office.prospect("b@example.com")
    office.wait(hours=1)
    crash(office, "POST", before=True, run_id="one", **CREATING)
    office.edit("Prospect", other, EMAIL_ADDRESS="a@example.com")
    office.run(run_id="one", **CREATING)
    [(prospect, crm)] = office.links().items()
    assert crm == Ref("Contacts", contact)
    assert prospect != other


def test_an_old_run_that_is_cleared_after_a_newer_one_creates_nothing(office: Office) -> None:
    office.contact("a@example.com")
    crash(office, "POST", run_id="one", **CREATING)
    office.run(run_id="two", **CREATING)
    with pytest.raises(OutdatedPlanError, match="'two' has planned anew"):
        office.run(run_id="one", **CREATING)
    assert len(office.all("Prospect")) == 1


def test_an_old_run_that_is_cleared_after_a_newer_one_undoes_nothing(office: Office) -> None:
    [(contact, prospect)] = pairs(office, 1)
    office.wait(minutes=1)
    office.edit("Contacts", contact, FIRST_NAME="Grace")
    crash(office, "PUT", before=True, run_id="one")
    office.wait(minutes=1)
    office.edit("Contacts", contact, FIRST_NAME="Augusta")
    office.run(run_id="two")
    with pytest.raises(OutdatedPlanError):
        office.run(run_id="one")
    assert office.get("Prospect", prospect)["FIRST_NAME"] == "Augusta"


def test_a_dry_run_puts_no_plan_out_of_date(office: Office) -> None:
    [(contact, prospect)] = pairs(office, 1)
    office.wait(minutes=1)
    office.edit("Contacts", contact, FIRST_NAME="Grace")
    crash(office, "PUT", before=True, run_id="one")
    office.run(dry_run=True)
    office.run(run_id="one")
    assert office.get("Prospect", prospect)["FIRST_NAME"] == "Grace"


def test_a_step_that_is_cleared_when_it_is_half_done_has_the_same_chunks(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the task that counts the created prospects counts those too that were created before."""
    monkeypatch.setattr(plans, "CHUNK", 2)
    for number in range(5):
        office.contact(f"{number}@example.com")
    crash(office, "POST", run_id="one", **CREATING)

    def parts() -> list[tuple[int, int]]:
        with office.store.connect() as connection:
            return chunks(connection, read_plan(connection, "test", "one"), "create_prospects")

    before = parts()
    office.run(run_id="one", **CREATING)
    assert len(before) == 3
    assert parts() == before


def test_a_delete_that_was_done_and_not_noted_is_applied(office: Office) -> None:
    [(contact, prospect), _] = pairs(office, 2)
    office.delete("Contacts", contact)
    plan = office.run(dry_run=True, **DELETING).plan_hash
    crash(office, "DELETE", run_id="one", approve_plan=plan, **DELETING)
    office.run(run_id="one", approve_plan=plan, **DELETING)
    assert results(office, "delete") == ["applied"]
    assert staged(office, prospect).gone


def test_a_delete_of_a_prospect_that_cannot_be_seen_is_not_taken_for_done(office: Office) -> None:
    [(contact, prospect), _] = pairs(office, 2)
    office.delete("Contacts", contact)
    plan = office.run(dry_run=True, **DELETING).plan_hash
    office.sandbox.faults([{"kind": "status", "status": 404, "method": "DELETE", "nth": 1}])
    office.run(run_id="one", approve_plan=plan, **DELETING)
    assert results(office, "delete") == ["failed"]
    assert not staged(office, prospect).gone


def test_a_merge_whose_loser_was_deleted_and_not_noted_leaves_it_gone(office: Office) -> None:
    """Otherwise it would hold its address until the next sweep."""
    [(lost, loser), (kept, survivor)] = pairs(office, 2)
    office.delete("Contacts", lost)
    options = {**DELETING, "merge_map": {f"Contacts/{lost}": f"Contacts/{kept}"}}
    plan = office.run(dry_run=True, **options).plan_hash
    crash(office, "DELETE", run_id="one", approve_plan=plan, **options)
    office.run(run_id="one", approve_plan=plan, **options, sweep_hours=24)
    assert results(office, "merge") == ["applied"]
    assert (staged(office, loser).gone, staged(office, survivor).gone) == (True, False)


def test_a_merge_whose_survivor_is_gone_says_so_of_the_survivor(office: Office) -> None:
    [(lost, loser), (kept, survivor)] = pairs(office, 2)
    office.delete("Contacts", lost)
    options = {**DELETING, "delete_mode": "archive", "merge_map": {f"Contacts/{lost}": f"Contacts/{kept}"}}
    office.sandbox.faults([{"kind": "status", "status": 404, "method": "GET", "path": f"/Prospect/{survivor}"}])
    office.run(run_id="one", **options)
    assert results(office, "merge") == ["failed"]
    assert (staged(office, loser).missing_since, staged(office, survivor).missing_since is None) == (None, False)


def test_a_plan_of_which_only_pairs_were_made_keeps_its_approval(office: Office) -> None:
    """Made again, it would have another hash: what a person approved would wait again."""
    [(contact, prospect), _] = pairs(office, 2)
    office.delete("Contacts", contact)
    office.contact("new@example.com", FIRST_NAME="Grace"), office.prospect("new@example.com")
    plan = office.run(dry_run=True, **DELETING).plan_hash
    crash(office, "PUT", before=True, run_id="one", approve_plan=plan, **DELETING)
    with office.store.begin() as connection:  # the pair is made, and nothing else was begun
        connection.execute(update(connector_actions).values(started_at=None))
    office.run(run_id="one", approve_plan=plan, **DELETING)
    assert results(office, "delete") == ["applied"]
    assert staged(office, prospect).gone


MOST = list(range(1, DENIALS + 1))


@pytest.mark.parametrize(
    ("denied", "stopped"),
    [([1], False), ([number for number in MOST if number != 4] + [DENIALS + 1], False), ([*MOST, DENIALS + 1], True)],
)
def test_a_record_that_may_not_be_written_keeps_back_no_others(
    office: Office, denied: list[int], stopped: bool
) -> None:
    made = pairs(office, DENIALS + 5)
    for contact, _ in made:
        office.edit("Contacts", contact, FIRST_NAME="Grace")
    office.sandbox.faults([{"kind": "status", "status": 403, "method": "PUT", "nth": denied}])
    if stopped:
        with pytest.raises(AccessDeniedError):
            office.run(run_id="one")
    office.run(run_id="one")
    names = [office.get("Prospect", prospect)["FIRST_NAME"] for _, prospect in made]
    failed = MOST if stopped else denied
    assert names == ["Ada" if number in failed else "Grace" for number in range(1, DENIALS + 6)]
    office.run()
    assert {office.get("Prospect", prospect)["FIRST_NAME"] for _, prospect in made} == {"Grace"}
