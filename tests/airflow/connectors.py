"""Further connectors beside the one that is shipped, made as a user makes them: its two files under another name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from demo.environment import ROOT

SHIPPED = "insightly_crm_connector"


def add_connector(dag_id: str, settings: dict[str, Any], mapping: list[dict[str, Any]]) -> Path:
    """Write the DAG's file and its configuration into the folder of DAGs; return the DAG's file, without ``.py``.

    Its connection has the name of the DAG, and so it is an instance of its own in the store. Retries come at once.
    """
    folder = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]) / "connectors"
    folder.mkdir(exist_ok=True)
    configuration = {"insightly_conn_id": dag_id, "settings": settings, "mapping": mapping}
    (folder / f"{dag_id}.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    source = (ROOT / "dags" / f"{SHIPPED}.py").read_text(encoding="utf-8")
    source = source.replace(f'"{SHIPPED}', f'"{dag_id}').replace("timedelta(seconds=30)", "timedelta(seconds=1)")
    (folder / f"{dag_id}.py").write_text(source, encoding="utf-8")
    return folder / dag_id
