"""``connector approve`` and ``connector lift-opt-out``: what a person, and no rule, decides."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import TYPE_CHECKING, Any

from airflow_provider_insightly.commands import options
from airflow_provider_insightly.commands.connector.arguments import add_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_insightly.connector.plans import Plan

SHORTEST = 8
"""Characters of a hash that name a plan."""


def add_approve(actions: Any) -> None:
    """Add ``approve``."""
    parser = add_command(actions, "approve", help="let a plan through that a breaker holds, or that waits for a yes")
    parser.add_argument("hash", metavar="HASH", help=f"the plan's hash, or its first {SHORTEST} characters or more")
    options.add_connection(parser)
    _add_person(parser)
    parser.add_argument("--yes", action="store_true", help="don't ask; nothing is asked without a terminal")
    parser.set_defaults(run_action=approve_plan)


def approve_plan(args: argparse.Namespace) -> int:
    """Say what a plan holds, then let it and every plan that decides the same be applied."""
    from airflow_provider_insightly.connector.plans import approve, find_plans, waiting
    from airflow_provider_insightly.connector.run import utc_now
    from airflow_provider_insightly.hooks.store import open_airflow_store

    if len(args.hash) < SHORTEST:
        raise ValueError(f"{args.hash!r} is too short: give at least {SHORTEST} characters of the plan's hash.")
    person, store = _person(args), open_airflow_store()
    with store.connect() as connection:
        plans = find_plans(connection, args.conn_id, args.hash)
    plan = _only(plans, args)
    sys.stdout.write(f"{_describe(plan)}\n")
    if plan.released_by and not plan.dry_run and not waiting(plan.summary):
        raise ValueError(f"This plan was released already ({plan.released_by}): there is nothing to approve.")
    if sys.stdin.isatty() and not args.yes and input("Approve all this? [y/N] ").strip().lower() not in ("y", "yes"):
        sys.stdout.write("Nothing is approved.\n")
        return 1
    approve(store, args.conn_id, plan.hash, person, utc_now())
    sys.stdout.write(
        f"Approved by {person}. {_next_step(plan)} If anything else has changed by then, its plan has another hash "
        "and is held again.\n"
    )
    return 0


def _describe(plan: Plan) -> str:
    summary = plan.summary
    emptied = ", ".join(f"{number} of {field}" for field, number in sorted(summary.emptied.items()))
    lines = [
        f"Plan {plan.hash}",
        f"made at {plan.made_at:%Y-%m-%d %H:%M:%S} UTC over {summary.pairs} pairs and {summary.prospects} prospects:",
        str(summary),
        *([f"emptied values: {emptied}"] if emptied else []),
    ]
    return "\n".join(lines)


def _only(plans: Sequence[Plan], args: argparse.Namespace) -> Plan:
    """Return the newest plan of the one hash that was found."""
    hashes = {plan.hash for plan in plans}
    if not hashes:
        raise LookupError(
            f"{args.conn_id} has no plan {args.hash}: `connector plan CONFIG.yaml` and the log of the DAG's task "
            "`breakers` name a plan's hash; --conn-id names the instance."
        )
    if len(hashes) > 1:
        raise LookupError(f"{len(hashes)} plans begin with {args.hash}: give more of the hash.")
    return plans[0]


def _next_step(plan: Plan) -> str:
    if plan.dry_run or plan.released_by:
        return "The next run that makes this plan applies it."
    return f"Clear the task breakers of the run {plan.run_id}, or trigger the DAG again, and it is applied."


def add_lift_opt_out(actions: Any) -> None:
    """Add ``lift-opt-out``."""
    parser = add_command(actions, "lift-opt-out", help="let an address have mail again that once opted out")
    parser.add_argument("address", metavar="ADDRESS", help="the e-mail address")
    parser.add_argument("--evidence", required=True, metavar="TEXT", help="why that is right: who said so, where")
    options.add_connection(parser)
    _add_person(parser)
    parser.set_defaults(run_action=lift)


def lift(args: argparse.Namespace) -> int:
    """Lift an address's opt-out in the ledger, and log who did it, and on what evidence."""
    from airflow_provider_insightly.connector.actions import Action
    from airflow_provider_insightly.connector.ledger import lift_opt_out, read_opt_outs
    from airflow_provider_insightly.connector.log import log_by_hand
    from airflow_provider_insightly.connector.records import PROSPECT
    from airflow_provider_insightly.connector.run import utc_now
    from airflow_provider_insightly.connector.staging import records_where
    from airflow_provider_insightly.connector.values import email_key
    from airflow_provider_insightly.hooks.store import open_airflow_store
    from airflow_provider_insightly.store.engine import writing
    from airflow_provider_insightly.store.tables import connector_records

    key, now, instance = email_key(args.address), utc_now(), args.conn_id
    if key is None or not args.evidence.strip():
        raise ValueError(f"{args.address!r} is no e-mail address." if key is None else "--evidence is empty.")
    evidence = f"{args.evidence.strip()} ({_person(args)})"
    with writing(open_airflow_store()) as connection:
        if not read_opt_outs(connection, instance, [key]):
            raise LookupError(f"The ledger of {instance} has no opt-out of {args.address}: there is nothing to lift.")
        records = records_where(connection, instance, connector_records.c.email_key == key)
        lift_opt_out(connection, instance, key, evidence, now)
        for ref in [record.ref for record in records if not record.gone] or [None]:
            about = {"prospect_id": ref.id} if ref and ref.object == PROSPECT else {"crm": ref}
            action = Action("overwrite_opted_out", "lift_opt_out", "7", reason=evidence, **about)
            log_by_hand(connection, instance, f"lift-opt-out__{now.isoformat()}", action, now)
    sys.stdout.write(f"The opt-out of {args.address} is lifted, and logged.\n")
    still = [str(record.ref) for record in records if record.opted_out and not record.gone]
    if still:
        sys.stdout.write(
            f"Opted out when last read: {', '.join(still)}. Opt them in in Insightly before the next run: as long as "
            "one of them is opted out, the opt-out counts again when it is read.\n"
        )
    return 0


def _add_person(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", metavar="NAME", help="who decides (default: the user of the system)")


def _person(args: argparse.Namespace) -> str:
    try:
        return args.by or getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        raise ValueError("The system's user has no name: say who decides with --by NAME.") from None
