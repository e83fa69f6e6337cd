"""The OpenLineage datasets of a send: the file or the tables that it reads, the object of Insightly that it writes.

Imported only by the OpenLineage provider's call, so that nobody else needs that provider.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow.providers.common.compat.openlineage.facet import Dataset
from airflow.providers.openlineage.extractors import OperatorLineage
from airflow.sdk import ObjectStoragePath

from airflow_provider_insightly.api.address import find_pod
from airflow_provider_insightly.sending.settings import SendSettings

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook


def describe_send(base_url: str, settings: SendSettings, path: str | None, *, reads_object: bool) -> OperatorLineage:
    """Return the datasets of a send.

    :param base_url: the connection's; a full URL in the settings wins.
    :param path: the file of records, where they come from one.
    :param reads_object: the send looks at the object's records before it writes.
    """
    address = settings.url if "://" in settings.url else base_url
    target = settings.target
    objects = [Dataset(namespace=name_instance(address), name=target.name)] if target else []
    files = [name_file(path)] if path else []
    return OperatorLineage(inputs=[*files, *(objects if reads_object else [])], outputs=objects)


def name_instance(address: str) -> str:
    """Return the namespace of an Insightly: ``insightly://na1`` by the pod, or by the host of a local one."""
    return f"insightly://{find_pod(address) or urlsplit(address).netloc.lower()}"


def name_file(path: str) -> Dataset:
    """Return the dataset of a file, named as OpenLineage names files: by bucket and key, or by a local path."""
    storage = ObjectStoragePath(path)
    if storage.protocol in ("", "file"):
        return Dataset(namespace="file", name=str(Path(storage.path).absolute()))
    return Dataset(namespace=f"{storage.protocol}://{storage.bucket}", name=storage.key)


def find_tables(hook: DbApiHook, sql: str) -> list[Dataset]:
    """Return the tables that a query reads, as far as its words tell; none where the hook names no database.

    :param hook: the database's; it says how OpenLineage calls the database, and is asked for nothing else.
    """
    from airflow.providers.openlineage.sqlparser import SQLParser

    connection = hook.get_connection(hook.get_conn_id())
    database = hook.get_openlineage_database_info(connection)
    if database is None:
        return []
    parser = SQLParser(hook.get_openlineage_database_dialect(connection), hook.get_openlineage_default_schema())
    found = parser.generate_openlineage_metadata_from_sql(
        sql=sql, hook=hook, database_info=database, database=database.database, use_connection=False
    )
    return list(found.inputs)
