"""Bring the examples in the documentation up to date with the files that the tests run.

A line ``<!-- example: PATH NAME -->`` stands above each block of code; the block is what the file at PATH has between
``# [START NAME]`` and ``# [END NAME]``, or the whole file where there is no NAME.

Usage: python tools/include_examples.py [--check]
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- example: (?P<path>\S+)(?: (?P<name>\S+))? -->\n)```(?P<language>\w+)\n.*?```\n", re.DOTALL)


def refresh(text: str) -> str:
    """Return a document with each example as it stands in its file.

    :raises ValueError: a file or a marker is missing.
    """
    return BLOCK.sub(lambda m: f"{m[1]}```{m['language']}\n{read_example(m['path'], m['name'])}```\n", text)


def read_example(path: str, name: str | None) -> str:
    """Return the code between the markers of an example, or the whole file."""
    code = (ROOT / path).read_text("utf-8")
    if name is None:
        return code
    found = re.search(rf"^ *# \[START {re.escape(name)}\]\n(.*?)^ *# \[END {re.escape(name)}\]\n", code, re.M | re.S)
    if found is None:
        raise ValueError(f"{path} has no example between '# [START {name}]' and '# [END {name}]'.")
    return textwrap.dedent(found[1]).rstrip() + "\n"


def documents() -> list[Path]:
    """Return the files of the documentation."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def main(check: bool) -> int:
    """Rewrite the documents, or with ``check`` only name those that are out of date."""
    stale = [path for path in documents() if refresh(path.read_text("utf-8")) != path.read_text("utf-8")]
    for path in stale:
        print(f"{path.relative_to(ROOT)}: {'out of date, run make docs' if check else 'brought up to date'}")
        if not check:
            path.write_text(refresh(path.read_text("utf-8")), "utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
