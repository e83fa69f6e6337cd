"""`make ui`: Airflow in the browser, with the DAGs of this project and a local Insightly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from demo.environment import API_KEY, ROOT, airflow_environment, insightly_connection, local_insightly
from demo.run import HOME

SANDBOX_PORT = 8765


def main() -> int:
    """Serve until interrupted. What `make demo` left, records and runs, is there."""
    home = HOME / "demo"
    home.mkdir(parents=True, exist_ok=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with local_insightly(home / "insightly-sandbox.db", SANDBOX_PORT) as insightly:
        environment = os.environ | airflow_environment(home, ROOT / "dags") | insightly_connection(insightly.base_url)
        print("Airflow:         http://127.0.0.1:8080 (no password; it takes a minute to start)")
        print(f"Local Insightly: {insightly.url}/ (user {API_KEY}, no password)")
        print("Stop both with Ctrl-C.", flush=True)
        # Standalone's children can outlive it: it gets a process group, and the whole group is ended.
        airflow = subprocess.Popen(
            ["airflow", "standalone"],
            env=environment,
            cwd=ROOT,
            start_new_session=True,
        )
        try:
            return airflow.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            end_group(airflow)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    for number, seconds in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=seconds)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


if __name__ == "__main__":
    sys.exit(main())
