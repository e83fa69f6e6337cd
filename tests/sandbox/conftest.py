from airflow_provider_insightly.sandbox.pytest_plugin import insightly_sandbox, insightly_sandbox_server

__all__ = ["insightly_sandbox", "insightly_sandbox_server"]
