"""Setting 9: labels flow from the primary field to the secondary ones, and nowhere else."""

from __future__ import annotations

import pytest

from airflow_provider_insightly.connector.state import LABELS, read_state
from tests.connector.conftest import Office


@pytest.fixture(autouse=True)
def cloned(office: Office) -> None:
    """Hobby__c of Contacts is the primary field, Hobby__c of prospects and Leads were cloned from it."""
    office.settings["sync_field_labels"] = True
    office.mapping = [{"prospect": "Hobby__c", "lead": "Hobby__c", "contact": "Hobby__c", "primary": "contact"}]
    for name in ("Prospect", "Leads", "Contacts"):
        rename(office, name, "Hobby")
    office.run()


def rename(office: Office, name: str, label: str) -> None:
    office.in_web_page(f"/custom-fields/{name}", {"FIELD_NAME": "Hobby__c", "FIELD_LABEL": label})


def kept(office: Office) -> dict[str, str]:
    with office.store.connect() as connection:
        labels: dict[str, str] = read_state(connection, "test", LABELS)
    return labels


def test_a_changed_primary_label_is_carried_to_the_secondary_ones(office: Office) -> None:
    rename(office, "Contacts", "Pastime")
    office.run()
    assert kept(office) == dict.fromkeys(("Prospect.Hobby__c", "Leads.Hobby__c", "Contacts.Hobby__c"), "Pastime")
    rows = office.log(event="label")
    assert {(row["field"], row["before"], row["after"]) for row in rows} == {
        ("Prospect.Hobby__c", "Hobby", "Pastime"),
        ("Leads.Hobby__c", "Hobby", "Pastime"),
    }


def test_what_the_api_cannot_write_is_listed_with_the_value_to_type(office: Office) -> None:
    rename(office, "Contacts", "Pastime")
    for _ in range(3):
        office.run()
    rows = office.log(event="label_drift")
    assert {row["reason"] for row in rows} == {
        "label_drift: in Insightly, change the label of Prospect.Hobby__c to 'Pastime'",
        "label_drift: in Insightly, change the label of Leads.Hobby__c to 'Pastime'",
    }
    for name in ("Prospect", "Leads"):
        rename(office, name, "Pastime")
    assert office.run().results == {}


def test_with_the_box_off_nothing_is_carried(office: Office) -> None:
    rename(office, "Contacts", "Pastime")
    office.run(sync_field_labels=False)
    assert set(kept(office).values()) == {"Hobby"}
    assert office.log(event="label") == []


def test_nothing_flows_from_secondary_to_primary(office: Office) -> None:
    rename(office, "Leads", "Pastime")
    office.run()
    assert set(kept(office).values()) == {"Hobby"}
    assert office.log(event="label") == []
    [row] = office.log(event="label_drift")
    assert row["reason"] == "label_drift: in Insightly, change the label of Leads.Hobby__c to 'Hobby'"
