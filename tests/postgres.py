"""Run a command with an empty PostgreSQL database, named by INSIGHTLY_TEST_POSTGRES, on this machine alone.

Usage: python -m tests.postgres COMMAND ...

Without PostgreSQL's programs it says so and does nothing.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

PATIENCE = 60  # seconds


def find_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs; Debian keeps it out of the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = found[-1] if found else shutil.which("initdb")
    return Path(initdb).parent if initdb else None


@contextmanager
def postgres(programs: Path) -> Iterator[str]:
    """Start a server of its own with an empty database, yield the database's URL, and stop the server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    # PostgreSQL does not run as root; its Debian package brings a user of its own.
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="insightly-postgres-") as folder:
        data = f"{folder}/data"
        if as_user:
            shutil.chown(folder, "postgres")
        subprocess.run(
            [*as_user, programs / "initdb", "-D", data, "-U", "insightly", "-A", "trust", "-E", "UTF8"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=200"]
        server = subprocess.Popen(
            [*as_user, programs / "postgres", "-D", data, "-p", str(port), "-k", folder, *options],
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(port)
            yield f"postgresql://insightly@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*as_user, programs / "pg_ctl", "-D", data, "-m", "fast", "-s", "stop"], check=True)
            server.wait()


def wait_for(port: int) -> None:
    """Wait until the server takes connections."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg2.connect(host="127.0.0.1", port=port, user="insightly", dbname="postgres").close()
            return
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def add_database(url: str, name: str) -> str:
    """Make a further database on the server of a URL, and return its own: tests that run at once must not share one."""
    connection = psycopg2.connect(url)
    connection.autocommit = True  # a database is not made within a transaction
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    connection.close()
    return f"{url.rsplit('/', 1)[0]}/{name}"


def main(command: list[str]) -> int:
    """Run the command; the exit status is its own."""
    programs = find_programs()
    if programs is None:
        print("PostgreSQL is not installed here: the store was tested on SQLite alone.")
        return 0
    with postgres(programs) as url:
        return subprocess.run(command, env={**os.environ, "INSIGHTLY_TEST_POSTGRES": url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
