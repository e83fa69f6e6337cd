"""What `make demo` and `make ui` run: Airflow and a local Insightly, on this machine alone."""
