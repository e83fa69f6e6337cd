"""One request on its way through the sandbox: what its handler reads, and the records it may change."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from airflow_provider_insightly.api.catalogue import InsightlyObject, Operation, get_object
from airflow_provider_insightly.sandbox.answers import Answer, ApiError
from airflow_provider_insightly.sandbox.records import Record, Store
from airflow_provider_insightly.sandbox.selections import Selection
from airflow_provider_insightly.sandbox.settings import Settings
from airflow_provider_insightly.sandbox.values import write_date

_ID = re.compile(r"\d{1,19}", re.ASCII)
_ETAG = re.compile(r'W/"([0-9a-f]{8,15})"')
_LARGEST_ID = 2**63 - 1


@dataclass(slots=True)
class Call:
    """A request that has been let in.

    :param operation: what it asks for.
    :param parameters: the values of the path's parameters, in order.
    :param query: the query's parameters; names in lower case.
    :param headers: the request's headers; names in lower case.
    :param body: the request's body.
    :param user_id: the user whose key it carries.
    :param now: seconds since the epoch on the server's clock.
    :param shift: by how many records a list has moved under the reader; a fault.
    """

    store: Store
    settings: Settings
    operation: Operation
    parameters: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    user_id: int
    now: float
    shift: int = 0

    @property
    def obj(self) -> InsightlyObject:
        """The object that the path begins with."""
        first = self.operation.path.split("/")[1]
        return object_named(self.parameters[0] if first == "{objectName}" else first)

    @property
    def timestamp(self) -> str:
        """The time on the server's clock, as the API writes it."""
        return write_date(int(self.now))

    @property
    def record_id(self) -> int:
        """The id of the record that the path names."""
        return self.id_parameter(1 if self.operation.path.startswith("/{objectName}") else 0)

    def id_parameter(self, position: int) -> int:
        """Return a parameter of the path as an id; what is none gets 404."""
        text = self.parameters[position]
        number = read_id(text)
        if number is None:
            raise ApiError(404, f"{self.obj.type} {text!r} was not found.")
        return number

    def json(self) -> Any:
        """Return the body's JSON; what is none gets 400."""
        try:
            return read_json(self.body)
        except ValueError:
            raise ApiError(400, "The request is invalid.", framework=True) from None

    def json_object(self) -> Record:
        """Return the body's JSON object; anything else gets 400."""
        value = self.json()
        if not isinstance(value, dict):
            raise ApiError(400, "The request is invalid.", framework=True)
        return value

    def flag(self, name: str) -> bool:
        """Return whether a query parameter is ``true``."""
        return self.query.get(name, "").lower() in ("true", "1")

    def number(self, name: str, default: int, most: int) -> int:
        """Return a query parameter as a whole number from 0 to ``most``; what is none gets 400."""
        text = self.query.get(name)
        if not text:
            return default
        if not _ID.fullmatch(text.strip()):
            raise ApiError(400, "The request is invalid.", framework=True)
        return min(int(text), most)

    def get_record(self) -> Record:
        """Return the record that the path names; 404 when there is none, or when the user may not see it."""
        obj = self.obj
        record = self.store.get(obj.name, self.record_id, self.user_id)
        if record is None:
            raise self.no_record(obj, self.record_id)
        return record

    def no_record(self, obj: InsightlyObject, record_id: int) -> ApiError:
        """Return the error for a record that is not there, or that the user may not see."""
        if self.settings.no_access == "forbidden" and self.store.get_text(obj.name, record_id) is not None:
            return ApiError(403, "API User does not have access to Record.")
        return missing(obj, record_id)

    def save(self, obj: InsightlyObject, record_id: int, record: Record) -> str:
        """Write a changed record with its new date and ETag and return its JSON text."""
        if "DATE_UPDATED_UTC" in record:
            record["DATE_UPDATED_UTC"] = self.timestamp
        if "ETag" in record:
            record["ETag"] = next_etag(record["ETag"])
        return self.store.put(obj.name, record_id, record, self.timestamp)

    def selection(self, obj: str, **more: Any) -> Selection:
        """Select records as this user may see them, as lists lag behind."""
        as_of = self.store.clock() - self.settings.read_lag if self.settings.read_lag else None
        return Selection(obj, hidden_from=self.user_id, as_of=as_of, **more)


Handler = Callable[[Call], Answer]


@lru_cache(maxsize=1000)
def object_named(name: str) -> InsightlyObject:
    """Return the object that a name stands for, quickly; custom objects are kept by their names in lower case."""
    return get_object(name.lower() if name.lower().endswith("__c") else name)


def read_json(body: bytes) -> Any:
    """Return the JSON of a body, which can be kept and written again.

    :raises ValueError: when it is none, or holds what JSON cannot write, such as NaN or half of a surrogate pair.
    """
    text = body.decode("utf-8-sig")
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode()
    return value


def read_id(text: str) -> int | None:
    """Return an id that is written in digits; ``None`` for what cannot be one."""
    return int(text) if _ID.fullmatch(text) and int(text) <= _LARGEST_ID else None


def missing(obj: InsightlyObject, record_id: int) -> ApiError:
    """Return the error for a record that is not there."""
    return ApiError(404, f"{obj.type} {record_id} was not found.")


def next_etag(etag: str | None) -> str:
    """Return the ETag that follows another; the live format is unknown, clients must not look inside."""
    found = _ETAG.fullmatch(etag or "")
    return f'W/"{(int(found[1], 16) if found else 0) + 1:08x}"'


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is too large for a number")
    return number


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
