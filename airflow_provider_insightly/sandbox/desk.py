"""Where a person sits who works in Insightly's web page: the records, read and written without the API's limits."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_insightly.api.catalogue import InsightlyObject
from airflow_provider_insightly.sandbox.answers import ApiError
from airflow_provider_insightly.sandbox.call import next_etag, object_named, read_id
from airflow_provider_insightly.sandbox.instance import FIRST_USER_ID
from airflow_provider_insightly.sandbox.operations import number_parts
from airflow_provider_insightly.sandbox.records import Record, Store
from airflow_provider_insightly.sandbox.values import (
    blank_record,
    convert_field,
    mailbox,
    read_custom_fields,
    write_date,
)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a person sits: the records, and the time on the server's clock."""

    store: Store
    now: float

    @property
    def timestamp(self) -> str:
        """The time as the API writes it."""
        return write_date(int(self.now))

    def get(self, name: str, record_id: str | int) -> Record:
        """Return a record; 404 when it is not there."""
        obj = find_object(name)
        number = read_id(str(record_id))
        record = None if number is None else self.store.get(obj.name, number)
        if record is None:
            raise ApiError(404, f"{obj.type} {record_id} was not found.")
        return record

    def read(self, obj: InsightlyObject, body: Record) -> Record:
        """Return the fields of an object in a body, read-only ones too; 400 when one does not fit."""
        fields = {name: convert_field(obj.fields[name], value) for name, value in body.items() if name in obj.fields}
        if fields.get("CUSTOMFIELDS"):
            known = self.store.definitions(obj.name)
            fields["CUSTOMFIELDS"] = read_custom_fields(
                fields["CUSTOMFIELDS"], known, [], accept_undefined=True, read_only=True
            )
        return fields

    def save(self, name: str, record: Record) -> Record:
        """Write a changed record with its new date and ETag."""
        obj = find_object(name)
        if "DATE_UPDATED_UTC" in record:
            record["DATE_UPDATED_UTC"] = self.timestamp
        if "ETag" in record:
            record["ETag"] = next_etag(record["ETag"])
        record_id = record[obj.id_field or ""]
        number_parts(self.store, obj, record_id, record)
        self.store.put(obj.name, record_id, record, self.timestamp)
        return record

    def add(self, name: str, fields: Record) -> Record:
        """Add a record; read-only fields can be given too."""
        obj = find_object(name)
        id_field = obj.id_field or ""
        record = {**blank_record(obj.type), **{key: value for key, value in fields.items() if key in obj.fields}}
        record[id_field] = self.store.next_number(obj.name)
        fill_in(obj, record, self.timestamp)
        return self.save(name, record)


def fill_in(obj: InsightlyObject, record: Record, timestamp: str) -> None:
    """Give a record, which has its id, what Insightly gives each, where nothing says otherwise."""
    for field, value in (
        ("DATE_CREATED_UTC", timestamp),
        ("OWNER_USER_ID", FIRST_USER_ID),
        ("CREATED_USER_ID", FIRST_USER_ID),
        ("LINKED_EMAIL_ADDRESS", mailbox(obj.type, record[obj.id_field or ""])),
    ):
        if record.get(field, "") is None:
            record[field] = value


def find_object(name: str) -> InsightlyObject:
    """Return an object by any of its names; 404 for what is none, or has no records that go by an id."""
    try:
        obj = object_named(name)
    except LookupError as error:
        raise ApiError(404, str(error)) from None
    if obj.id_field is None:
        raise ApiError(404, f"{obj.name} has no records that go by an id.")
    return obj
