"""What can be done with every object: list, search, get, create, update, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_insightly.api.catalogue import Field, InsightlyObject, left_out_of_brief
from airflow_provider_insightly.sandbox.answers import Answer, ApiError, empty_answer, encode
from airflow_provider_insightly.sandbox.call import Call, Handler, next_etag, read_id
from airflow_provider_insightly.sandbox.links import mirror, read_link, remove_mirror
from airflow_provider_insightly.sandbox.records import Record, Store
from airflow_provider_insightly.sandbox.selections import Selection
from airflow_provider_insightly.sandbox.values import (
    CUSTOM_NAME,
    blank_record,
    check_required,
    find_value,
    is_editable,
    mailbox,
    parse_date,
    read_body,
    read_custom_fields,
    search_value,
)

DEFAULT_PAGE = 100
LARGEST_PAGE = 500

# These change through PUT /{Object}/{id}/Pipeline alone.
SET_BY_PIPELINE = {"Opportunity": ("PIPELINE_ID", "STAGE_ID"), "Project": ("PIPELINE_ID", "STAGE_ID")}


def list_records(call: Call) -> Answer:
    """GET /{Object}: a page by ascending id; filters are silently ignored."""
    return page(call, call.selection(call.obj.name))


def search_records(call: Call) -> Answer:
    """GET /{Object}/Search: a page of what equals a value exactly, was changed after a moment, or both."""
    obj = call.obj
    more: dict[str, Any] = {}
    if call.query.get("updated_after_utc"):
        more["updated_after"] = read_date(call, "updated_after_utc")
    name = call.query.get("field_name")
    if name:
        more.update(search_field(call, obj, name, call.query.get("field_value", "")))
    return page(call, call.selection(obj.name, **more))


def search_by_tag(call: Call) -> Answer:
    """GET /{Object}/SearchByTag: a page of the records that carry a tag."""
    tag = call.query.get("tagname")
    if not tag:
        raise ApiError(400, "tagName is required.")
    return page(call, call.selection(call.obj.name, tag=tag))


def get_record(call: Call) -> Answer:
    """GET /{Object}/{id}: the record as it is now, whatever lists still say."""
    obj = call.obj
    text = call.store.get_text(obj.name, call.record_id, call.user_id)
    if text is None:
        raise call.no_record(obj, call.record_id)
    return Answer(200, text.encode())


def create_record(call: Call) -> Answer:
    """POST /{Object}: a new record, whole."""
    obj = call.obj
    body = call.json_object()
    with call.store.transaction():
        return Answer(201, create(call, obj, body).encode())


def update_record(call: Call) -> Answer:
    """PUT /{Object} and /{Object}/{id}: the record with the body's fields changed; null clears a field."""
    obj = call.obj
    body = call.json_object()
    in_path = len(call.parameters) > call.operation.path.startswith("/{objectName}")
    record_id = call.record_id if in_path else id_in_body(obj, body)
    with call.store.transaction():
        return Answer(200, update(call, obj, record_id, body).encode())


def delete_record(call: Call) -> Answer:
    """DELETE /{Object}/{id}: the record moves to the recycle bin of the web page."""
    with call.store.transaction():
        delete(call, call.obj, call.record_id)
    return empty_answer(202)


def create(call: Call, obj: InsightlyObject, body: Record, **fixed: Any) -> str:
    """Store a new record and return its JSON text.

    :param fixed: fields that the path decides, whatever the body says.
    :raises ApiError: 400 when the body does not fit, 402 when the plan allows no more records.
    """
    limit = call.settings.record_limit
    if limit and sum(call.store.counts().get(name, 0) for name in ("Contacts", "Leads", "Organisations")) >= limit:
        raise ApiError(402, f"Your plan allows {limit} records.")
    fields = read_fields(call, obj, body, {}) | fixed
    check_required(obj.type, fields)
    record = blank_record(obj.type)
    record.update(fields)
    record_id = call.store.next_number(obj.name)
    if record.get("LINKS"):
        record["LINKS"] = [read_link(call.store, link, call.user_id) for link in record["LINKS"]]
    stamp_new(call, obj, record_id, record)
    for link in record.get("LINKS") or ():
        mirror(call.store, link, call.timestamp)
    return call.store.put(obj.name, record_id, record, call.timestamp)


def stamp_new(call: Call, obj: InsightlyObject, record_id: int, record: Record) -> None:
    """Set what the server knows of a new record: its id, owner, dates, ETag, and the ids of its parts."""
    now = call.timestamp
    known = {
        obj.id_field: record_id,
        "DATE_CREATED_UTC": now,
        "DATE_UPDATED_UTC": now,
        "CREATED_USER_ID": call.user_id,
        "ETag": next_etag(None),
        "LINKED_EMAIL_ADDRESS": mailbox(obj.type, record_id),
    }
    record.update({name: value for name, value in known.items() if name in record})
    if record.get("OWNER_USER_ID", 0) is None:
        record["OWNER_USER_ID"] = call.user_id
    number_parts(call.store, obj, record_id, record)
    complete = COMPLETE_NEW.get(obj.type)
    if complete is not None:
        complete(call, record)
    derive(record)


