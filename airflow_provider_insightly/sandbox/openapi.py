"""The API as an OpenAPI 3.0 document, made from the catalogue: ``GET /sandbox/openapi.json``.

It says what the live API does, not what the vendor's document says of it: nulls are explicit, GET and PUT answer 200.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from airflow_provider_insightly.api.address import BASE_PATH
from airflow_provider_insightly.api.catalogue import Field, Operation, operations, types

Schema = dict[str, Any]

SIMPLE: dict[str, Schema] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "datetime": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"},
    "object": {},
}

# Where the vendor's document names the parent's type although a part of it is meant.
MEANT = {"/{objectName}/{id}/FileAttachments": "FileAttachment", "/Notes/{id}/Comment": "Comment"}

# What the parameters hold; the others hold text.
PARAMETERS: dict[str, Schema] = {
    **{key: {"type": "integer", "minimum": 0} for key in ("skip", "top")},
    **{key: {"type": "boolean"} for key in ("brief", "count_total", "include_converted")},
    **{key: {"type": "integer"} for key in ("id", "linkId", "childEntityId", "documentTemplateId", "milestoneId")},
}

# A file and what else its form may hold.
FILE_FORM: Schema = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "file_name": {"type": "string"},
        "content_type": {"type": "string"},
        "file_category_id": {"type": "integer"},
    },
}

# What any operation may answer instead: refused, not there, in use, too often, too much.
ERRORS = ("400", "401", "402", "403", "404", "405", "409", "417", "429")


@cache
def document() -> Schema:
    """Return the document."""
    paths: dict[str, Schema] = {}
    for operation in operations():
        paths.setdefault(operation.path, {})[operation.method.lower()] = describe(operation)
    return {
        "openapi": "3.0.3",
        "info": {"title": "Insightly REST API, as the sandbox answers it", "version": "v3.1"},
        "servers": [{"url": BASE_PATH}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "basic"}},
            "schemas": {name: record_schema(list(fields.values())) for name, fields in types().items()},
        },
    }


def describe(operation: Operation) -> Schema:
    """Return an operation's parameters, body and answers."""
    names = re.findall(r"\{(\w+)\}", operation.path)
    text = {"type": "string"}
    parameters: list[Schema] = [
        {"name": name, "in": "path", "required": True, "schema": PARAMETERS.get(name, text)} for name in names
    ]
    parameters += [{"name": name, "in": "query", "schema": PARAMETERS.get(name, text)} for name in operation.query]
    first, *rest = operation.path.replace("{objectName}", "CustomObjectRecords").strip("/").split("/")
    described: Schema = {
        "operationId": "_".join([operation.method.lower(), first, *(part.strip("{}") for part in rest)]),
        "tags": [first],
        "parameters": parameters,
        "responses": {
            **{str(status): success(operation) for status in success_statuses(operation)},
            **{status: {"description": "The request was refused."} for status in ERRORS},
        },
    }
    if operation.body == "file" and operation.method == "POST":
        described["requestBody"] = {"content": {"multipart/form-data": {"schema": FILE_FORM}}}
    elif operation.body == "file":
        image = {"type": "string", "format": "binary"}
        described["requestBody"] = {"content": {"application/octet-stream": {"schema": image}}}
    elif operation.body is not None:
        described["requestBody"] = {"content": {"application/json": {"schema": schema(operation.body)}}}
    return described


def success_statuses(operation: Operation) -> tuple[int, ...]:
    """Return the statuses of success: the documented one, and 200 for GET and PUT as observed."""
    return tuple(sorted({operation.status, 200})) if operation.method in ("GET", "PUT") else (operation.status,)


def success(operation: Operation) -> Schema:
    """Return what an operation answers when all went well."""
    answer: Schema = {"description": "The request was served."}
    kind = response_type(operation)
    if kind is not None:
        answer["content"] = {"application/json": {"schema": schema(kind)}}
    return answer


def response_type(operation: Operation) -> str | None:
    """Return the type of an operation's answer."""
    if operation.response is None or operation.path not in MEANT:
        return operation.response
    return MEANT[operation.path] + ("[]" if operation.response.endswith("[]") else "")


def record_schema(fields: list[Field]) -> Schema:
    """Return the schema of a record or of a part of one; there are no other keys."""
    return {
        "type": "object",
        "properties": {field.name: field_schema(field) for field in fields},
        "additionalProperties": False,
    }


def field_schema(field: Field) -> Schema:
    """Return the schema of a field; any may be null."""
    described = schema(field.type)
    if "$ref" in described:
        return {"allOf": [described], "nullable": True}
    limit = {"maxLength": field.max_length} if field.max_length else {}
    return {**described, **limit, "nullable": True} if described else {}


def schema(type_name: str) -> Schema:
    """Return the schema of a type of the catalogue."""
    if type_name.endswith("[]"):
        return {"type": "array", "items": schema(type_name[:-2])}
    return SIMPLE.get(type_name) or ({} if type_name == "object" else {"$ref": f"#/components/schemas/{type_name}"})
