"""The operations that no rule serves, each a few lines."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_insightly.api.catalogue import InsightlyObject, objects
from airflow_provider_insightly.sandbox.answers import Answer, ApiError, empty_answer, json_answer
from airflow_provider_insightly.sandbox.call import Call, Handler, object_named
from airflow_provider_insightly.sandbox.instance import COUNTRIES, CURRENCIES, INSTANCE
from airflow_provider_insightly.sandbox.operations import create, page, page_of
from airflow_provider_insightly.sandbox.selections import Selection
from airflow_provider_insightly.sandbox.values import blank_record, check_required, read_body


def get_me(call: Call) -> Answer:
    """GET /Users/Me: the user whose key it is."""
    return json_answer(200, call.store.get("Users", call.user_id))


def get_instance(call: Call) -> Answer:
    """GET /Instance: one object, not a list."""
    return json_answer(200, INSTANCE)


def get_permissions(call: Call) -> Answer:
    """GET /Permissions: what the user may do with each object."""
    may = {"CAN_READ": True, "CAN_CREATE": True, "CAN_EDIT": True, "CAN_DELETE": True}
    rows = [
        {"OBJECT_TYPE": obj.type, "PERMISSIONS_STATE": "CUSTOM", **may}
        for obj in objects().values()
        if {"create", "get"} <= obj.verbs
    ]
    return json_answer(200, {"PERMISSIONS_STATE": "CUSTOM", "OBJECT_PERMISSIONS": rows})


def list_countries(call: Call) -> Answer:
    """GET /Countries."""
    names = [name for group in COUNTRIES.split(",") for name in ([group] if group in TWO_WORDS else group.split())]
    return json_answer(200, [{"COUNTRY_NAME": name} for name in names])


def list_currencies(call: Call) -> Answer:
    """GET /Currencies."""
    return json_answer(200, [{"CURRENCY_CODE": code, "CURRENCY_SYMBOL": symbol} for code, symbol in CURRENCIES])


def list_follows(call: Call) -> Answer:
    """GET /Follows: what the user follows."""
    wanted = call.query.get("record_type", "").lower()
    if wanted and _object(wanted) is None:
        raise ApiError(400, f"{wanted} is not a record type.")
    found = [(object_named(name), record_id) for name, record_id in call.store.followed(call.user_id)]
    return page_of(
        call,
        [
            {"RECORD_TYPE": obj.type, "RECORD_ID": record_id}
            for obj, record_id in found
            if not wanted or obj is _object(wanted)
        ],
    )


def list_tags(call: Call) -> Answer:
    """GET /Tags: the tags that records of one type carry."""
    obj = _object(call.query.get("record_type", ""))
    if obj is None or "TAGS" not in obj.fields:
        raise ApiError(400, "record_type must name records that carry tags, such as contacts.")
    return page_of(call, [{"TAG_NAME": name} for name in call.store.tags(obj.name)])


def list_custom_fields(call: Call) -> Answer:
    """GET /CustomFields/{objectName}: the definitions of an object's custom fields."""
    return json_answer(200, list(call.store.definitions(_named(call).name).values()))


def find_custom_field(call: Call) -> Answer:
    """GET /CustomFields/{objectName}/Search: one definition."""
    name = call.query.get("fieldname", "").lower()
    for definition in call.store.definitions(_named(call).name).values():
        if definition["FIELD_NAME"].lower() == name:
            return json_answer(200, definition)
    raise ApiError(404, f"{call.query.get('fieldname', '')!r} is not a custom field of {call.parameters[0]}.")


def list_custom_objects(call: Call) -> Answer:
    """GET /CustomObjects: the definitions of all custom objects."""
    return json_answer(200, call.store.records(Selection("CustomObjects")))


def get_custom_object(call: Call) -> Answer:
    """GET /CustomObjects/{customObjectName}: one definition."""
    for definition in call.store.records(Selection("CustomObjects")):
        if definition["OBJECT_NAME"].lower() == call.parameters[0].lower():
            return json_answer(200, definition)
    raise ApiError(404, f"{call.parameters[0]!r} is not a custom object.")


def list_visits(call: Call) -> Answer:
    """GET /MarketingVisits/{id}: the visits of one prospect."""
    prospect_id = call.id_parameter(0)
    if call.store.get_text("Prospect", prospect_id, call.user_id) is None:
        raise ApiError(404, f"Prospect {prospect_id} was not found.")
    return page(call, Selection("MarketingVisits", field="PROSPECT_ID", value=prospect_id))


