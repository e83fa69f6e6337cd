"""What an instance may lack: objects of other plans, answered with 403 or 404, and custom objects nobody defined."""

from __future__ import annotations

from airflow_provider_insightly.api.address import BASE_PATH
from airflow_provider_insightly.sandbox.answers import ApiError, not_found
from airflow_provider_insightly.sandbox.records import Store
from airflow_provider_insightly.sandbox.routes import Route
from airflow_provider_insightly.sandbox.selections import Selection
from airflow_provider_insightly.sandbox.settings import Settings

ANSWERED_WITH_404 = frozenset(
    {"Product", "Pricebook", "PricebookEntry", "Quotation", "QuotationLineItem", "OpportunityLineItem"}
)


def check_object(store: Store, settings: Settings, route: Route) -> None:
    """Raise 403 or 404 when a request asks for an object that the instance lacks."""
    name = route.operation.path.split("/")[1]
    if name == "{objectName}" and settings.undefined_custom == "reject":
        wanted = route.parameters[0]
        defined = {definition["OBJECT_NAME"].lower() for definition in store.records(Selection("CustomObjects"))}
        if wanted.lower() not in defined:
            raise not_found(route.operation.method, f"{BASE_PATH}/{wanted}")
    if name not in settings.without:
        return
    if name in ANSWERED_WITH_404:
        raise not_found(route.operation.method, f"{BASE_PATH}/{name}")
    raise ApiError(403, f"API User does not have access to {name}")