def update(call: Call, obj: InsightlyObject, record_id: int, body: Record) -> str:
    """Change a record and return its JSON text.

    :raises ApiError: 404 when it is not there, 400 when the body does not fit or ``If-Match`` is stale.
    """
    current = call.store.get(obj.name, record_id, call.user_id)
    if current is None:
        raise call.no_record(obj, record_id)
    check_if_match(call, current)
    fields = read_fields(call, obj, body, current)
    fields.pop("LINKS", None)
    replace = call.settings.put == "replace" and call.operation.method == "PUT"
    if replace:
        blank = blank_record(obj.type)
        current.update({name: blank[name] for name in replaceable(obj) if name not in fields})
    current.update(fields)
    for name, field in obj.fields.items():
        if field.required and (replace or name in fields) and current[name] in (None, ""):
            raise ApiError(400, f"{name} is required.")
    number_parts(call.store, obj, record_id, current)
    derive(current)
    return call.save(obj, record_id, current)


def delete(call: Call, obj: InsightlyObject, record_id: int) -> None:
    """Move a record to the recycle bin and take the links to it away; 404 when it is not there."""
    record = call.store.get(obj.name, record_id, call.user_id)
    if record is None:
        raise call.no_record(obj, record_id)
    call.store.recycle(obj.name, record_id)
    for link in record.get("LINKS") or ():
        remove_mirror(call, link)


def page(call: Call, selection: Selection) -> Answer:
    """Answer with a page of a selection: ``skip``, ``top`` (100; at most 500), ``brief`` and ``count_total``."""
    skip = call.number("skip", 0, 2**62)
    top = call.number("top", DEFAULT_PAGE, LARGEST_PAGE)
    if skip:
        skip = max(0, skip + call.shift)
    texts = call.store.select(selection, skip, top, without=left_out_of_brief() if call.flag("brief") else ())
    answer = Answer(200, b"[" + b",".join(texts) + b"]")
    if call.flag("count_total"):
        answer.headers["X-Total-Count"] = str(call.store.count(selection))
    return answer


def page_of(call: Call, records: list[Record]) -> Answer:
    """Answer with a page of records that are not kept in the store."""
    skip, top = call.number("skip", 0, 2**62), call.number("top", DEFAULT_PAGE, LARGEST_PAGE)
    answer = Answer(200, encode(records[skip : skip + top]))
    if call.flag("count_total"):
        answer.headers["X-Total-Count"] = str(len(records))
    return answer


def search_field(call: Call, obj: InsightlyObject, name: str, value: str) -> dict[str, Any]:
    """Return the part of a selection that a field and its value stand for; 400 for what cannot be searched."""
    exact = next((each for each in obj.fields if each.lower() == name.lower()), None)
    if exact is not None and not obj.fields[exact].type.endswith("[]"):
        return {"field": exact, "value": search_value(obj.fields[exact], value)}
    known = custom_fields(call, obj)
    exact = next((each for each in known if each.lower() == name.lower()), name)
    if exact in known or (call.settings.undefined_custom == "accept" and CUSTOM_NAME.fullmatch(name)):
        kind = known.get(exact, {}).get("FIELD_TYPE", "TEXT")
        typed = {"BIT": "boolean", "NUMERIC": "number", "PERCENT": "number", "DATE": "datetime", "DATETIME": "datetime"}
        return {"field": exact, "value": search_value(Field(exact, typed.get(kind, "text")), value), "custom": True}
    raise ApiError(400, f"{name} is not a field of {obj.type} that can be searched.")


def read_date(call: Call, name: str) -> str:
    """Return a query parameter as a date; what is none gets 400."""
    try:
        return parse_date(call.query[name])
    except ValueError:
        raise ApiError(400, f"{name} is not a date.") from None


def id_in_body(obj: InsightlyObject, body: Record) -> int:
    """Return the record's id in a body, number or text; what is none gets 400."""
    value = find_value(body, obj.id_field or "")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ApiError(400, f"{obj.id_field} is required.")
    number = read_id(str(value)) if isinstance(value, str) or abs(value) < 2**64 else None
    if number is None:
        raise ApiError(404, f"{obj.type} {str(value)[:40]!r} was not found.")
    return number


