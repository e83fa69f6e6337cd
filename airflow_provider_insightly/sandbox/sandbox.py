"""The whole state of one sandbox: records, users, settings, limits, faults, snapshots and the log of requests."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any

from airflow_provider_insightly.sandbox.faults import Faults
from airflow_provider_insightly.sandbox.instance import FIRST_USER_ID, add_instance, add_users
from airflow_provider_insightly.sandbox.limits import Limits
from airflow_provider_insightly.sandbox.records import Store
from airflow_provider_insightly.sandbox.request_log import RequestLog
from airflow_provider_insightly.sandbox.seeds import SEEDS
from airflow_provider_insightly.sandbox.settings import Settings


class Sandbox:
    """One Insightly instance on this machine.

    :param api_keys: the keys that let a client in; each stands for a user of its own.
    :param settings: how it behaves; kept for :meth:`reset`.
    :param database: the file that keeps the records; none: they are gone when the server ends.
    :param seed: the name of the data to begin with; an existing database keeps its own.
    :param clock: returns the seconds since the epoch.
    """

    def __init__(
        self,
        api_keys: Sequence[str],
        settings: Settings | None = None,
        *,
        database: str | None = None,
        seed: str | None = None,
        seed_number: int = 1,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.users = {key: FIRST_USER_ID + number for number, key in enumerate(api_keys)}
        self.seed, self.seed_number = seed, seed_number
        self.clock = clock
        self.settings = self._first_settings = settings or Settings()
        self.snapshots: dict[str, tuple[sqlite3.Connection, Settings]] = {}
        self.store = Store(database or ":memory:", self.now)
        self._start_over()
        if not self.store.counts():
            self._fill(seed, seed_number)
        add_users(self.store, list(self.users.values()))  # a database may know fewer keys

    def now(self) -> float:
        """Return the seconds since the epoch on the server's clock."""
        return self.clock() + self.settings.clock_offset

    def change_settings(self, changes: dict[str, Any]) -> Settings:
        """Set some settings and return all.

        :raises pydantic.ValidationError: when one does not exist or its value does not fit.
        """
        self.settings = Settings.model_validate({**self.settings.model_dump(), **changes})
        self.store.keep_images_for = self.settings.read_lag
        return self.settings

    def reset(self, seed: str | None = None, seed_number: int | None = None) -> None:
        """Begin again: the first data and settings, no faults, nothing counted; snapshots stay.

        :param seed: other data than the sandbox began with.
        """
        self._start_over()
        self.store.clear()
        self._fill(seed or self.seed, seed_number or self.seed_number)

    def take_snapshot(self, name: str) -> None:
        """Keep a copy of the records, with all that belongs to them, and of the settings under a name."""
        self.drop_snapshot(name)
        self.snapshots[name] = self.store.snapshot(), self.settings

    def restore_snapshot(self, name: str) -> None:
        """Put everything back as it was when a snapshot was taken, but for faults and what was counted.

        :raises KeyError: when there is none of that name.
        """
        records, settings = self.snapshots[name]
        self.store.load(records)
        self.change_settings(settings.model_dump())

    def drop_snapshot(self, name: str) -> None:
        """Forget a copy, if there is one of that name."""
        if name in self.snapshots:
            self.snapshots.pop(name)[0].close()

    def _start_over(self) -> None:
        self.settings = self._first_settings
        self.store.keep_images_for = self.settings.read_lag
        self.limits = Limits()
        self.faults = Faults()
        self.log = RequestLog()

    def _fill(self, seed: str | None, seed_number: int) -> None:
        with self.store.transaction():
            add_instance(self.store, list(self.users.values()))
            if seed is not None:
                SEEDS[seed](self.store, seed_number)