def create_custom_event(call: Call) -> Answer:
    """POST /MarketingCustomEvent: something that a prospect did."""
    event = read_body("MarketingActivity", call.json_object())
    check_required("MarketingActivity", event)
    event = {**blank_record("MarketingActivity"), **event}
    with call.store.transaction():
        prospect = call.store.get("Prospect", event["PROSPECT_ID"], call.user_id)
        if prospect is None:
            raise ApiError(400, f"Prospect {event['PROSPECT_ID']} was not found.")
        prospect["LAST_ACTIVITY_DATE_UTC"] = call.timestamp
        call.save(object_named("Prospect"), prospect["PROSPECT_ID"], prospect)
        number = call.store.next_number("MarketingCustomEvent")
        call.store.put("MarketingCustomEvent", number, event, call.timestamp)
    return json_answer(201, event)


def delete_choice(call: Call) -> Answer:
    """DELETE /LeadSources and /LeadStatuses: the id is in the query; 409 while leads have it."""
    obj = call.obj
    choice_id = call.number("id", -1, 2**63 - 1)
    if call.store.get_text(obj.name, choice_id) is None:
        raise ApiError(404, f"{obj.type} {choice_id} was not found.")
    used = call.store.count(Selection("Leads", field=obj.id_field, value=choice_id))
    if used or call.store.count(Selection(obj.name)) == 1:
        raise ApiError(409, f"{obj.type} {choice_id} cannot be deleted: it is in use, or the only one.")
    with call.store.transaction():
        call.store.remove(obj.name, choice_id)
    return empty_answer(202)


def delete_category(call: Call) -> Answer:
    """DELETE /{…}Categories/{id}: 409 while records have it."""
    obj = call.obj
    category_id = call.record_id
    if call.store.get_text(obj.name, category_id) is None:
        raise ApiError(404, f"{obj.type} {category_id} was not found.")
    users, field = CATEGORY_USERS[obj.name]
    if call.store.count(Selection(users, field=field, value=category_id)):
        raise ApiError(409, f"{obj.type} {category_id} cannot be deleted: it is in use.")
    with call.store.transaction():
        call.store.remove(obj.name, category_id)
    return empty_answer(202)


def list_lead_statuses(call: Call) -> Answer:
    """GET /LeadStatuses: those of converted leads only when ``include_converted`` asks for them."""
    statuses = call.store.records(Selection("LeadStatuses"))
    if "include_converted" in call.query and not call.flag("include_converted"):
        statuses = [status for status in statuses if status["STATUS_TYPE"] != CONVERTED_STATUS]
    return page_of(call, statuses)


def merge_ticket(call: Call) -> Answer:
    """POST /Ticket/{id}/Merge: the only merge that the API has; this ticket goes, the target stays."""
    call.get_record()
    number = read_body("TicketMerge", call.json_object()).get("TARGET_TICKET_NUMBER")
    target = call.store.get("Ticket", number, call.user_id) if number else None
    if target is None or number == call.record_id:
        raise ApiError(400, f"There is no other ticket {number} to merge into.")
    with call.store.transaction():
        call.store.remove("Ticket", call.record_id)
        call.save(call.obj, target["TICKET_ID"], target)
    return json_answer(200, [target])


def sync_quotation(call: Call) -> Answer:
    """PUT /Quotation/{id}/Sync: the quotation becomes the one that its opportunity follows."""
    record = call.get_record()
    record["IS_SYNCING"] = True
    with call.store.transaction():
        call.save(call.obj, call.record_id, record)
    return json_answer(200, [record])


def change_pricebook(call: Call) -> Answer:
    """PUT /Opportunities/{id}/Pricebook."""
    record = call.get_record()
    number = read_body("PricebookChange", call.json_object()).get("PRICEBOOK_ID")
    if number is None or call.store.get_text("Pricebook", number) is None:
        raise ApiError(400, f"Pricebook {number} was not found.")
    record["PRICEBOOK_ID"] = number
    with call.store.transaction():
        call.save(call.obj, call.record_id, record)
    return json_answer(200, [record])


