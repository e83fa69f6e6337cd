"""Why a field of a record has the value that it has: its row of the mapping, its pair, what was done to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.engine import Connection

from airflow_provider_insightly.connector.baselines import sides_of
from airflow_provider_insightly.connector.log_search import about
from airflow_provider_insightly.connector.mapping import FieldMapping
from airflow_provider_insightly.connector.records import EMAIL_FIELD, OPT_OUT_FIELD, PROSPECT, Ref
from airflow_provider_insightly.connector.values import Value
from airflow_provider_insightly.store.tables import connector_links, connector_log

_RULES: Sequence[tuple[Mapping[str, str], str]] = (
    (EMAIL_FIELD, "Rule: the address is carried from CRM to Marketing alone, by setting 2 (update_email_addresses)."),
    (OPT_OUT_FIELD, "Rule: opt-outs only grow; from CRM to Marketing by setting 7 (overwrite_opted_out)."),
)
"""Fields by their object that have rules of their own, mapped or not."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of a field.

    :param ref: the record.
    :param field: the field.
    :param pair: its row of ``connector_links``; ``None`` for a record in no pair.
    :param row: the row of the mapping that names the field.
    :param agreed: whether both sides ever agreed on a value.
    :param baseline: that value.
    :param history: rows of the connector log about the field or its counterpart, the newest first.
    """

    ref: Ref
    field: str
    pair: Any
    row: FieldMapping | None
    agreed: bool
    baseline: Value
    history: list[Any]

    @property
    def lines(self) -> list[str]:
        """It all in words, the newest event last."""
        lines = [f"{self.ref}, {self.field}:"]
        if self.pair is None:
            lines.append("The record is in no pair: the connector writes nothing to it.")
        else:
            crm = f"{self.pair.crm_object} {self.pair.crm_id}"
            lines.append(f"Pair: prospect {self.pair.prospect_id} and {crm}, by {self.pair.matched_by}.")
        rule = next((rule for names, rule in _RULES if names.get(self.ref.object) == self.field), None)
        if rule is not None:
            lines.append(rule)
        if self.row is None and rule is None:
            lines.append("No row of the mapping names the field.")
        elif self.row is not None:
            named = ", ".join(f"{name}.{field}" for name, field in self.row.fields.items())
            lines.append(f"Mapping: {named}; update behavior {self.row.behavior!r}.")
        if self.agreed:
            crm, marketing = sides_of(self.baseline)
            same = f"{crm!r}" if crm == marketing else f"{crm!r} in CRM and {marketing!r} in Marketing"
            lines.append(f"Both sides last agreed on {same}.")
        return lines + [_describe(event) for event in reversed(self.history)]


def explain(
    connection: Connection,
    instance: str,
    ref: Ref,
    field: str,
    mapping: Iterable[FieldMapping],
    limit: int | None = None,
) -> Explanation:
    """Return why a field of a record has the value that it has.

    :param mapping: the rows of the mapping.
    :param limit: the most rows of the log.
    """
    links, table = connector_links.c, connector_log
    pair = links.prospect_id == ref.id
    if ref.object != PROSPECT:
        pair = and_(links.crm_object == ref.object, links.crm_id == ref.id)
    link = connection.execute(select(connector_links).where(links.instance == instance, pair)).one_or_none()
    row = next((row for row in mapping if row.fields.get(ref.object) == field), None)
    names = next(
        (names for names, _ in _RULES if names.get(ref.object) == field), row.fields if row else {ref.object: field}
    )
    baseline = link.baseline if link else {}
    name = names[PROSPECT] if row or names is OPT_OUT_FIELD else ""
    anyone = about(Ref(PROSPECT, link.prospect_id)) if link else about(ref)
    history = connection.execute(
        select(table)
        .where(table.c.instance == instance, anyone, table.c.field.in_(set(names.values())))
        .order_by(table.c.at.desc(), table.c.id.desc())
        .limit(limit)
    ).all()
    return Explanation(ref, field, link, row, name in baseline, baseline.get(name), list(history))


def _describe(row: Any) -> str:
    why = f" ({row.reason})" if row.reason else ""
    change = f"{row.before!r} → {row.after!r}"
    return f"{row.at:%Y-%m-%d %H:%M:%S} run {row.run_id}: {row.event} {row.field} {change}: {row.result}{why}"
