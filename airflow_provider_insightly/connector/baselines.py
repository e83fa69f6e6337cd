"""Baselines: the values on which both sides of a pair last agreed, by prospect field.

Insightly may keep another value than it was sent: cut white space, rounded. Then each side has one of its own, and both
count as agreed: else every look at the pair would find a change that nobody made, and write it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airflow_provider_insightly.connector.mapping import MappedField
from airflow_provider_insightly.connector.records import PROSPECT, Record
from airflow_provider_insightly.connector.values import Value, ValueTypeError

_CRM, _MARKETING = "crm", "marketing"


def sides_of(baseline: Value) -> tuple[Value, Value]:
    """Return CRM's and Marketing's part of a baseline, in canonical form: no value there is a mapping."""
    if isinstance(baseline, Mapping):
        return baseline[_CRM], baseline[_MARKETING]
    return baseline, baseline


def as_answered(
    baseline: Mapping[str, Value], record: Record, mapping: Sequence[MappedField]
) -> tuple[dict[str, Value], dict[str, Value]]:
    """Compare what a write should make both sides agree on with the record as Insightly kept it.

    :param baseline: the values that were meant, by prospect field.
    :param record: the answer to the write.
    :returns: the baseline as it is now, and by their names in the record the fields whose value is another one.
    """
    answered, kept = dict(baseline), dict[str, Value]()
    for row in mapping:
        name = row.names.get(record.ref.object)
        if row.name not in baseline or name is None or name not in record.data:
            continue
        meant = baseline[row.name]
        try:
            found = _read(row, record, record.data[name])
        except ValueTypeError:
            continue  # the next plan looks at the field again, and says what is wrong with it
        if found == meant:
            continue
        kept[name] = record.data[name]
        answered[row.name] = found if row.is_opt_out else _part(meant, found, record)
    return answered, kept


def _read(row: MappedField, record: Record, value: Value) -> Value:
    return row.read_prospect(value) if record.ref.object == PROSPECT else row.read_crm(record.ref.object, value)


def _part(meant: Value, found: Value, written: Record) -> Value:
    of_prospect = written.ref.object == PROSPECT
    return {_CRM: meant if of_prospect else found, _MARKETING: found if of_prospect else meant}
