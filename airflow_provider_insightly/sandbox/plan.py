"""What a plan may lack: Insightly answers 403 for some objects and 404 for others."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_insightly.api.catalogue import get_object
from airflow_provider_insightly.sandbox.answers import ApiError, not_found
from airflow_provider_insightly.sandbox.routes import Route

ANSWERED_WITH_404 = frozenset(
    {"Product", "Pricebook", "PricebookEntry", "Quotation", "QuotationLineItem", "OpportunityLineItem"}
)


def check_plan(without: Sequence[str], route: Route) -> None:
    """Raise 403 or 404 when a request asks for an object that the plan lacks.

    :param without: the names of those objects.
    """
    if not without:
        return
    name = route.operation.path.split("/")[1]
    lacking = {get_object(each).name for each in without}
    if name not in lacking:
        return
    if name in ANSWERED_WITH_404:
        raise not_found(route.operation.method, f"/v3.1/{name}")
    raise ApiError(403, f"API User does not have access to {name}")
