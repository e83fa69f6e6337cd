"""The connector's pages in the Airflow UI, served by the API server."""
