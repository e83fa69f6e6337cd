"""What people ask for, as they write it: a time, a record."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from airflow_provider_insightly.connector.records import CONTACTS, LEADS, PROSPECT, Ref

TIMES = "2026-11-21, 2026-11-21 14:30 (UTC), or 30m, 24h, 7d for so long ago"
"""How a time may be written."""

LARGEST_ID = 2**63 - 1

_OBJECTS = {"prospect": PROSPECT, "contact": CONTACTS, "lead": LEADS}
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def read_object(text: str) -> str:
    """Read an object's name, in the plural or the singular.

    :raises ValueError: the connector has no such object.
    """
    name = _OBJECTS.get(text.strip().lower().removesuffix("s"))
    if name is None:
        raise ValueError(f"{text!r} is no object of the connector: write Prospect, Contacts or Leads")
    return name


def read_ref(text: str) -> Ref:
    """Read ``Contacts/5``.

    :raises ValueError: it names no record.
    """
    name, _, number = text.strip().partition("/")
    if not re.fullmatch("[0-9]{1,19}", number) or int(number) > LARGEST_ID:
        raise ValueError(f"{text!r} names no record: write Contacts/5, Leads/5 or Prospect/5")
    return Ref(read_object(name), int(number))


def read_moment(text: str, now: datetime | None = None) -> datetime:
    """Read a time: ``2026-11-21``, ``2026-11-21 14:30`` (UTC where it names no zone), or ``7d`` for seven days ago.

    :raises ValueError: it is no time.
    """
    now = now or datetime.now(timezone.utc)
    ago = re.fullmatch("([0-9]{1,6})([mhd])", text.strip())
    try:
        if ago:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time: write {TIMES}") from None
