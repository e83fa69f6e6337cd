"""Records from a rejected file, to be sent again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from airflow_provider_insightly.sending.record import Record, Rejection


def read_rejected(lines: Iterable[Record | Rejection]) -> Iterator[Record | Rejection]:
    """Yield the records in the lines of a rejected file, as they stood in their own source.

    :param lines: the lines, read as JSON Lines.
    """
    for line in lines:
        if isinstance(line, Rejection):
            yield line
            continue
        values = line.values.get("record")
        masked = line.values.get("masked")
        if not isinstance(values, Mapping):
            yield Rejection(line, "record", "is missing: this is no line of a rejected file")
        elif masked:
            yield Rejection(
                replace(line, values=values), str(masked[0]), "was masked in the file; send the record from its source"
            )
        else:
            yield replace(line, values=values)


def find_send(lines: Iterable[Record | Rejection]) -> str | None:
    """Return the name of the send that wrote a rejected file, by its first line."""
    first = next(islice(lines, 1), None)
    send = first.values.get("send") if isinstance(first, Record) else None
    return send if isinstance(send, str) else None
