"""``connector plan``: a dry run, and what it would change."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from airflow_provider_insightly.commands.connector.arguments import (
    add_command,
    add_configuration,
    add_record,
    add_rows,
    as_ref,
)
from airflow_provider_insightly.commands.connector.rows import Row, show_change, wanted_format, write_rows

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from airflow_provider_insightly.connector.actions import Action
    from airflow_provider_insightly.connector.plans import Plan
    from airflow_provider_insightly.connector.settings import Settings

COLUMNS = (
    *("object", "id", "event", "field", "before", "after", "setting", "verdict", "reason"),
    *("prospect_id", "crm_object", "crm_id", "other"),
)


def add_plan(actions: Any) -> None:
    """Add ``plan``."""
    parser = add_command(actions, "plan", help="show what a run would change; 1 when a breaker would hold it")
    add_configuration(parser)
    add_record(parser, "plan for this record and what hangs together with it alone")
    parser.add_argument("--backfill", action="store_true", help="look at every record, and create older ones too")
    parser.add_argument("--skipped", action="store_true", help="show also what is left as it is, and why")
    add_rows(parser, 200)
    parser.set_defaults(run_action=make_plan)


def make_plan(args: argparse.Namespace) -> int:
    """Make a dry run, which writes nothing to Insightly, and show its plan; 1 when a breaker would hold it."""
    from airflow_provider_insightly.connector.configuration import (
        ConfigurationError,
        load_configuration,
        locate_mapping_problems,
    )
    from airflow_provider_insightly.connector.mapping import MappingError
    from airflow_provider_insightly.connector.plans import read_plan, tripped_breakers
    from airflow_provider_insightly.connector.run import run_connector, utc_now
    from airflow_provider_insightly.hooks.insightly import InsightlyHook

    configuration = load_configuration(args.configuration)
    hook, instance = InsightlyHook(configuration.insightly_conn_id), configuration.insightly_conn_id
    store, run_id = hook.store(), f"plan__{utc_now().isoformat()}"
    options: dict[str, Any] = {"backfill": args.backfill, "only": as_ref(args.record)}
    try:
        run_connector(hook.get_conn(), store, instance, configuration, run_id=run_id, dry_run=True, **options)
    except MappingError as error:
        raise ConfigurationError(locate_mapping_problems(args.configuration, error)) from None
    with store.connect() as connection:
        plan = read_plan(connection, instance, run_id)
        write_rows(args, _rows(connection, plan, args.skipped), COLUMNS, SHOWN, "Nothing is to be changed.")
    is_table_on_screen = wanted_format(args) == "table" and not args.output
    (sys.stdout if is_table_on_screen else sys.stderr).write(f"\n{describe(plan, configuration.settings)}\n")
    return int(bool(tripped_breakers(plan.summary, configuration.settings)))


def describe(plan: Plan, settings: Settings) -> str:
    """Return what a plan holds in all, its hash, and what would hold it."""
    from airflow_provider_insightly.connector.plans import tripped_breakers, waiting

    lines = [f"Plan {plan.hash}", str(plan.summary)]
    tripped = tripped_breakers(plan.summary, settings)
    if tripped:
        lines += ["A breaker would hold this plan:", *(f"  {line}" for line in tripped)]
    else:
        lines.append("No breaker would hold this plan.")
    if waiting(plan.summary):
        lines.append(f"{waiting(plan.summary)} actions wait for a person's approval, whatever the breakers say.")
    if tripped or waiting(plan.summary):
        lines.append(f"If all this is meant: airflow insightly connector approve {plan.hash} --conn-id {plan.instance}")
    return "\n".join(lines)


SHOWN = {
    "object": lambda row: row["object"],
    "id": lambda row: "new" if row["event"] == "create" and row["id"] is None else row["id"],
    "event": lambda row: row["event"],
    "field": lambda row: row["field"],
    "before → after": lambda row: show_change(row) or _show_counterpart(row),
    "setting": lambda row: row["setting"],
    "reason": lambda row: ": ".join(filter(None, [_show_verdict(row), row["reason"]])),
}


def _rows(connection: Connection, plan: Plan, skipped: bool) -> Iterator[Row]:
    from airflow_provider_insightly.connector.actions import SKIPPED
    from airflow_provider_insightly.connector.plans import read_actions

    for _, action, _, _ in read_actions(connection, plan.plan_id):
        agreed = action.event == "agree"  # both sides have the value already: nothing is written
        if not agreed and (skipped or action.verdict != SKIPPED):
            yield from _action_rows(action)


def _action_rows(action: Action) -> Iterator[Row]:
    from airflow_provider_insightly.connector.actions import TO_CRM
    from airflow_provider_insightly.connector.records import PROSPECT

    crm = action.crm if action.crm else (None, None)
    written = crm if action.direction == TO_CRM else (PROSPECT, action.prospect_id)
    for change in action.changes or (None,):
        yield {
            "object": written[0],
            "id": written[1],
            "event": action.event,
            "field": change.field if change else "",
            "before": change.before if change else None,
            "after": change.after if change else None,
            "setting": action.setting,
            "verdict": action.verdict,
            "reason": (change.reason if change else None) or action.reason,
            "prospect_id": action.prospect_id,
            "crm_object": crm[0],
            "crm_id": crm[1],
            "other": str(action.other) if action.other else None,
        }


def _show_counterpart(row: Row) -> str:
    """Return the records that an action without fields is about, beside the one that it changes."""
    return " and ".join(filter(None, [row["crm_object"] and f"{row['crm_object']} {row['crm_id']}", row["other"]]))


def _show_verdict(row: Row) -> str:
    return "" if row["verdict"] == "planned" else str(row["verdict"])
