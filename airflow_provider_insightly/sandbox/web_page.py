"""What people do in Insightly's web page, and the API only shows afterwards: convert, merge, restore …"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_insightly.api.catalogue import objects, types
from airflow_provider_insightly.sandbox.answers import ApiError
from airflow_provider_insightly.sandbox.call import object_named, read_id
from airflow_provider_insightly.sandbox.desk import Desk, find_object
from airflow_provider_insightly.sandbox.instance import FIRST_USER_ID
from airflow_provider_insightly.sandbox.links import link_name, mirror, move_links, read_link
from airflow_provider_insightly.sandbox.parts import distinct
from airflow_provider_insightly.sandbox.records import Record
from airflow_provider_insightly.sandbox.selections import Selection
from airflow_provider_insightly.sandbox.values import CUSTOM_NAME, blank_record, custom_values, read_body

FIELD_TYPES = [
    "TEXT",
    "MULTILINETEXT",
    "NUMERIC",
    "PERCENT",
    "BIT",
    "DATE",
    "DATETIME",
    "DROPDOWN",
    "MULTISELECT",
    "AUTONUMBER",
    "URL",
    "IMAGE",
    "CONTACT",
    "ORGANISATION",
    "LEAD",
    "OPPORTUNITY",
    "PROJECT",
    "USER",
    "LOOKUP",
]


def convert_lead(desk: Desk, body: Record, lead_id: str) -> Record:
    """Convert a lead: it gets a contact and, when it names one, an organisation; ``opportunity`` names a new one.

    The lead stays, marked; prospects of the lead point to the contact from then on.
    """
    lead = desk.get("Leads", lead_id)
    if lead["CONVERTED"]:
        raise ApiError(409, f"Lead {lead_id} has been converted already.")
    organisation_id = None
    if lead["ORGANISATION_NAME"]:
        found = desk.store.records(
            Selection("Organisations", field="ORGANISATION_NAME", value=lead["ORGANISATION_NAME"])
        )
        organisation = (
            found[0] if found else desk.add("Organisations", {"ORGANISATION_NAME": lead["ORGANISATION_NAME"]})
        )
        organisation_id = organisation["ORGANISATION_ID"]
    contact = desk.add("Contacts", {**contact_of(lead), "ORGANISATION_ID": organisation_id})
    opportunity_id = None
    if body.get("opportunity"):
        fields = desk.read(object_named("Opportunities"), {"OPPORTUNITY_NAME": body["opportunity"]})
        opportunity = desk.add("Opportunities", {**fields, "ORGANISATION_ID": organisation_id})
        opportunity_id = opportunity["OPPORTUNITY_ID"]
    lead.update(
        CONVERTED=True,
        CONVERTED_DATE_UTC=desk.timestamp,
        CONVERTED_CONTACT_ID=contact["CONTACT_ID"],
        CONVERTED_ORGANISATION_ID=organisation_id,
        CONVERTED_OPPORTUNITY_ID=opportunity_id,
    )
    for status in desk.store.records(Selection("LeadStatuses", field="STATUS_TYPE", value=3)):
        lead["LEAD_STATUS_ID"] = status["LEAD_STATUS_ID"]
    desk.save("Leads", lead)
    for prospect in desk.store.records(Selection("Prospect", field="LEAD_ID", value=lead["LEAD_ID"])):
        prospect.update(CONTACT_ID=contact["CONTACT_ID"], LEAD_CONVERSION_DATE_UTC=desk.timestamp)
        desk.save("Prospect", prospect)
    return lead


def contact_of(lead: Record) -> Record:
    """Return the fields of a contact that a lead fills."""
    same = (
        "SALUTATION",
        "FIRST_NAME",
        "LAST_NAME",
        "TITLE",
        "OWNER_USER_ID",
        "EMAIL_OPTED_OUT",
        "CUSTOMFIELDS",
        "TAGS",
    )
    renamed = {"EMAIL": "EMAIL_ADDRESS", "PHONE": "PHONE", "MOBILE": "PHONE_MOBILE", "FAX": "PHONE_FAX"}
    address = {f"ADDRESS_{part}": f"ADDRESS_MAIL_{part}" for part in ("STREET", "CITY", "STATE", "POSTCODE", "COUNTRY")}
    fields = {name: lead[name] for name in same}
    fields |= {new: lead[old] for old, new in (renamed | address).items()}
    return fields | {"FIRST_NAME": lead["FIRST_NAME"] or "", "BACKGROUND": lead["LEAD_DESCRIPTION"]}


def merge_contact(desk: Desk, body: Record, contact_id: str, other_id: str) -> Record:
    """Merge a contact into another: the other keeps its values and gains what it lacks; the first is simply gone."""
    return merge(desk, "Contacts", contact_id, other_id)


def merge_lead(desk: Desk, body: Record, lead_id: str, other_id: str) -> Record:
    """Merge a lead into another."""
    return merge(desk, "Leads", lead_id, other_id)


def merge_organisation(desk: Desk, body: Record, organisation_id: str, other_id: str) -> Record:
    """Merge an organisation into another."""
    return merge(desk, "Organisations", organisation_id, other_id)


def merge(desk: Desk, name: str, record_id: str, other_id: str) -> Record:
    """Merge one record of an object into another and return the one that stays; what names the first names it then."""
    obj = find_object(name)
    id_field = obj.id_field or ""
    gone, kept = desk.get(name, record_id), desk.get(name, other_id)
    gone_id, kept_id = gone[id_field], kept[id_field]
    if gone_id == kept_id:
        raise ApiError(400, f"{obj.type} {record_id} cannot be merged into itself.")
    desk.store.remove(obj.name, gone_id)
    move_links(desk.store, gone, obj, (obj, kept_id))
    kept = desk.get(name, kept_id)
    for field, value in gone.items():
        if isinstance(value, list) and value:
            kept[field] = distinct([*(kept[field] or []), *value], next(iter(value[0])))
        elif kept[field] in (None, "") and value not in (None, "") and not obj.fields[field].read_only:
            kept[field] = value
    kept["CUSTOMFIELDS"] = custom_values({each["FIELD_NAME"]: each["FIELD_VALUE"] for each in kept["CUSTOMFIELDS"]})
    itself = (link_name(obj), kept_id)
    links = [link for link in kept["LINKS"] if (link["LINK_OBJECT_NAME"], link["LINK_OBJECT_ID"]) != itself]
    kept["LINKS"] = [{**link, "OBJECT_ID": kept_id} for link in links]
    for other in objects().values():
        if id_field in other.fields and other is not obj:
            for record in desk.store.records(Selection(other.name, field=id_field, value=gone_id)):
                desk.save(other.name, {**record, id_field: kept_id})
    return desk.save(name, kept)


def change_to_lead(desk: Desk, body: Record, contact_id: str) -> Record:
    """Change a contact to a lead: the contact is gone, a new lead has its values."""
    contact = desk.get("Contacts", contact_id)
    lead_of = {new: old for old, new in contact_pairs()}
    fields = {lead_of[field]: value for field, value in contact.items() if field in lead_of}
    organisation = desk.store.get("Organisations", contact["ORGANISATION_ID"] or -1)
    fields["ORGANISATION_NAME"] = organisation["ORGANISATION_NAME"] if organisation else None
    desk.store.remove("Contacts", contact["CONTACT_ID"])
    lead = desk.add("Leads", {**fields, "LAST_NAME": contact["LAST_NAME"] or contact["FIRST_NAME"]})
    links = [{**link, "OBJECT_NAME": "Lead", "OBJECT_ID": lead["LEAD_ID"]} for link in contact["LINKS"]]
    move_links(desk.store, contact, object_named("Contacts"), (object_named("Leads"), lead["LEAD_ID"]))
    return desk.save("Leads", {**lead, "LINKS": links})


def contact_pairs() -> list[tuple[str, str]]:
    """Return the fields of a lead, each with the contact's field that means the same."""
    blank: Record = dict.fromkeys(types()["Lead"])
    named = contact_of({name: name for name in blank})
    return [(lead_field, contact_field) for contact_field, lead_field in named.items()]


