"""Records from a file: JSON as the API writes it, or CSV as the web page exports it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from airflow_provider_insightly.api.catalogue import InsightlyObject
from airflow_provider_insightly.sandbox.answers import ApiError
from airflow_provider_insightly.sandbox.call import next_etag, read_json
from airflow_provider_insightly.sandbox.desk import fill_in, find_object
from airflow_provider_insightly.sandbox.operations import number_parts
from airflow_provider_insightly.sandbox.records import Record, Store
from airflow_provider_insightly.sandbox.values import (
    CUSTOM_NAME,
    blank_record,
    convert_field,
    read_custom_fields,
    write_date,
)


def import_file(store: Store, name: str, path: Path, now: float) -> dict[str, Any]:
    """Add the records of a file to an object; a name that ends in ``.csv`` is CSV, anything else JSON.

    :param now: seconds since the epoch, for records without dates.
    :raises ApiError: 400, naming the row and the field, when one does not fit; then nothing is added.
    """
    return import_records(store, name, path.read_bytes(), "text/csv" if path.suffix.lower() == ".csv" else "", now)


def import_records(store: Store, name: str, content: bytes, content_type: str, now: float) -> dict[str, Any]:
    """Add the records in a JSON list or in CSV to an object.

    A record keeps its id, its dates and its read-only values; one whose id is taken replaces what was there.
    Columns are fields in any case, with spaces or underscores; ``Record ID`` is the id.

    :param content_type: CSV when it says so; JSON otherwise.
    :returns: how many records were added, and the columns that are no field of the object.
    """
    obj = find_object(name)
    try:
        is_csv = "csv" in content_type.lower()
        rows: Any = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")))) if is_csv else read_json(content)
    except (ValueError, csv.Error) as error:
        raise ApiError(400, f"The import cannot be read: {error}.") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ApiError(400, "A list of records is expected.")
    ignored: set[str] = set()
    with store.transaction():
        for number, row in enumerate(rows, start=1):
            try:
                record = read_row(store, obj, row, ignored)
            except ApiError as error:
                raise ApiError(400, f"Row {number}: {error.text}") from None
            keep(store, obj, record, now)
    return {"imported": len(rows), "ignored_columns": sorted(ignored)}


def read_row(store: Store, obj: InsightlyObject, row: Record, ignored: set[str]) -> Record:
    """Return a row as a record, and add the columns that are no field to ``ignored``."""
    names = {name.upper(): name for name in obj.fields} | {"RECORD_ID": obj.id_field or ""}
    record = blank_record(obj.type)
    custom: list[Record] = []
    for column, value in row.items():
        name = names.get(str(column).strip().upper().replace(" ", "_"))
        if value in (None, ""):
            continue
        if name == "CUSTOMFIELDS":
            custom += value if isinstance(value, list) else [value]  # what is no list is refused with its row's number
        elif name is not None:
            record[name] = convert_field(obj.fields[name], value)
        elif CUSTOM_NAME.fullmatch(str(column).strip()):
            custom.append({"FIELD_NAME": str(column).strip(), "FIELD_VALUE": value})
        else:
            ignored.add(str(column))
    if custom and "CUSTOMFIELDS" in record:
        known = store.definitions(obj.name)
        record["CUSTOMFIELDS"] = read_custom_fields(custom, known, [], accept_undefined=True, read_only=True)
    return record


def keep(store: Store, obj: InsightlyObject, record: Record, now: float) -> None:
    """Store an imported record; what it lacks of id, owner and dates it is given."""
    id_field = obj.id_field or ""
    if record.get(id_field) is None:
        record[id_field] = store.next_number(obj.name)
    store.raise_sequence(obj.name, record[id_field])
    timestamp = write_date(int(now))
    fill_in(obj, record, timestamp)
    updated = record.get("DATE_CREATED_UTC") or timestamp
    for field, value in (("DATE_UPDATED_UTC", updated), ("ETag", next_etag(None))):
        if record.get(field, "") is None:
            record[field] = value
    number_parts(store, obj, record[id_field], record)
    store.put(obj.name, record[id_field], record, record.get("DATE_UPDATED_UTC") or timestamp)


def find_imports(arguments: Iterable[str]) -> list[tuple[str, Path]]:
    """Return the object and the file of each ``OBJECT=FILE`` of a command line.

    :raises ValueError: for one without an equals sign, or whose file is not there.
    """
    found = []
    for argument in arguments:
        name, separator, path = argument.partition("=")
        if not separator or not Path(path).is_file():
            raise ValueError(f"--import needs OBJECT=FILE with a file that exists, not {argument!r}")
        found.append((name, Path(path)))
    return found
