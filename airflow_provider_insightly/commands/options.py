"""The options that the commands about sends share, and what they stand for."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_insightly.sending.record import Record, Rejection
    from airflow_provider_insightly.sending.settings import SendSettings


OF_A_URL = ("method", "object", "batch_size", "batch_bytes", "patch_fallback")


def add_records(parser: argparse.ArgumentParser) -> None:
    """Add the source of the records."""
    parser.add_argument(
        "records", help="a file of records (CSV, JSON Lines, JSON, Parquet); - reads JSON Lines from the input"
    )
    parser.add_argument(
        "--format",
        "--records-format",
        choices=("csv", "jsonl", "json", "parquet"),
        help="the format, where the file's name does not say it",
    )
    parser.add_argument("--encoding", default="utf-8", help="of a text file (default: %(default)s)")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add what decides about the requests."""
    parser.add_argument("--template", help="an endpoint template, such as create_contact; or --method and --url")
    parser.add_argument(
        "--method", choices=("POST", "PUT", "PATCH", "DELETE"), help="with --url: the method (default: POST)"
    )
    parser.add_argument("--url", help="a path such as /Contacts/{record.CONTACT_ID}, or a full URL")
    parser.add_argument("--object", help="with --url: read and check the values by the fields of this object")
    parser.add_argument("--id-field", help="the record's field that holds the id")
    parser.add_argument(
        "--update-mode",
        choices=("partial", "merge", "replace"),
        default="partial",
        help="partial sends the given fields, merge lays them over the record as it is, replace nulls all others "
        "(default: %(default)s)",
    )
    parser.add_argument("--allow-replace", action="store_true", help="consent to --update-mode replace")
    parser.add_argument("--headers", help="request headers: name:value,name:value")
    parser.add_argument(
        "--include",
        "--include-attributes",
        metavar="FIELDS",
        dest="include_attributes",
        help="the fields to send, separated by commas",
    )
    parser.add_argument(
        "--exclude",
        "--exclude-attributes",
        metavar="FIELDS",
        dest="exclude_attributes",
        help="the fields to leave out, separated by commas",
    )
    parser.add_argument("--rename", metavar="NAMES", help="new names of fields: old=new,old=new")
    parser.add_argument(
        "--nulls",
        choices=("omit", "send"),
        default="omit",
        help="omit leaves fields without a value out, send clears them (default: %(default)s)",
    )
    parser.add_argument("--grouping", help="json_array, property_inside_json_object, hoisted_fields …")
    parser.add_argument("--grouping-options", type=read_json, metavar="JSON", help='as JSON: {"property": "records"}')
    parser.add_argument(
        "--batch-size", type=int, metavar="N", help="with --grouping: the most records in a body (default: 100)"
    )
    parser.add_argument("--batch-bytes", type=int, metavar="N", help="with --grouping: the most bytes in a body")
    parser.add_argument("--patch-fallback", choices=("put",), help="send a PUT where PATCH is answered with 405")
    parser.add_argument(
        "--mask",
        "--mask-fields",
        metavar="FIELDS",
        dest="mask_fields",
        help="fields whose values are not shown, separated by commas",
    )


def add_connection(parser: argparse.ArgumentParser) -> None:
    """Add the connection."""
    parser.add_argument("--conn-id", default="insightly_default", help="the Airflow connection (default: %(default)s)")


def add_delivery(parser: argparse.ArgumentParser) -> None:
    """Add what is done about records that fail."""
    parser.add_argument(
        "--match-on",
        metavar="FIELDS",
        default="",
        help="fields, separated by commas, by which a create whose answer was lost is looked up",
    )
    parser.add_argument(
        "--on-unknown",
        choices=("fail", "resend"),
        default="fail",
        help="what becomes of such a create without --match-on (default: %(default)s)",
    )
    parser.add_argument(
        "--unknown-wait",
        type=float,
        metavar="SECONDS",
        default=60.0,
        help="after so long a create that is not found was not done (default: %(default)s)",
    )
    parser.add_argument(
        "--on-record-error",
        choices=("fail", "continue", "stop"),
        default="fail",
        help="fail: send all, exit with 1 if one failed; continue: exit with 0 all the same; stop: end at the first "
        "that fails (default: %(default)s)",
    )
    parser.add_argument(
        "--max-failure-ratio",
        type=float,
        metavar="SHARE",
        default=0.0,
        help="with --on-record-error fail: the share of records that may fail, below 1 (default: %(default)s)",
    )
    parser.add_argument("--responses", "--responses-path", metavar="FILE", help="write every answer as a line of JSON")
    parser.add_argument(
        "--rejected", "--rejected-path", metavar="FILE", help="write every record that failed as a line of JSON"
    )


def read_json(text: str) -> Any:
    """Read an argument that is JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"this is not JSON: {error}") from None


def read_settings(args: argparse.Namespace) -> SendSettings:
    """Return the settings of a send.

    :raises ValueError: they cannot work.
    """
    from airflow_provider_insightly.sending.form import read_settings

    if bool(args.template) == bool(args.url):
        raise ValueError("Give --template, or --method and --url, and not both.")
    given = [f"--{name.replace('_', '-')}" for name in OF_A_URL if getattr(args, name) is not None]
    if args.template and given:
        raise ValueError(f"{' and '.join(given)} is for --url; a template has its own. Remove it, or the template.")
    if args.grouping_options and not args.grouping:
        raise ValueError("--grouping-options are given, but no --grouping; choose one.")
    return read_settings(vars(args))


def read_records(args: argparse.Namespace) -> Iterator[Record | Rejection]:
    """Yield the records of the file that the command names."""
    from airflow_provider_insightly.sending.source import find_format, read_file

    if args.records == "-":
        yield from read_file(sys.stdin.buffer, args.format or "jsonl", "the input", args.encoding)
    elif "://" in args.records:
        from airflow_provider_insightly.operators.storage import read_path

        yield from read_path(args.records, args.format, args.encoding)
    else:
        with open(args.records, "rb") as file:
            yield from read_file(file, args.format or find_format(args.records), args.records, args.encoding)


def explain(error: Exception) -> str:
    """Return what is wrong in words that name the way out, where the error has none."""
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"There is no file {str(error.filename)!r}."
    if type(error).__name__ == "AirflowNotFoundException":  # imported late, and not by previews
        return f"{error}: add this connection to Airflow, or name another one."
    return str(error)


def quieten() -> None:
    """Keep Alembic's remarks about the store's schema out of the command's output."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
