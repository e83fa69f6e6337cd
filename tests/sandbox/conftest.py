import pytest

from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox


@pytest.fixture
def sandbox(insightly_sandbox: InsightlySandbox) -> InsightlySandbox:
    return insightly_sandbox