def change_state(call: Call) -> Answer:
    """PUT /Opportunities/{id}/StateChange: won, lost …, with a reason."""
    record = call.get_record()
    change = read_body("OpportunityState", call.json_object())
    state = {**blank_record("OpportunityState"), **change, "OPPORTUNITY_ID": call.record_id}
    reason = call.store.get("OpportunityStateReasons", change.get("STATE_REASON_ID") or -1)
    if change.get("STATE_REASON_ID") is not None and reason is None:
        raise ApiError(400, f"There is no state reason {change['STATE_REASON_ID']}.")
    if reason is not None:
        state.update(STATE_REASON=reason["STATE_REASON"], FOR_OPPORTUNITY_STATE=reason["FOR_OPPORTUNITY_STATE"])
    if not state["FOR_OPPORTUNITY_STATE"]:
        raise ApiError(400, "FOR_OPPORTUNITY_STATE or STATE_REASON_ID is required.")
    state["DATE_CHANGED_UTC"] = call.timestamp
    record["OPPORTUNITY_STATE"] = state["FOR_OPPORTUNITY_STATE"]
    with call.store.transaction():
        call.store.put("StateHistory", call.store.next_number("StateHistory"), state, call.timestamp)
        call.save(call.obj, call.record_id, record)
    return json_answer(200, state)


def list_states(call: Call) -> Answer:
    """GET /Opportunities/{id}/StateHistory."""
    call.get_record()
    return json_answer(200, call.store.records(Selection("StateHistory", field="OPPORTUNITY_ID", value=call.record_id)))


def create_team_member(call: Call) -> Answer:
    """POST /TeamMembers: the team is in the body."""
    body = call.json_object()
    with call.store.transaction():
        return Answer(201, create(call, call.obj, body).encode())


def show_on_screen(call: Call) -> Answer:
    """POST /cti/…/display: a telephone asks to show a record; there is no screen here."""
    return empty_answer(call.operation.status)


def _object(name: str) -> InsightlyObject | None:
    try:
        return object_named(name)
    except LookupError:
        return None


def _named(call: Call) -> InsightlyObject:
    obj = _object(call.parameters[0])
    if obj is None:
        raise ApiError(400, f"{call.parameters[0]!r} is not an object.")
    return obj


CONVERTED_STATUS = 3
TWO_WORDS = ("New Zealand", "South Africa", "United Kingdom", "United States")
CATEGORY_USERS = {
    "OpportunityCategories": ("Opportunities", "CATEGORY_ID"),
    "ProjectCategories": ("Projects", "CATEGORY_ID"),
    "TaskCategories": ("Tasks", "CATEGORY_ID"),
    "FileCategories": ("FileAttachments", "FILE_CATEGORY_ID"),
}

HANDLERS: Mapping[tuple[str, str], Handler] = {
    ("GET", "/Users/Me"): get_me,
    ("GET", "/Instance"): get_instance,
    ("GET", "/Permissions"): get_permissions,
    ("GET", "/Countries"): list_countries,
    ("GET", "/Currencies"): list_currencies,
    ("GET", "/Follows"): list_follows,
    ("GET", "/Tags"): list_tags,
    ("GET", "/CustomFields/{objectName}"): list_custom_fields,
    ("GET", "/CustomFields/{objectName}/Search"): find_custom_field,
    ("GET", "/CustomObjects"): list_custom_objects,
    ("GET", "/CustomObjects/{customObjectName}"): get_custom_object,
    ("GET", "/MarketingVisits/{id}"): list_visits,
    ("POST", "/MarketingCustomEvent"): create_custom_event,
    ("GET", "/LeadStatuses"): list_lead_statuses,
    ("DELETE", "/LeadSources"): delete_choice,
    ("DELETE", "/LeadStatuses"): delete_choice,
    **{("DELETE", f"/{name}/{{id}}"): delete_category for name in CATEGORY_USERS},
    ("POST", "/Ticket/{id}/Merge"): merge_ticket,
    ("PUT", "/Quotation/{id}/Sync"): sync_quotation,
    ("PUT", "/Opportunities/{id}/Pricebook"): change_pricebook,
    ("PUT", "/Opportunities/{id}/StateChange"): change_state,
    ("GET", "/Opportunities/{id}/StateHistory"): list_states,
    ("POST", "/cti/user/{user_id}/{object_name}/{record_id}/display"): show_on_screen,
    ("POST", "/cti/user/{user_id}/tickets/{ticket_id}/display"): show_on_screen,
}
