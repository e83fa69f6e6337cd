"""What a run begins with: the settings and the mapping held against the Insightly instance itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection, Engine

from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.api.errors import InsightlyError
from airflow_provider_insightly.connector.configuration import Configuration
from airflow_provider_insightly.connector.extraction import Clock
from airflow_provider_insightly.connector.mapping import (
    CustomFields,
    FieldInfo,
    MappedField,
    MappingError,
    check_mapping,
)
from airflow_provider_insightly.connector.overview import note_check, note_quota
from airflow_provider_insightly.connector.records import CONTACTS, LEADS, ORGANISATIONS, PROSPECT
from airflow_provider_insightly.connector.state import (
    CREATING_SINCE,
    CUSTOM_FIELDS,
    PUBLISHED_UNTIL,
    VISITS_READ,
    read_state,
    read_time,
    write_state,
    write_time,
)
from airflow_provider_insightly.connector.values import FieldType, is_custom
from airflow_provider_insightly.store.engine import writing

TYPES: Mapping[str, FieldType] = {
    "TEXT": "text",
    "MULTILINETEXT": "text",
    "URL": "text",
    "NUMERIC": "number",
    "PERCENT": "number",
    "AUTONUMBER": "number",
    "BIT": "boolean",
    "DATE": "date",
    "DATETIME": "datetime",
    "DROPDOWN": "dropdown",
    "MULTISELECT": "multiselect",
}
"""The types of custom fields that can be mapped. Source: ``FIELD_TYPE`` of ``GET /CustomFields/{object}``."""


def check(
    client: InsightlyClient, engine: Engine, instance: str, configuration: Configuration, *, now: Clock, dry_run: bool
) -> tuple[MappedField, ...]:
    """Check the settings, and the mapping against the instance's own fields; note since when a box is on.

    What was found is kept for the pages in the UI, problems too.

    :param dry_run: nothing is noted of the boxes: a setting that was only tried out is not on yet.
    :returns: the checked mapping.
    :raises MappingError: the mapping cannot work with this instance.

    Source: ``GET /Instance`` (for the server's clock), ``GET /CustomFields/{objectName}``.
    """
    custom_fields: CustomFields | None = None

    def note(problems: Iterable[tuple[int | None, str]]) -> None:
        with writing(engine) as connection:
            note_check(connection, instance, configuration.mapping, custom_fields, problems, now())

    try:
        answer = client.request("GET", "/Instance")
        custom_fields = read_custom_fields(client, configuration)
        mapping = check_mapping(configuration.mapping, custom_fields)
    except InsightlyError as error:
        note([(None, str(error))])
        raise
    except MappingError as error:
        note(error.problems)
        raise
    note([])
    server_time = answer.server_time or now()
    with writing(engine) as connection:
        note_quota(connection, instance, answer.quota_remaining, now())
        write_state(connection, instance, CUSTOM_FIELDS, _to_json(custom_fields))
        if not dry_run:
            _note_boxes(connection, instance, configuration, server_time)
    return mapping


def checked_mapping(engine: Engine, instance: str, configuration: Configuration) -> tuple[MappedField, ...]:
    """Return the mapping as :func:`check` found it in this run, without asking again."""
    with engine.connect() as connection:
        kept = read_state(connection, instance, CUSTOM_FIELDS)
    return check_mapping(configuration.mapping, _from_json(kept or {}))


def objects_to_read(mapping: tuple[MappedField, ...]) -> list[str]:
    """Return the objects whose records the connector reads: organisations only where the mapping names them."""
    mapped = any(row.row.organisation for row in mapping)
    return [*([ORGANISATIONS] if mapped else []), CONTACTS, LEADS, PROSPECT]


def read_custom_fields(client: InsightlyClient, configuration: Configuration) -> CustomFields:
    """Return what Insightly says of the custom fields of the objects whose custom fields are mapped."""
    needed = {name for row in configuration.mapping for name, field in row.fields.items() if is_custom(field)}
    found: dict[str, dict[str, FieldInfo]] = {}
    for object_name in sorted(needed):
        answer = client.request("GET", f"/CustomFields/{object_name}").body
        known = [definition for definition in answer if definition.get("FIELD_TYPE") in TYPES]
        found[object_name] = {definition["FIELD_NAME"]: _info(definition) for definition in known}
    return found


def _info(definition: Mapping[str, Any]) -> FieldInfo:
    options = definition.get("CUSTOM_FIELD_OPTIONS") or ()
    return FieldInfo(
        type=TYPES[definition["FIELD_TYPE"]],
        writable=definition.get("EDITABLE") is not False and definition["FIELD_TYPE"] != "AUTONUMBER",
        options=tuple(option["OPTION_VALUE"] for option in options),
        label=definition.get("FIELD_LABEL"),
    )


def _note_boxes(connection: Connection, instance: str, configuration: Configuration, at: datetime) -> None:
    """Remember since when prospects are created and notes published: neither is done for what is older."""
    settings = configuration.settings
    publishing = settings.show_prospect_timeline and settings.publish == "note"
    for name, on in ((CREATING_SINCE, settings.create_prospects), (PUBLISHED_UNTIL, publishing)):
        if not on:
            write_state(connection, instance, name, None)
        elif read_time(connection, instance, name) is None:
            write_time(connection, instance, name, at)
    if not settings.show_prospect_timeline:
        write_state(connection, instance, VISITS_READ, None)


def _to_json(custom_fields: CustomFields) -> dict[str, Any]:
    return {name: {key: asdict(info) for key, info in fields.items()} for name, fields in custom_fields.items()}


def _from_json(kept: Mapping[str, Mapping[str, Any]]) -> CustomFields:
    return {
        name: {key: FieldInfo(**{**info, "options": tuple(info["options"])}) for key, info in fields.items()}
        for name, fields in kept.items()
    }
