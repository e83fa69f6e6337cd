"""Files of an operator, on any storage that Airflow's ``ObjectStoragePath`` reaches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from airflow.sdk import ObjectStoragePath

from airflow_provider_insightly.sending.record import Record, Rejection
from airflow_provider_insightly.sending.source import find_format, read_file


def read_path(path: str, format: str | None = None, encoding: str = "utf-8") -> Iterator[Record | Rejection]:
    """Yield the records of a file; see :func:`~airflow_provider_insightly.sending.source.read_file`.

    :param path: a local path, or a URL such as ``s3://conn_id@bucket/contacts.csv``.
    :param format: ``csv``, ``jsonl``, ``json`` or ``parquet``; ``None``: what the file's name says.
    """
    format = format or find_format(path)
    with ObjectStoragePath(path).open("rb") as file:
        yield from read_file(file, format, path, encoding)


def refuse_same_files(records: str | None, responses: str | None, rejected: str | None) -> None:
    """Refuse to write where the records are read, or two files in one place: what is there would be gone.

    :raises ValueError: two of them are the same file.
    """
    places = [_find_place(path) for path in (records, responses, rejected) if path]
    if len(set(places)) < len(places):
        raise ValueError("The files of the records, of the answers (responses) and of what is rejected must be three.")


def _find_place(path: str) -> str:
    target = ObjectStoragePath(path)
    return str(Path(target.path).resolve()) if _is_local(target) else str(target)


def _is_local(target: ObjectStoragePath) -> bool:
    return target.protocol in ("", "file")


@contextmanager
def writing_lines(path: str | None) -> Iterator[Callable[[str], object] | None]:
    """Give a function that appends a line to a new file, which comes to be with its first line.

    A file that is there already, from an earlier attempt, is removed, so that nobody takes it for this one's.
    """
    if path is None:
        yield None
        return
    target = ObjectStoragePath(path)
    if _is_local(target):  # object storage has no folders to make
        target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    with ExitStack() as stack:
        file = None

        def write(line: str) -> None:
            nonlocal file
            if file is None:
                file = stack.enter_context(target.open("w", encoding="utf-8"))
            file.write(line)

        yield write
