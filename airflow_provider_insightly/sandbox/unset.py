"""Custom fields that a record has no value for: live answers were seen that leave them out, and some with null."""

from __future__ import annotations

import json

from airflow_provider_insightly.api.catalogue import objects
from airflow_provider_insightly.sandbox.answers import Answer, encode
from airflow_provider_insightly.sandbox.call import Call
from airflow_provider_insightly.sandbox.values import custom_values


def show_unset(call: Call, answer: Answer) -> None:
    """Put the custom fields that its records have no value for into an answer, with null."""
    if answer.status not in (200, 201) or b'"CUSTOMFIELDS"' not in answer.body:
        return
    kind = (call.operation.response or "").removesuffix("[]")
    is_custom = call.operation.path.startswith("/{objectName}")
    owner = call.obj if is_custom else next((each for each in objects().values() if each.type == kind), None)
    if owner is None:
        return
    unset = dict.fromkeys(call.store.definitions(owner.name))
    answered = json.loads(answer.body)
    for record in answered if isinstance(answered, list) else [answered]:
        if "CUSTOMFIELDS" in record:
            values = {each["FIELD_NAME"]: each["FIELD_VALUE"] for each in record["CUSTOMFIELDS"]}
            record["CUSTOMFIELDS"] = custom_values({**unset, **values}, with_null=True)
    answer.body = encode(answered)
