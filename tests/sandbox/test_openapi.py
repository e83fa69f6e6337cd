"""Every operation, with bodies and parameters that fit and that do not: no 5xx, known statuses, answers that fit."""

import json

import jsonschema
import pytest

from airflow_provider_insightly.api.catalogue import objects, operations
from airflow_provider_insightly.sandbox.openapi import ERRORS, document, response_type, schema, success_statuses

from .inventing import Requests


def to_json_schema(node):
    """Rewrite what OpenAPI writes in its own way for a validator of JSON Schema."""
    if isinstance(node, dict):
        node = {key: to_json_schema(value) for key, value in node.items()}
        if node.pop("nullable", False):
            return {"anyOf": [node, {"type": "null"}]}
        return node
    if isinstance(node, list):
        return [to_json_schema(each) for each in node]
    return node.replace("#/components/schemas/", "#/$defs/") if isinstance(node, str) else node


@pytest.fixture(scope="module")
def validators():
    """A validator for each type of answer."""
    definitions = to_json_schema(document()["components"]["schemas"])
    kinds = {response_type(operation) for operation in operations()} - {None}
    return {
        kind: jsonschema.Draft202012Validator({**to_json_schema(schema(kind)), "$defs": definitions}) for kind in kinds
    }


def fill(sandbox):
    """Put a record of every kind that can be created into the sandbox, so that paths lead somewhere."""
    sandbox.reset("demo")
    kinds = {"text": "x", "integer": 100_000_001, "number": 1, "boolean": True, "datetime": "2026-01-02"}
    for name, obj in objects().items():
        if {"create", "get"} <= obj.verbs:
            sandbox.add(name, **{each: kinds[obj.fields[each].type] for each in obj.required_fields})
    sandbox.add("Thing__c", RECORD_NAME="Thing")


def test_every_operation_answers_as_described(sandbox, validators):
    served = set()
    for number in range(3 * len(operations())):
        if number % len(operations()) == 0:
            fill(sandbox)
            invented = Requests(number)
            order = invented.random.sample(operations(), len(operations()))
        operation = order[number % len(operations())]
        path, query, body = invented.path(operation), invented.query(operation), invented.body(operation)
        if operation.body == "file":
            answer = sandbox.call(operation.method, path, params=query, files={"file": ("a.txt", b"abc")})
        else:
            answer = sandbox.call(operation.method, path, body, params=query)
        said = (operation.method, path, query, json.dumps(body), answer.status_code, answer.text[:500])
        assert str(answer.status_code) in {*map(str, success_statuses(operation)), *ERRORS}, said
        assert "X-RateLimit-Remaining" in answer.headers, said
        if answer.status_code == 202:
            assert answer.content == b"", said
        elif answer.ok and response_type(operation) is not None:
            error = jsonschema.exceptions.best_match(validators[response_type(operation)].iter_errors(answer.json()))
            assert error is None, (said, error)
        if answer.ok:
            served.add(operation)
    assert len(served) > len(operations()) / 2


def test_the_document_describes_every_operation_and_is_served(sandbox):
    served = sandbox.control("GET", "/openapi.json")
    described = {(method.upper(), path) for path, methods in served["paths"].items() for method in methods}
    assert described == {(operation.method, operation.path) for operation in operations()}


def test_clients_can_be_generated_from_the_document():
    """Each operation has a name of its own that suits any language, a group, and types for its body and parameters."""
    described = [each for methods in document()["paths"].values() for each in methods.values()]
    names = [each["operationId"] for each in described]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
    assert all(len(each["tags"]) == 1 for each in described)
    bodies = [each["requestBody"]["content"] for each in described if "requestBody" in each]
    assert all("schema" in content for body in bodies for content in body.values())
    assert all(parameter["schema"]["type"] for each in described for parameter in each["parameters"])
