"""From a method and a path to an operation of the catalogue: any case, aliases, and a slash at the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache

from airflow_provider_insightly.api.address import BASE_PATH
from airflow_provider_insightly.api.catalogue import Operation, objects, operations
from airflow_provider_insightly.sandbox.answers import not_found, wrong_method

ALIASES = {"organizations": "organisations"}


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    methods: dict[str, Operation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """An operation and the values of its path's parameters, in order."""

    operation: Operation
    parameters: tuple[str, ...]


def find_route(method: str, path: str, *, patch: bool) -> Route:
    """Return what a request asks for.

    :param method: the HTTP method.
    :param path: the path below ``/v3.1``.
    :param patch: whether PATCH is answered, as a partial PUT.
    :raises ApiError: 404 when nothing is there; 405 when the path lacks the method, or the object has another number.
    """
    segments = path.strip("/").split("/")
    first = segments[0].lower()
    segments[0] = ALIASES.get(first, segments[0])
    found = list(_matches(_tree(), segments, ()))
    for node, parameters in found:
        operation = node.methods.get(method)
        if operation is not None:
            if operation.path.startswith("/{objectName}") and not parameters[0].lower().endswith("__c"):
                continue
            if method == "PATCH" and not patch:
                continue
            return Route(operation, parameters)
    if any(node.methods and not _only_custom(node, parameters) for node, parameters in found):
        raise wrong_method(method)
    if first in _wrong_numbers():
        raise wrong_method(method)
    raise not_found(method, f"{BASE_PATH}/{'/'.join(segments)}")


def _only_custom(node: _Node, parameters: tuple[str, ...]) -> bool:
    operation = next(iter(node.methods.values()))
    return operation.path.startswith("/{objectName}") and not parameters[0].lower().endswith("__c")


def _matches(node: _Node, segments: list[str], parameters: tuple[str, ...]) -> Iterable[tuple[_Node, tuple[str, ...]]]:
    """Yield every node that the segments lead to, the most literal first."""
    if not segments:
        yield node, parameters
        return
    literal = node.literals.get(segments[0].lower())
    if literal is not None:
        yield from _matches(literal, segments[1:], parameters)
    if node.parameter is not None and segments[0]:
        yield from _matches(node.parameter, segments[1:], (*parameters, segments[0]))


@cache
def _tree() -> _Node:
    root = _Node()
    for operation in (*operations(), *_observed()):
        node = root
        for segment in operation.path.strip("/").split("/"):
            if segment.startswith("{"):
                node.parameter = node = node.parameter or _Node()
            else:
                node = node.literals.setdefault(segment.lower(), _Node())
        node.methods[operation.method] = operation
    return root


def _observed() -> Iterable[Operation]:
    """Yield the operations that the vendor's document lacks: PUT with the id in the path, and PATCH on both."""
    for operation in operations():
        name = operation.path.strip("/")
        if operation.method == "PUT" and "/" not in name:
            yield replace(operation, path=f"{operation.path}/{{id}}")
            yield replace(operation, method="PATCH")
            yield replace(operation, method="PATCH", path=f"{operation.path}/{{id}}")


@cache
def _wrong_numbers() -> frozenset[str]:
    """Return the singular of each plural object, and the plural of each singular one."""
    names = {name.lower() for name in objects()}
    return frozenset(
        wrong
        for obj in objects().values()
        for wrong in (obj.type.lower(), f"{obj.name}s".lower(), obj.name.lower().removesuffix("s"), _plural(obj.name))
        if wrong not in names
    )


def _plural(name: str) -> str:
    lower = name.lower()
    return f"{lower[:-1]}ies" if lower.endswith("y") else f"{lower}s"
