"""``airflow insightly connector``: check and plan a configuration, read what the connector did, let a plan through."""

from __future__ import annotations

import argparse
import sys

from airflow_provider_insightly.commands import options
from airflow_provider_insightly.commands.connector import approval, configuration, history, plan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands, each with its arguments and the function that runs it."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    configuration.add_check(actions)
    plan.add_plan(actions)
    configuration.add_settings(actions)
    history.add_log(actions)
    history.add_explain(actions)
    history.add_links(actions)
    approval.add_approve(actions)
    approval.add_lift_opt_out(actions)


def run(args: argparse.Namespace) -> int:
    """Run a sub-command; 1 when it could not do what was asked, with the reason."""
    from airflow.providers.common.compat.sdk import AirflowException

    from airflow_provider_insightly.api.errors import InsightlyError
    from airflow_provider_insightly.connector.extraction import IncompleteReadError

    options.quieten()
    try:
        status: int = args.run_action(args)
    except (ValueError, LookupError, OSError, InsightlyError, IncompleteReadError, AirflowException) as error:
        sys.stderr.write(f"{options.explain(error)}\n")
        return 1
    return status
