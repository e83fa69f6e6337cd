"""``airflow insightly replay``: send the records of a rejected file again."""

from __future__ import annotations

import argparse
import sys
from itertools import chain, islice

from airflow_provider_insightly.commands import options
from airflow_provider_insightly.commands.send import send_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("records", help="the rejected file that a send wrote")
    options.add_settings(parser)
    options.add_connection(parser)
    options.add_delivery(parser)
    parser.add_argument("--confirm-delete", action="store_true", help="consent to delete records for good")


def run(args: argparse.Namespace) -> int:
    """Send the records under the name of the send that wrote the file; 1 when one failed."""
    from airflow_provider_insightly.sending.replay import find_send, read_rejected

    args.format, args.encoding = "jsonl", "utf-8"
    try:
        lines = options.read_records(args)
        first = list(islice(lines, 1))  # read once: the input cannot be read from its start again
        key = find_send(first)
        if key is None:
            raise ValueError(f"{args.records} is no rejected file: its first line names no send.")
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{options.explain(error)}\n")
        return 1
    return send_file(args, read_rejected(chain(first, lines)), key)
