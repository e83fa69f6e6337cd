"""The schema's history, applied by :func:`airflow_provider_insightly.store.engine.open_store`."""
