"""The response webhook: every answer is posted to an Airflow ``http`` connection."""

from __future__ import annotations

import logging

import requests
from airflow.sdk import BaseHook

log = logging.getLogger(__name__)

TIMEOUT = (5, 10)  # seconds to connect and to answer: a slow webhook must not hold up the send for long
MOST_FAILURES = 3  # in a row, after which it is left alone for the rest of the send


NOT_HEADERS = frozenset(
    {
        *("endpoint", "allow_redirects", "cert", "check_response", "max_redirects", "proxies", "proxy", "srv_lookup"),
        *("stream", "timeout", "trust_env", "verify", "verify_ssl"),
    }
)
"""What the extra of an ``http`` connection may hold beside request headers."""


class Webhook:
    """Posts lines of JSON; what goes wrong is logged, never raised.

    :param conn_id: an Airflow connection of the type ``http``. Host, port and schema (``https`` unless it says
        otherwise) make the address, the extra's ``endpoint`` its path, login and password Basic auth. As in Airflow's
        own HTTP hook the extra's ``verify``, ``cert`` and ``proxies`` count, and the rest of it are request headers.
    """

    def __init__(self, conn_id: str) -> None:
        connection = BaseHook.get_connection(conn_id)
        extra = connection.extra_dejson
        host = connection.host or ""
        address = host if "://" in host else f"{connection.schema or 'https'}://{host}"
        port = f":{connection.port}" if connection.port else ""
        path = str(extra.get("endpoint", "")).lstrip("/")
        self._url = f"{address}{port}/{path}" if path else f"{address}{port}"
        self._session = requests.Session()
        self._session.headers.update(
            {name: str(value) for name, value in extra.items() if name not in NOT_HEADERS},
        )
        self._session.headers["Content-Type"] = "application/json"
        # Given with each request: the environment's settings would win over the session's.
        self._how = {
            "verify": extra.get("verify", extra.get("verify_ssl")),
            "cert": extra.get("cert"),
            "proxies": extra.get("proxies", extra.get("proxy")),
        }
        if connection.login:
            self._session.auth = (connection.login, connection.password or "")
        self._failures = 0

    def post(self, line: str) -> None:
        """Post a line."""
        if self._failures >= MOST_FAILURES:
            return
        try:
            self._session.post(self._url, data=line.encode(), timeout=TIMEOUT, **self._how).raise_for_status()
        except Exception as error:  # noqa: BLE001  requests raises many kinds for settings that cannot work
            self._failures += 1
            log.warning("The response webhook failed, the send goes on: %s", type(error).__name__)
            if self._failures >= MOST_FAILURES:
                log.error("The response webhook failed %d times in a row; it gets no more answers.", self._failures)
        else:
            self._failures = 0
