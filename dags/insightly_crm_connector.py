"""Keeps Insightly Marketing's prospects and Insightly CRM's Leads and Contacts in step.

One task for each step and each setting of the CRM Connector page, from top to bottom in the order in which they run. A
setting that is off is a skipped task. Settings and mapping are in the YAML file beside this one; the boxes in the
trigger form override them for one run.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG, Param, chain

from airflow_provider_insightly.connector.configuration import Configuration, load_configuration
from airflow_provider_insightly.connector.settings import BOX_LABELS, BOXES
from airflow_provider_insightly.operators.approval import ApprovePlanOperator
from airflow_provider_insightly.operators.connector import (
    ApplyOperator,
    BreakersOperator,
    CheckSettingsOperator,
    ExtractOperator,
    ExtractVisitsOperator,
    PlanOperator,
    ReportOperator,
    StepOperator,
)

WRITING_STEPS = [
    "identity",  # conversions, merges and deletes in CRM: links follow
    "match_by_email",  # 6
    "sync_opt_outs",  # opt-outs are the first thing that is written: those that no box governs, then
    "overwrite_opted_out",  # 7
    "update_email_addresses",  # 2
    "sync_fields",  # Prospect Field Mapping
    "crm_empty_overwrites_marketing",  # 4
    "marketing_empty_overwrites_crm",  # 5
    "create_prospects",  # 1
    "delete_or_merge_prospects",  # 3
    "sync_field_labels",  # 9
    "show_prospect_timeline",  # 8
]
OPTIONAL = ["null", "string"]  # without the null the trigger form would not let a field be empty
ONE_AT_A_TIME = ("identity", "delete_or_merge_prospects")  # links move to a record, and merges into it, in their order


def insightly_crm_connector(dag_id: str, configuration: Configuration, schedule: str | None = None) -> DAG:
    """Return the DAG of one Insightly instance; several instances are several calls with several configurations."""
    settings = configuration.settings
    boxes = {
        name: Param(getattr(settings, name), type="boolean", description=f"{number}. {BOX_LABELS[number]}")
        for number, name in BOXES.items()
    }
    options = {
        "dry_run": Param(False, type="boolean", description="plan and report, write nothing"),
        "backfill": Param(False, type="boolean", description="create prospects for older records too"),
        "approve_plan": Param(None, type=OPTIONAL, description="the hash of the plan that may pass the breakers"),
        "record": Param(None, type=OPTIONAL, description="sync one record alone: Contacts/5, Leads/5 or Prospect/5"),
    }
    with DAG(
        dag_id,
        schedule=schedule,
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=True,
        params={**boxes, **options},
        default_args={"retries": 2, "retry_delay": timedelta(seconds=30)},
        doc_md=__doc__,
        tags=["insightly"],
    ) as dag:
        check = CheckSettingsOperator(task_id="check_settings", configuration=configuration)
        extracts = [
            ExtractOperator(task_id=f"extract_{name.lower()}", object_name=object_name, configuration=configuration)
            for name, object_name in [
                ("organisations", "Organisations"),
                ("contacts", "Contacts"),
                ("leads", "Leads"),
                ("prospects", "Prospect"),
            ]
        ]
        visits = ExtractVisitsOperator(
            task_id="extract_visits", configuration=configuration, trigger_rule="none_failed"
        )
        plan = PlanOperator(task_id="plan", configuration=configuration, trigger_rule="none_failed")
        breakers = BreakersOperator(task_id="breakers", configuration=configuration)
        approve = ApprovePlanOperator(task_id="approve_plan", configuration=configuration, trigger_rule="none_failed")
        writes = []
        for step in WRITING_STEPS:
            decided = StepOperator(task_id=step, step=step, configuration=configuration, trigger_rule="none_failed")
            written = ApplyOperator.partial(
                task_id=f"{step}_writes",
                step=step,
                configuration=configuration,
                max_active_tis_per_dagrun=1 if step in ONE_AT_A_TIME else None,
            ).expand(chunk=decided.output)
            writes += [decided, written]
        report = ReportOperator(
            task_id="report",
            created_by="create_prospects_writes",
            configuration=configuration,
            trigger_rule="none_failed",
        )
        chain(check, extracts, visits, plan, breakers, approve, *writes, report)
    return dag


dag = insightly_crm_connector(
    "insightly_crm_connector", load_configuration(Path(__file__).with_name("insightly_crm_connector.yaml"))
)