def check_if_match(call: Call, record: Record) -> None:
    """Raise 400 when ``If-Match`` names another state of the record."""
    given = call.headers.get("if-match")
    if given is None or given.strip() == "*" or not record.get("ETag"):
        return

    def bare(etag: str) -> str:
        return etag.strip().removeprefix("W/").strip('"')

    if bare(given) != bare(record["ETag"]):
        raise ApiError(400, f"If-Match header value {given} is not valid.")


def read_fields(call: Call, obj: InsightlyObject, body: Record, current: Record) -> Record:
    """Return the fields that a body sets, its custom fields among them."""
    fields = read_body(obj.type, body, unknown_fields=call.settings.unknown_fields)
    for name in SET_BY_PIPELINE.get(obj.type, ()):
        fields.pop(name, None)
    if fields.get("CUSTOMFIELDS") is not None:
        known = custom_fields(call, obj)
        kept = current.get("CUSTOMFIELDS") or []
        if call.settings.put == "replace" and call.operation.method == "PUT":
            kept = [each for each in kept if each["FIELD_NAME"] in known and not is_editable(known[each["FIELD_NAME"]])]
        fields["CUSTOMFIELDS"] = read_custom_fields(
            fields["CUSTOMFIELDS"],
            known,
            kept,
            accept_undefined=call.settings.undefined_custom == "accept",
        )
    elif "CUSTOMFIELDS" in fields:
        fields["CUSTOMFIELDS"] = []
    for name in [name for name, value in fields.items() if value is None and obj.fields[name].type.endswith("[]")]:
        fields[name] = []
    return fields


def custom_fields(call: Call, obj: InsightlyObject) -> Mapping[str, Record]:
    """Return the definitions of an object's custom fields, by name."""
    return call.store.definitions(obj.name)


def number_parts(store: Store, obj: InsightlyObject, record_id: int, record: Record) -> None:
    """Give ids to the parts of a record that have none yet, which no other part has."""
    for name, id_field in (("DATES", "DATE_ID"), ("EMAILDOMAINS", "EMAIL_DOMAIN_ID"), ("LINKS", "LINK_ID")):
        for part in record.get(name) or ():
            if part.get(id_field) is None:
                part[id_field] = store.next_number(name)
            else:
                store.raise_sequence(name, part[id_field])
    for link in record.get("LINKS") or ():
        if link["OBJECT_ID"] is None:
            link.update(OBJECT_NAME=obj.type, OBJECT_ID=record_id)


def replaceable(obj: InsightlyObject) -> list[str]:
    """Return the fields that a replacing PUT clears when its body lacks them."""
    kept = {obj.id_field, "DATE_CREATED_UTC", "DATE_UPDATED_UTC", "CREATED_USER_ID", "OWNER_USER_ID", "LINKS", "TAGS"}
    kept.update(SET_BY_PIPELINE.get(obj.type, ()))
    return [name for name, field in obj.fields.items() if not field.read_only and name not in kept]


def derive(record: Record) -> None:
    """Set the fields that follow from others."""
    if "OPPORTUNITY_VALUE" in record and record["BID_AMOUNT"] is not None:
        duration = record["BID_DURATION"] if (record["BID_TYPE"] or "").lower() != "fixed bid" else None
        record["OPPORTUNITY_VALUE"] = record["BID_AMOUNT"] * (duration or 1)


def complete_lead(call: Call, record: Record) -> None:
    """Give a lead the instance's default source and status, and its creator as the one responsible."""
    for field, collection, default in (
        ("LEAD_SOURCE_ID", "LeadSources", "DEFAULT_VALUE"),
        ("LEAD_STATUS_ID", "LeadStatuses", "DEFAULT_STATUS"),
    ):
        if record[field] is None:
            choices = call.store.records(Selection(collection))
            record[field] = next((choice[field] for choice in choices if choice[default]), None)
    record["RESPONSIBLE_USER_ID"] = record["RESPONSIBLE_USER_ID"] or call.user_id


def complete_task(call: Call, record: Record) -> None:
    """Give a task its creator as the one responsible."""
    record["RESPONSIBLE_USER_ID"] = record["RESPONSIBLE_USER_ID"] or call.user_id
    record.update(ASSIGNED_BY_USER_ID=call.user_id, ASSIGNED_DATE_UTC=call.timestamp)


COMPLETE_NEW = {"Lead": complete_lead, "Task": complete_task}

HANDLERS: Mapping[tuple[str, str], Handler] = {
    ("GET", "/*"): list_records,
    ("POST", "/*"): create_record,
    ("PUT", "/*"): update_record,
    ("PATCH", "/*"): update_record,
    ("GET", "/*/Search"): search_records,
    ("GET", "/*/SearchByTag"): search_by_tag,
    ("GET", "/*/{id}"): get_record,
    ("PUT", "/*/{id}"): update_record,
    ("PATCH", "/*/{id}"): update_record,
    ("DELETE", "/*/{id}"): delete_record,
}