def list_recycled(desk: Desk, body: Record, name: str) -> Record:
    """Show what lies in the recycle bin."""
    return {"records": desk.store.recycled(find_object(name).name)}


def restore_record(desk: Desk, body: Record, name: str, record_id: str) -> Record:
    """Take a record out of the recycle bin, as it was, with its id."""
    obj = find_object(name)
    number = read_id(record_id)
    if number is None or not desk.store.restore(obj.name, number):
        raise ApiError(404, f"{obj.type} {record_id} is not in the recycle bin.")
    record = desk.save(name, desk.get(name, record_id))
    for link in record.get("LINKS") or ():
        mirror(desk.store, link, desk.timestamp)
    return record


def edit_record(desk: Desk, body: Record, name: str, record_id: str) -> Record:
    """Edit a record as Insightly itself may: read-only fields too, such as SCORE or CONTACT_ID of a prospect.

    As in a PUT, links stay as they are.
    """
    obj = find_object(name)
    before = desk.get(name, record_id)
    unknown = sorted(set(body) - set(obj.fields))
    if unknown:
        raise ApiError(400, f"{obj.type} has no {', '.join(unknown)}.")
    id_field = obj.id_field or ""
    fields = desk.read(obj, {field: value for field, value in body.items() if field != "LINKS"})
    if fields.get(id_field, before[id_field]) != before[id_field]:
        raise ApiError(400, f"{id_field} cannot be changed.")
    return desk.save(name, {**before, **fields})


