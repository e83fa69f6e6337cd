"""Links from a task in the Airflow UI to Insightly."""
