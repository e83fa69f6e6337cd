"""The requests that a plan is applied with; those that create something look first whether it is there already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from airflow_provider_insightly.api.catalogue import get_object
from airflow_provider_insightly.api.client import InsightlyClient
from airflow_provider_insightly.api.errors import InsightlyError, InvalidRequestError
from airflow_provider_insightly.connector.mapping import MappedField, staged_fields
from airflow_provider_insightly.connector.records import EMAIL_FIELD, PROSPECT, Record, Ref, read_record
from airflow_provider_insightly.connector.values import Value, unflatten


class WriteRequests:
    """Writes to both sides.

    :param client: the API.
    :param mapping: the checked mapping: its fields are read from the answers.
    :param read_lag_seconds: by how much searches and lists may lag behind writes.
    :param sleep: waits for so many seconds.
    """

    def __init__(
        self,
        client: InsightlyClient,
        mapping: Sequence[MappedField],
        read_lag_seconds: float,
        sleep: Callable[[float], None],
    ) -> None:
        self.client, self.mapping, self.sleep = client, mapping, sleep
        self.read_lag_seconds = read_lag_seconds

    def read(self, object_name: str, answer: Mapping[str, Value]) -> Record:
        """Turn an answer into a record."""
        return read_record(object_name, answer, staged_fields(self.mapping, object_name))

    def write(self, ref: Ref, values: Mapping[str, Value]) -> Record:
        """Change fields of a record; return it as it is afterwards."""
        id_field = get_object(ref.object).id_field or ""
        return self.read(ref.object, self.client.update(ref.object, {id_field: ref.id, **unflatten(values)}))

    def write_each(self, ref: Ref, values: Mapping[str, Value]) -> tuple[Record, Mapping[str, InvalidRequestError]]:
        """Change fields of a record; those that Insightly refuses alone, so that one does not keep the others back.

        :returns: the record as it is afterwards, and the refused fields.
        :raises InvalidRequestError: all of them are refused.
        """
        try:
            return self.write(ref, values), {}
        except InvalidRequestError as error:
            refused, record, last = dict[str, InvalidRequestError](), None, error
        for name, value in values.items() if len(values) > 1 else ():
            try:
                record = self.write(ref, {name: value})
            except InvalidRequestError as error:
                refused[name] = error
        if record is None:
            raise last
        return record, refused

    def create_prospect(
        self, values: Mapping[str, Value], is_known: Callable[[Record], bool], again: bool
    ) -> tuple[Record, bool]:
        """Create a prospect, once; return it, and whether this is the answer: else an earlier attempt was found.

        :param is_known: whether a prospect was there before, and so cannot be the one that was created.
        :param again: an earlier attempt was not answered.
        """
        body = unflatten(values)
        found = self._find_prospect(values["EMAIL_ADDRESS"], is_known) if again else None
        if found is not None:
            return found, False
        try:
            return self.read(PROSPECT, self.client.create(PROSPECT, body)), True
        except InsightlyError as error:
            if error.outcome != "unknown":
                raise
        found = self._find_prospect(values["EMAIL_ADDRESS"], is_known)
        if found is not None:
            return found, False
        return self.read(PROSPECT, self.client.create(PROSPECT, body)), True

    def create_note(self, crm: Ref, note: Mapping[str, Value], again: bool) -> int:
        """Write a Note on a Lead or Contact, once; return its id.

        :param again: an earlier attempt was not answered.
        """
        path = f"/{crm.object}/{crm.id}/Notes"
        found = self._find_note(path, note["TITLE"]) if again else None
        if found is not None:
            return found
        try:
            return int(self.client.request("POST", path, json=dict(note)).body["NOTE_ID"])
        except InsightlyError as error:
            found = self._find_note(path, note["TITLE"]) if error.outcome == "unknown" else None
            if found is None:
                raise
            return found

    def join_tags(self, prospect: Ref, answer: Mapping[str, Any], tags: Sequence[str]) -> bool:
        """Add tags to those that an answer shows; return whether there were any to add."""
        present = tags_of(answer)
        news = [tag for tag in tags if tag not in present]
        if news:
            self.set_tags(prospect, [*present, *news])
        return bool(news)

    def set_tags(self, prospect: Ref, tags: Sequence[str]) -> None:
        """Give a prospect these tags and no others.

        That moves the time of its last change: a write after it, or a read, tells which time is not a person's.
        """
        self.client.request("PUT", f"/{PROSPECT}/{prospect.id}/Tags", json=[{"TAG_NAME": tag} for tag in tags])

    def _find_prospect(self, address: str, is_known: Callable[[Record], bool]) -> Record | None:
        self.sleep(self.read_lag_seconds)
        answers = self.client.search(PROSPECT, field=EMAIL_FIELD[PROSPECT], value=address)
        found = [record for record in (self.read(PROSPECT, answer) for answer in answers) if not is_known(record)]
        return min(found, key=lambda record: record.ref, default=None)

    def _find_note(self, path: str, title: str) -> int | None:
        self.sleep(self.read_lag_seconds)
        notes = (note for page in self.client.pages(path) for note in page.records)
        return next((int(note["NOTE_ID"]) for note in notes if note.get("TITLE") == title), None)


def tags_of(answer: Mapping[str, Any]) -> list[str]:
    """Return the names of a record's tags."""
    return [tag["TAG_NAME"] for tag in answer.get("TAGS") or ()]
