"""What Alembic runs: the migrations, in the transaction and under the lock of ``engine._migrate``."""

from __future__ import annotations

from alembic import context

from airflow_provider_insightly.store.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
with context.begin_transaction():
    context.run_migrations()
