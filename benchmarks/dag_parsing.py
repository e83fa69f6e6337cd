"""What it costs to import this package in a DAG file: a file with our operators beside an empty one.

Each is run by a Python of its own, in turn, so that a change of the machine's speed meets both.

    python benchmarks/dag_parsing.py --runs 10
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

EMPTY = "from airflow.sdk import DAG\nwith DAG('empty', schedule=None): pass\n"
OURS = """
from airflow.sdk import DAG
from airflow_provider_insightly.operators.records import InsightlyCreateContactOperator, InsightlyUpdateContactOperator
from airflow_provider_insightly.operators.send import InsightlySendOperator
with DAG('ours', schedule=None):
    InsightlyCreateContactOperator(task_id='create', records=[])
    InsightlyUpdateContactOperator(task_id='update', records=[])
    InsightlySendOperator(task_id='send', method='POST', url='/Leads', records=[])
"""


def parse(code: str) -> float:
    """Return the seconds that a new Python takes for a DAG file."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    """Measure in pairs and print the medians and the median of the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    parse(EMPTY), parse(OURS)
    pairs = [(parse(EMPTY), parse(OURS)) for _ in range(runs)]
    empty, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"empty DAG file {empty:.2f} s, with our operators {ours:.2f} s, ratio {ratio:.2f} (median of {runs} pairs)")


if __name__ == "__main__":
    main()
