"""The hook for connections of the type ``insightly``."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.sdk import BaseHook
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from airflow_provider_insightly.api.address import find_base_url, find_pod
from airflow_provider_insightly.api.catalogue import InsightlyObject, get_object
from airflow_provider_insightly.api.client import InsightlyClient, secrets_of
from airflow_provider_insightly.api.errors import (
    AccessDeniedError,
    DailyQuotaError,
    InsightlyError,
    NotFoundError,
)
from airflow_provider_insightly.api.retry import NO_RETRY

if TYPE_CHECKING:
    from airflow.sdk import Connection
    from sqlalchemy.engine import Engine

TEST_SECONDS = 4.0  # the test runs in the API server and makes two requests: it must end within 10 seconds


class ConnectionExtra(BaseModel):
    """What the extra of an ``insightly`` connection may hold.

    The connection form sends an empty string for a field that nobody touched, and an extra that is edited as JSON
    holds numbers as strings: both are understood.

    :param pod: the region in the API's host name, such as ``na1``.
    :param base_url: the API's whole address up to and with ``/v3.1``; wins over the pod.
    :param requests_per_second: the highest rate of requests.
    :param concurrency: the most requests under way at once.
    :param connect_timeout: seconds until a connection must stand.
    :param read_timeout: seconds without a byte after which an answer counts as lost.
    :param verify: ``true``, ``false`` or the path of a CA bundle.
    :param proxies: proxies by scheme: ``{"https": "http://proxy:3128"}``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pod: str | None = None
    base_url: str | None = None
    requests_per_second: float = Field(default=10.0, gt=0, le=1000)
    concurrency: int = Field(default=5, ge=1, le=100)
    connect_timeout: float = Field(default=10.0, gt=0)
    read_timeout: float = Field(default=60.0, gt=0)
    verify: bool | str = True
    proxies: dict[str, str] = Field(default_factory=dict)

    @field_validator("verify", mode="before")
    @classmethod
    def read_verify(cls, value: Any) -> Any:
        """Tell the words for yes and no from the path of a CA bundle."""
        if isinstance(value, str) and value.strip().lower() in ("true", "false"):
            return value.strip().lower() == "true"
        return value

    @field_validator("proxies", mode="before")
    @classmethod
    def read_proxies(cls, value: Any) -> Any:
        """Read proxies that stand as JSON in a text, as the form and a URI give them."""
        if isinstance(value, str):
            try:
                return json.loads(value)
            except ValueError:
                raise ValueError('must be JSON such as {"https": "http://proxy:3128"}') from None
        return value

    @classmethod
    def read(cls, extra: dict[str, Any]) -> ConnectionExtra:
        """Read a connection's extra.

        :raises ValueError: a field is unknown or cannot be read; the message names each field, not its value.
        """
        given = {name: value for name, value in extra.items() if value not in (None, "")}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, e['loc'][:1]))}: "
                + ("there is no such field" if e["type"] == "extra_forbidden" else e["msg"])
                for e in error.errors()
            )
            raise ValueError(
                f"The connection's extra cannot be used: {problems}. Fields: {', '.join(cls.model_fields)}."
            ) from None


