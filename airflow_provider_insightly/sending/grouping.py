"""Grouping algorithms: how several records make one body.

Each takes the records of a batch and gives the JSON value of the body. Insightly takes one record a request at nearly
all of its endpoints; these are for the endpoints, and the gateways before them, that take more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from airflow_provider_insightly.sending.body import plain, to_json
from airflow_provider_insightly.sending.record import FieldError

Item = Mapping[str, Any]


class Grouping(Protocol):
    """How records share a body.

    :cvar adds_up: the body of a batch takes no more bytes than those of its records alone, taken together.
    """

    adds_up: ClassVar[bool]

    def key(self, item: Item) -> Any:
        """Return what the records of one batch have in common; a change of it starts a new batch.

        :raises FieldError: the record lacks what the grouping needs of it.
        """

    def fits(self, items: Sequence[Item], item: Item) -> bool:
        """Tell whether a record may join those of a batch."""

    def body(self, items: Sequence[Item]) -> bytes:
        """Return the body for the records of a batch."""


class _Plain:
    """A grouping for which every record fits into every batch."""

    adds_up: ClassVar[bool] = True

    def key(self, item: Item) -> Any:
        return None

    def fits(self, items: Sequence[Item], item: Item) -> bool:
        return True


@dataclass(frozen=True)
class JsonArray(_Plain):
    """``[record, record]``."""

    def body(self, items: Sequence[Item]) -> bytes:
        """Return the body for the records of a batch."""
        return to_json(list(items))


@dataclass(frozen=True)
class PropertyInsideJsonObject(_Plain):
    """``{"records": [record, record]}``.

    :param property: the key; dots make a path: ``data.records`` gives ``{"data": {"records": […]}}``.
    """

    property: str = "records"

    def __post_init__(self) -> None:
        """Refuse a path that is none."""
        _check_path(self.property)

    def body(self, items: Sequence[Item]) -> bytes:
        """Return the body for the records of a batch."""
        return to_json(_nest(self.property, list(items)))


@dataclass(frozen=True)
class ObjectWithStaticFields(_Plain):
    """``{"source": "airflow", "records": [record, record]}``.

    :param static_fields: the constants, which come first.
    :param property: the key of the records, dots as above.
    """

    static_fields: Mapping[str, Any] = field(default_factory=dict)
    property: str = "records"

    def __post_init__(self) -> None:
        """Refuse constants that JSON cannot hold or that the records would overwrite."""
        _check_path(self.property)
        if not isinstance(self.static_fields, Mapping):
            raise ValueError(f"static_fields must be an object with fields, not {self.static_fields!r}.")
        plain(self.static_fields, "static_fields")
        if self.property.split(".")[0] in self.static_fields:
            raise ValueError(f"The property {self.property!r} is also a static field.")

    def body(self, items: Sequence[Item]) -> bytes:
        """Return the body for the records of a batch."""
        return to_json({**plain(self.static_fields, "static_fields"), **_nest(self.property, list(items))})


@dataclass(frozen=True)
class HoistedFields:
    """``{"ORGANISATION_ID": 7, "records": [rest, rest]}``: what all records of a batch have in common stands once.

    :param fields: the fields that are lifted out of the records; a change of their values starts a new batch.
    :param property: the key of the records, dots as above.
    """

    adds_up: ClassVar[bool] = True
    fields: Sequence[str] = ()
    property: str = "records"

    def __post_init__(self) -> None:
        """Refuse to lift nothing, or a field over the records."""
        _check_path(self.property)
        if not self.fields or isinstance(self.fields, str) or not all(isinstance(name, str) for name in self.fields):
            raise ValueError("hoisted_fields needs the list of fields to lift out of the records (fields).")
        if self.property.split(".")[0] in self.fields:
            raise ValueError(f"The property {self.property!r} is also a field that is lifted out.")

    def key(self, item: Item) -> Any:
        """Return the lifted values; a record that lacks one shares a batch with others that lack it."""
        return to_json(self._lifted(item))

    def fits(self, items: Sequence[Item], item: Item) -> bool:
        """Tell whether a record may join those of a batch."""
        return True

    def body(self, items: Sequence[Item]) -> bytes:
        """Return the body for the records of a batch."""
        rest = [{name: value for name, value in item.items() if name not in self.fields} for item in items]
        return to_json({**self._lifted(items[0]), **_nest(self.property, rest)})

    def _lifted(self, item: Item) -> dict[str, Any]:
        return {name: item[name] for name in self.fields if name in item}


@dataclass(frozen=True)
class WrappedItems(_Plain):
    """``{"records": [{"fields": record}, {"fields": record}]}``.

    :param property: the key of the records, dots as above.
    :param item: the key around each record.
    """

    property: str = "records"
    item: str = "fields"

    def __post_init__(self) -> None:
        """Refuse a path that is none, and a key that is none."""
        _check_path(self.property)
        if not self.item or not isinstance(self.item, str):
            raise ValueError(f"The key around each record (item) must be a text, not {self.item!r}.")

    def body(self, items: Sequence[Item]) -> bytes:
        """Return the body for the records of a batch."""
        return to_json(_nest(self.property, [{self.item: item} for item in items]))


@dataclass(frozen=True)
class MapByKey:
    """``{"5": record, "7": record}``.

    :param key_field: the field whose value is the key. The same value again starts a new batch, so that no record
        overwrites another.
    """

    adds_up: ClassVar[bool] = True
    key_field: str = ""

    def __post_init__(self) -> None:
        """Refuse to map by nothing."""
        if not self.key_field or not isinstance(self.key_field, str):
            raise ValueError("map_by_key needs the field whose value is the key (key_field).")

    def key(self, item: Item) -> Any:
        """Check that the record has a key."""
        if item.get(self.key_field) in (None, ""):
            raise FieldError(self.key_field, "is missing, but the records are mapped by it")

    def fits(self, items: Sequence[Item], item: Item) -> bool:
        """Tell whether a record may join those of a batch: its key must not be there yet."""
        return all(str(other[self.key_field]) != str(item[self.key_field]) for other in items)

    def body(self, items: Sequence[Item]) -> bytes:
        """Return the body for the records of a batch."""
        return to_json({str(item[self.key_field]): item for item in items})


@dataclass(frozen=True)
class JsonLines(_Plain):
    """One record a line, each line ended."""

    def body(self, items: Sequence[Item]) -> bytes:
        """Return the body for the records of a batch."""
        return b"".join(to_json(item) + b"\n" for item in items)


@dataclass(frozen=True)
class Calculated(_Plain):
    """Whatever a function makes of the records.

    :param function: takes the list of records and returns the JSON value of the body.
    """

    adds_up: ClassVar[bool] = False  # nobody knows what it does
    function: Callable[[list[Item]], Any]

    def body(self, items: Sequence[Item]) -> bytes:
        """Return the body for the records of a batch."""
        return to_json(plain(self.function(list(items)), "grouping"))


ALGORITHMS: Mapping[str, Callable[..., Grouping]] = {
    "json_array": JsonArray,
    "property_inside_json_object": PropertyInsideJsonObject,
    "object_with_static_fields": ObjectWithStaticFields,
    "hoisted_fields": HoistedFields,
    "wrapped_items": WrappedItems,
    "map_by_key": MapByKey,
    "json_lines": JsonLines,
}


def make_grouping(algorithm: str | Callable[[list[Item]], Any], options: Mapping[str, Any] | None = None) -> Grouping:
    """Return a grouping by its name and settings, or around a function.

    :raises ValueError: the name or a setting is unknown, or a setting is missing.
    """
    if callable(algorithm):
        if options:
            raise ValueError("grouping_options are for the named algorithms; a function brings its own.")
        return Calculated(algorithm)
    if algorithm not in ALGORITHMS:
        raise ValueError(f"There is no grouping {algorithm!r}; there are {', '.join(ALGORITHMS)}, or a function.")
    try:
        return ALGORITHMS[algorithm](**(options or {}))
    except TypeError as error:
        raise ValueError(f"grouping_options of {algorithm}: {str(error).partition(') ')[2] or error}.") from None


def _check_path(path: str) -> None:
    if not isinstance(path, str) or not all(path.split(".")):
        raise ValueError(f"The property {path!r} has an empty part, or is no text.")


def _nest(path: str, value: Any) -> dict[str, Any]:
    for part in reversed(path.split(".")):
        value = {part: value}
    nested: dict[str, Any] = value
    return nested
