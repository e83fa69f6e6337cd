"""Random requests to any operation: what fits, nearly fits, or does not; the same for the same seed."""

from __future__ import annotations

import random
import re
from typing import Any

from airflow_provider_insightly.api.catalogue import Operation, types

IDS = ("100000001", "100000002", "100000003", "1", "0", "-1", "x", "9" * 30, "%00", "é")
QUERY = ("", "1", "5", "-1", "true", "EMAIL_ADDRESS", "Hobby__c", "contacts", "2020-01-01", "a'b", "x" * 300, "\u0000")
TEXTS = ("", "Zoë", "O'Neil", "x" * 300, "\u0000", "😀", "<b>", "2026-01-02T03:04:05Z", "true", "12", "a;b", "Contact")
NUMBERS = (0, 1, -1, 7, 100_000_001, 2**31, 2**63, -(2**63), 10**40, 1.5, 1e308)
TYPES = {
    "text": ("Zoë", "O'Neil", "😀", "<b>", "12", "a;b", "Contact", "2026-01-02", 7),
    "integer": (1, 7, 100_000_001, "100000002"),
    "number": (0, 1.5, 10**9, "2.5"),
    "boolean": (True, False, "true", 0),
    "datetime": ("2026-01-02", "2026-01-02 03:04:05", "2026-01-02T03:04:05+02:00"),
    "object": (None, "text", 4, True, "a;b"),
}


class Requests:
    """Invents requests from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def path(self, operation: Operation) -> str:
        """Return the operation's path with parameters that lead somewhere, or nowhere."""
        names = {"objectName": ("Thing__c", "Contacts", "x") if operation.path.startswith("/Custom") else ("Thing__c",)}

        def parameter(match: re.Match[str]) -> str:
            return str(self.random.choice(names.get(match[1]) or IDS[:3] * 12 + IDS))

        return re.sub(r"\{(\w+)\}", parameter, operation.path)

    def query(self, operation: Operation) -> dict[str, str]:
        """Return some of the operation's query parameters."""
        return {name: self.random.choice(QUERY) for name in operation.query if self.random.random() < 0.15}

    def body(self, operation: Operation) -> Any:
        """Return a body: mostly one that fits."""
        if operation.body in (None, "file"):
            return None
        name = operation.body.removesuffix("[]")
        if self.random.random() < 0.1:
            return self.anything(3)
        if operation.body.endswith("[]") or self.random.random() < 0.1:
            return [self.record(name, 2) for _ in range(self.random.randrange(3))]
        return self.record(name, 2)

    def record(self, type_name: str, depth: int) -> dict[str, Any]:
        """Return what is required of a record, and some of what is not."""
        record = {}
        for name, field in types()[type_name].items():
            if field.required or self.random.random() < 0.15:
                record[name] = self.value(field.type, depth) if self.random.random() < 0.95 else self.anything(2)
        return record

    def value(self, type_name: str, depth: int) -> Any:
        """Return a value of a type, mostly."""
        if type_name in TYPES:
            return self.random.choice(TYPES[type_name])
        if depth == 0:
            return None
        if type_name.endswith("[]"):
            return [self.value(type_name[:-2], depth - 1) for _ in range(self.random.randrange(3))]
        return self.record(type_name, depth - 1)

    def anything(self, depth: int) -> Any:
        """Return any JSON."""
        kind = self.random.randrange(6 if depth else 4)
        if kind < 4:
            return self.random.choice((None, True, *TEXTS, *NUMBERS))
        inner = [self.anything(depth - 1) for _ in range(self.random.randrange(4))]
        return inner if kind == 4 else {self.random.choice(TEXTS): each for each in inner}
