"""``airflow insightly db``: the store's schema, and the journal of old sends."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timedelta, timezone

from airflow_provider_insightly.commands import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("upgrade", help="make the tables, or bring them up to date; each use of the store does so too")
    prune = actions.add_parser("prune", help="remove the journal of old sends; a task of theirs then fails")
    prune.add_argument("--older-than", type=read_days, required=True, metavar="DAYS")


def read_days(text: str) -> timedelta:
    """Read an argument that is a number of days."""
    try:
        days = timedelta(days=float(text))
        datetime.now(timezone.utc) - days
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text} is no number of days that there have been") from None
    return days


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    from airflow_provider_insightly.hooks.store import open_airflow_store

    options.quieten()
    engine = open_airflow_store()
    shown = engine.url.render_as_string(hide_password=True)
    if args.action == "upgrade":
        sys.stdout.write(f"The store {shown} is up to date.\n")
        return 0
    from airflow_provider_insightly.sending.journal import prune

    count = prune(engine, datetime.now(timezone.utc) - args.older_than)
    sys.stdout.write(f"Forgot {count} sends in {shown}.\n")
    return 0