def unsubscribe(desk: Desk, body: Record, prospect_id: str) -> Record:
    """Let a prospect follow the unsubscribe link of an e-mail."""
    prospect = desk.get("Prospect", prospect_id)
    prospect.update(OPTED_OUT=True, LAST_ACTIVITY_DATE_UTC=desk.timestamp)
    return desk.save("Prospect", prospect)


def visit(desk: Desk, body: Record, prospect_id: str) -> Record:
    """Let a prospect visit the web site; the body may hold any field of the visit."""
    prospect = desk.get("Prospect", prospect_id)
    defaults = {
        "PAGE_VIEW_COUNT": 1,
        "FIRST_PAGE_VIEW_DATE_UTC": desk.timestamp,
        "LAST_PAGE_VIEW_DATE_UTC": desk.timestamp,
    }
    record = {**blank_record("MarketingVisit"), **defaults, **read_body("MarketingVisit", body)}
    record.update(VISIT_ID=desk.store.next_number("MarketingVisits"), PROSPECT_ID=prospect["PROSPECT_ID"])
    desk.store.put("MarketingVisits", record["VISIT_ID"], record, desk.timestamp)
    prospect["LAST_ACTIVITY_DATE_UTC"] = desk.timestamp
    desk.save("Prospect", prospect)
    return record


def receive_email(desk: Desk, body: Record) -> Record:
    """Let an e-mail arrive and be linked to records; the API can only read and delete it."""
    fields = desk.read(object_named("Emails"), body)
    fields["LINKS"] = [read_link(desk.store, link, None) for link in fields.get("LINKS", ())]
    return desk.add("Emails", {"EMAIL_DATE_UTC": desk.timestamp, "FORMAT": "TEXT", **fields})


def lose_permission(desk: Desk, body: Record, name: str) -> Record:
    """Take the permission to see records of an object from a user: they vanish, as if deleted.

    The body: ``record_ids`` (all without it) and ``user_id`` (the first key's without it).
    """
    obj = find_object(name)
    id_field = obj.id_field or ""
    ids = body.get("record_ids")
    if ids is None:
        ids = [record[id_field] for record in desk.store.records(Selection(obj.name))]
    desk.store.hide(int(body.get("user_id", FIRST_USER_ID)), obj.name, [int(each) for each in ids])
    return {"hidden": len(ids)}


def regain_permission(desk: Desk, body: Record, name: str) -> Record:
    """Give a user back the permission to see all records of an object."""
    desk.store.show(int(body.get("user_id", FIRST_USER_ID)), find_object(name).name)
    return {"hidden": 0}


