"""Moves the store to another database: the example of docs/store.md."""

# [START move]
import sys
from itertools import groupby

from sqlalchemy import func, select

from airflow_provider_insightly.store.engine import open_store, writing
from airflow_provider_insightly.store.tables import metadata


def move(old_url: str, new_url: str) -> None:
    old, new = open_store(old_url), open_store(new_url)  # both have the same tables then
    with old.connect() as source, writing(new) as target:
        for table in metadata.sorted_tables:
            if target.execute(select(func.count()).select_from(table)).scalar_one():
                raise SystemExit(f"{table} in the new store is not empty: nothing was moved.")
            moved = 0
            may_lack = {column.name for column in table.c if column.nullable}
            for part in source.execute(select(table)).mappings().partitions(1000):
                moved += len(part)
                rows = [{name: v for name, v in row.items() if v is not None or name not in may_lack} for row in part]
                for _, alike in groupby(sorted(rows, key=list), key=list):
                    target.execute(table.insert(), list(alike))
            print(f"{table}: {moved} rows")
            if "id" in table.c and new.dialect.name == "postgresql":  # it must count on behind these rows
                following = select(func.coalesce(func.max(table.c.id), 0) + 1).scalar_subquery()
                target.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), following, False)))


if __name__ == "__main__":
    move(sys.argv[1], sys.argv[2])
# [END move]