class InsightlyHook(BaseHook):
    """Connects to Insightly with the API key and the pod of an Airflow connection.

    The key is the connection's password; the rest is in its extra, see :class:`ConnectionExtra`.

    :param insightly_conn_id: the Airflow connection.
    """

    conn_name_attr = "insightly_conn_id"
    default_conn_name = "insightly_default"
    conn_type = "insightly"
    hook_name = "Insightly"

    def __init__(self, insightly_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.insightly_conn_id = insightly_conn_id

    @cached_property
    def connection(self) -> Connection:
        """The Airflow connection, its key masked in every form in which it could reach a log."""
        from airflow.sdk.log import mask_secret

        connection = self.get_connection(self.insightly_conn_id)
        for secret in secrets_of(connection.password or ""):
            mask_secret(secret)
        return connection

    @cached_property
    def extra(self) -> ConnectionExtra:
        """The settings in the connection's extra.

        :raises ValueError: they cannot be used.
        """
        return ConnectionExtra.read(self.connection.extra_dejson)

    @property
    def base_url(self) -> str:
        """The API's address, up to and with ``/v3.1``."""
        return find_base_url(self.extra.pod, self.extra.base_url)

    def get_conn(self) -> InsightlyClient:
        """Return a client of the API that keeps to the connection's rate and concurrency together with all workers."""
        from airflow_provider_insightly.sending.throttle import SharedThrottle

        throttle = SharedThrottle(
            self.store(),
            f"{self.base_url} {self._owner()}",
            self.extra.requests_per_second,
            self.extra.concurrency,
        )
        return self.client(throttle=throttle)

    def client(self, **options: Any) -> InsightlyClient:
        """Return a client of the API that keeps to the connection's rate by itself, without the store.

        :param options: options of :class:`~airflow_provider_insightly.api.client.InsightlyClient` that replace or
            add to the connection's.
        :raises ValueError: the connection lacks its key or pod, or has settings that cannot be used.
        """
        settings = {**self.extra.model_dump(), **options}
        return InsightlyClient(self._api_key(), **settings)

    def store(self) -> Engine:
        """Return the provider's store, made and migrated on first use.

        It is the database of the Airflow connection in ``[insightly] store_conn_id``, else an SQLite file in
        ``AIRFLOW_HOME``.
        """
        from airflow_provider_insightly.hooks.store import open_airflow_store

        return open_airflow_store()

    def ids_of(self, target: InsightlyObject | None) -> str | None:
        """Return what the journal calls the ids of an object's records here; ``None`` for a send to no object.

        Records of two keys may have the same ids, in instances of their own.
        """
        return f"{target.name} {self._owner()}" if target else None

    def record_url(self, object_name: str, record_id: int) -> str | None:
        """Return the address of a record's page in the web application; ``None`` where the object has no pages.

        Source: ``https://crm.{pod}.insightly.com/details/{Object}/{id}``. With another base URL (a local
        Insightly) the page is looked for on the same server.
        """
        obj = get_object(object_name)
        if not obj.has_page:
            return None
        pod, server = find_pod(self.base_url), urlsplit(self.base_url)
        origin = f"https://crm.{pod}.insightly.com" if pod else f"{server.scheme}://{server.netloc}"
        return f"{origin}/details/{obj.type}/{record_id}"

    def test_connection(self) -> tuple[bool, str]:
        """Say whether the connection works, and if not, what is wrong with it.

        Asks for ``GET /Instance`` and, to know whether Marketing is there too, ``GET /Prospect?top=1``.
        """
        try:
            client = self.client(connect_timeout=TEST_SECONDS, read_timeout=TEST_SECONDS, retry=NO_RETRY)
            answer = client.request("GET", "/Instance")
            instance = answer.body if isinstance(answer.body, dict) else {}
            marketing = self._test_marketing(client)
        except (ValueError, InsightlyError) as error:
            if isinstance(error, DailyQuotaError):
                return False, f"The key works, but: {error}"
            return False, str(error)
        quota = "" if answer.quota_remaining is None else f" {answer.quota_remaining} requests are left today."
        name, plan = instance.get("INSTANCE_NAME"), instance.get("PLAN_NAME")
        return True, f"Connected to {name!r} (plan {plan!r}).{quota} {marketing}"

    def _test_marketing(self, client: InsightlyClient) -> str:
        try:
            client.request("GET", "/Prospect", params={"top": 1, "brief": "true"})
        except (AccessDeniedError, NotFoundError):
            return (
                "Prospects are not available: the plan lacks Marketing, or the key's user lacks the permission. "
                "CRM objects work; prospects and the CRM connector do not."
            )
        return "Prospects are available."

    def _owner(self) -> str:
        """Return a short hash of the API key: it stands for the instance where the key must not."""
        return hashlib.sha256(self._api_key().encode()).hexdigest()[:12]

    def _api_key(self) -> str:
        if not self.connection.password:
            raise ValueError(
                f"The connection {self.insightly_conn_id!r} has no API key: put it into the field 'API key' (the "
                "password). Insightly shows it under User Settings > API."
            )
        return self.connection.password.strip()
