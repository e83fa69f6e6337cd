"""Lists that hang on a record: tags, dates, e-mail domains, static lists, and who follows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_insightly.api.catalogue import types
from airflow_provider_insightly.sandbox.answers import Answer, ApiError, empty_answer, json_answer
from airflow_provider_insightly.sandbox.call import Call, Handler
from airflow_provider_insightly.sandbox.records import Record
from airflow_provider_insightly.sandbox.values import blank_record, check_required, find_value, read_body


def list_part(field: str) -> Handler:
    """Serve GET of a list inside a record."""

    def handle(call: Call) -> Answer:
        return json_answer(200, call.get_record().get(field) or [])

    return handle


def replace_part(field: str, type_name: str) -> Handler:
    """Serve PUT of a list inside a record: an array replaces the list, a single object its entry of the same id."""

    def handle(call: Call) -> Answer:
        given = call.json()
        entries = [read_part(type_name, entry) for entry in (given if isinstance(given, list) else [given])]
        with call.store.transaction():
            record = call.get_record()
            key = next(iter(types()[type_name]))
            part_id = find_value(given, key) if isinstance(given, dict) and key.endswith("_ID") else None
            if part_id is not None:
                kept = [entry for entry in record[field] if str(entry[key]) != str(part_id)]
                if len(kept) == len(record[field]):
                    raise ApiError(404, f"{key} {part_id} was not found.")
                entries[0][key] = int(part_id)
                entries = sorted([*kept, *entries], key=lambda entry: int(entry[key]))
            record[field] = distinct(entries, key)
            save_with_parts(call, record)
        return json_answer(200, record[field])

    return handle


def add_tag(call: Call) -> Answer:
    """POST …/Tags: one tag."""
    tag = read_part("Tag", call.json())
    with call.store.transaction():
        record = call.get_record()
        record["TAGS"] = distinct([*(record["TAGS"] or []), tag], "TAG_NAME")
        save_with_parts(call, record)
    return json_answer(201, tag)


def remove_tag(call: Call) -> Answer:
    """DELETE …/Tags: the tag is in the body."""
    given = call.json()
    names = {read_part("Tag", entry)["TAG_NAME"] for entry in (given if isinstance(given, list) else [given])}
    with call.store.transaction():
        record = call.get_record()
        record["TAGS"] = [tag for tag in record["TAGS"] if tag["TAG_NAME"] not in names]
        save_with_parts(call, record)
    return empty_answer(202)


def read_part(type_name: str, entry: Any) -> Record:
    """Return an entry of a list inside a record."""
    if not isinstance(entry, dict):
        raise ApiError(400, "The request is invalid.", framework=True)
    part = {**blank_record(type_name), **read_body(type_name, entry)}
    name = next(iter(part))
    if name == "TAG_NAME" and not part[name]:
        raise ApiError(400, "TAG_NAME is required.")
    check_required(type_name, part)
    return part


def distinct(entries: list[Record], key: str) -> list[Record]:
    """Return entries without those that repeat an earlier one's key; entries without a key stay."""
    seen: set[Any] = set()
    kept = []
    for entry in entries:
        if entry[key] is None or entry[key] not in seen:
            kept.append(entry)
            seen.add(entry[key])
    return kept


def save_with_parts(call: Call, record: Record) -> None:
    """Write a record whose parts may be new."""
    for field, id_field in (("DATES", "DATE_ID"), ("EMAILDOMAINS", "EMAIL_DOMAIN_ID")):
        for part in record.get(field) or ():
            if part[id_field] is None:
                part[id_field] = call.store.next_number(field)
    call.save(call.obj, call.record_id, record)


def list_memberships(call: Call) -> Answer:
    """GET /Prospect/{id}/StaticListMembership."""
    call.get_record()
    return json_answer(200, memberships(call))


def change_memberships(call: Call) -> Answer:
    """PUT (these lists alone), POST (one more) and DELETE (one less) …/StaticListMembership."""
    given = call.json()
    entries = [read_part("StaticListMembership", entry) for entry in (given if isinstance(given, list) else [given])]
    lists = [entry["LIST_ID"] for entry in entries]
    with call.store.transaction():
        call.get_record()
        before = [entry["LIST_ID"] for entry in memberships(call)]
        method = call.operation.method
        after = lists if method == "PUT" else [*before, *lists] if method == "POST" else []
        if method == "DELETE":
            after = [each for each in before if each not in lists]
        record = {"lists": sorted(set(after))}
        call.store.put("StaticListMembership", call.record_id, record, call.timestamp)
    return empty_answer(202) if method == "DELETE" else json_answer(200, memberships(call))


def memberships(call: Call) -> list[Record]:
    """Return the static lists that a prospect is on."""
    kept = call.store.get("StaticListMembership", call.record_id) or {"lists": []}
    return [{"LIST_ID": number} for number in kept["lists"]]


def follow(call: Call) -> Answer:
    """GET, POST and DELETE …/Follow."""
    call.get_record()
    if call.operation.method != "GET":
        with call.store.transaction():
            call.store.follow(call.user_id, call.obj.name, call.record_id, call.operation.method == "POST")
    if call.operation.method == "DELETE":
        return empty_answer(202)
    following = (call.obj.name, call.record_id) in call.store.followed(call.user_id)
    return json_answer(201 if call.operation.method == "POST" else 200, {"FOLLOWING": following})


HANDLERS: Mapping[tuple[str, str], Handler] = {
    ("GET", "/*/{id}/Tags"): list_part("TAGS"),
    ("PUT", "/*/{id}/Tags"): replace_part("TAGS", "Tag"),
    ("POST", "/*/{id}/Tags"): add_tag,
    ("DELETE", "/*/{id}/Tags"): remove_tag,
    ("GET", "/*/{id}/Dates"): list_part("DATES"),
    ("PUT", "/*/{id}/Dates"): replace_part("DATES", "Date"),
    ("GET", "/*/{id}/EmailDomains"): list_part("EMAILDOMAINS"),
    ("PUT", "/*/{id}/EmailDomains"): replace_part("EMAILDOMAINS", "EmailDomain"),
    ("GET", "/*/{id}/StaticListMembership"): list_memberships,
    ("PUT", "/*/{id}/StaticListMembership"): change_memberships,
    ("POST", "/*/{id}/StaticListMembership"): change_memberships,
    ("DELETE", "/*/{id}/StaticListMembership"): change_memberships,
    ("GET", "/*/{id}/Follow"): follow,
    ("POST", "/*/{id}/Follow"): follow,
    ("DELETE", "/*/{id}/Follow"): follow,
}
