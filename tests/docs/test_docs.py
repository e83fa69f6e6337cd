"""The documentation keeps its promises: its examples are code that runs, and its links lead somewhere."""

from __future__ import annotations

import importlib.util
import re

import pytest

from demo.environment import ROOT

spec = importlib.util.spec_from_file_location("include_examples", ROOT / "tools/include_examples.py")
include_examples = importlib.util.module_from_spec(spec)
spec.loader.exec_module(include_examples)

DOCUMENTS = include_examples.documents()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_its_examples_are_those_that_the_tests_run(path):
    text = path.read_text("utf-8")
    assert include_examples.refresh(text) == text, "run make docs"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_its_links_lead_to_files_and_headings_that_exist(path):
    text = path.read_text("utf-8")
    for target in re.findall(r"\]\((?!https?://)([^)\s]+)\)", text):
        name, _, heading = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        assert linked.exists(), f"{target} in {path.name}"
        if heading:
            headings = re.findall(r"^#+ (.+)$", linked.read_text("utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert heading in anchors, f"{target} in {path.name}"


def test_a_stale_example_is_found():
    text = "<!-- example: demo/__init__.py -->\n```python\nold\n```\n"
    assert "old" not in include_examples.refresh(text)


def test_an_example_that_is_gone_is_an_error():
    with pytest.raises(ValueError, match="no example between"):
        include_examples.refresh("<!-- example: demo/__init__.py gone -->\n```python\n```\n")
