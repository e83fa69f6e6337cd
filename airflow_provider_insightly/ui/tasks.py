"""The sends of a DAG: what its tasks are set to, as far as the serialized DAG tells.

Airflow serializes the templated parameters of an operator and no others; the rest is known when a task runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow.models.serialized_dag import SerializedDagModel
from airflow.utils.session import create_session

from airflow_provider_insightly.ui.operator_code import NAMED

TEMPLATES = {operator: template for template, operator in NAMED.items()}
LISTS = ("include_attributes", "exclude_attributes")
PAIRS = {"rename": "=", "headers": ":"}


@dataclass(frozen=True, slots=True)
class TaskSend:
    """A task that sends records.

    :param task_id: its id.
    :param operator: the name of its class.
    :param settings: its settings, as texts that a person could have typed.
    :param records: its records as JSON, where they stand in the DAG file; else empty.
    """

    task_id: str
    operator: str
    settings: Mapping[str, str]
    records: str


def find_sends(dag_id: str) -> list[TaskSend]:
    """Return the tasks of a DAG that send records by a template or to a URL."""
    with create_session() as session:
        serialized = SerializedDagModel.get(dag_id, session=session)
        tasks = [] if serialized is None else list(serialized.dag.tasks)
    found = []
    for task in tasks:
        values = _values(task)
        if "insightly_conn_id" in values and (values.get("template") or values.get("url")):
            records = values.get("test_record") or values.get("records")
            shown = json.dumps(records, indent=2) if isinstance(records, (list, dict)) else ""
            found.append(TaskSend(task.task_id, task.task_type, _as_texts(values), shown))
    return found


def _values(task: Any) -> dict[str, Any]:
    if not task.is_mapped:
        return {name: getattr(task, name, None) for name in task.template_fields}
    values = {name: task.partial_kwargs.get(name) for name in task.template_fields}  # the rest comes with each run
    return values | {"template": values.get("template") or TEMPLATES.get(task.task_type)}


def _as_texts(values: Mapping[str, Any]) -> dict[str, str]:
    texts = {name: values.get(name) for name in ("template", "url", "id_field")}
    for name in LISTS:
        given = values.get(name) or ""
        texts[name] = given if isinstance(given, str) else ", ".join(map(str, given))
    for name, sign in PAIRS.items():
        given = values.get(name) or ""
        texts[name] = given if isinstance(given, str) else ", ".join(f"{k}{sign}{v}" for k, v in dict(given).items())
    return {name: text for name, text in texts.items() if isinstance(text, str) and text}
