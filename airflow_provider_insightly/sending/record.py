"""A record on its way to Insightly, and one that cannot go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Record:
    """What is to be sent, as its source gave it.

    :param index: its place in the source, from 0.
    :param values: its fields.
    :param line: the line of the file on which it starts, from 1; ``None`` where the source has no lines.
    """

    index: int
    values: Mapping[str, Any]
    line: int | None = None

    @property
    def place(self) -> str:
        """Where a person finds it: ``record 4 (line 6)``."""
        return f"record {self.index}" + (f" (line {self.line})" if self.line is not None else "")


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record for which no request is made.

    :param field: the field at fault; ``None`` when it is the record as a whole.
    :param reason: what is wrong and what to do, without the record's place.
    """

    record: Record
    field: str | None
    reason: str

    @property
    def message(self) -> str:
        """The reason with the field before it; what no text file takes, such as half a character, is escaped."""
        text = f"{self.field}: {self.reason}" if self.field else self.reason
        return text.encode(errors="backslashreplace").decode()


class FieldError(ValueError):
    """A value of a record cannot be sent.

    :param field: the name of the field; ``None`` when it is the record as a whole.
    :param reason: what is wrong and what to do.
    """

    def __init__(self, field: str | None, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(f"{field}: {reason}" if field else reason)
