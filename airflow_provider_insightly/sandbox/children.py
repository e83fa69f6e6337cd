"""Records that hang on a record: notes and tasks linked to it; comments, posts and line items within it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from airflow_provider_insightly.api.catalogue import InsightlyObject, Operation, objects, types
from airflow_provider_insightly.sandbox.answers import Answer, ApiError, empty_answer
from airflow_provider_insightly.sandbox.call import Call, Handler, missing, object_named
from airflow_provider_insightly.sandbox.operations import create, delete, id_in_body, page, read_date, update
from airflow_provider_insightly.sandbox.records import Record
from airflow_provider_insightly.sandbox.selections import Selection
from airflow_provider_insightly.sandbox.values import blank_record, convert_field

# The vendor's document requires these and calls them read-only at once: they are set when a line is made, never later.
SET_ON_CREATE: Mapping[str, tuple[str, ...]] = {
    "OpportunityLineItem": ("PRICEBOOK_ENTRY_ID",),
    "PricebookEntry": ("PRICEBOOK_ID", "PRODUCT_ID"),
    "QuotationLineItem": ("PRICEBOOK_ENTRY_ID", "LIST_PRICE"),
}


def list_linked(call: Call) -> Answer:
    """GET /{Parent}/{id}/Notes, Events, Tasks and Emails."""
    call.get_record()
    after = read_date(call, "updated_after_utc") if call.query.get("updated_after_utc") else None
    name = call.operation.path.rsplit("/", 1)[1]
    return page(call, call.selection(name, linked_to=(call.obj.type, call.record_id), updated_after=after))


def add_note(call: Call) -> Answer:
    """POST /{Parent}/{id}/Notes: the only way to make a note."""
    body = call.json_object()
    with call.store.transaction():
        call.get_record()
        link = {**blank_record("LinkDto"), "LINK_OBJECT_NAME": call.obj.type, "LINK_OBJECT_ID": call.record_id}
        return Answer(201, create(call, object_named("Notes"), body, LINKS=[{**link, "IS_FORWARD": True}]).encode())


def change_note(call: Call) -> Answer:
    """PUT /{Parent}/{id}/Notes: the note's id is in the body."""
    body = call.json_object()
    notes = object_named("Notes")
    with call.store.transaction():
        call.get_record()
        return Answer(200, update(call, notes, id_in_body(notes, body), body).encode())


def child_handler(operation: Operation) -> Handler | None:
    """Return what serves an operation on a record's children: comments, posts, milestones, line items, members …

    A child is a record whose type has its parent's id field.
    """
    parts = operation.path.strip("/").split("/")
    if len(parts) < 3 or parts[0] not in objects() or parts[1] != "{id}":
        return None
    collection = next((each for each in objects().values() if each.name == parts[2]), None)
    by_name = {"Comments": "Ticket.Comment" if parts[0] == "Ticket" else "Comment", "Comment": "Comment"}
    type_name = by_name.get(parts[2]) or (collection.type if collection else parts[2])
    parent_field = objects()[parts[0]].id_field
    if type_name not in types() or parent_field is None or parent_field not in types()[type_name]:
        return None
    child = child_object(type_name)
    handlers: dict[tuple[str, int], Callable[[Call, InsightlyObject, str], Answer]] = {
        ("GET", 3): list_children,
        ("POST", 3): add_child,
        ("PUT", 3): change_child,
        ("DELETE", 4): remove_child,
    }
    serve = handlers.get((operation.method, len(parts)))
    return None if serve is None else lambda call: serve(call, child, parent_field)


def child_object(type_name: str) -> InsightlyObject:
    """Return the collection of a type of child; not all have a path of their own."""
    for obj in objects().values():
        if obj.type == type_name:
            return obj
    fields = types()[type_name]
    return InsightlyObject(type_name, type_name, next(iter(fields)), frozenset(), fields, has_page=False)


def list_children(call: Call, child: InsightlyObject, parent_field: str) -> Answer:
    """GET /{Parent}/{id}/{Children}."""
    call.get_record()
    after = read_date(call, "updated_after_utc") if call.query.get("updated_after_utc") else None
    return page(call, call.selection(child.name, field=parent_field, value=call.record_id, updated_after=after))


def add_child(call: Call, child: InsightlyObject, parent_field: str) -> Answer:
    """POST /{Parent}/{id}/{Children}: answers with all children where the vendor's document says so."""
    body = call.json_object()
    given = {name.upper(): value for name, value in body.items()}
    named = [name for name in SET_ON_CREATE.get(child.type, ()) if given.get(name) is not None]
    fixed: Record = {name: convert_field(child.fields[name], given[name]) for name in named}
    fixed[parent_field] = call.record_id
    if child.type == "Comment":
        fixed["BODY"] = read_comment(child, given)
    with call.store.transaction():
        call.get_record()
        text = create(call, child, body, **fixed)
    if (call.operation.response or "").endswith("[]"):
        return all_children(call, child, parent_field, 201)
    return Answer(201, text.encode())


def change_child(call: Call, child: InsightlyObject, parent_field: str) -> Answer:
    """PUT /{Parent}/{id}/{Children}: the child's id is in the body."""
    body = call.json_object()
    child_id = id_in_body(child, body)
    with call.store.transaction():
        call.get_record()
        current = call.store.get(child.name, child_id)
        if current is None or current[parent_field] != call.record_id:
            raise missing(child, child_id)
        update(call, child, child_id, body)
    return all_children(call, child, parent_field, 200)


def remove_child(call: Call, child: InsightlyObject, parent_field: str) -> Answer:
    """DELETE /{Parent}/{id}/{Children}/{childId}."""
    child_id = call.id_parameter(1)
    with call.store.transaction():
        call.get_record()
        current = call.store.get(child.name, child_id)
        if current is None or current[parent_field] != call.record_id:
            raise missing(child, child_id)
        delete(call, child, child_id)
    return empty_answer(202)


def all_children(call: Call, child: InsightlyObject, parent_field: str, status: int) -> Answer:
    """Answer with all children of a record."""
    texts = call.store.select(Selection(child.name, field=parent_field, value=call.record_id))
    return Answer(status, b"[" + b",".join(texts) + b"]")


def read_comment(child: InsightlyObject, given: Record) -> str:
    """Return the text of a comment; the vendor's document calls it read-only, yet a comment is nothing else."""
    if given.get("BODY") in (None, ""):
        raise ApiError(400, "BODY is required.")
    return str(convert_field(child.fields["BODY"], given["BODY"]))


HANDLERS: Mapping[tuple[str, str], Handler] = {
    ("GET", "/*/{id}/Notes"): list_linked,
    ("GET", "/*/{id}/Events"): list_linked,
    ("GET", "/*/{id}/Tasks"): list_linked,
    ("GET", "/*/{id}/Emails"): list_linked,
    ("POST", "/*/{id}/Notes"): add_note,
    ("PUT", "/*/{id}/Notes"): change_note,
}
