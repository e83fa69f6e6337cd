"""The link from a task of the connector to what its run did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

NAME = "Connector Log"


class InsightlyConnectorLogLink(BaseOperatorLink):
    """Leads to the connector log of the task's run, on the connector's page in the Airflow UI."""

    name = NAME

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the page's address, relative to Airflow's own, so that a deployment below a path works."""
        return f"insightly/connectors/{quote(ti_key.dag_id, safe='')}/log?run={quote(ti_key.run_id, safe='')}"
