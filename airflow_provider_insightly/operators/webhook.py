"""The response webhook: every answer is posted to an Airflow ``http`` connection."""

from __future__ import annotations

import logging

import requests
from airflow.sdk import BaseHook

log = logging.getLogger(__name__)

TIMEOUT = (5, 10)  # seconds to connect and to answer: a slow webhook must not hold up the send for long
MOST_FAILURES = 3  # in a row, after which it is left alone for the rest of the send


class Webhook:
    """Posts lines of JSON; what goes wrong is logged, never raised.

    :param conn_id: an Airflow connection of the type ``http``. Host, port and schema make the address, the extra's
        ``endpoint`` its path, login and password Basic auth.
    """

    def __init__(self, conn_id: str) -> None:
        connection = BaseHook.get_connection(conn_id)
        host = connection.host or ""
        address = host if "://" in host else f"{connection.schema or 'https'}://{host}"
        port = f":{connection.port}" if connection.port else ""
        self._url = f"{address}{port}/{str(connection.extra_dejson.get('endpoint', '')).lstrip('/')}"
        self._session = requests.Session()
        if connection.login:
            self._session.auth = (connection.login, connection.password or "")
        self._failures = 0

    def post(self, line: str) -> None:
        """Post a line."""
        if self._failures >= MOST_FAILURES:
            return
        try:
            self._session.post(
                self._url, data=line.encode(), headers={"Content-Type": "application/json"}, timeout=TIMEOUT
            ).raise_for_status()
        except requests.RequestException as error:
            self._failures += 1
            log.warning("The response webhook failed, the send goes on: %s", type(error).__name__)
            if self._failures >= MOST_FAILURES:
                log.error("The response webhook failed %d times in a row; it gets no more answers.", self._failures)
        else:
            self._failures = 0
