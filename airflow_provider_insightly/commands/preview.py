"""``airflow insightly preview``: show the requests of a send, without a connection."""

from __future__ import annotations

import argparse
import sys

from airflow_provider_insightly.commands import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    options.add_records(parser)
    options.add_settings(parser)
    parser.add_argument("--limit", type=int, default=10, help="how many requests to show (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Show the first requests; 1 when the settings cannot work or a record of those shown would be rejected."""
    from airflow_provider_insightly.sending.preview import preview

    try:
        samples = preview(options.read_settings(args), options.read_records(args), max(args.limit, 1))
    except (ValueError, LookupError, OSError) as error:
        sys.stderr.write(f"{options.explain(error)}\n")
        return 1
    sys.stdout.write(("\n\n".join(map(str, samples)) or "There are no records.") + "\n")
    return int(any(sample.problem for sample in samples))
