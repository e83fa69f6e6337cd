"""What of a plan changes the store alone: pairs, what both sides agree on, labels."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Connection

from airflow_provider_insightly.connector.actions import PENDING, Action
from airflow_provider_insightly.connector.links import bury, move_link, pair_up, update_baseline
from airflow_provider_insightly.connector.records import PROSPECT, Ref
from airflow_provider_insightly.connector.settings import Settings
from airflow_provider_insightly.connector.staging import queue
from airflow_provider_insightly.connector.state import LABELS, read_state, write_state


def change_store(connection: Connection, instance: str, action: Action, settings: Settings, now: datetime) -> None:
    """Do what an action decided that needs no request.

    :raises TakenError: a link was to lead to a record that has a prospect by now; nothing was done.
    """
    if action.step == "sync_field_labels":
        labels = read_state(connection, instance, LABELS) or {}
        write_state(connection, instance, LABELS, {**labels, **(action.baseline or {})})
        return
    prospect_id, crm, reason = action.prospect_id, action.crm, action.reason or ""
    assert prospect_id is not None  # all other local actions are about pairs
    assert crm is not None
    if action.event == "link":
        pair_up(connection, instance, prospect_id, crm, reason, {}, now)
        if settings.show_prospect_timeline:  # visits are read for linked prospects alone: from now on
            queue(connection, instance, [Ref(PROSPECT, prospect_id)])
    elif action.event == "relink":
        move_link(connection, instance, prospect_id, crm, reason, now)
        if action.verdict == PENDING:  # the rest of the plan did not count on a yes
            queue(connection, instance, [Ref(PROSPECT, prospect_id)])
    elif action.event == "tombstone":
        bury(connection, instance, prospect_id, crm, reason.split(":")[0], now)
    elif action.event == "agree":
        update_baseline(connection, instance, prospect_id, action.baseline or {})
