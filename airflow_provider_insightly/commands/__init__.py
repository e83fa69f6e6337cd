"""The commands about sends and the store, for ``airflow insightly …``."""
