from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import airflow
import jsonschema
import pytest

import airflow_provider_insightly
from airflow_provider_insightly import __version__
from airflow_provider_insightly.api.address import POD
from airflow_provider_insightly.cli import COMMANDS
from airflow_provider_insightly.get_provider_info import CONNECTION_FIELDS, get_provider_info
from airflow_provider_insightly.hooks.insightly import ConnectionExtra


@pytest.fixture
def info():
    return get_provider_info()


def test_airflow_finds_it_by_its_entry_point():
    entries = entry_points(group="apache_airflow_provider")
    ours = [entry for entry in entries if entry.value.startswith("airflow_provider_insightly.")]
    assert [entry.load()() for entry in ours] == [get_provider_info()]


def test_it_fits_airflows_strict_schema(info):
    schema = json.loads((Path(airflow.__file__).parent / "provider.yaml.schema.json").read_text())
    connection_types = {**schema, "properties": {"connection-types": schema["properties"]["connection-types"]}}
    jsonschema.validate({"connection-types": info["connection-types"]}, {**connection_types, "required": []})


def test_it_fits_the_schema_by_which_airflow_reads_it(info):
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    jsonschema.validate(info, schema)


def test_every_dotted_path_can_be_imported(info):
    modules = [
        m
        for kind in ("hooks", "operators", "sensors", "triggers")
        for e in info.get(kind, ())
        for m in e["python-modules"]
    ]
    modules += [entry["python-module"] for entry in info.get("transfers", ())]
    paths = [entry["hook-class-name"] for entry in info["connection-types"]] + info["extra-links"] + info["cli"]
    for module in modules:
        import_module(module)
    for path in paths:
        module, _, name = path.rpartition(".")
        assert getattr(import_module(module), name), path


def test_every_module_of_operators_is_listed(info):
    folder = Path(airflow_provider_insightly.__file__).parent / "operators"
    public = {path.stem for path in folder.glob("*.py") if "Operator(" in path.read_text()} - {"sending"}
    listed = {module for entry in info["operators"] for module in entry["python-modules"]}
    assert listed == {f"airflow_provider_insightly.operators.{name}" for name in public}


def test_the_form_has_every_field_of_the_extra_and_no_other():
    assert set(CONNECTION_FIELDS) == set(ConnectionExtra.model_fields)
    assert CONNECTION_FIELDS["pod"]["schema"]["pattern"] == f"^{POD.pattern}$"


def test_the_version_is_the_packages(info):
    assert info["versions"] == [__version__]


LIGHT = """
import sys
import airflow_provider_insightly
from airflow_provider_insightly.get_provider_info import get_provider_info
get_provider_info()
heavy = {"requests", "sqlalchemy", "pydantic", "uvicorn", "airflow", "airflow_provider_insightly.sandbox"}
sys.exit(", ".join(sorted(heavy & set(sys.modules))) or 0)
"""


def test_telling_airflow_of_the_provider_imports_nothing_heavy():
    run = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


ARGUMENTS = """
import sys, argparse
from airflow_provider_insightly.cli import COMMANDS
for command in COMMANDS:
    command.add_arguments(argparse.ArgumentParser())
heavy = {"requests", "sqlalchemy", "starlette", "uvicorn", "airflow"} & set(sys.modules)
sys.exit(", ".join(sorted(heavy)) or 0)
"""


def test_knowing_the_commands_arguments_imports_nothing_heavy():
    """Every command of Airflow's own asks for them."""
    run = subprocess.run([sys.executable, "-c", ARGUMENTS], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


DAG_FILE = """
import sys
import airflow.sdk
before = set(sys.modules)
import airflow_provider_insightly.operators.records
new = {name.partition(".")[0] for name in set(sys.modules) - before}
sys.exit(", ".join(sorted(new - {"airflow_provider_insightly", "airflow"})) or 0)
"""


def test_a_dag_file_with_the_operators_imports_only_their_own_modules():
    """What a DAG file imports is paid at every parse: the operators import what they need when they run."""
    run = subprocess.run([sys.executable, "-c", DAG_FILE], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_airflow_lists_the_provider_its_hook_and_its_form():
    """What `airflow providers list`, `airflow providers hooks` and the connection form show."""
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    assert manager.providers["airflow-provider-insightly"].version == __version__
    assert "insightly" in dict(manager.hooks)
    assert set(manager.extra_links_class_names) >= {"airflow_provider_insightly.links.record.InsightlyRecordLink"}
    if hasattr(manager, "_cli_command_functions_set"):  # came with 3.2, as the form's fields
        widgets = manager.connection_form_widgets
        assert {f"extra__insightly__{name}" for name in CONNECTION_FIELDS} <= set(widgets)
        assert manager.field_behaviours["insightly"]["relabeling"] == {"password": "API key"}


def test_the_command_line_has_the_commands():
    run = subprocess.run(
        [sys.executable, "-m", "airflow_provider_insightly", "--help"], capture_output=True, text=True, check=True
    )
    assert {command.name for command in COMMANDS} <= set(run.stdout.replace(",", " ").split())
