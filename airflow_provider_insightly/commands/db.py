"""``airflow insightly db``: the store's schema, and the journal of old sends."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timedelta, timezone

from airflow_provider_insightly.commands import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    upgrade = "make the tables, or bring them up to date; each use of the store does so too"
    actions.add_parser("upgrade", help=upgrade, description=upgrade)
    removal = "remove the journal of old sends; a task of theirs that is cleared afterwards fails"
    prune = actions.add_parser("prune", help=removal, description=removal)
    prune.add_argument(
        "--older-than",
        type=read_days,
        required=True,
        metavar="DAYS",
        help="of sends whose last attempt is so many days ago, such as 90",
    )


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
    from airflow.providers.common.compat.sdk import AirflowNotFoundException

    from airflow_provider_insightly.hooks.store import open_airflow_store

    options.quieten()
    try:
        engine = open_airflow_store()
    except (ValueError, AirflowNotFoundException) as error:
        sys.stderr.write(f"{options.explain(error)}\n")
        return 1
    shown = engine.url.render_as_string(hide_password=True)
    if args.action == "upgrade":
        sys.stdout.write(f"The store {shown} is up to date.\n")
        return 0
    from airflow_provider_insightly.sending.journal import prune

    count = prune(engine, datetime.now(timezone.utc) - args.older_than)
    sys.stdout.write(f"Forgot {count} sends in {shown}.\n")
    return 0
