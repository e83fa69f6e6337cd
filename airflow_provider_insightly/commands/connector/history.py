"""``connector log``, ``explain`` and ``links``: what the connector did, and which records it holds together."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from airflow_provider_insightly.commands import options
from airflow_provider_insightly.commands.connector.arguments import (
    add_command,
    add_record,
    add_rows,
    as_ref,
    read_moment,
    read_object,
    read_result,
)
from airflow_provider_insightly.commands.connector.rows import Row, show_change, show_time, wanted_limit, write_rows

FILE = "insightly_crm_connector.yaml"


def add_log(actions: Any) -> None:
    """Add ``log``."""
    parser = add_command(actions, "log", help="show the connector log, the newest rows first")
    options.add_connection(parser)
    times = "2026-11-21, '2026-11-21 14:30' (UTC), or 30m, 24h, 7d for so long ago"
    parser.add_argument("--since", type=read_moment, metavar="TIME", help=f"at this time or later: {times}")
    parser.add_argument("--until", type=read_moment, metavar="TIME", help="before this time")
    parser.add_argument("--run", dest="run_id", metavar="RUN_ID", help="of this run")
    parser.add_argument("--event", help="create, link, update_prospect, update_crm, merge, archive …")
    parser.add_argument("--result", type=read_result, help="applied, skipped, rejected, failed, under_way …")
    parser.add_argument("--setting", help="decided by this setting: 1 to 9, mapping or gate")
    add_record(parser, "about this record")
    parser.add_argument("--field", help="about this field")
    parser.add_argument("--text", help="with this text in a value, a reason or an error")
    add_rows(parser, 50)
    parser.set_defaults(run_action=show_log)


def show_log(args: argparse.Namespace) -> int:
    """Show or export rows of the log."""
    from airflow_provider_insightly.connector.log_search import COLUMNS, LogFilter, read_log
    from airflow_provider_insightly.hooks.store import open_airflow_store

    wanted = LogFilter(
        since=args.since,
        until=args.until,
        run_id=args.run_id,
        event=args.event,
        result=args.result,
        setting=args.setting,
        record=as_ref(args.record),
        field=args.field,
        text=args.text,
    )
    limit = wanted_limit(args)
    with open_airflow_store().connect() as connection:
        rows = read_log(connection, args.conn_id, wanted, None if limit is None else limit + 1)
        write_rows(args, rows, COLUMNS, LOG_SHOWN, f"The connector log of {args.conn_id} has no such rows.")
    return 0


LOG_SHOWN = {
    "at (UTC)": lambda row: show_time(row["at"]),
    "event": lambda row: row["event"],
    "prospect": lambda row: row["prospect_id"],
    "record": lambda row: _show_crm(row),
    "field": lambda row: row["field"],
    "before → after": show_change,
    "setting": lambda row: row["setting"],
    "result": lambda row: row["result"] or "under way",
    "reason": lambda row: ": ".join(filter(None, [row["reason"], row["error"]])),
}


def add_explain(actions: Any) -> None:
    """Add ``explain``."""
    parser = add_command(actions, "explain", help="say why a field of a record has the value that it has")
    parser.add_argument("object", type=read_object, metavar="OBJECT", help="Prospect, Contacts or Leads")
    parser.add_argument("id", type=int, metavar="ID", help="the id of the record")
    parser.add_argument("field", metavar="FIELD", help="the name of the field on this object")
    parser.add_argument(
        "--config", metavar="CONFIG.yaml", help=f"settings and mapping (default: {FILE} in Airflow's folder of DAGs)"
    )
    parser.set_defaults(run_action=explain_field)


def explain_field(args: argparse.Namespace) -> int:
    """Show the field's row of the mapping, its pair, and what was done to it."""
    from airflow_provider_insightly.connector.configuration import load_configuration
    from airflow_provider_insightly.connector.explanation import explain
    from airflow_provider_insightly.hooks.store import open_airflow_store

    configuration = load_configuration(args.config or _find_configuration())
    ref, instance = as_ref((args.object, args.id)), configuration.insightly_conn_id
    with open_airflow_store().connect() as connection:
        explanation = explain(connection, instance, ref, args.field, configuration.mapping)
    sys.stdout.write("\n".join(explanation.lines) + "\n")
    return 0


def _find_configuration() -> Path:
    from airflow.providers.common.compat.sdk import conf

    path = Path(conf.get("core", "dags_folder")) / FILE
    if not path.is_file():
        raise ValueError(f"There is no {path}: say --config, with the file in which the connector's mapping is.")
    return path


def add_links(actions: Any) -> None:
    """Add ``links``."""
    parser = add_command(actions, "links", help="show which prospects and CRM records belong together, and why")
    options.add_connection(parser)
    add_record(parser, "the pair of this record alone")
    parser.add_argument("--object", type=read_object, help="pairs with Contacts or with Leads alone")
    add_rows(parser, 50)
    parser.set_defaults(run_action=show_links)


def show_links(args: argparse.Namespace) -> int:
    """Show or export pairs."""
    from airflow_provider_insightly.connector.links import COLUMNS, read_links
    from airflow_provider_insightly.connector.records import CRM_OBJECTS
    from airflow_provider_insightly.hooks.store import open_airflow_store

    crm_object = args.object if args.object in CRM_OBJECTS else None  # every pair has a prospect
    with open_airflow_store().connect() as connection:
        rows = read_links(connection, args.conn_id, record=as_ref(args.record), crm_object=crm_object)
        write_rows(args, rows, COLUMNS, LINKS_SHOWN, f"{args.conn_id} has no such pairs.")
    return 0


LINKS_SHOWN = {
    "prospect": lambda row: row["prospect_id"],
    "record": lambda row: _show_crm(row),
    "matched by": lambda row: row["matched_by"],
    "linked at (UTC)": lambda row: show_time(row["linked_at"]),
}


def _show_crm(row: Row) -> str:
    return f"{row['crm_object']} {row['crm_id']}" if row["crm_object"] else ""
