"""``python -m airflow_provider_insightly.sandbox``: start the sandbox on this machine."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections.abc import Sequence
from typing import Literal, get_args, get_origin

from pydantic import ValidationError

from airflow_provider_insightly.api.address import BASE_PATH
from airflow_provider_insightly.sandbox.answers import ApiError
from airflow_provider_insightly.sandbox.imports import find_imports, import_file
from airflow_provider_insightly.sandbox.sandbox import Sandbox
from airflow_provider_insightly.sandbox.seeds import SEEDS
from airflow_provider_insightly.sandbox.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sandbox's options to a parser; every setting is one."""
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8765, metavar="N", help="the port; 0: a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--api-key",
        action="append",
        required=True,
        metavar="KEY",
        help="a key that lets in: any text you like; may be repeated, a user each",
    )
    parser.add_argument("--database", metavar="FILE", help="the SQLite file that keeps the records (default: memory)")
    parser.add_argument("--seed", choices=sorted(SEEDS), help="the data to begin with, unless the database has some")
    parser.add_argument(
        "--seed-number", type=int, default=1, metavar="N", help="makes other data of the same kind (default: 1)"
    )
    parser.add_argument(
        "--import", dest="imports", action="append", default=[], metavar="OBJECT=FILE", help="JSON or CSV to add"
    )
    for name, field in Settings.model_fields.items():
        option = f"--{name.replace('_', '-')}"
        default = field.default
        text = (field.description or "").replace("%", "%%")
        if default is False:
            parser.add_argument(option, action="store_true", help=text)
        elif get_origin(field.annotation) is Literal:
            choices = get_args(field.annotation)
            parser.add_argument(option, choices=choices, default=default, help=f"{text} (default: {default})")
        elif default == ():
            parser.add_argument(option, action="append", default=[], metavar="OBJECT", help=f"{text}; may be repeated")
        else:
            kind = int if field.annotation is int else float
            parser.add_argument(option, type=kind, default=default, metavar="N", help=f"{text} (default: {default})")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted; the URL is printed once connections are taken.

    :param args: what the parser of :func:`add_arguments` made of the command line.
    :raises SystemExit: when it cannot start; it says why.
    """
    try:
        # Airflow's command line asks this module for its options at every start, which need no server.
        from airflow_provider_insightly.sandbox.server import listen, make_server

        listener = listen(args.host, args.port)
        sandbox = make_sandbox(args)
    except ValidationError as error:
        wrong = (f"--{'-'.join(map(str, each['loc'][:1])).replace('_', '-')}: {each['msg']}" for each in error.errors())
        raise SystemExit(f"The sandbox did not start. {'; '.join(wrong)}") from None
    except (ApiError, ImportError, LookupError, OSError, OverflowError, ValueError, sqlite3.Error) as error:
        raise SystemExit(f"The sandbox did not start. {error}") from None
    host, port = listener.getsockname()[:2]
    print(f"Insightly sandbox: http://{host}:{port}{BASE_PATH}", flush=True)  # noqa: T201
    make_server(sandbox).run(sockets=[listener])
    return 0


def make_sandbox(args: argparse.Namespace) -> Sandbox:
    """Return the sandbox that a command line asks for, with its data."""
    settings = Settings(**{name: getattr(args, name) for name in Settings.model_fields})
    imports = find_imports(args.imports)
    if args.seed:
        say(f"Making the records of --seed {args.seed}, unless the database has some.")
    try:
        sandbox = Sandbox(args.api_key, settings, database=args.database, seed=args.seed, seed_number=args.seed_number)
    except sqlite3.Error as error:
        raise ValueError(f"--database {args.database}: {error}") from None
    for name, path in imports:
        report = import_file(sandbox.store, name, path, sandbox.now())
        ignored = ", ".join(report["ignored_columns"])
        say(f"{name}={path}: {report['imported']} records" + (f"; no field for {ignored}" if ignored else ""))
    return sandbox


def say(line: str) -> None:
    """Tell the user something beside the URL, which alone goes to standard output."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_insightly.sandbox",
        usage="%(prog)s --api-key KEY [--port N] [--seed demo] [option ...]",
        description="Start a local Insightly; its URL is printed once it takes connections.",
    )
    add_arguments(parser)
    return run(parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
