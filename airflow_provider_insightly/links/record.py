"""The link from a task to the record that it wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

NAME = "Record in Insightly"


class InsightlyRecordLink(BaseOperatorLink):
    """Leads to the first record that the task wrote, in Insightly's web application.

    ``get_link`` runs on the worker after ``execute``, and the UI shows what it returned; so the operator has noted
    the address as ``record_url``.
    """

    name = NAME

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the record's address; empty when the task wrote none, or one that has no page."""
        return getattr(operator, "record_url", None) or ""
