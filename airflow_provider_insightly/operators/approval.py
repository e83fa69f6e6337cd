"""Asking a person, in the Airflow UI, whether a plan may be applied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from airflow.providers.standard.operators.hitl import HITLOperator

from airflow_provider_insightly.operators.connector import ConnectorOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_insightly.connector.plans import Plan

APPROVE, REJECT = "Approve", "Reject"


class ApprovePlanOperator(ConnectorOperator, HITLOperator):
    """Asks for approval of a plan that a breaker holds, or in which merges and deletes wait for a yes.

    Skipped when the plan is released already. Rejected, a plan that a breaker holds is not applied; any other is,
    without what waited.

    The parameters are those of :class:`~airflow_provider_insightly.operators.connector.ConnectorOperator`, and of
    Airflow's ``HITLOperator``: ``response_timeout``, ``assigned_users``, ``notifiers``.
    """

    template_fields: Sequence[str] = (*ConnectorOperator.template_fields, *HITLOperator.template_fields)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{"subject": "May the CRM connector apply this plan?", "options": [APPROVE, REJECT], **kwargs}
        )

    def take_step(self, context: Context) -> Any:
        """Ask, with what the plan holds."""
        from airflow_provider_insightly.connector.plans import find_approval, release, tripped_breakers, waiting

        plan, settings = self.read_plan(context), self.configured(context).settings
        if plan.dry_run or plan.released_by is not None:
            raise AirflowSkipException("There is nothing to ask.")
        with self.store.connect() as connection:
            approved_by = find_approval(connection, plan, "")
        if approved_by is not None:  # it was cleared after somebody had approved the plan by its hash
            release(self.store, plan, settings)
            raise AirflowSkipException(f"Plan {plan.hash} was approved by {approved_by}.")
        lines = [f"- breaker: {line}" for line in tripped_breakers(plan.summary, settings)]
        if waiting(plan.summary):
            lines.append(f"- {waiting(plan.summary)} likely merges or deletes for good wait for a yes")
        self.body = "\n".join([*lines, "", "```", str(plan.summary), "```", "", _other_way(plan)])
        return HITLOperator.execute(self, context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Release the plan as the person answered."""
        from airflow_provider_insightly.connector.plans import PlanHeldError, release

        answer = HITLOperator.execute_complete(self, context, event)
        plan, settings = self.read_plan(context), self.configured(context).settings
        approved = APPROVE in answer["chosen_options"]
        try:
            released_by = release(self.store, plan, settings, plan.hash if approved else "")
        except PlanHeldError as error:
            raise AirflowFailException(f"The plan was rejected. {error}") from error
        self.log.info("%s: plan %s is released by %s.", answer["chosen_options"], plan.hash, released_by)
        return released_by


def _other_way(plan: Plan) -> str:
    """Return how to say yes on the command line; Airflow wakes a waiting task for an answer in its UI alone."""
    return (
        f"Without the UI: `airflow insightly connector approve {plan.hash} --conn-id {plan.instance}`, and clear this "
        "task: it does not notice by itself."
    )
