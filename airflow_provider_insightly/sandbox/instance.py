"""What every instance has before anybody adds a record: users, pipelines, lead statuses, categories, currencies …"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_insightly.api.catalogue import objects
from airflow_provider_insightly.sandbox.records import Record, Store
from airflow_provider_insightly.sandbox.values import blank_record

FIRST_USER_ID = 3_000_001
BEGAN = "2024-01-08 09:00:00"

INSTANCE = {
    "INSTANCE_NAME": "Sandbox",
    "INSTANCE_SUBDOMAIN": "sandbox",
    "PLAN_NAME": "Enterprise",
    "NEW_USER_EXPERIENCE_ENABLED": True,
}

USER_NAMES = (("Ada", "Sandberg"), ("Bo", "Lindqvist"), ("Chiara", "Moretti"), ("Dmitri", "Okafor"), ("Eve", "Tanaka"))

COUNTRIES = (
    "Australia Austria Belgium Brazil Canada China Denmark Finland France Germany India Ireland Italy Japan Mexico "
    "Netherlands,New Zealand,Norway Poland Portugal Singapore,South Africa,Spain Sweden Switzerland,United Kingdom,"
    "United States"
)

CURRENCIES = (
    ("AUD", "$"),
    ("CAD", "$"),
    ("CHF", "CHF"),
    ("EUR", "€"),
    ("GBP", "£"),
    ("JPY", "¥"),
    ("SEK", "kr"),
    ("USD", "$"),
)

# Rows are the values of an object's first fields, in the API's order; ids are given by counting.
ROWS: dict[str, Sequence[Sequence[Any]]] = {
    "LeadSources": [("Web", True, 1), ("Referral", False, 2), ("Trade show", False, 3), ("Phone", False, 4)],
    "LeadStatuses": [
        ("OPEN - Not Contacted", True, 1, 1),
        ("OPEN - Attempted Contact", False, 1, 2),
        ("OPEN - Contacted", False, 1, 3),
        ("CLOSED - Disqualified", False, 2, 4),
        ("CLOSED - Converted", False, 3, 5),
    ],
    "OpportunityCategories": [("Consulting", True, "3399CC"), ("Products", True, "99CC33")],
    "ProjectCategories": [("Implementation", True, "CC9933"), ("Support", True, "9933CC")],
    "TaskCategories": [("Phone Call", True, "CC3333"), ("Email", True, "33CC99"), ("Meeting", True, "3333CC")],
    "FileCategories": [("Contract", True, "666666"), ("Proposal", True, "999999")],
    "Pipelines": [("Sales", True, False, FIRST_USER_ID), ("Delivery", False, True, FIRST_USER_ID)],
    "OpportunityStateReasons": [
        ("Price", "LOST"),
        ("Competition", "LOST"),
        ("Best offer", "WON"),
        ("Project stopped", "ABANDONED"),
        ("Waiting for budget", "SUSPENDED"),
    ],
    "Relationships": [
        ("Employee", "is employed by", "Employer", "employs", True, True),
        ("Manager", "manages", "Report", "reports to", True, False),
        ("Parent company", "owns", "Subsidiary", "is owned by", False, True),
    ],
    "ActivitySets": [("Welcome a customer", True, True, True, True, True, FIRST_USER_ID)],
    "ForumCategories": [("General",)],
    "DocumentTemplates": [("Offer", "docx", "Opportunity", BEGAN, True)],
    "Teams": [("Sales team", BEGAN, BEGAN)],
}

STAGES = {"Sales": ("Qualify", "Propose", "Negotiate"), "Delivery": ("Plan", "Build", "Hand over")}


def add_instance(store: Store, user_ids: Sequence[int]) -> None:
    """Put the basic data of an instance into a store.

    :param user_ids: the users that hold an API key.
    """
    add_users(store, user_ids)
    for name, rows in ROWS.items():
        obj = objects()[name]
        for row in rows:
            number = store.next_number(name)
            fields = list(obj.fields)
            record = {**blank_record(obj.type), fields[0]: number, **dict(zip(fields[1:], row, strict=False))}
            store.put(name, number, record, BEGAN)
            if name == "Pipelines":
                add_stages(store, number, record["PIPELINE_NAME"])


def add_users(store: Store, user_ids: Sequence[int]) -> None:
    """Put the users who hold an API key into a store, but for those whom it has."""
    missing = [user(number, each) for number, each in enumerate(user_ids) if store.get_text("Users", each) is None]
    store.put_many("Users", "USER_ID", missing)


def add_stages(store: Store, pipeline_id: int, name: str) -> None:
    """Give a pipeline its stages."""
    for order, stage in enumerate(STAGES[name], start=1):
        number = store.next_number("PipelineStages")
        record: Record = {
            **blank_record("PipelineStage"),
            "STAGE_ID": number,
            "PIPELINE_ID": pipeline_id,
            "STAGE_NAME": stage,
            "STAGE_ORDER": order,
            "OWNER_USER_ID": FIRST_USER_ID,
        }
        store.put("PipelineStages", number, record, BEGAN)


def user(number: int, user_id: int) -> Record:
    """Return the user who holds the API key of that number."""
    first, last = USER_NAMES[number % len(USER_NAMES)]
    return {
        **blank_record("User"),
        "USER_ID": user_id,
        "FIRST_NAME": first,
        "LAST_NAME": last if number < len(USER_NAMES) else f"{last} {number + 1}",
        "TIMEZONE_ID": "UTC",
        "EMAIL_ADDRESS": f"user{number + 1}@sandbox.example",
        "EMAIL_DROPBOX_IDENTIFIER": f"sandbox{number + 1}",
        "EMAIL_DROPBOX_ADDRESS": f"sandbox{number + 1}@mailbox.example",
        "ADMINISTRATOR": number == 0,
        "ACCOUNT_OWNER": number == 0,
        "ACTIVE": True,
        "DATE_CREATED_UTC": BEGAN,
        "DATE_UPDATED_UTC": BEGAN,
        "USER_CURRENCY": "USD",
        "CONTACT_DISPLAY": "FIRST_LAST",
        "CONTACT_ORDER": "FIRST_LAST",
        "TASK_WEEK_START": 1,
        "INSTANCE_ID": 500_001,
        "PROFILE_ID": 1,
        "ROLE_ID": 1,
    }
