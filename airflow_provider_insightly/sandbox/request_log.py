"""The last requests that the sandbox received, for tests and for people."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

KEPT = 10_000
KEPT_BYTES = 64 * 1024 * 1024
SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})


@dataclass(slots=True)
class Entry:
    """A request and how it was answered; ``status`` is ``None`` when the connection was dropped."""

    number: int
    time: float
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    status: int | None = None
    fault: str | None = None
    answer_bytes: int = 0
    user_id: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the entry as ``GET /sandbox/requests`` shows it; no header that carries a secret."""
        return {
            "number": self.number,
            "time": self.time,
            "method": self.method,
            "path": self.path,
            "query": dict(self.query),
            "headers": {name: value for name, value in self.headers.items() if name not in SECRET_HEADERS},
            "body": read(self.body),
            "status": self.status,
            "fault": self.fault,
            "answer_bytes": self.answer_bytes,
            "user_id": self.user_id,
        }


class RequestLog:
    """Keeps the last requests and counts all of them by method, object and status."""

    def __init__(self) -> None:
        self.total = 0
        self.counts: Counter[tuple[str, str, int | None]] = Counter()
        self._entries: deque[Entry] = deque()
        self._bytes = 0

    def open(self, entry: Entry) -> None:
        """Keep a request as it arrives, before it is answered."""
        self.total += 1
        entry.number = self.total
        self._entries.append(entry)
        self._bytes += len(entry.body)
        while len(self._entries) > KEPT or (self._bytes > KEPT_BYTES and len(self._entries) > 1):
            self._bytes -= len(self._entries.popleft().body)

    def close(self, entry: Entry, obj: str) -> None:
        """Count a request that was answered, or dropped."""
        self.counts[entry.method, obj, entry.status] += 1

    def entries(self, after: int = 0, limit: int = KEPT) -> list[Entry]:
        """Return the requests whose number is above ``after``, oldest first, the last ``limit`` of them."""
        wanted = [entry for entry in self._entries if entry.number > after]
        return wanted[-limit:] if limit else []

    def last(self, limit: int) -> list[Entry]:
        """Return the last requests, newest first."""
        return list(islice(reversed(self._entries), limit))


def read(body: bytes) -> Any:
    """Return a body as JSON when it is, as text otherwise, and nothing as ``None``."""
    if not body:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode(errors="replace")
