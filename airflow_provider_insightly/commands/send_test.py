"""``airflow insightly send-test``: send one record for real, to try the settings."""

from __future__ import annotations

import argparse
import json
import sys

from airflow_provider_insightly.commands import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("record", type=options.read_json, help='the record as JSON: {"FIRST_NAME": "Ann"}')
    options.add_settings(parser)
    options.add_connection(parser)
    parser.add_argument("--confirm-delete", action="store_true", help="consent to delete a record for good")


def run(args: argparse.Namespace) -> int:
    """Send the record and show the answer; 1 when it did not succeed."""
    from airflow.providers.common.compat.sdk import AirflowNotFoundException

    from airflow_provider_insightly.api.errors import InsightlyError
    from airflow_provider_insightly.hooks.insightly import InsightlyHook
    from airflow_provider_insightly.sending.mask import mask, mask_text
    from airflow_provider_insightly.sending.preview import test_send
    from airflow_provider_insightly.sending.record import Rejection

    options.quieten()
    try:
        settings = options.read_settings(args)
        if settings.method == "DELETE" and not args.confirm_delete:
            raise ValueError("This would delete the record in Insightly for good: say --confirm-delete.")
        client = InsightlyHook(args.conn_id).get_conn()
        result = test_send(settings, args.record, client, confirm_delete=args.confirm_delete)
    except (ValueError, LookupError, InsightlyError, AirflowNotFoundException) as error:
        sys.stderr.write(f"{options.explain(error)}\n")
        return 1
    message = mask_text(result.message, args.record, settings.masked)
    if isinstance(result, Rejection):
        sys.stderr.write(f"No request was made: {message}\n")
        return 1
    response = json.dumps(mask(result.response, settings.masked), ensure_ascii=False, indent=2)
    response = mask_text(response, args.record, settings.masked)  # a refusal is a text
    sys.stdout.write(f"{result.outcome}: {result.status} {message}\n{response}\n")
    return int(result.outcome != "succeeded")
