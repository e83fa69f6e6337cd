"""Links between records: they show at both ends where the web page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_insightly.api.catalogue import InsightlyObject, objects
from airflow_provider_insightly.sandbox.answers import Answer, ApiError, empty_answer, json_answer
from airflow_provider_insightly.sandbox.call import Call, Handler, object_named
from airflow_provider_insightly.sandbox.records import Record, Store
from airflow_provider_insightly.sandbox.selections import Selection
from airflow_provider_insightly.sandbox.values import blank_record, find_value, read_body

# The web page shows a link between two of these at both.
LINKED_BOTH_WAYS = frozenset({"Contacts", "Leads", "Opportunities", "Organisations", "Projects"})


def list_links(call: Call) -> Answer:
    """GET …/Links."""
    return json_answer(200, call.get_record()["LINKS"])


def add_link(call: Call) -> Answer:
    """POST …/Links: a link to another record, which shows it too."""
    body = call.json_object()
    with call.store.transaction():
        record = call.get_record()
        link = read_link(call.store, body, call.user_id)
        link.update(LINK_ID=call.store.next_number("LINKS"), OBJECT_NAME=link_name(call.obj), OBJECT_ID=call.record_id)
        record["LINKS"].append(link)
        call.save(call.obj, call.record_id, record)
        mirror(call.store, link, call.timestamp)
    return json_answer(201, link)


def change_link(call: Call) -> Answer:
    """PUT …/Links: the role, the details or the relationship of a link."""
    body = call.json_object()
    with call.store.transaction():
        record = call.get_record()
        link = find_link(record, find_value(body, "LINK_ID"))
        fields = read_body("LinkDto", body)
        link.update({name: fields[name] for name in ("ROLE", "DETAILS", "RELATIONSHIP_ID") if name in fields})
        record["LINKS"] = [link if each["LINK_ID"] == link["LINK_ID"] else each for each in record["LINKS"]]
        call.save(call.obj, call.record_id, record)
        remove_mirror(call, link)
        mirror(call.store, link, call.timestamp)
    return json_answer(200, link)


def remove_link(call: Call) -> Answer:
    """DELETE …/Links/{linkId}: at both ends."""
    with call.store.transaction():
        record = call.get_record()
        link = find_link(record, call.parameters[1])
        record["LINKS"] = [each for each in record["LINKS"] if each["LINK_ID"] != link["LINK_ID"]]
        call.save(call.obj, call.record_id, record)
        remove_mirror(call, link)
    return empty_answer(202)


def link_name(obj: InsightlyObject) -> str:
    """Return the name by which links know an object: ``Contact``, ``Machine__c``."""
    return obj.name if obj.name.endswith("__c") else obj.type


def read_link(store: Store, body: Record, user_id: int | None) -> Record:
    """Return a link as it is kept; 400 when it leads nowhere, or where a user may not see anything."""
    link = {**blank_record("LinkDto"), **read_body("LinkDto", body)}
    target = linked_object(link["LINK_OBJECT_NAME"])
    target_id = link["LINK_OBJECT_ID"]
    if target is None or target_id is None or store.get_text(target.name, target_id, user_id) is None:
        raise ApiError(400, f"There is no {link['LINK_OBJECT_NAME']} {target_id} to link to.")
    link.update(LINK_OBJECT_NAME=link_name(target), IS_FORWARD=True)
    return link


def find_link(record: Record, link_id: Any) -> Record:
    """Return a record's link by its id; 404 when there is none."""
    for link in record["LINKS"]:
        if str(link["LINK_ID"]) == str(link_id):
            return dict(link)
    raise ApiError(404, f"Link {link_id} was not found.")


def mirror(store: Store, link: Record, timestamp: str) -> None:
    """Show a link at the record at its other end, where the web page does."""
    source, target = linked_object(link["OBJECT_NAME"]), linked_object(link["LINK_OBJECT_NAME"])
    if source is None or target is None or not {source.name, target.name} <= LINKED_BOTH_WAYS:
        return
    record = store.get(target.name, link["LINK_OBJECT_ID"])
    if record is not None:
        other = {"OBJECT_NAME": link["LINK_OBJECT_NAME"], "OBJECT_ID": link["LINK_OBJECT_ID"]}
        other |= {"LINK_OBJECT_NAME": link["OBJECT_NAME"], "LINK_OBJECT_ID": link["OBJECT_ID"]}
        record["LINKS"].append({**link, **other, "IS_FORWARD": not link["IS_FORWARD"]})
        store.put(target.name, link["LINK_OBJECT_ID"], record, record["DATE_UPDATED_UTC"] or timestamp)


def remove_mirror(call: Call, link: Record) -> None:
    """Take a link away from the record at its other end."""
    other = linked_object(link["LINK_OBJECT_NAME"])
    record = call.store.get(other.name, link["LINK_OBJECT_ID"]) if other else None
    if other is None or record is None:
        return
    kept = [each for each in record.get("LINKS") or () if each["LINK_ID"] != link["LINK_ID"]]
    if len(kept) != len(record.get("LINKS") or ()):
        record["LINKS"] = kept
        call.store.put(other.name, link["LINK_OBJECT_ID"], record, record.get("DATE_UPDATED_UTC") or call.timestamp)


def move_links(store: Store, gone: Record, obj: InsightlyObject, kept: tuple[InsightlyObject, int]) -> None:
    """Point what is linked to a record that is gone to the one that stands in its place.

    :param gone: the record; its own links name the others that show a link at both ends.
    :param obj: its object.
    :param kept: the object and the id of what stands in its place.
    """
    before = (link_name(obj), gone[obj.id_field or ""])
    after = {"LINK_OBJECT_NAME": link_name(kept[0]), "LINK_OBJECT_ID": kept[1]}
    others: dict[tuple[str, int], Record] = {}
    for link in gone["LINKS"]:
        other = linked_object(link["LINK_OBJECT_NAME"])
        record = store.get(other.name, link["LINK_OBJECT_ID"]) if other else None
        if other is not None and record is not None:
            others[other.name, link["LINK_OBJECT_ID"]] = record
    for one_way in objects().values():
        if "LINKS" in one_way.fields and one_way.name not in LINKED_BOTH_WAYS:
            for record in store.records(Selection(one_way.name, linked_to=before)):
                others[one_way.name, record[one_way.id_field or ""]] = record
    for (name, record_id), record in others.items():
        for link in record.get("LINKS") or ():
            if (link["LINK_OBJECT_NAME"], link["LINK_OBJECT_ID"]) == before:
                link.update(after)
        store.put(name, record_id, record, record.get("DATE_UPDATED_UTC") or "")


def linked_object(name: Any) -> InsightlyObject | None:
    """Return the object that a link names, in any case, or ``None``."""
    try:
        if not isinstance(name, str):
            return None
        return object_named(name)
    except LookupError:
        return None


HANDLERS: Mapping[tuple[str, str], Handler] = {
    ("GET", "/*/{id}/Links"): list_links,
    ("POST", "/*/{id}/Links"): add_link,
    ("PUT", "/*/{id}/Links"): change_link,
    ("DELETE", "/*/{id}/Links/{linkId}"): remove_link,
}
