"""The commands about sends, the CRM connector and the store, for ``airflow insightly …``."""
