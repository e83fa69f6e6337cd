"""Plans: held by breakers, approved by their hash, applied once; runs that were interrupted."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.engine import Engine

from airflow_provider_insightly.connector import plans, run
from airflow_provider_insightly.connector.applying import Applier, PlanNotReleasedError
from airflow_provider_insightly.connector.extraction import IncompleteReadError
from airflow_provider_insightly.connector.finishing import Report, finish
from airflow_provider_insightly.connector.mapping import FieldMapping, check_mapping
from airflow_provider_insightly.connector.plans import Plan, PlanHeldError, approve, read_plan
from airflow_provider_insightly.connector.records import Ref
from airflow_provider_insightly.connector.settings import Breaker, Settings
from tests.connector.conftest import Office

LOW = {"count": 1, "percent": 0}


@pytest.mark.parametrize(
    ("count", "percent", "number", "of", "allowed"),
    [(100, 5, 100, 10, True), (100, 5, 101, 10, False), (100, 5, 500, 10_000, True), (100, 5, 501, 10_000, False)],
)
def test_a_breaker_takes_the_larger_number(count: int, percent: int, number: int, of: int, allowed: bool) -> None:
    assert Breaker(count=count, percent=percent).allows(number, of) is allowed


def test_the_default_breakers() -> None:
    breakers = Settings().breakers
    assert (breakers.deletes.count, breakers.deletes.percent) == (100, 5)
    assert (breakers.creates.count, breakers.creates.percent) == (500, 20)
    assert (breakers.emptied.count, breakers.emptied.percent) == (20, 2)
    assert (breakers.email_changes.count, breakers.email_changes.percent) == (50, 5)


def two_pairs(office: Office) -> list[tuple[int, int]]:
    pairs = []
    for name in "ab":
        fields = {"PHONE_MOBILE": "1"}
        contact = office.contact(f"{name}@example.com", **fields)
        pairs.append((office.prospect(f"{name}@example.com", MOBILE="1"), contact))
    office.run()
    return pairs


def held(office: Office, message: str, **options: Any) -> str:
    """Run into a breaker; nothing is written, and the hash that would release the plan is named."""
    before = len(office.writes())
    with pytest.raises(PlanHeldError, match=message) as stopped:
        office.run(**options)
    assert len(office.writes()) == before
    return str(stopped.value).rsplit("approve_plan=", 1)[1]


def test_creates_are_held(office: Office) -> None:
    for name in "ab":
        office.contact(f"{name}@example.com")
    options = {"create_prospects": True, "backfill": True, "breakers": {"creates": LOW}}
    plan = held(office, "creates: 2 of 0 prospects", **options)
    office.run(**options, approve_plan=plan)
    assert len(office.all("Prospect")) == 2


def test_deletes_are_held(office: Office) -> None:
    for _, contact in two_pairs(office):
        office.delete("Contacts", contact)
    options = {"delete_or_merge_prospects": True, "delete_grace_hours": 0, "breakers": {"deletes": LOW}}
    plan = held(office, "deletes: 2 of 2 pairs", **options)
    office.run(**options, approve_plan=plan)
    assert [prospect["DO_NOT_SYNC"] for prospect in office.all("Prospect")] == [True, True]


def test_merges_are_held_like_deletes(office: Office) -> None:
    (_, lost), (_, kept) = two_pairs(office)
    merges = {f"Contacts/{lost}": f"Contacts/{kept}"}
    office.delete("Contacts", lost)
    options = {"delete_or_merge_prospects": True, "delete_grace_hours": 0, "merge_map": merges}
    breakers = {"deletes": {"count": 0, "percent": 0}}
    plan = held(office, "deletes: 1 of 2 pairs", **options, breakers=breakers)
    office.run(**options, breakers=breakers, approve_plan=plan)
    assert [prospect["DO_NOT_SYNC"] for prospect in office.all("Prospect")] == [True, False]


def test_emptied_values_of_a_field_are_held(office: Office) -> None:
    for _, contact in two_pairs(office):
        office.edit("Contacts", contact, PHONE_MOBILE=None)
    options = {"crm_empty_overwrites_marketing": True, "breakers": {"emptied": LOW}}
    plan = held(office, "emptied values of MOBILE: 2 of 2 pairs", **options)
    office.run(**options, approve_plan=plan)
    assert [prospect["MOBILE"] for prospect in office.all("Prospect")] == [None, None]


def test_email_changes_are_held(office: Office) -> None:
    for number, (_, contact) in enumerate(two_pairs(office)):
        office.edit("Contacts", contact, EMAIL_ADDRESS=f"{number}@example.com")
    options = {"breakers": {"email_changes": LOW}}
    plan = held(office, "email_changes: 2 of 2 pairs", **options)
    office.run(**options, approve_plan=plan)
    assert [prospect["EMAIL_ADDRESS"] for prospect in office.all("Prospect")] == ["0@example.com", "1@example.com"]


def test_an_approval_is_for_just_that_plan(office: Office) -> None:
    for name in "ab":
        office.contact(f"{name}@example.com")
    options = {"create_prospects": True, "backfill": True, "breakers": {"creates": LOW}}
    plan = held(office, "creates: 2", **options)
    office.contact("c@example.com")
    held(office, "creates: 3", **options, approve_plan=plan)


def test_an_approval_may_come_before_the_run(office: Office) -> None:
    for name in "ab":
        office.contact(f"{name}@example.com")
    options = {"create_prospects": True, "backfill": True, "breakers": {"creates": LOW}}
    plan = held(office, "creates: 2", **options)
    approve(office.store, "test", plan, "Ada", office.now())
    office.run(**options)
    assert len(office.all("Prospect")) == 2


def test_an_approval_is_used_up(office: Office) -> None:
    """The same decisions may come again, a year later and by mistake."""
    pairs = two_pairs(office)
    options = {"crm_empty_overwrites_marketing": True, "breakers": {"emptied": LOW}}
    for _, contact in pairs:
        office.edit("Contacts", contact, PHONE_MOBILE=None)
    plan = held(office, "emptied values of MOBILE: 2", **options)
    approve(office.store, "test", plan, "Ada", office.now())
    office.run(**options, run_id="approved")
    office.run(**options, run_id="approved")  # cleared, it needs no second approval
    for _, contact in pairs:
        office.edit("Contacts", contact, PHONE_MOBILE="1")
    office.run(**options)
    for _, contact in pairs:
        office.edit("Contacts", contact, PHONE_MOBILE=None)
    assert held(office, "emptied values of MOBILE: 2", **options) == plan


def test_an_approval_that_comes_while_the_run_goes_on_without_it_is_for_the_next(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    (prospect, contact), _ = two_pairs(office)
    office.delete("Contacts", contact)
    options = {"delete_or_merge_prospects": True, "delete_mode": "delete", "delete_grace_hours": 0}

    def approve_and_finish(engine: Engine, plan: Plan, *rest: Any, **named: Any) -> Report:
        approve(engine, "test", plan.hash, "Ada", office.now())
        return finish(engine, plan, *rest, **named)

    with monkeypatch.context() as patch:
        patch.setattr(run, "finish", approve_and_finish)
        assert office.run(**options).results["delete"] == {"pending_approval": 1}
    assert office.run(**options).results["delete"] == {"applied": 1}
    assert prospect not in [each["PROSPECT_ID"] for each in office.all("Prospect")]


def test_a_plan_that_was_not_released_is_not_applied(office: Office) -> None:
    office.run(run_id="dry", dry_run=True)
    mapping = check_mapping(FieldMapping.model_validate(row) for row in office.mapping)
    with office.store.connect() as connection:
        plan = read_plan(connection, "test", "dry")
    with pytest.raises(PlanNotReleasedError, match="dry run"):
        Applier(office.client, office.store, plan, mapping, Settings(), now=office.now, sleep=lambda seconds: None)


@pytest.mark.parametrize(("chunk", "most", "sizes"), [(2, 10, [2, 2, 1]), (1, 2, [3, 2]), (500, 1000, [5])])
def test_chunks_are_of_one_size_and_never_too_many(
    office: Office, monkeypatch: pytest.MonkeyPatch, chunk: int, most: int, sizes: list[int]
) -> None:
    monkeypatch.setattr(plans, "CHUNK", chunk)
    monkeypatch.setattr(plans, "MOST_CHUNKS", most)
    for number in range(5):
        office.contact(f"{number}@example.com")
    office.run(run_id="dry", dry_run=True, create_prospects=True, backfill=True)
    with office.store.connect() as connection:
        plan = read_plan(connection, "test", "dry")
        parts = plans.chunks(connection, plan, "create_prospects")
        read = [list(plans.read_actions(connection, plan.plan_id, None, *part)) for part in parts]
    applied = [[action.crm for _, action, *_ in part] for part in read]
    assert [len(part) for part in applied] == sizes
    assert len({crm for part in applied for crm in part}) == 5


def test_the_same_run_twice_equals_once(office: Office) -> None:
    office.contact("a@example.com")
    for _ in range(3):
        office.run(run_id="one", create_prospects=True, backfill=True)
    assert len(office.all("Prospect")) == 1
    assert len(office.sandbox.requests(method="POST", path="/v3.1/Prospect")) == 1


@pytest.mark.parametrize("kind", ["drop_before", "drop_after_commit"])
def test_a_create_whose_answer_was_lost_is_not_sent_twice(office: Office, kind: str) -> None:
    office.contact("a@example.com")
    office.sandbox.faults([{"kind": kind, "method": "POST", "object": "Prospect", "nth": 1}])
    office.run(create_prospects=True, backfill=True)
    [prospect] = office.all("Prospect")
    assert list(office.links()) == [prospect["PROSPECT_ID"]]


def test_one_record_alone(office: Office) -> None:
    pairs = two_pairs(office)
    for _, contact in pairs:
        office.edit("Contacts", contact, FIRST_NAME="Grace")
    office.run(only=Ref("Contacts", pairs[0][1]))
    assert [office.get("Prospect", prospect)["FIRST_NAME"] for prospect, _ in pairs] == ["Grace", "Ada"]
    office.run()
    assert [office.get("Prospect", prospect)["FIRST_NAME"] for prospect, _ in pairs] == ["Grace", "Grace"]


def test_page_order_and_repeated_rows_do_not_matter(office: Office) -> None:
    for name in "abc":
        office.contact(f"{name}@example.com", FIRST_NAME=name)
        office.prospect(f"{name}@example.com")
    plan = office.run(dry_run=True).plan_hash
    original = office.client.pages

    def shuffled(path: str, **options: Any) -> Any:
        for page in original(path, **options):
            yield type(page)([*page.records[::-1], *page.records[:1]], page.total, page.skip, page.server_time)

    office.client.pages = shuffled  # type: ignore[method-assign]
    assert office.run(dry_run=True).plan_hash == plan


def test_a_list_that_keeps_losing_records_is_not_trusted(office: Office) -> None:
    office.contact("a@example.com")
    original = office.client.pages

    def one_short(path: str, **options: Any) -> Any:
        for page in original(path, **options):
            yield type(page)(page.records, (page.total or 0) + 1, page.skip, page.server_time)

    office.client.pages = one_short  # type: ignore[method-assign]
    with pytest.raises(IncompleteReadError, match="Contacts"):
        office.run()


def test_a_read_that_lags_behind_does_not_undo_our_write(office: Office) -> None:
    contact, prospect = office.contact("a@example.com", FIRST_NAME="Augusta"), office.prospect("a@example.com")
    office.run()
    office.wait(seconds=2)
    office.edit("Contacts", contact, FIRST_NAME="Grace")
    office.sandbox.settings(read_lag=60, clock_offset=office.offset.total_seconds())
    office.wait(seconds=61)
    office.run()
    assert office.get("Prospect", prospect)["FIRST_NAME"] == "Grace"
    office.wait(seconds=2)
    report = office.run()  # the search still shows the prospect as it was before our write
    assert report.results == {}
    assert office.get("Contacts", contact)["FIRST_NAME"] == "Grace"


def test_calls_are_changes_and_pages_and_a_few(office: Office) -> None:
    for number in range(30):
        office.contact(f"{number}@example.com", FIRST_NAME=f"N{number}")
        office.prospect(f"{number}@example.com")
    office.run()
    for number in range(1, 4):
        contact = office.all("Contacts")[number]["CONTACT_ID"]
        office.edit("Contacts", contact, FIRST_NAME="Grace")
    before = len(office.sandbox.requests())
    office.run(sweep_hours=24)
    calls = office.sandbox.requests()[before:]
    assert [each["method"] for each in calls].count("PUT") == 3
    assert len(calls) <= 3 + 3 + 10
