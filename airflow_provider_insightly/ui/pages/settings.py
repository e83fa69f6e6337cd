"""The page of the nine boxes: what each does, its value, where that comes from, and what another value would change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from inspect import getdoc
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from airflow_provider_insightly.connector.overview import read_overview
from airflow_provider_insightly.connector.settings import BOX_LABELS, BOXES, Breakers, Settings
from airflow_provider_insightly.ui.access import MayRead
from airflow_provider_insightly.ui.place import ConnectorPlace

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Box:
    """One of the nine boxes.

    :param number: its number on Insightly's page.
    :param name: its name in the YAML file and among the DAG's parameters.
    :param label: what Insightly's page writes beside it.
    :param explained: what it does.
    :param on: its value in the YAML file.
    :param last_run: its value in the last run; ``None`` when that was the file's.
    """

    number: str
    name: str
    label: str
    explained: str
    on: bool
    last_run: bool | None


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that is no box, as the last run had it.

    :param name: its name in the YAML file.
    :param explained: what it does.
    :param value: its value.
    :param default: its value where the file does not name it.
    """

    name: str
    explained: str
    value: Any
    default: Any


@router.get("/connectors/{dag_id}/settings", dependencies=[MayRead])
def show_settings(place: ConnectorPlace) -> HTMLResponse:
    """Show the settings, and a form that tries other boxes out in a dry run."""
    with place.engine.connect() as connection:
        run = read_overview(connection, place.instance).configuration
    overrides = run["overrides"] if run else {}
    boxes = [
        Box(number, name, BOX_LABELS[number], EXPLAINED[number], place.dag.boxes[name], overrides.get(name))
        for number, name in BOXES.items()
        if name in place.dag.boxes
    ]
    return place.page("settings.html", boxes=boxes, run=run, others=_others(run["configuration"]) if run else [])


def _others(configuration: dict[str, Any]) -> list[Setting]:
    values, defaults = _flat(configuration["settings"]), _flat(Settings().model_dump(mode="json"))
    documented = re.findall(r":param (\w+): ((?:.|\n(?!\s*:))+)", f"{getdoc(Settings)}\n{getdoc(Breakers)}")
    explained = {name: " ".join(text.replace("``", "").split()) for name, text in documented}
    return [
        Setting(name, explained.get(name.split(".")[-1], ""), value, defaults.get(name))
        for name, value in values.items()
        if name not in BOXES.values()
    ]


def _flat(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings with a row for each breaker, written as people say it."""
    plain = {name: value for name, value in settings.items() if name != "breakers"}
    breakers = {
        f"breakers.{name}": f"{each['count']} or {each['percent']:g} %" for name, each in settings["breakers"].items()
    }
    return {**plain, **breakers}


EXPLAINED = {
    "1": "For Leads and Contacts created after the box was turned on, with a valid address that no prospect has. "
    "Older ones take a run with backfill.",
    "2": "From CRM to Marketing, never the other way. An address that another prospect has is left and logged; "
    "an emptied one clears nothing.",
    "3": "On: the prospect is archived, or merged into the surviving one. Off: only the link ends. Merges that are "
    "only likely and deletes for good wait for approval.",
    "4": "On: where the CRM value wins and is empty, the prospect's is emptied too. Off: an empty value never wins. "
    "Addresses, opt-outs and required fields are never emptied.",
    "5": "The same in the other direction: where the prospect's value wins and is empty, the Lead's or Contact's is "
    "emptied.",
    "6": "For prospects without the id of a CRM record. One match is linked; several are left and logged as ambiguous.",
    "7": "A mapped opt-out in CRM reaches the prospect. Nobody is ever opted in by this.",
    "8": "Reads the visits of linked prospects. They are shown on the page Timeline, and with publish: note also as a "
    "Note on the record.",
    "9": "The API cannot write labels: the connector keeps them in its mapping, and lists what to type in Insightly.",
}
"""What each box does, beyond its label."""
