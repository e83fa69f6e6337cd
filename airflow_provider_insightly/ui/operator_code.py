"""The settings of a send as the operator of a DAG, to be copied into its file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from airflow_provider_insightly.hooks.insightly import InsightlyHook
from airflow_provider_insightly.sending.grouping import ALGORITHMS, Grouping
from airflow_provider_insightly.sending.settings import BATCH_SIZE, SendSettings
from airflow_provider_insightly.sending.template import get_template

RECORDS, SEND = "airflow_provider_insightly.operators.records", "airflow_provider_insightly.operators.send"
NAMED = {
    "create_contact": "InsightlyCreateContactOperator",
    "update_contact": "InsightlyUpdateContactOperator",
    "delete_contact": "InsightlyDeleteContactOperator",
    "create_opportunity": "InsightlyCreateOpportunityOperator",
    "update_opportunity": "InsightlyUpdateOpportunityOperator",
}
"""The templates that have an operator of their own."""

SHARED = ("headers", "include_attributes", "exclude_attributes", "rename", "mask_fields")


def write_operator(settings: SendSettings, template: str | None, conn_id: str) -> str:
    """Return an import and an operator that sends by these settings; what has its default is left out.

    :param template: the name of the template that the settings come from; ``None`` for a send by hand.
    """
    given: dict[str, Any] = {} if conn_id == InsightlyHook.default_conn_name else {"insightly_conn_id": conn_id}
    if template:
        module, name, task_id = RECORDS, NAMED.get(template, "InsightlyRecordsOperator"), template
        given |= _of_template(settings, template)
    else:
        module, name, task_id = SEND, "InsightlySendOperator", "send_to_insightly"
        given |= _by_hand(settings)
    lines = [f"    {name}={_literal(value)},\n" for name, value in given.items()]
    return (
        f"from {module} import {name}\n\n{name}(\n    task_id={_literal(task_id)},\n"
        f'    records="/path/to/records.csv",  # a file, a list, or the output of another task\n{"".join(lines)})\n'
    )


def _of_template(settings: SendSettings, name: str) -> dict[str, Any]:
    template = get_template(name)
    given: dict[str, Any] = {} if name in NAMED else {"template": name}
    if settings.id_field != template.id_field:
        given["id_field"] = settings.id_field
    if settings.update_mode != "partial":
        given["update_mode"] = settings.update_mode
    if settings.allow_replace:
        given["allow_replace"] = True
    given |= _shared(settings)
    excluded = [field for field in settings.exclude_attributes if field not in template.exclude_attributes]
    given.pop("exclude_attributes", None)
    return given | ({"exclude_attributes": excluded} if excluded else {})


def _by_hand(settings: SendSettings) -> dict[str, Any]:
    given: dict[str, Any] = {"method": settings.method, "url": settings.url}
    for name in ("object", "id_field", "patch_fallback", "batch_bytes"):
        if value := getattr(settings, name):
            given[name] = value
    given |= _shared(settings)
    if settings.grouping is not None:
        given |= _grouping(settings.grouping)
    if settings.batch_size != BATCH_SIZE:
        given["batch_size"] = settings.batch_size
    return given


def _shared(settings: SendSettings) -> dict[str, Any]:
    given = {name: getattr(settings, name) for name in SHARED if getattr(settings, name)}
    return given | ({"nulls": settings.nulls} if settings.nulls != "omit" else {})


def _grouping(grouping: Grouping) -> dict[str, Any]:
    name = next(name for name, kind in ALGORITHMS.items() if kind is type(grouping))
    values = {option.name: getattr(grouping, option.name) for option in fields(grouping)}  # type: ignore[arg-type]
    defaults = {option.name: option.default for option in fields(grouping)}  # type: ignore[arg-type]
    options = {name: value for name, value in values.items() if value and value != defaults[name]}
    return {"grouping": name, **({"grouping_options": options} if options else {})}


def _literal(value: Any) -> str:
    """Write a plain value as Python does, texts in double quotes: every text in JSON is one in Python too."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_literal(str(key))}: {_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return repr(value)
