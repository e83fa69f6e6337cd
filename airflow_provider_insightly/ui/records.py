"""The addresses of records in Insightly's web application, as a page about a connector links them."""

from __future__ import annotations

import logging
from collections.abc import Callable

from airflow_provider_insightly.connector.records import Ref
from airflow_provider_insightly.hooks.insightly import InsightlyHook

RecordPages = Callable[[Ref], str | None]

_log = logging.getLogger(__name__)


def record_pages(conn_id: str) -> RecordPages:
    """Return what says where a record's page is; it says ``None`` while the connection cannot be read.

    The pages show what the store knows, and the store is there without the connection.
    """
    hook = InsightlyHook(conn_id)
    try:
        hook.record_url("Contacts", 1)
    except Exception as error:  # noqa: BLE001  it is missing, its address is none, a secrets backend is down …
        _log.warning("No links to Insightly: the connection %r cannot be read: %s", conn_id, type(error).__name__)
        return lambda ref: None
    return lambda ref: hook.record_url(ref.object, ref.id)
