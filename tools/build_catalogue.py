"""Rebuild ``airflow_provider_insightly/api/catalogue.json`` from Insightly's Swagger 2.0 document.

The document is what the vendor says of the API; what was seen live and differs is kept by hand in
``observed.json`` beside the catalogue and laid over it when it is read.

Usage: python tools/build_catalogue.py SWAGGER.json airflow_provider_insightly/api/catalogue.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TYPES = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean", "array": "list"}


def main(source: Path, target: Path) -> None:
    """Read the vendor's document and write the catalogue."""
    swagger = json.loads(source.read_text())
    definitions = {
        f"#/definitions/{name}": {"title": name, **schema} for name, schema in swagger["definitions"].items()
    }
    types: dict[str, dict[str, Any]] = {}
    operations = []
    for path, methods in swagger["paths"].items():
        for method, operation in methods.items():
            parameters = operation.get("parameters", [])
            bodies = [p for p in parameters if p["in"] == "body"]
            files = [p for p in parameters if p["in"] == "formData"]
            success = {code: answer for code, answer in operation["responses"].items() if code.startswith("2")}
            status, answer = next(iter(success.items()), ("200", {}))
            operations.append(
                {
                    "method": method.upper(),
                    "path": path,
                    "query": [p["name"] for p in parameters if p["in"] == "query"],
                    "body": "file" if files else collect(bodies[0]["schema"], definitions, types) if bodies else None,
                    "response": collect(answer.get("schema"), definitions, types),
                    "status": int(status),
                }
            )
    for schema in definitions.values():
        collect(schema, definitions, types)
    write(
        target, {"types": types, "objects": find_objects(swagger["paths"], operations, types), "operations": operations}
    )


def collect(schema: dict[str, Any] | None, definitions: dict[str, Any], types: dict[str, Any]) -> str | None:
    """Add the type that a schema stands for to ``types`` and return its name, with ``[]`` behind it for a list."""
    if not schema:
        return None
    if schema.get("type") == "array":
        return f"{collect(schema['items'], definitions, types)}[]"
    if schema.get("format") == "binary":
        return "file"
    if "$ref" in schema:
        schema = definitions[schema["$ref"]]
    if "properties" not in schema:
        return "object"
    name = schema["title"].removeprefix("API")
    known = types.setdefault(name, {"fields": []})
    by_name = {field["name"]: field for field in known["fields"]}
    for field_name, prop in schema["properties"].items():
        field = read_field(field_name, prop, field_name in schema.get("required", []), definitions, types)
        if field_name not in by_name:
            known["fields"].append(field)
        elif field.get("read_only"):
            by_name[field_name]["read_only"] = True
    return name


def read_field(
    name: str, prop: dict[str, Any], required: bool, definitions: dict[str, Any], types: dict[str, Any]
) -> dict[str, Any]:
    """Return the few facts that the catalogue keeps of a property; what is absent is false or unknown."""
    field: dict[str, Any] = {"name": name}
    if prop.get("type") == "array":
        field["type"] = f"{collect(prop['items'], definitions, types)}[]"
    elif "$ref" in prop or prop.get("type") == "object":
        field["type"] = collect(prop, definitions, types)
    elif prop.get("format") == "date-time":
        field["type"] = "datetime"
    else:
        field["type"] = TYPES[prop["type"]]
        if field["type"] == "integer":
            field["bits"] = 64 if prop.get("format") == "int64" else 32
        if field["type"] == "text" and prop.get("maxLength"):
            field["max_length"] = prop["maxLength"]
    if prop.get("readOnly"):
        field["read_only"] = True
    if required:
        field["required"] = True
    return field


def find_objects(paths: dict[str, Any], operations: list[dict[str, Any]], types: dict[str, Any]) -> dict[str, Any]:
    """Return each collection at the top of the path tree: its record type, its id field and its verbs."""
    objects: dict[str, Any] = {}
    verbs_of = {
        ("GET", "/{0}"): "list",
        ("POST", "/{0}"): "create",
        ("PUT", "/{0}"): "update",
        ("GET", "/{0}/{id}"): "get",
        ("DELETE", "/{0}/{id}"): "delete",
        ("GET", "/{0}/Search"): "search",
        ("GET", "/{0}/SearchByTag"): "search_by_tag",
    }
    for path in paths:
        name = path.split("/")[1]
        if name in objects or name in ("cti", "{objectName}"):
            continue
        here = {
            verb: operation
            for operation in operations
            for (method, template), verb in verbs_of.items()
            if operation["method"] == method and operation["path"] == template.replace("{0}", name)
        }
        answers = [
            operation["response"] for operation in here.values() if operation["response"] not in (None, "object")
        ]
        if not answers:
            continue
        record = answers[0].removesuffix("[]")
        first = types[record]["fields"][0]["name"]
        objects[name] = {
            "type": record,
            "id_field": first if first.endswith("_ID") and len(types[record]["fields"]) > 2 else None,
            "verbs": [verb for verb in dict.fromkeys(verbs_of.values()) if verb in here],
        }
    return objects


def write(target: Path, catalogue: dict[str, Any]) -> None:
    """Write one field, object or operation a line, so that a change of the vendor's document is a readable diff."""

    def rows(values: Any) -> str:
        return ",\n".join(json.dumps(value) for value in values)

    types = ",\n".join(
        f'{json.dumps(name)}: {{"fields": [\n{rows(t["fields"])}\n]}}' for name, t in catalogue["types"].items()
    )
    objects = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in catalogue["objects"].items())
    operations = rows(catalogue["operations"])
    target.write_text(
        f'{{"types": {{\n{types}\n}},\n"objects": {{\n{objects}\n}},\n"operations": [\n{operations}\n]}}\n'
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
