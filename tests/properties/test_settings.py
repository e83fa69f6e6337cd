"""All settings and behaviors, in a small world: 15 of the list in ``docs/connector.md``, by what each must never do.

All combinations (512 of boxes, by 3) take minutes: by default every 115th runs, each box on and off with each behavior;
``PROPERTY_EXAMPLES`` runs all of them.
"""

from __future__ import annotations

import itertools
import os
from typing import Any

import pytest

from airflow_provider_insightly.connector.mapping import CRM_VALUE, MARKETING_VALUE, MOST_RECENT
from airflow_provider_insightly.connector.records import Ref
from airflow_provider_insightly.connector.settings import BOXES
from airflow_provider_insightly.connector.values import is_empty
from tests.connector.conftest import Office, empty_store, office, store

__all__ = ["empty_store", "office", "store"]

BEHAVIORS = (CRM_VALUE, MARKETING_VALUE, MOST_RECENT)
ALL = list(itertools.product(*[(False, True)] * len(BOXES), BEHAVIORS))
STEP = 1 if os.environ.get("PROPERTY_EXAMPLES") else 115
FIELDS = ("PHONE", "TITLE")


def test_the_sample_has_every_box_on_and_off_with_every_behavior() -> None:
    sample = ALL[::STEP]
    for number in range(len(BOXES)):
        assert {(each[number], each[-1]) for each in sample} == set(itertools.product((False, True), BEHAVIORS))


@pytest.mark.parametrize("combination", ALL[::STEP], ids=str)
def test_settings(office: Office, combination: tuple[Any, ...]) -> None:
    boxes = dict(zip(BOXES.values(), combination, strict=False))
    office.settings |= {**boxes, "delete_grace_hours": 0}
    opt_out = {"prospect": "OPTED_OUT", "lead": "EMAIL_OPTED_OUT", "contact": "EMAIL_OPTED_OUT"}
    rows = [{"prospect": name, "lead": name, "contact": name} for name in FIELDS]
    office.mapping = [{**row, "behavior": combination[-1]} for row in (*rows, opt_out)]
    office.run()
    office.wait(seconds=5)

    a, b = office.contact("a@example.com", PHONE="1"), office.contact("b@example.com", EMAIL_OPTED_OUT=True)
    pa, pb = office.prospect("a@example.com", PHONE="1", TITLE="Dr"), office.prospect("b@example.com", PHONE="2")
    c, lead = office.contact("c@example.com"), office.lead("d@example.com")
    out = office.prospect("d@example.com", OPTED_OUT=True)
    office.run()
    assert (len(office.all("Prospect")) > 3) == boxes["create_prospects"]
    links = office.links()
    assert {pa, pb, out} & set(links) == ({pa, pb, out} if boxes["match_by_email"] else set())

    office.wait(minutes=5)
    office.edit("Contacts", a, PHONE=None, EMAIL_ADDRESS="new@example.com")
    office.edit("Prospect", pb, TITLE="x", PHONE=None)
    office.in_web_page(f"/leads/{lead}/convert")
    office.delete("Contacts", c)
    before = crm_ids(office)
    office.run()
    settle(office)

    assert crm_ids(office) == before  # 7
    assert len(set(office.links().values())) == len(office.links())  # 8
    assert not set(office.links().items()) & office.tombstones()  # 9
    assert office.get("Prospect", out)["OPTED_OUT"] is True  # 4
    if boxes["match_by_email"]:
        changed = office.get("Prospect", pa)
        assert changed["EMAIL_ADDRESS"] == ("new@" if boxes["update_email_addresses"] else "a@") + "example.com"
        assert office.get("Prospect", pb)["OPTED_OUT"] is boxes["overwrite_opted_out"]
        assert office.links()[out].object == "Contacts"  # the Lead was converted
    if not boxes["crm_empty_overwrites_marketing"] and boxes["match_by_email"]:
        assert office.get("Prospect", pa)["PHONE"] == "1"  # 6
    if not boxes["marketing_empty_overwrites_crm"]:
        assert office.get("Contacts", b)["PHONE"] in ("2", None)  # 6
    check_agreement(office)


def crm_ids(office: Office) -> dict[str, list[int]]:
    return {name: [record[f"{name[:-1].upper()}_ID"] for record in office.all(name)] for name in ("Contacts", "Leads")}


def settle(office: Office) -> None:
    """2: after two more runs a third writes nothing."""
    for _ in range(2):
        office.run()
    before = len(office.writes())
    office.run()
    assert office.writes()[before:] == []


def check_agreement(office: Office) -> None:
    """1: both sides agree, but for an empty value that was held back."""
    for prospect_id, ref in office.links().items():
        prospect, crm = office.get("Prospect", prospect_id), office.get(ref.object, ref.id)
        for name in FIELDS:
            assert prospect[name] == crm[name] or is_empty(prospect[name]) or is_empty(crm[name]), (name, Ref(*ref))
