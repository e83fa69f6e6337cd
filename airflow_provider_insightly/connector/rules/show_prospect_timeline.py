"""Setting 8: what a prospect did, merged by time with what the connector did; a Note for each day of a pair."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from airflow_provider_insightly.connector.actions import Action, Change
from airflow_provider_insightly.connector.world import Link

STEP = "show_prospect_timeline"
SETTING = "8"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline.

    :param at: when it happened.
    :param kind: ``visit``, or the event of the connector log.
    :param text: what happened, for people.
    """

    at: datetime
    kind: str
    text: str


def publish_days(link: Link, entries: Iterable[Entry], published: Iterable[str]) -> list[Action]:
    """Return a Note for each day on which the prospect did something, but for days that have theirs.

    :param entries: the timeline of whole days; days on which only the connector did something get no Note.
    :param published: days that were published, as ``2026-05-01``.

    Source: "the Prospect's activity will appear in the Lead or Contact record's timeline tab".
    """
    by_day: dict[date, list[Entry]] = {}
    for entry in entries:
        by_day.setdefault(entry.at.date(), []).append(entry)
    done = set(published)
    return [
        _note(link, day, by_day[day])
        for day in sorted(by_day)
        if day.isoformat() not in done and any(entry.kind == "visit" for entry in by_day[day])
    ]


def note_title(prospect_id: int, day: str) -> str:
    """Return the title of a day's Note: its key, by which it is found again."""
    return f"Prospect timeline {day}, prospect {prospect_id}"


def _note(link: Link, day: date, entries: Sequence[Entry]) -> Action:
    lines = [f"{entry.at:%H:%M} {entry.text}" for entry in sorted(entries, key=lambda entry: (entry.at, entry.text))]
    changes = (
        Change("TITLE", None, note_title(link.prospect_id, day.isoformat())),
        Change("BODY", None, "\n".join(lines)),
    )
    return Action(STEP, "note", SETTING, link.prospect_id, link.crm, changes, reason=day.isoformat())
