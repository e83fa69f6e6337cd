import pytest

from airflow_provider_insightly.sandbox.pytest_plugin import (
    InsightlySandbox,
    insightly_sandbox,
    insightly_sandbox_server,
)

__all__ = ["insightly_sandbox", "insightly_sandbox_server"]


@pytest.fixture
def sandbox(insightly_sandbox: InsightlySandbox) -> InsightlySandbox:
    return insightly_sandbox
