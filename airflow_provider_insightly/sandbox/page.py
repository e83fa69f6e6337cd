"""The page at ``/``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_provider_insightly.sandbox.answers import Answer, html_answer

if TYPE_CHECKING:
    from airflow_provider_insightly.sandbox.sandbox import Sandbox


def serve(sandbox: Sandbox, path: str, query: Mapping[str, str]) -> Answer:
    """Answer with the page."""
    return html_answer(200, "<!DOCTYPE html><title>Insightly sandbox</title>")
