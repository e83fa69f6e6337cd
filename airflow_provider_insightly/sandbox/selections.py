"""Which records to read, and how that is said in SQL."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

# As of a moment ago: of each record that was written since, the oldest image from before such a write.
LAGGING = """(
    SELECT object, id, body, custom, updated FROM records
     WHERE (object, id) NOT IN (SELECT object, id FROM before_images WHERE written > :as_of)
    UNION ALL
    SELECT object, id, body, custom, updated FROM before_images AS image
     WHERE body IS NOT NULL AND written > :as_of
       AND rowid = (SELECT min(rowid) FROM before_images AS first
                     WHERE first.object = image.object AND first.id = image.id AND first.written > :as_of))"""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records of an object to read.

    :param object: the object's name.
    :param field: a field that must equal ``value``; with ``custom`` it is a custom field.
    :param updated_after: an exclusive lower bound of the last change.
    :param tag: a tag that the records carry.
    :param linked_to: the name and id of a record that the records are linked to.
    :param hidden_from: the user whose permissions apply.
    :param as_of: seconds since the epoch; records are read as they were then. ``None``: as they are.
    """

    object: str
    field: str | None = None
    value: Any = None
    custom: bool = False
    updated_after: str | None = None
    tag: str | None = None
    linked_to: tuple[str, int] | None = None
    hidden_from: int | None = None
    as_of: float | None = None


def searched(selection: Selection) -> str | None:
    """Return the SQL for the value of the field that a selection searches, which can be indexed.

    Field names come from the catalogue or have been checked.
    """
    if selection.field is None:
        return None
    if not selection.field.replace("_", "").isalnum():
        raise ValueError(f"not a field's name: {selection.field!r}")
    return f"json_extract({'custom' if selection.custom else 'body'}, '$.{selection.field}')"


def to_sql(selection: Selection, *, any_hidden: bool) -> tuple[str, dict[str, Any]]:
    """Return the table and condition of a selection in SQL, and its parameters.

    :param any_hidden: whether any record is hidden from any user.
    """
    source = "records" if selection.as_of is None else LAGGING
    parameters: dict[str, Any] = {"object": selection.object, "as_of": selection.as_of}
    conditions = ["object = :object"]
    if selection.field is not None:
        conditions.append(f"{searched(selection)} = :value")
        parameters["value"] = selection.value
    if selection.updated_after is not None:
        conditions.append("updated > :updated_after")
        parameters["updated_after"] = selection.updated_after
    if selection.tag is not None:
        conditions.append("instr(body, :tag_text)")
        conditions.append(
            "EXISTS (SELECT 1 FROM json_each(body, '$.TAGS') WHERE json_extract(value, '$.TAG_NAME') = :tag)"
        )
        parameters.update(tag=selection.tag, tag_text=json.dumps(selection.tag, ensure_ascii=False))
    if selection.linked_to is not None:
        conditions.append("instr(body, :link_text)")
        conditions.append(
            "EXISTS (SELECT 1 FROM json_each(body, '$.LINKS')"
            " WHERE json_extract(value, '$.LINK_OBJECT_ID') = :link_id"
            " AND json_extract(value, '$.LINK_OBJECT_NAME') = :link_object)"
        )
        link_object, link_id = selection.linked_to
        parameters.update(link_object=link_object, link_id=link_id, link_text=f'"LINK_OBJECT_ID":{link_id}')
    if selection.hidden_from is not None and any_hidden:
        conditions.append("id NOT IN (SELECT id FROM hidden WHERE user_id = :user_id AND object = :object)")
        parameters["user_id"] = selection.hidden_from
    return f"{source} WHERE {' AND '.join(conditions)}", parameters
