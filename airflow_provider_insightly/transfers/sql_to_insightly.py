"""From the rows of a SQL query to Insightly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_insightly.operators.records import InsightlyRecordsOperator

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_insightly.sending.record import Record, Rejection
    from airflow_provider_insightly.sending.settings import SendSettings

ROWS = 1000  # fetched at a time


class SqlToInsightlyOperator(InsightlyRecordsOperator):
    """Sends each row of a query to the endpoint of a template.

    The rows never pass through XCom and never all sit in memory: they are fetched a thousand at a time, from
    PostgreSQL by a server-side cursor. A column's name is a field's name; give it one in the query
    (``SELECT mail AS "EMAIL_ADDRESS"``) or with ``rename``.

    :param sql: the query (templated).
    :param sql_conn_id: an Airflow connection to any database that a DB-API hook serves.
    :param parameters: the query's parameters, as the database's driver takes them (templated).
    :param template: the endpoint template, such as ``create_contact`` (templated).

    The other parameters are those of :class:`~airflow_provider_insightly.operators.records.InsightlyRecordsOperator`;
    the query stands in the place of ``records``.
    """

    template_fields: Sequence[str] = ("sql", "parameters", *InsightlyRecordsOperator.template_fields)
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **InsightlyRecordsOperator.template_fields_renderers,
        "sql": "sql",
        "parameters": "json",
    }

    def __init__(
        self,
        *,
        sql: str,
        sql_conn_id: str,
        parameters: Mapping[str, Any] | Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(records=(), **kwargs)
        self.sql = sql
        self.sql_conn_id = sql_conn_id
        self.parameters = parameters

    def read_records(self, settings: SendSettings) -> Iterator[Record | Rejection]:
        """Yield the rows as records."""
        from airflow_provider_insightly.sending.source import number_records

        return number_records(self._rows())

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage:
        """Return what was read and written, the tables of the query among it."""
        from airflow_provider_insightly.operators.lineage import find_tables

        lineage = super().get_openlineage_facets_on_complete(task_instance)
        lineage.inputs[:0] = find_tables(self.sql_hook, self.sql)
        return lineage

    @cached_property
    def sql_hook(self) -> DbApiHook:
        """The hook of the database."""
        from airflow.providers.common.sql.hooks.sql import DbApiHook

        hook = DbApiHook.get_hook(self.sql_conn_id)
        if not isinstance(hook, DbApiHook):
            raise ValueError(f"The connection {self.sql_conn_id} is not one to a SQL database.")
        return hook

    def _rows(self) -> Iterator[dict[str, Any]]:
        with closing(self.sql_hook.get_conn()) as connection, closing(self._cursor(connection)) as cursor:
            cursor.execute(self.sql, *([self.parameters] if self.parameters else []))
            names: list[str] = []
            while rows := cursor.fetchmany(ROWS):
                names = names or _name_columns(cursor.description)
                for row in rows:
                    yield dict(zip(names, row, strict=True))

    def _cursor(self, connection: Any) -> Any:
        """Return a cursor; psycopg's has a name, without which it would bring all rows at once."""
        if type(connection).__module__.startswith("psycopg"):
            return connection.cursor("airflow_provider_insightly")
        return connection.cursor()


def _name_columns(description: Sequence[Sequence[Any]]) -> list[str]:
    found = [column[0] for column in description]
    twice = sorted({name for name in found if found.count(name) > 1})
    if twice:
        raise ValueError(f"The query gives {', '.join(twice)} more than once; name each column once (AS).")
    return found