def define_custom_field(desk: Desk, body: Record, name: str) -> Record:
    """Add a custom field to an object, or change one: its label, type, options."""
    obj = find_object(name)
    given = read_body("CustomFieldMetadata", body)
    field_name = given.get("FIELD_NAME")
    if not isinstance(field_name, str) or not CUSTOM_NAME.fullmatch(field_name):
        raise ApiError(400, "FIELD_NAME is required; it ends in __c.")
    known = desk.store.definitions(obj.name)
    field_name = next((name for name in known if name.lower() == field_name.lower()), field_name)
    defaults = {
        "FIELD_ORDER": len(known) + 1,
        "FIELD_FOR": link_name(obj).upper(),
        "FIELD_LABEL": field_name.removesuffix("__c").replace("_", " "),
        "FIELD_TYPE": "TEXT",
        "EDITABLE": True,
        "VISIBLE": True,
    }
    definition = {**blank_record("CustomFieldMetadata"), **defaults, **known.get(field_name, {}), **given}
    definition["FIELD_NAME"] = field_name
    if definition["FIELD_TYPE"] not in FIELD_TYPES:
        raise ApiError(400, f"FIELD_TYPE must be one of {', '.join(FIELD_TYPES)}.")
    for number, option in enumerate(definition["CUSTOM_FIELD_OPTIONS"], start=1):
        option["OPTION_ID"] = option["OPTION_ID"] or number
    desk.store.define(obj.name, definition)
    return definition


def remove_custom_field(desk: Desk, body: Record, name: str, field_name: str) -> Record:
    """Remove a custom field; the values that records have stay in them."""
    if not desk.store.undefine(find_object(name).name, field_name):
        raise ApiError(404, f"{field_name} is not a custom field of {name}.")
    return {"removed": field_name}


def define_custom_object(desk: Desk, body: Record) -> Record:
    """Add a custom object, or change one: its labels."""
    given = read_body("CustomObject", body)
    name = given.get("OBJECT_NAME")
    if not isinstance(name, str) or not CUSTOM_NAME.fullmatch(name):
        raise ApiError(400, "OBJECT_NAME is required; it ends in __c.")
    label = name.removesuffix("__c").replace("_", " ")
    defaults = {
        "SINGULAR_LABEL": label,
        "PLURAL_LABEL": f"{label}s",
        "RECORD_NAME_LABEL": "Name",
        "RECORD_NAME_TYPE": "TEXT",
        "CREATED_USER_ID": FIRST_USER_ID,
        "DATE_CREATED_UTC": desk.timestamp,
        "DATE_UPDATED_UTC": desk.timestamp,
    }
    number = desk.store.find_id("CustomObjects", "OBJECT_NAME", name)
    known = desk.store.get("CustomObjects", number) if number else None
    record = {**(known or {**blank_record("CustomObject"), **defaults}), **given, "DATE_UPDATED_UTC": desk.timestamp}
    record["OBJECT_NAME"] = known["OBJECT_NAME"] if known else name
    desk.store.put("CustomObjects", number or desk.store.next_number("CustomObjects"), record, desk.timestamp)
    return record


ACTIONS: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("POST", "/leads/{lead_id}/convert"): convert_lead,
    ("POST", "/leads/{lead_id}/merge-into/{other_id}"): merge_lead,
    ("POST", "/contacts/{contact_id}/merge-into/{other_id}"): merge_contact,
    ("POST", "/organisations/{organisation_id}/merge-into/{other_id}"): merge_organisation,
    ("POST", "/contacts/{contact_id}/change-to-lead"): change_to_lead,
    ("POST", "/prospect/{prospect_id}/unsubscribe"): unsubscribe,
    ("POST", "/prospect/{prospect_id}/visits"): visit,
    ("POST", "/emails"): receive_email,
    ("GET", "/recycle-bin/{name}"): list_recycled,
    ("POST", "/recycle-bin/{name}/{record_id}/restore"): restore_record,
    ("POST", "/records/{name}/{record_id}"): edit_record,
    ("POST", "/permissions/{name}/lose"): lose_permission,
    ("POST", "/permissions/{name}/regain"): regain_permission,
    ("POST", "/custom-fields/{name}"): define_custom_field,
    ("DELETE", "/custom-fields/{name}/{field_name}"): remove_custom_field,
    ("POST", "/custom-objects"): define_custom_object,
}
