"""The command line: ``airflow insightly …``, or ``python -m airflow_provider_insightly …``, all that 3.1 knows."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.cli.cli_config import CLICommand


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the provider.

    :param name: what is typed after ``airflow insightly``.
    :param help: one line of what it does.
    :param module: where it lives. The module has ``add_arguments(parser)`` and ``run(args)``, which returns the exit
        status or ``None``. Every ``airflow`` command imports it to know the arguments, so it imports what is heavy
        in ``run`` alone.
    """

    name: str
    help: str
    module: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments to a parser."""
        import_module(self.module).add_arguments(parser)

    def run(self, args: argparse.Namespace) -> None:
        """Run the command and leave with its exit status."""
        try:
            status = import_module(self.module).run(args)
            sys.stdout.flush()
        except BrokenPipeError:  # who reads the output, such as head, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = 128 + signal.SIGPIPE
        except Exception as error:
            trouble = _store_trouble(error)
            if trouble is None:
                raise
            sys.stderr.write(f"{trouble}\n")
            status = 1
        sys.exit(status)


def _store_trouble(error: Exception) -> str | None:
    """Say why the store cannot be used, where that is what an error is about."""
    from sqlalchemy.exc import DBAPIError

    if not isinstance(error, DBAPIError):
        return None
    return (
        f"The store cannot be used: {' '.join(str(error.orig).split())}. Look at the database, and at the connection "
        "in [insightly] store_conn_id of Airflow's configuration; without one the store is insightly.db in "
        "AIRFLOW_HOME."
    )


DESCRIPTION = (
    "Send records to Insightly, look into the CRM connector, run a local Insightly. On Airflow 3.2 and newer the same "
    "commands are `airflow insightly ...`."
)

SENDS = "airflow_provider_insightly.commands"

COMMANDS = (
    Command("sandbox", "Run a local Insightly", "airflow_provider_insightly.sandbox.__main__"),
    Command("preview", "Show the requests of a send, without a connection", f"{SENDS}.preview"),
    Command("send-test", "Send one record for real, to try the settings", f"{SENDS}.send_test"),
    Command("send", "Send the records of a file", f"{SENDS}.send"),
    Command("replay", "Send the records of a rejected file again", f"{SENDS}.replay"),
    Command("connector", "Check, plan and look into the CRM connector", f"{SENDS}.connector"),
    Command("db", "Bring the store up to date, or forget old sends", f"{SENDS}.db"),
)


def get_commands() -> list[CLICommand]:
    """Return the commands for Airflow's own command line, by the key ``cli`` of the provider info."""
    from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand

    class Arguments(Arg):
        """Stands for all arguments of a command: they are declared once, for both command lines."""

        def __init__(self, add: Callable[[argparse.ArgumentParser], None]) -> None:
            super().__init__(flags=("arguments",))
            self.add_to_parser = add

    return [
        GroupCommand(
            name="insightly",
            help="Insightly: sends, the CRM connector, a local Insightly",
            subcommands=[
                ActionCommand(
                    name=command.name, help=command.help, func=command.run, args=(Arguments(command.add_arguments),)
                )
                for command in COMMANDS
            ],
        )
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command outside of Airflow's command line."""
    parser = argparse.ArgumentParser(prog="python -m airflow_provider_insightly", description=DESCRIPTION)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        subparser = subparsers.add_parser(command.name, help=command.help, description=command.help)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    args = parser.parse_args(argv)
    args.run(args)
