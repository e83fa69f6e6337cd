"""The messages in docs/troubleshooting.md are those of the code: whoever searches the page for one finds it."""

from __future__ import annotations

import ast
import re

import pytest

from demo.environment import ROOT

OF_OTHERS = (  # Airflow's, the file system's, the database's, and what is no message
    *("The conn_id … isn't defined", "No filesystem registered for scheme s3", "OperationalError", "400 …"),
    *("…yaml, line 12: …",),
)


def _texts(node: ast.AST) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_texts(part) for part in node.values)
    return "…"


def _messages() -> list[str]:
    sections = (ROOT / "docs/troubleshooting.md").read_text("utf-8").splitlines()
    cells = [line.split("|")[1] for line in sections if line.startswith("| ") and not line.startswith("| message")]
    return [message for cell in cells for message in re.findall(r"`([^`]+)`", cell) if message not in OF_OTHERS]


@pytest.fixture(scope="module")
def said() -> str:
    sources = (ROOT / "airflow_provider_insightly").rglob("*.py")
    trees = [ast.parse(path.read_text("utf-8")) for path in sources]
    strings = [node for tree in trees for node in ast.walk(tree) if isinstance(node, (ast.Constant, ast.JoinedStr))]
    return "\n".join(_texts(node) for node in strings)


@pytest.mark.parametrize("message", _messages())
def test_the_code_says_it(message: str, said: str):
    for part in re.split("…|Contacts 5|';'|[0-9]+", message):
        assert part.strip() in said
