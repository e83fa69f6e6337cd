"""A company of any size: its CRM and Marketing, a day's edits on both sides, and what runs must make of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox

ID_FIELDS = {"Prospect": "PROSPECT_ID", "Contacts": "CONTACT_ID", "Leads": "LEAD_ID"}
EDITS_IN_A_UNIT = 30

SETTINGS: dict[str, Any] = {
    "create_prospects": True,
    "delete_or_merge_prospects": True,
    "crm_empty_overwrites_marketing": True,
    "marketing_empty_overwrites_crm": True,
    "overwrite_opted_out": True,
    "delete_grace_hours": 0,
    "sweep_hours": 0,
    "read_lag_seconds": 0,
}
"""Deletions count at once and lists do not lag, since nobody waits in a test."""

MAPPING: list[dict[str, Any]] = [
    {"prospect": "FIRST_NAME", "lead": "FIRST_NAME", "contact": "FIRST_NAME"},
    {"prospect": "LAST_NAME", "lead": "LAST_NAME", "contact": "LAST_NAME"},
    {"prospect": "MOBILE", "lead": "MOBILE", "contact": "PHONE_MOBILE"},
    {"prospect": "PHONE", "lead": "PHONE", "contact": "PHONE", "behavior": "Most Recently Updated Value"},
    {"prospect": "TITLE", "lead": "TITLE", "contact": "TITLE", "behavior": "Marketing Value"},
    {
        "prospect": "OPTED_OUT",
        "lead": "EMAIL_OPTED_OUT",
        "contact": "EMAIL_OPTED_OUT",
        "behavior": "Most Recently Updated Value",
    },
]


class Row(NamedTuple):
    """A row of the connector log; ``crm`` and ``prospect`` are ids, ``None`` where there was none before the run."""

    event: str
    setting: str
    result: str
    crm: int | None
    prospect: int | None
    field: str = ""
    before: Any = None
    after: Any = None


class Pair(NamedTuple):
    """A CRM record and its prospect."""

    object: str
    crm: int
    prospect: int


class Company:
    """Contacts, Leads and prospects, nine of ten in pairs, and people who edit them.

    :param unit: so many times 200 Contacts, 100 Leads, 300 prospects, and 30 edits.
    """

    def __init__(self, sandbox: InsightlySandbox, unit: int = 1) -> None:
        self.sandbox, self.unit = sandbox, unit
        self.pairs: dict[str, Pair] = {}
        """Pairs by the name in their address, ``c5`` for the fifth Contact."""
        self.rows: list[Row] = []
        """What the run after the edits must write into the log, the names of fields in the record that is written."""
        self.edits = 0

    def found(self) -> None:
        """Fill both sides; every tenth pair has a blank on each side. A tenth of the prospects is nobody's."""
        for number in range(200 * self.unit):
            self._found_pair("Contacts", f"c{number}", number, number < 180 * self.unit)
        for number in range(100 * self.unit):
            self._found_pair("Leads", f"l{number}", number, number < 90 * self.unit)
        for number in range(30 * self.unit):
            self.add("Prospect", f"s{number}", number)

    @property
    def first_results(self) -> dict[str, int]:
        """How many actions the first run applies, with ``backfill``."""
        pairs = 270 * self.unit
        return {"link": pairs, "create": 30 * self.unit, "update_prospect": pairs // 10, "update_crm": pairs // 10}

    @property
    def results(self) -> Counter[tuple[str, str]]:
        """How many actions of each event the run after the edits ends in which result; none has two fields."""
        return Counter((row.event, row.result) for row in self.rows)

    def add(self, object_name: str, name: str, number: int, **fields: Any) -> int:
        """Add a record. Neighbours have the same name and telephone, and the first of two has a mobile."""
        mobile = "PHONE_MOBILE" if object_name == "Contacts" else "MOBILE"
        person: dict[str, Any] = {"FIRST_NAME": "Ada", "LAST_NAME": f"Byron {number // 2}", "TITLE": "Dr"}
        numbers = {"PHONE": f"+49 30 {number // 2}", mobile: None if number % 2 else f"+49 171 {number}"}
        address = {"EMAIL" if object_name == "Leads" else "EMAIL_ADDRESS": f"{name}@example.com"}
        record = self.sandbox.add(object_name, **{**person, **numbers, **address, **fields})
        return int(record[ID_FIELDS[object_name]])

    def _found_pair(self, object_name: str, name: str, number: int, has_prospect: bool) -> None:
        crm = self.add(object_name, name, number, **({"TITLE": None} if number % 10 == 1 and has_prospect else {}))
        if has_prospect:
            prospect = self.add("Prospect", name, number, **({"LAST_NAME": None} if number % 10 == 0 else {}))
            self.pairs[name] = Pair(object_name, crm, prospect)

    def edit(self) -> None:
        """Let people work on both sides for a day."""
        for unit in range(self.unit):
            self._edit_fields(unit)
            self._edit_addresses_and_opt_outs(unit)
            self._remove(unit)
            self._add_people(unit)

    def _edit_fields(self, unit: int) -> None:
        contacts, leads = unit * 180, unit * 90
        for name in (f"c{contacts}", f"c{contacts + 2}", f"c{contacts + 4}"):
            self._change_crm(name, "FIRST_NAME", "Ada", "Grace")
        for name in (f"l{leads}", f"l{leads + 2}", f"l{leads + 4}"):
            self._change_crm(name, "LAST_NAME", f"Byron {int(name[1:]) // 2}", "Hopper")
        for number in (20, 22, 24):
            phone = f"+49 30 {(contacts + number) // 2}"
            self._change_prospect(f"c{contacts + number}", "PHONE", phone, f"+1 212 {number}")
        self._change_prospect(f"l{leads + 20}", "TITLE", "Dr", "Prof.")
        self._change_crm(f"c{contacts + 30}", "PHONE", f"+49 30 {(contacts + 30) // 2}", None, setting="4")
        self._change_prospect(f"c{contacts + 32}", "TITLE", "Dr", None, setting="5")
        both = f"c{contacts + 34}"
        self._put("Prospect", self.pairs[both].prospect, FIRST_NAME="Augusta")
        self._change_crm(both, "FIRST_NAME", "Augusta", "Grace")  # a conflict: the mapping says whose value it is
        closed = self.pairs[f"c{contacts + 36}"]
        self._put("Prospect", closed.prospect, DO_NOT_SYNC=True)
        self._put("Contacts", closed.crm, FIRST_NAME="Nobody hears of it")
        self.rows.append(Row("gate", "gate", "skipped", closed.crm, closed.prospect))

    def _edit_addresses_and_opt_outs(self, unit: int) -> None:
        for number in (unit * 180 + 40, unit * 180 + 42):
            old, new = f"c{number}@example.com", f"moved{number}@example.com"
            pair = self.pairs[f"c{number}"]
            self._put("Contacts", pair.crm, EMAIL_ADDRESS=new)
            self.rows.append(Row("change_email", "2", "applied", *pair[1:], "EMAIL_ADDRESS", old, new))
        name = f"c{unit * 180 + 48}"
        self._put("Contacts", self.pairs[name].crm, EMAIL_ADDRESS=f"{name.upper()}@Example.com")  # the same address
        pair = self.pairs[f"c{unit * 180 + 44}"]
        self._put("Contacts", pair.crm, EMAIL_OPTED_OUT=True)
        self.rows.append(Row("opt_out_prospect", "7", "applied", *pair[1:], "OPTED_OUT", False, True))
        pair = self.pairs[f"c{unit * 180 + 46}"]
        self._put("Prospect", pair.prospect, OPTED_OUT=True)
        self.rows.append(Row("opt_out_crm", "7", "applied", *pair[1:], "EMAIL_OPTED_OUT", False, True))

    def _remove(self, unit: int) -> None:
        pair = self.pairs[f"c{unit * 180 + 50}"]
        self._call("DELETE", f"/Contacts/{pair.crm}")
        self.rows.append(Row("archive", "3", "applied", *pair[1:]))
        pair = self.pairs[f"c{unit * 180 + 52}"]
        self._call("DELETE", f"/Prospect/{pair.prospect}")
        self.rows.append(Row("tombstone", "3", "applied", *pair[1:]))
        lost, kept = (self.pairs[f"c{unit * 180 + number}"] for number in (60, 61))
        self._in_web_page(f"/contacts/{lost.crm}/merge-into/{kept.crm}")
        self.rows.append(Row("merge", "3", "applied", *lost[1:]))
        mobile = f"+49 171 {unit * 180 + 60}"  # the merge filled a blank in CRM
        self.rows.append(Row("update_prospect", "mapping", "applied", *kept[1:], "MOBILE", None, mobile))
        pair = self.pairs[f"l{unit * 90 + 30}"]
        contact = self._in_web_page(f"/leads/{pair.crm}/convert")["CONVERTED_CONTACT_ID"]
        self.rows.append(Row("relink", "3", "applied", contact, pair.prospect))

    def _add_people(self, unit: int) -> None:
        for object_name, name in (("Contacts", "new-c"), ("Contacts", "newer-c"), ("Leads", "new-l")):
            crm = self.add(object_name, f"{name}{unit}", 1)
            self.edits += 1
            self.rows.append(
                Row("create", "1", "applied", crm, None, "EMAIL_ADDRESS", None, f"{name}{unit}@example.com")
            )
        crm, prospect = (self.add(name, f"both{unit}", 1) for name in ("Contacts", "Prospect"))
        self.edits += 2
        self.rows.append(Row("link", "6", "applied", crm, prospect))

    def _change_crm(self, name: str, field: str, before: Any, after: Any, setting: str = "mapping") -> None:
        pair = self.pairs[name]
        self._put(pair.object, pair.crm, **{field: after})
        self.rows.append(Row("update_prospect", setting, "applied", *pair[1:], field, before, after))

    def _change_prospect(self, name: str, field: str, before: Any, after: Any, setting: str = "mapping") -> None:
        pair = self.pairs[name]
        self._put("Prospect", pair.prospect, **{field: after})
        self.rows.append(Row("update_crm", setting, "applied", *pair[1:], field, before, after))

    def _put(self, object_name: str, number: int, **fields: Any) -> None:
        self._call("PUT", f"/{object_name}", {ID_FIELDS[object_name]: number, **fields})

    def _call(self, method: str, path: str, body: Any = None) -> None:
        answer = self.sandbox.call(method, path, body)
        assert answer.ok, answer.text
        self.edits += 1

    def _in_web_page(self, path: str) -> Any:
        self.edits += 1
        return self.sandbox.control("POST", path, {})


def log_rows(rows: Iterable[dict[str, Any]], expected: Iterable[Row]) -> tuple[Counter[Row], Counter[Row]]:
    """Return rows of the connector log as :class:`Row`, and those that were expected.

    Of a created prospect only the address is compared, since each mapped field has a row of its own.
    """
    found: Counter[Row] = Counter()
    for row in rows:
        if row["event"] != "create" or row["field"] == "EMAIL_ADDRESS":
            prospect = None if row["event"] == "create" else row["prospect_id"]
            found[
                Row(
                    *(row["event"], row["setting"], row["result"], row["crm_id"], prospect),
                    *(row["field"], row["before"], row["after"]),
                )
            ] += 1
    return found, Counter(expected)
