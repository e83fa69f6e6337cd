"""``airflow insightly send``: send the records of a file."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import uuid
from collections.abc import Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from airflow_provider_insightly.commands import options

if TYPE_CHECKING:
    from airflow_provider_insightly.sending.record import Record, Rejection


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    options.add_records(parser)
    options.add_settings(parser)
    options.add_connection(parser)
    options.add_delivery(parser)
    parser.add_argument("--key", help="go on with a send that ended early, by the key that it printed")
    parser.add_argument("--confirm-delete", action="store_true", help="consent to delete records for good")


def run(args: argparse.Namespace) -> int:
    """Send the records; 1 when one failed."""
    key = args.key or f"command/{uuid.uuid4()}"
    sys.stderr.write(f"The key of this send is {key}.\n")
    return send_file(args, options.read_records(args), key)


def send_file(args: argparse.Namespace, records: Iterable[Record | Rejection], key: str) -> int:
    """Send records by the options of the command and print the summary."""
    from airflow.providers.common.compat.sdk import AirflowNotFoundException

    from airflow_provider_insightly.api.errors import InsightlyError
    from airflow_provider_insightly.hooks.insightly import InsightlyHook
    from airflow_provider_insightly.operators.storage import refuse_same_files, writing_lines
    from airflow_provider_insightly.sending.form import split
    from airflow_provider_insightly.sending.journal import Journal
    from airflow_provider_insightly.sending.report import Report
    from airflow_provider_insightly.sending.request import read_items
    from airflow_provider_insightly.sending.send import DeliveryPolicy, send

    options.quieten()
    logging.getLogger("airflow_provider_insightly").setLevel(logging.INFO)
    try:
        settings = options.read_settings(args)
        if settings.method == "DELETE" and not args.confirm_delete:
            raise ValueError("This would delete records in Insightly for good: say --confirm-delete.")
        refuse_same_files(None if args.records == "-" else args.records, args.responses, args.rejected)
        hook = InsightlyHook(args.conn_id)
        policy = DeliveryPolicy(
            match_on=split(args.match_on),
            on_unknown=args.on_unknown,
            unknown_wait=args.unknown_wait,
            on_record_error=args.on_record_error,
            max_failure_ratio=args.max_failure_ratio,
        )
        with ExitStack() as stack:
            respond, reject = (stack.enter_context(writing_lines(path)) for path in (args.responses, args.rejected))
            report = Report(key, respond, reject, settings.masked)
            journal = Journal(hook.store(), key, hook.ids_of(settings.target))
            try:
                send(settings, read_items(settings, records), hook.get_conn(), report, journal, policy)
            finally:
                for failure in report.failures:
                    sys.stderr.write(f"{failure}\n")
                sys.stdout.write(json.dumps(report.summary(args.responses, args.rejected)) + "\n")
    except (ValueError, LookupError, OSError, InsightlyError, AirflowNotFoundException) as error:
        sys.stderr.write(f"{options.explain(error)}\n")
        if isinstance(error, InsightlyError) and "key" in args:
            sys.stderr.write(f"What was sent is noted: go on where this send ended with --key {key}\n")
        return 1
    return int(policy.is_failure(report))
