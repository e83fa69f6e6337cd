"""What Airflow knows: the DAGs that work with Insightly, and their runs.

The pages run in the API server, which may read Airflow's database; tasks and the rooms below never do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from airflow.models.dag import DagModel, DagTag
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import func, select

from airflow_provider_insightly.connector.settings import BOXES
from airflow_provider_insightly.hooks.insightly import InsightlyHook

TAG = "insightly"
"""DAGs with this tag are looked at; reading every DAG of an Airflow would take too long."""

CONN_ID = "insightly_conn_id"
"""A task with this templated parameter works with Insightly."""

CONNECTOR_TASK = "CheckSettingsOperator"
"""A DAG with a task of this operator is a connector."""


@dataclass(frozen=True, slots=True)
class InsightlyDag:
    """A DAG with tasks that work with Insightly.

    :param dag_id: its id.
    :param conn_id: the connection of the first such task, which is the connector's where there is one.
    :param is_connector: it runs the CRM connector.
    :param is_paused: Airflow starts no run of it.
    :param schedule: when it runs, in Airflow's words.
    :param next_run: when it runs next.
    :param boxes: the nine settings by name, as its file has them; empty for other DAGs.
    :param file: the file that it is in.
    """

    dag_id: str
    conn_id: str
    is_connector: bool
    is_paused: bool
    schedule: str
    next_run: datetime | None
    boxes: Mapping[str, bool]
    file: str


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a DAG.

    :param run_id: its id.
    :param state: as Airflow says it: ``queued``, ``running``, ``success``, ``failed``.
    :param start: when it began; ``None`` while it is queued.
    :param end: when it ended.
    :param conf: the parameters with which it was triggered.
    """

    run_id: str
    state: str
    start: datetime | None
    end: datetime | None
    conf: Mapping[str, Any]

    @property
    def is_dry(self) -> bool:
        """It wrote nothing."""
        return bool(self.conf.get("dry_run"))


def find_dags(dag_ids: Collection[str]) -> list[InsightlyDag]:
    """Return those of some DAGs that work with Insightly, by their ids; connectors come first."""
    found = [dag for dag in _tagged() if dag.dag_id in dag_ids]
    return sorted(found, key=lambda dag: (not dag.is_connector, dag.dag_id))


def find_dag(dag_id: str) -> InsightlyDag | None:
    """Return a DAG that works with Insightly; ``None`` where there is none of this id."""
    return next(iter(_tagged(DagModel.dag_id == dag_id)), None)


def _tagged(*conditions: Any) -> list[InsightlyDag]:
    query = select(DagModel).join(DagTag, DagTag.dag_id == DagModel.dag_id)
    with create_session() as session:
        rows = session.scalars(query.where(DagTag.name == TAG, DagModel.is_stale.is_(False), *conditions)).all()
        return [dag for row in rows if (dag := _read(row, session)) is not None]


def recent_runs(dag_id: str, limit: int = 10) -> list[Run]:
    """Return a DAG's runs, the newest first."""
    with create_session() as session:
        rows = session.scalars(
            select(DagRun).where(DagRun.dag_id == dag_id).order_by(DagRun.run_after.desc()).limit(limit)
        ).all()
        return [_as_run(row) for row in rows]


def find_run(dag_id: str, run_id: str) -> Run | None:
    """Return one run of a DAG."""
    with create_session() as session:
        row = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
        return None if row is None else _as_run(row)


def task_states(dag_id: str, run_id: str) -> dict[str, str]:
    """Return the states of a run's tasks that are not mapped, by task id; a task without a state is not there."""
    with create_session() as session:
        rows = session.execute(
            select(TaskInstance.task_id, TaskInstance.state).where(
                TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id, TaskInstance.map_index == -1
            )
        ).all()
    return {task_id: str(state) for task_id, state in rows if state is not None}


def last_map_indexes(dag_id: str, run_ids: Iterable[str]) -> dict[tuple[str, str], int]:
    """Return the tasks of some runs by run id and task id, with the highest map index: -1 where one is not mapped."""
    with create_session() as session:
        rows = session.execute(
            select(TaskInstance.run_id, TaskInstance.task_id, func.max(TaskInstance.map_index))
            .where(TaskInstance.dag_id == dag_id, TaskInstance.run_id.in_(set(run_ids)))
            .group_by(TaskInstance.run_id, TaskInstance.task_id)
        ).all()
    return {(run_id, task_id): int(index) for run_id, task_id, index in rows}


def _as_run(row: DagRun) -> Run:
    return Run(row.run_id, str(row.state), row.start_date, row.end_date, row.conf or {})


def _read(row: DagModel, session: Any) -> InsightlyDag | None:
    versions = select(SerializedDagModel.dag_hash).where(SerializedDagModel.dag_id == row.dag_id)
    dag_hash = session.scalar(versions.order_by(SerializedDagModel.created_at.desc()).limit(1))
    found = _read_tasks(row.dag_id, dag_hash) if dag_hash else None
    if found is None:
        return None
    conn_id, is_connector, boxes = found
    return InsightlyDag(
        dag_id=row.dag_id,
        conn_id=conn_id,
        is_connector=is_connector,
        is_paused=bool(row.is_paused),
        schedule=row.timetable_description or "",
        next_run=row.next_dagrun_create_after,
        boxes=boxes,
        file=row.fileloc or "",
    )


@lru_cache(maxsize=256)
def _read_tasks(dag_id: str, dag_hash: str) -> tuple[str, bool, Mapping[str, bool]] | None:
    """Return a DAG's connection, whether it is a connector, and its boxes; its hash says when to look again."""
    with create_session() as session:
        serialized = SerializedDagModel.get(dag_id, session=session)
        if serialized is None:
            return None
        dag = serialized.dag
    tasks = [(task.task_type, _conn_id(task)) for task in dag.tasks if CONN_ID in task.template_fields]
    of_connector = [conn_id for kind, conn_id in tasks if kind == CONNECTOR_TASK]
    conn_ids = of_connector or [conn_id for _, conn_id in tasks]
    if not conn_ids:
        return None
    params = dag.params.dump()
    boxes = {name: bool(params[name]) for name in BOXES.values() if name in params} if of_connector else {}
    return conn_ids[0], bool(of_connector), boxes


def _conn_id(task: Any) -> str:
    named = task.partial_kwargs.get(CONN_ID) if task.is_mapped else getattr(task, CONN_ID, None)
    return str(named or InsightlyHook.default_conn_name)
