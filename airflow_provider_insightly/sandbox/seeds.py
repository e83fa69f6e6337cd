"""Data to begin with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from airflow_provider_insightly.sandbox.records import Store

SEEDS: Mapping[str, Callable[[Store, int], None]] = {}
