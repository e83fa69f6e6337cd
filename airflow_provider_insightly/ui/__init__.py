"""The connector's pages in the Airflow UI, served by the API server."""

PREFIX = "/insightly"
"""Where they are, below Airflow's own address."""
