"""The page Prospect Field Mapping: which fields belong together, whose value wins, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from airflow_provider_insightly.connector.overview import SIDES, read_overview
from airflow_provider_insightly.connector.state import LABELS, read_state
from airflow_provider_insightly.ui.access import MayRead
from airflow_provider_insightly.ui.place import ConnectorPlace

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Drift:
    """A label in Insightly that is not the primary field's.

    :param place: the field, as ``Contacts.Hobby__c``.
    :param label: its label in Insightly.
    :param wanted: the label to type there.
    """

    place: str
    label: str
    wanted: str


@router.get("/connectors/{dag_id}/mapping", dependencies=[MayRead])
def show_mapping(place: ConnectorPlace) -> HTMLResponse:
    """Show the mapping as the last run or dry run found it."""
    with place.engine.connect() as connection:
        checked = read_overview(connection, place.instance).checked
        kept = read_state(connection, place.instance, LABELS) or {}
    return place.page("mapping.html", checked=checked, drifts=find_drifts(checked["fields"] if checked else [], kept))


def find_drifts(fields: list[dict[str, Any]], kept: Mapping[str, str]) -> list[Drift]:
    """Return the labels of secondary fields that differ from those that the connector keeps.

    :param fields: the rows of the mapping, as the check described them.
    :param kept: labels by field, as ``Contacts.Hobby__c``.
    """
    found = []
    for row in fields:
        for side, object_name in SIDES.items():
            place, label = f"{object_name}.{row[side]}", row[f"{side}_label"]
            if row["primary"] and side != row["primary"] and label and kept.get(place, label) != label:
                found.append(Drift(place, label, kept[place]))
    return found
