"""Data to begin with: an invented CRM with prospects, of three sizes, the same for the same number.

Some prospects are linked to a contact or a lead, some share only the e-mail address with one (in other case, or with
two), some with none; some people have opted out on one side or both; one lead has been converted.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from airflow_provider_insightly.api.catalogue import objects
from airflow_provider_insightly.sandbox.call import next_etag
from airflow_provider_insightly.sandbox.instance import FIRST_USER_ID
from airflow_provider_insightly.sandbox.records import FIRST_ID, Record, Store
from airflow_provider_insightly.sandbox.selections import Selection
from airflow_provider_insightly.sandbox.values import blank_record, custom_values, mailbox, write_date

FIRST_NAMES = tuple(
    """
    Ana Ágnes Björn Chloé Dara Einar Fatima Giulia Hye-jin Ikram João Kwame Léa Małgorzata Noor Oisín Priya Quentin
    Rosa Søren Thandiwe Uğur Věra Wei Xóchitl Yusuf Zoë Åsa Łukasz Emre Hana Marcus Nadia Otto Pilar Ravi Sofía Tomás
    """.split()  # noqa: SIM905
)
LAST_NAMES = tuple(
    """
    Almeida Bergström Castillo D'Angelo Eriksen Fernández García Haddad Ivanova Jørgensen Kowalski Lefèvre Müller
    Nakamura O'Brien Petrović Quispe Rossi Šimić Tanaka Usman Van-den-Berg Wójcik Xu Yamada Zhang Öztürk Mc-Gregor
    Nguyễn Okonkwo Papadopoulos Ramírez Schneider Tremblay Walker
    """.split()  # noqa: SIM905
)
COMPANY_FIRST = tuple(
    "Alder Cobalt Delta Elmwood Fjord Granite Helio Indigo Juniper Kestrel Lumen Merídian".split()  # noqa: SIM905
)
COMPANY_LAST = tuple(
    "Analytics Brewing Cycles Design Energy Foods Glass Health Interiors Logistics Mills".split()  # noqa: SIM905
)
CITIES = (
    ("Lisboa", None, "1100-148", "Portugal"),
    ("Århus", None, "8000", "Denmark"),
    ("München", "Bayern", "80331", "Germany"),
    ("San José", "CA", "95113", "United States"),
    ("Kraków", None, "31-042", "Poland"),
    ("Québec", "QC", "G1R 4S9", "Canada"),
    ("Dún Laoghaire", None, "A96 K6P5", "Ireland"),
    ("Melbourne", "VIC", "3000", "Australia"),
)
STREETS = ("Church Street", "Rua do Ouro", "Nørregade", "Lindenstraße", "2nd Avenue", "ul. Długa", "Harbour Road")
TITLES = ("Buyer", "Head of Sales", "Chief Engineer", "Office Manager", "Owner", "Director of Operations")
INDUSTRIES = ("Agriculture", "Construction", "Education", "Health", "Manufacturing", "Retail", "Software")
INTERESTS = ("Analytics", "Automation", "Events", "Partnerships")

CUSTOM_FIELDS: Mapping[str, Sequence[tuple[str, str, str, Sequence[str]]]] = {
    "Contacts": (
        ("Hobby__c", "TEXT", "Hobby", ()),
        ("Customer_Tier__c", "DROPDOWN", "Customer tier", ("Bronze", "Silver", "Gold")),
        ("Newsletter__c", "BIT", "Newsletter", ()),
        ("Lifetime_Value__c", "NUMERIC", "Lifetime value", ()),
        ("Interests__c", "MULTISELECT", "Interests", INTERESTS),
        ("Renewal_Date__c", "DATE", "Renewal date", ()),
    ),
    "Leads": (
        ("Hobby__c", "TEXT", "Hobby", ()),
        ("Newsletter__c", "BIT", "Newsletter", ()),
        ("Interests__c", "MULTISELECT", "Interests", INTERESTS),
    ),
    "Prospect": (
        ("Hobby__c", "TEXT", "Hobby", ()),
        ("Customer_Tier__c", "DROPDOWN", "Customer tier", ("Bronze", "Silver", "Gold")),
        ("Interests__c", "MULTISELECT", "Interests", INTERESTS),
    ),
    "Organisations": (("Account_Number__c", "TEXT", "Account number", ()),),
    "Opportunities": (("Forecast__c", "PERCENT", "Forecast", ()),),
}

# Seconds since the epoch: what the seeds hold was written in the year that begins here.
YEAR_BEGAN = 1_735_689_600
YEAR = 365 * 24 * 3600

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Size:
    """How many records of each object a seed has."""

    organisations: int
    contacts: int
    leads: int
    prospects: int
    opportunities: int
    tasks: int
    visits: int


DEMO = Size(organisations=12, contacts=60, leads=24, prospects=70, opportunities=18, tasks=12, visits=30)
SMALL = Size(organisations=100, contacts=1_000, leads=200, prospects=1_000, opportunities=150, tasks=100, visits=300)
LARGE = Size(5_000, 100_000, 20_000, 100_000, opportunities=10_000, tasks=5_000, visits=20_000)


class Inventor:
    """Invents people, companies and dates from a number."""

    def __init__(self, number: int) -> None:
        self.random = random.Random(number)  # noqa: S311

    def choice(self, choices: Sequence[Any]) -> Any:
        """Return one of some choices."""
        return choices[int(self.random.random() * len(choices))]

    def chance(self, share: float) -> bool:
        """Return true in a share of cases."""
        return self.random.random() < share

    def dates(self) -> Fields:
        """Return when a record was made and last changed."""
        made = int(self.random.random() * YEAR)
        changed = made + int(self.random.random() * (YEAR - made))
        return {
            "DATE_CREATED_UTC": write_date(YEAR_BEGAN + made),
            "DATE_UPDATED_UTC": write_date(YEAR_BEGAN + changed),
        }

    def person(self, number: int) -> Fields:
        """Return the name, title and e-mail address of the person of that number; no two have the same address."""
        first, last = self.choice(FIRST_NAMES), self.choice(LAST_NAMES)
        domain = self.choice(("example.com", "example.org", "example.net"))
        return {
            "FIRST_NAME": first,
            "LAST_NAME": last,
            "TITLE": self.choice(TITLES) if self.chance(0.7) else None,
            "EMAIL": f"{_ascii(first)}.{_ascii(last)}{number}@{domain}",
        }

    def phone(self) -> str | None:
        """Return a telephone number, or none."""
        return f"+1 555 {int(self.random.random() * 9000) + 1000}" if self.chance(0.6) else None

    def address(self, prefix: str) -> Fields:
        """Return an address, or nothing of one, for fields that begin with ``prefix``."""
        if not self.chance(0.7):
            return {}
        city, state, postcode, country = self.choice(CITIES)
        return {
            f"{prefix}_STREET": f"{int(self.random.random() * 200) + 1} {self.choice(STREETS)}",
            f"{prefix}_CITY": city,
            f"{prefix}_STATE": state,
            f"{prefix}_POSTCODE": postcode,
            f"{prefix}_COUNTRY": country,
        }


def fill(store: Store, number: int, size: Size) -> None:
    """Put an invented CRM into a store.

    :param number: the same number makes the same records.
    """
    inventor = Inventor(number)
    for obj, fields in CUSTOM_FIELDS.items():
        for order, (name, kind, label, options) in enumerate(fields, start=1):
            store.define(obj, definition(obj, order, name, kind, label, options))
    sources = store.records(Selection("LeadSources"))
    statuses = store.records(Selection("LeadStatuses"))
    add(store, "Organisations", organisations(inventor, size))
    # Prospects take the names and addresses of people whose records are made before theirs.
    people: list[Fields] = []
    add(store, "Contacts", contacts(inventor, size, people))
    add(store, "Leads", leads(inventor, size, people, sources, statuses))
    add(store, "Prospect", prospects(inventor, size, people))
    add(store, "Opportunities", opportunities(inventor, size))
    add(store, "Tasks", tasks(inventor, size))
    add(store, "MarketingVisits", visits(inventor, size))


def add(store: Store, name: str, rows: Iterator[Fields]) -> None:
    """Store rows as records of an object: ids by counting, every key there."""
    obj = objects()[name]
    blank = list(blank_record(obj.type).items())
    lists = [key for key, value in blank if isinstance(value, list)]
    id_field = obj.id_field or ""
    whose = {key: FIRST_USER_ID for key in ("OWNER_USER_ID", "CREATED_USER_ID") if key in obj.fields}
    etag = {"ETag": next_etag(None)} if "ETag" in obj.fields else {}
    has_mailbox = "LINKED_EMAIL_ADDRESS" in obj.fields

    def records() -> Iterator[Record]:
        for record_id, row in enumerate(rows, start=FIRST_ID):
            record = dict(blank)
            for key in lists:
                record[key] = []
            record.update(whose)
            record.update(etag)
            record.update(row)
            record[id_field] = record_id
            if has_mailbox:
                record["LINKED_EMAIL_ADDRESS"] = mailbox(obj.type, record_id)
            yield record

    store.put_many(name, id_field, records())


def definition(obj: str, order: int, name: str, kind: str, label: str, options: Sequence[str]) -> Record:
    """Return the definition of a custom field."""
    return {
        **blank_record("CustomFieldMetadata"),
        "FIELD_NAME": name,
        "FIELD_ORDER": order,
        "FIELD_FOR": objects()[obj].type.upper(),
        "FIELD_LABEL": label,
        "FIELD_TYPE": kind,
        "EDITABLE": True,
        "VISIBLE": True,
        "CUSTOM_FIELD_OPTIONS": [
            {"OPTION_ID": number, "OPTION_VALUE": option, "OPTION_DEFAULT": False}
            for number, option in enumerate(options, start=1)
        ],
    }


def custom(**values: Any) -> list[Fields]:
    """Return the custom fields that have a value."""
    return custom_values(values)


def organisations(inventor: Inventor, size: Size) -> Iterator[Fields]:
    """Invent organisations."""
    for number in range(size.organisations):
        name = f"{inventor.choice(COMPANY_FIRST)} {inventor.choice(COMPANY_LAST)}"
        yield {
            "ORGANISATION_NAME": name if number % 10 else f"{name} & Søns, Ltd.",
            "PHONE": inventor.phone(),
            "WEBSITE": f"https://www.example.com/{number}",
            "CUSTOMFIELDS": custom(Account_Number__c=f"A-{number:05}"),
            **inventor.address("ADDRESS_BILLING"),
            **inventor.dates(),
        }


def contacts(inventor: Inventor, size: Size, people: list[Fields]) -> Iterator[Fields]:
    """Invent contacts; every twentieth has the address of the one before."""
    for number in range(size.contacts):
        person = inventor.person(number)
        if number % 20 == 19:
            person["EMAIL"] = people[-1]["EMAIL"]
        people.append({**person, "CONTACT_ID": FIRST_ID + number})
        yield {
            "FIRST_NAME": person["FIRST_NAME"],
            "LAST_NAME": person["LAST_NAME"],
            "TITLE": person["TITLE"],
            "EMAIL_ADDRESS": person["EMAIL"] if number % 15 != 14 else None,
            "PHONE": inventor.phone(),
            "ORGANISATION_ID": FIRST_ID + int(inventor.random.random() * size.organisations),
            "EMAIL_OPTED_OUT": inventor.chance(0.08),
            "CUSTOMFIELDS": custom(
                Hobby__c="Chess" if inventor.chance(0.2) else None,
                Customer_Tier__c=inventor.choice(("Bronze", "Silver", "Gold", None)),
                Newsletter__c=inventor.chance(0.5),
                Lifetime_Value__c=round(inventor.random.random() * 9000, 2) if inventor.chance(0.4) else None,
                Interests__c="Analytics;Events" if inventor.chance(0.3) else None,
            ),
            "TAGS": [{"TAG_NAME": "customer"}] if inventor.chance(0.3) else [],
            **inventor.address("ADDRESS_MAIL"),
            **inventor.dates(),
        }


def leads(
    inventor: Inventor, size: Size, people: list[Fields], sources: list[Record], statuses: list[Record]
) -> Iterator[Fields]:
    """Invent leads; the first has been converted to the first contact."""
    for number in range(size.leads):
        person = inventor.person(size.contacts + number) if number else people[0]
        if number:
            people.append({**person, "LEAD_ID": FIRST_ID + number})
        dates = inventor.dates()
        yield {
            "FIRST_NAME": person["FIRST_NAME"],
            "LAST_NAME": person["LAST_NAME"],
            "TITLE": person["TITLE"],
            "EMAIL": person["EMAIL"],
            "PHONE": inventor.phone(),
            "ORGANISATION_NAME": f"{inventor.choice(COMPANY_FIRST)} {inventor.choice(COMPANY_LAST)}",
            "INDUSTRY": inventor.choice(INDUSTRIES),
            "LEAD_RATING": int(inventor.random.random() * 5) + 1,
            "LEAD_SOURCE_ID": inventor.choice(sources)["LEAD_SOURCE_ID"],
            "LEAD_STATUS_ID": statuses[-1 if number == 0 else number % 4]["LEAD_STATUS_ID"],
            "RESPONSIBLE_USER_ID": FIRST_USER_ID,
            "EMAIL_OPTED_OUT": inventor.chance(0.08),
            "CONVERTED": number == 0,
            "CONVERTED_CONTACT_ID": FIRST_ID if number == 0 else None,
            "CONVERTED_DATE_UTC": dates["DATE_UPDATED_UTC"] if number == 0 else None,
            "CUSTOMFIELDS": custom(Newsletter__c=inventor.chance(0.5)),
            **inventor.address("ADDRESS"),
            **dates,
        }


def prospects(inventor: Inventor, size: Size, people: list[Fields]) -> Iterator[Fields]:
    """Invent prospects: of ten, five linked, three with the address alone of somebody in the CRM, two of nobody."""
    known = list(people)
    inventor.random.shuffle(known)
    for number in range(size.prospects):
        kind = number % 10
        person = known[number] if kind < 8 and number < len(known) else inventor.person(number + 10_000_000)
        linked = kind < 5
        email = person["EMAIL"]
        yield {
            "FIRST_NAME": person["FIRST_NAME"],
            "LAST_NAME": person["LAST_NAME"],
            "TITLE": person["TITLE"] if inventor.chance(0.7) else None,
            "EMAIL_ADDRESS": email.upper() if kind == 6 else email,
            "CONTACT_ID": person.get("CONTACT_ID") if linked else None,
            "LEAD_ID": person.get("LEAD_ID") if linked else None,
            "PHONE": inventor.phone(),
            "INDUSTRY": inventor.choice(INDUSTRIES),
            "SCORE": int(inventor.random.random() * 100),
            "GRADE": inventor.choice(("A", "B", "C", "D", None)),
            "OPTED_OUT": inventor.chance(0.08),
            "DO_NOT_SYNC": number == 7,
            "CUSTOMFIELDS": custom(Customer_Tier__c=inventor.choice(("Bronze", "Silver", "Gold", None))),
            **inventor.address("ADDRESS"),
            **inventor.dates(),
        }


def opportunities(inventor: Inventor, size: Size) -> Iterator[Fields]:
    """Invent opportunities."""
    for number in range(size.opportunities):
        amount = round(inventor.random.random() * 90_000) + 500
        yield {
            "OPPORTUNITY_NAME": f"{inventor.choice(COMPANY_LAST)} for {inventor.choice(COMPANY_FIRST)} {number + 1}",
            "OPPORTUNITY_STATE": inventor.choice(("OPEN", "OPEN", "OPEN", "WON", "LOST")),
            "BID_AMOUNT": amount,
            "OPPORTUNITY_VALUE": amount,
            "PROBABILITY": inventor.choice((10, 25, 50, 75, 90)),
            "ORGANISATION_ID": FIRST_ID + int(inventor.random.random() * size.organisations),
            "RESPONSIBLE_USER_ID": FIRST_USER_ID,
            "CUSTOMFIELDS": custom(Forecast__c=inventor.choice((20, 40, 60, None))),
            **inventor.dates(),
        }


def tasks(inventor: Inventor, size: Size) -> Iterator[Fields]:
    """Invent tasks."""
    for number in range(size.tasks):
        dates = inventor.dates()
        yield {
            "TITLE": f"{inventor.choice(('Call', 'Write to', 'Visit', 'Send an offer to'))} no. {number + 1}",
            "DUE_DATE": dates["DATE_UPDATED_UTC"],
            "STATUS": inventor.choice(("NOT STARTED", "IN PROGRESS", "COMPLETED")),
            "RESPONSIBLE_USER_ID": FIRST_USER_ID,
            **dates,
        }


def visits(inventor: Inventor, size: Size) -> Iterator[Fields]:
    """Invent visits of prospects to the web site."""
    for _ in range(size.visits):
        dates = inventor.dates()
        yield {
            "PROSPECT_ID": FIRST_ID + int(inventor.random.random() * size.prospects),
            "MKT_SOURCE": inventor.choice(("newsletter", "search", "partner")),
            "MKT_MEDIUM": inventor.choice(("email", "web")),
            "PAGE_REFERRER": "https://www.example.com/",
            "PAGE_VIEW_COUNT": int(inventor.random.random() * 9) + 1,
            "FIRST_PAGE_VIEW_DATE_UTC": dates["DATE_CREATED_UTC"],
            "LAST_PAGE_VIEW_DATE_UTC": dates["DATE_UPDATED_UTC"],
        }


@cache
def _ascii(name: str) -> str:
    """Return a name as it stands in an e-mail address."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return plain.replace("'", "") or "x"


SEEDS: Mapping[str, Callable[[Store, int], None]] = {
    "demo": lambda store, number: fill(store, number, DEMO),
    "small": lambda store, number: fill(store, number, SMALL),
    "large": lambda store, number: fill(store, number, LARGE),
}
