"""``python -m airflow_provider_insightly``: the provider's commands."""

from airflow_provider_insightly.cli import main

main()
