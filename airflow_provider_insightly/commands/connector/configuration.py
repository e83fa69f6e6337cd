"""``connector check`` and ``connector settings``: the file that the connector is told everything by."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from airflow_provider_insightly.commands.connector.arguments import add_command, add_configuration
from airflow_provider_insightly.commands.connector.rows import write_table

if TYPE_CHECKING:
    from airflow_provider_insightly.api.client import InsightlyClient
    from airflow_provider_insightly.connector.mapping import MappedField


def add_check(actions: Any) -> None:
    """Add ``check``."""
    parser = add_command(
        actions,
        "check",
        help="check settings and mapping, also against the instance's own fields; 1 when there are problems",
    )
    add_configuration(parser)
    parser.set_defaults(run_action=check)


def check(args: argparse.Namespace) -> int:
    """Name every problem of a configuration with its line; reads from Insightly, and writes nothing anywhere."""
    from airflow_provider_insightly.connector.checking import read_custom_fields
    from airflow_provider_insightly.connector.configuration import load_configuration, locate_mapping_problems
    from airflow_provider_insightly.connector.mapping import MappingError, check_mapping
    from airflow_provider_insightly.hooks.insightly import InsightlyHook

    configuration = load_configuration(args.configuration)
    conn_id = configuration.insightly_conn_id
    client = InsightlyHook(conn_id).get_conn()
    problems, mapping = _unreadable(client, conn_id), ()
    try:
        mapping = check_mapping(configuration.mapping, read_custom_fields(client, configuration))
    except MappingError as error:
        problems.append(locate_mapping_problems(args.configuration, error))
    if problems:
        sys.stderr.write("\n".join(problems) + "\n")
        return 1
    write_table([_show_row(row) for row in mapping], {name: _column(name) for name in MAPPING_COLUMNS})
    sys.stdout.write(f"{args.configuration} can be used with {conn_id}: {len(mapping)} mapped fields fit.\n")
    return 0


def _unreadable(client: InsightlyClient, conn_id: str) -> list[str]:
    """Return which objects the connection's user cannot read: to the connector, their records would look deleted."""
    from airflow_provider_insightly.api.catalogue import get_object
    from airflow_provider_insightly.api.errors import AccessDeniedError, NotFoundError
    from airflow_provider_insightly.connector.records import CRM_OBJECTS, PROSPECT

    problems = []
    for name in (PROSPECT, *CRM_OBJECTS):
        try:
            client.request("GET", get_object(name).path, params={"top": 1, "brief": "true"})
        except (AccessDeniedError, NotFoundError) as error:
            problems.append(f"{conn_id}: {name} cannot be read, so that there is nothing to sync with: {error}")
    return problems


MAPPING_COLUMNS = ("prospect", "lead", "contact", "behavior", "one way")


def _show_row(row: MappedField) -> dict[str, str]:
    from airflow_provider_insightly.connector.overview import one_way
    from airflow_provider_insightly.connector.records import CONTACTS, LEADS, ORGANISATIONS, PROSPECT

    def field(name: str) -> str:
        return f"{row.names[name]} ({row.fields[name].type})" if name in row.names else ""

    organisation = field(ORGANISATIONS)
    cells = (
        field(PROSPECT),
        field(LEADS),
        f"organisation's {organisation}" if organisation else field(CONTACTS),
        row.behavior,
        "; ".join(one_way(row)),
    )
    return dict(zip(MAPPING_COLUMNS, cells, strict=True))


def _column(name: str) -> Any:
    return lambda row: row[name]


def add_settings(actions: Any) -> None:
    """Add ``settings``."""
    parser = add_command(
        actions, "settings", help="show the nine settings of the page, and the rest, with their values"
    )
    add_configuration(parser)
    parser.set_defaults(run_action=show_settings)


def show_settings(args: argparse.Namespace) -> int:
    """Show the nine boxes in the page's words, then what else can be set."""
    from airflow_provider_insightly.connector.configuration import load_configuration
    from airflow_provider_insightly.connector.settings import BOX_LABELS, BOXES, Settings

    configuration = load_configuration(args.configuration)
    values, defaults = configuration.settings.model_dump(), Settings().model_dump()
    boxes = [
        {"": number, "on the page": BOX_LABELS[number], **_setting(name, values[name], defaults[name])}
        for number, name in BOXES.items()
    ]
    rest = [_setting(name, value, defaults[name]) for name, value in values.items() if name not in BOXES.values()]
    for rows in (boxes, [row for row in rest if row["setting"] != "breakers"], _breakers(values, defaults)):
        write_table(rows, {name: _column(name) for name in rows[0]})
        sys.stdout.write("\n")
    sys.stdout.write(f"Connection: {configuration.insightly_conn_id}. Mapped fields: {len(configuration.mapping)}.\n")
    return 0


def _setting(name: str, value: Any, default: Any) -> dict[str, str]:
    return {"setting": name, "value": _show_value(value), "default": _show_value(default)}


def _breakers(values: dict[str, Any], defaults: dict[str, Any]) -> list[dict[str, str]]:
    return [
        _setting(f"breakers.{name}", breaker, defaults["breakers"][name])
        for name, breaker in values["breakers"].items()
    ]


def _show_value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {part}" for key, part in value.items()) or "none"
    return str(value)
