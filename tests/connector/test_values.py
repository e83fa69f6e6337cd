"""Values in canonical form: alone, and carried between custom fields of each type in the sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_insightly.connector.mapping import MOST_RECENT
from airflow_provider_insightly.connector.values import FieldType, ValueTypeError, canonical, email_key
from tests.connector.conftest import Office


@pytest.mark.parametrize(
    ("value", "kind", "read"),
    [
        ("  Ada \r\nByron\n", "text", "Ada \nByron"),
        ("e\u0301", "text", "\u00e9"),
        (12, "text", "12"),
        ("12.0", "integer", 12),
        ("1.50", "number", 1.5),
        (1e300, "number", 10**300),
        ("Yes", "boolean", True),
        (0, "boolean", False),
        ("2026-05-01T12:30:15.5Z", "datetime", "2026-05-01 12:30:15"),
        ("2026-05-01T01:00:00+02:00", "datetime", "2026-04-30 23:00:00"),
        ("0022-05-01", "date", "0022-05-01"),
        ("2026-05-01 23:59:59", "date", "2026-05-01"),
        ("b; a ;b", "multiselect", "a;b"),
        (["b", "a", ""], "multiselect", "a;b"),
        (";", "multiselect", None),
        ([" "], "multiselect", None),
        ("\u00a0", "text", None),
        (False, "boolean", False),
        (0, "number", 0),
    ],
)
def test_canonical(value: Any, kind: FieldType, read: Any) -> None:
    found = canonical(value, kind)
    assert (found, type(found)) == (read, type(read))
    assert canonical(found, kind) == found


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        *[
            (value, kind)
            for value in ("Infinity", "NaN", "1e999999999", True, "a dozen")
            for kind in ("integer", "number")
        ],
        (1.5, "integer"),
        ("perhaps", "boolean"),
        ("yesterday", "date"),
        ("0001-01-01T00:00:00+05:00", "datetime"),
    ],
)
def test_what_is_not_of_its_type_is_refused(value: Any, kind: FieldType) -> None:
    with pytest.raises(ValueTypeError, match=f"is not an? {kind}"):
        canonical(value, kind)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        (" Ada@Example.COM\n", "ada@example.com"),
        ("ada+news@example.com", "ada+news@example.com"),
        ("\u00fc@b\u00fccher.example", "\u00fc@b\u00fccher.example"),
        ("u\u0308@example.com", "\u00fc@example.com"),
        ("\u0130@example.com", "i\u0307@example.com"),
        *[(malformed, None) for malformed in ("", "ada", "ada@", "@example.com", "ada@example", "ada@example.com.")],
        *[(malformed, None) for malformed in ("ada@example..com", "ada@.example.com", "ada@.com")],
        *[(malformed, None) for malformed in ("a b@example.com", "a@example.com,b@example.com", "Ada <a@example.com>")],
        *[
            (malformed, None)
            for malformed in ("a@b@example.com", "a@example.com;", None, 5, f"{'a' * 250}@example.com")
        ],
    ],
)
def test_email_key(address: Any, key: str | None) -> None:
    assert email_key(address) == key


TYPED = [
    ("TEXT", "  Ada\r\nByron ", "x"),
    ("MULTILINETEXT", "a\r\nb", "a\nc"),
    ("URL", "https://example.com/", "https://example.com/a"),
    ("NUMERIC", 1.25, 12345678901234567890),
    ("PERCENT", 0.1, 100),
    ("BIT", True, False),
    ("DATE", "0022-05-01", "2026-05-01"),
    ("DATETIME", "2026-05-01T12:30:15.5Z", "2026-05-01 00:00:00"),
    ("DROPDOWN", "Gold", "Silver"),
    ("MULTISELECT", "Silver;Gold;Silver", "Gold"),
]


@pytest.mark.parametrize(("kind", "first", "second"), TYPED, ids=[kind for kind, *_ in TYPED])
def test_values_of_each_type_are_carried_both_ways_and_then_all_is_quiet(
    office: Office, kind: str, first: Any, second: Any
) -> None:
    options = [{"OPTION_VALUE": name} for name in ("Gold", "Silver")] if kind in ("DROPDOWN", "MULTISELECT") else []
    for name in ("Contacts", "Prospect"):
        definition = {"FIELD_NAME": "Any__c", "FIELD_TYPE": kind, "CUSTOM_FIELD_OPTIONS": options}
        office.in_web_page(f"/custom-fields/{name}", definition)
    office.mapping = [{"prospect": "Any__c", "contact": "Any__c", "behavior": MOST_RECENT}]
    read = {"DATE": "date", "DATETIME": "datetime", "MULTISELECT": "multiselect"}.get(kind, "text")
    prospect, contact = office.prospect("a@example.com"), office.contact("a@example.com", **custom(first))
    office.run()
    assert canonical(value_of(office, "Prospect", prospect), read) == canonical(first, read)  # type: ignore[arg-type]
    is_quiet(office, contact)
    office.edit("Prospect", prospect, **custom(second))
    office.run()
    assert canonical(value_of(office, "Contacts", contact), read) == canonical(second, read)  # type: ignore[arg-type]
    is_quiet(office, contact)


def custom(value: Any) -> dict[str, Any]:
    return {"CUSTOMFIELDS": [{"FIELD_NAME": "Any__c", "FIELD_VALUE": value}]}


def value_of(office: Office, name: str, number: int) -> Any:
    return next(field["FIELD_VALUE"] for field in office.get(name, number)["CUSTOMFIELDS"])


def is_quiet(office: Office, contact: int) -> None:
    """The pair is looked at again, and nothing is written."""
    office.wait(minutes=10)
    office.edit("Contacts", contact, PHONE="1")
    before = len(office.writes())
    office.run(backfill=True)
    assert office.writes()[before:] == []


def test_an_empty_multiselect_overwrites_nothing_with_the_box_off(office: Office) -> None:
    for name in ("Contacts", "Prospect"):
        office.in_web_page(f"/custom-fields/{name}", {"FIELD_NAME": "Any__c", "FIELD_TYPE": "MULTISELECT"})
    office.mapping = [{"prospect": "Any__c", "contact": "Any__c"}]
    contact, prospect = office.contact("a@example.com", **custom("a")), office.prospect("a@example.com")
    office.run()
    office.edit("Contacts", contact, **custom(";"))
    office.run()
    assert value_of(office, "Prospect", prospect) == "a"


def test_a_number_without_end_rejects_the_field_and_not_the_plan(office: Office) -> None:
    office.mapping = [{"prospect": "EMPLOYEE_COUNT", "contact": "TITLE", "type": "integer"}]
    office.contact("a@example.com", TITLE="Infinity")
    office.prospect("a@example.com", EMPLOYEE_COUNT=12)
    office.run()
    [row] = office.log(field="EMPLOYEE_COUNT")
    assert (row["result"], row["reason"]) == ("rejected", "'Infinity' is not an integer")


def test_value_map_translates_both_ways(office: Office) -> None:
    office.mapping = [
        {
            "prospect": "SALUTATION",
            "contact": "SALUTATION",
            "values": {"Frau": "Ms", "Herr": "Mr"},
            "behavior": MOST_RECENT,
        }
    ]
    prospect, contact = office.prospect("a@example.com"), office.contact("a@example.com", SALUTATION="Frau")
    office.run()
    assert office.get("Prospect", prospect)["SALUTATION"] == "Ms"
    office.edit("Prospect", prospect, SALUTATION="Mr")
    office.run()
    assert office.get("Contacts", contact)["SALUTATION"] == "Herr"
    office.edit("Contacts", contact, SALUTATION="Dr")
    office.run()
    assert office.get("Prospect", prospect)["SALUTATION"] == "Mr"
    assert office.log(result="rejected")[0]["reason"] == "the value map has no 'Dr'"


def test_a_value_map_is_read_as_the_types_of_its_fields(office: Office) -> None:
    office.in_web_page("/custom-fields/Prospect", {"FIELD_NAME": "Any__c", "FIELD_TYPE": "BIT"})
    values = {"Gold": "Yes", "Silver": "no"}
    office.mapping = [{"prospect": "Any__c", "contact": "TITLE", "values": values, "behavior": MOST_RECENT}]
    prospect, contact = office.prospect("a@example.com"), office.contact("a@example.com", TITLE="Gold")
    office.run()
    assert value_of(office, "Prospect", prospect) is True
    office.edit("Prospect", prospect, **custom(False))
    office.run()
    assert office.get("Contacts", contact)["TITLE"] == "Silver"
    assert office.run().results == {}


def test_a_value_map_that_leads_two_values_to_one_is_one_way(office: Office) -> None:
    values = {"Mrs": "Ms", "Miss": "Ms", "Mr": "Mr"}
    office.mapping = [{"prospect": "SALUTATION", "contact": "SALUTATION", "values": values, "behavior": MOST_RECENT}]
    contact, prospect = office.contact("a@example.com", SALUTATION="Miss"), office.prospect("a@example.com")
    office.run()
    assert office.get("Prospect", prospect)["SALUTATION"] == "Ms"
    office.edit("Prospect", prospect, SALUTATION="Mr")
    office.run()
    assert office.get("Contacts", contact)["SALUTATION"] == "Miss"
    assert office.get("Prospect", prospect)["SALUTATION"] == "Ms"


def test_a_row_may_say_of_which_type_custom_fields_are(office: Office) -> None:
    office.in_web_page("/custom-fields/Contacts", {"FIELD_NAME": "Any__c", "FIELD_TYPE": "TEXT"})
    office.mapping = [{"prospect": "EMPLOYEE_COUNT", "contact": "Any__c", "type": "integer"}]
    office.contact("a@example.com", **custom("12.0"))
    prospect = office.prospect("a@example.com")
    office.run()
    assert office.get("Prospect", prospect)["EMPLOYEE_COUNT"] == 12


@pytest.mark.parametrize("name", ["Contacts", "Leads"])
def test_an_address_in_crm_is_a_source_only(office: Office, name: str) -> None:
    field = {"contact": "EMAIL_ADDRESS"} if name == "Contacts" else {"lead": "EMAIL"}
    office.mapping = [{"prospect": "DESCRIPTION", **field, "behavior": "Marketing Value"}]
    add = office.contact if name == "Contacts" else office.lead
    number, prospect = add("a@example.com"), office.prospect("a@example.com", DESCRIPTION="from a fair")
    before = office.get(name, number)
    office.run(marketing_empty_overwrites_crm=True)
    assert office.get("Prospect", prospect)["DESCRIPTION"] == "a@example.com"
    office.edit("Prospect", prospect, DESCRIPTION=None)
    office.run(marketing_empty_overwrites_crm=True)
    assert office.get(name, number) == before


def test_ids_are_never_emptied(office: Office) -> None:
    office.mapping = [{"prospect": "OWNER_USER_ID", "contact": "OWNER_USER_ID"}]
    contact, prospect = office.contact("a@example.com", OWNER_USER_ID=7), office.prospect("a@example.com")
    office.run()
    assert office.get("Prospect", prospect)["OWNER_USER_ID"] == 7
    office.edit("Contacts", contact, OWNER_USER_ID=None)
    office.run(crm_empty_overwrites_marketing=True)
    assert office.get("Prospect", prospect)["OWNER_USER_ID"] == 7
    assert office.log(field="OWNER_USER_ID", result="skipped")[0]["reason"].endswith("this field is never emptied")
