"""The opt-out ledger: who wants no mail, by a hash of the address, outliving every record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.engine import Connection

from airflow_provider_insightly.connector.records import PROSPECT, Record
from airflow_provider_insightly.store.rows import put_new
from airflow_provider_insightly.store.tables import connector_opt_outs

MARKETING, CRM = "marketing", "crm"


def address_hash(key: str) -> str:
    """Return the hash under which the ledger knows an address; it holds no addresses.

    :param key: the address as :func:`~airflow_provider_insightly.connector.values.email_key` gives it.
    """
    return hashlib.sha256(f"insightly opt-out {key}".encode()).hexdigest()


def note_opt_outs(connection: Connection, instance: str, records: Iterable[Record], now: datetime) -> None:
    """Enter the addresses of records that opted out; an entry that was lifted counts again."""
    wanted = {}
    for record in records:
        if record.opted_out and record.email_key:
            source = MARKETING if record.ref.object == PROSPECT else CRM
            wanted[address_hash(record.email_key), source] = str(record.ref)
    if not wanted:
        return
    table = connector_opt_outs
    hashes = {hashed for hashed, _ in wanted}
    rows = connection.execute(select(table).where(table.c.instance == instance, table.c.address_hash.in_(hashes)))
    known = {(row.address_hash, row.source): row.lifted_at for row in rows}
    for (hashed, source), evidence in sorted(wanted.items()):
        if (hashed, source) not in known:  # Leads and Contacts are read at the same time, and may share an address
            entry = {"instance": instance, "address_hash": hashed, "source": source, "since": now}
            put_new(connection, table, [{**entry, "evidence": evidence}])
        elif known[hashed, source] is not None:
            connection.execute(
                table.update()
                .where(table.c.instance == instance, table.c.address_hash == hashed, table.c.source == source)
                .values(since=now, evidence=evidence, lifted_at=None, lifted_by=None)
            )


def read_opt_outs(connection: Connection, instance: str, keys: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """Return those of the addresses that opted out, with the sides that said so."""
    table = connector_opt_outs
    hashes = {address_hash(key): key for key in keys}
    if not hashes:
        return {}
    found: dict[str, frozenset[str]] = {}
    rows = connection.execute(
        select(table.c.address_hash, table.c.source).where(
            table.c.instance == instance, table.c.address_hash.in_(hashes), table.c.lifted_at.is_(None)
        )
    )
    for hashed, source in rows:
        key = hashes[hashed]
        found[key] = found.get(key, frozenset()) | {source}
    return found


def lift_opt_out(connection: Connection, instance: str, key: str, evidence: str, now: datetime) -> None:
    """Let an address be written to again, with the reason why that is right."""
    table = connector_opt_outs
    connection.execute(
        table.update()
        .where(table.c.instance == instance, table.c.address_hash == address_hash(key))
        .values(lifted_at=now, lifted_by=evidence)
    )
