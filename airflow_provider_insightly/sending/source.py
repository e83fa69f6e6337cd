"""Records from files: CSV, JSON Lines, JSON and Parquet, read one after the other, with their line numbers.

A file object is all that this module knows; where it comes from is the caller's business.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, Any

from airflow_provider_insightly.sending.record import Record, Rejection

FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".parquet": "parquet"}
CHUNK = 1 << 16
PARQUET_ROWS = 1000  # rows in memory at once

csv.field_size_limit(sys.maxsize)  # 128 KiB by default: shorter than some notes; a field's length is checked later


class SourceError(ValueError):
    """A file cannot be read as records at all, or not beyond some line."""


def find_format(path: str) -> str:
    """Return the format that a file's name says.

    :raises SourceError: the ending is not one of those that are known.
    """
    for suffix, name in FORMATS.items():
        if path.lower().endswith(suffix):
            return name
    raise SourceError(f"The name {path!r} does not say what is in the file; it must end in {', '.join(FORMATS)}.")


def read_file(file: IO[bytes], format: str, name: str, encoding: str = "utf-8") -> Iterator[Record | Rejection]:
    """Yield the records of a file that is open for reading bytes.

    A record that cannot be read, such as a line of JSON Lines that is no JSON, is a rejection among the others.

    :param format: ``csv``, ``jsonl``, ``json`` or ``parquet``.
    :param name: what errors call the file.
    :param encoding: of a text file; a byte order mark is understood.
    :raises SourceError: the file is empty, or what follows some line cannot be told.
    """
    if format == "parquet":
        return _read_parquet(file, name)
    readers: Mapping[str, Callable[[io.TextIOWrapper, str], Iterator[Record | Rejection]]] = {
        "csv": _read_csv,
        "jsonl": _read_json_lines,
        "json": _read_json,
    }
    if format not in readers:
        raise SourceError(f"There is no format {format!r}; there are csv, jsonl, json and parquet.")
    return _read_text(file, readers[format], name, encoding)


def number_records(
    records: Iterable[Mapping[str, Any] | int | str | None] | Mapping[str, Any], id_field: str | None = None
) -> Iterator[Record | Rejection]:
    """Yield records that are in memory already: a list, a generator, or a single one.

    :param id_field: where it is given, a bare id in the place of a record stands for a record with that field alone.
    """
    for index, values in enumerate([records] if isinstance(records, Mapping) else records):
        is_bare = id_field is not None and (values is None or isinstance(values, (int, str)))
        yield _record(index, {id_field: values} if is_bare else values, None)


def _read_text(
    file: IO[bytes], read: Callable[[io.TextIOWrapper, str], Iterator[Record | Rejection]], name: str, encoding: str
) -> Iterator[Record | Rejection]:
    encoding = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    # Bytes that are not in the encoding become half characters, which the check of each field names with its record.
    text = io.TextIOWrapper(file, encoding=encoding, errors="surrogateescape", newline="")
    try:
        yield from read(text, name)
    finally:
        text.detach()  # the file is the caller's to close


def _read_csv(text: io.TextIOWrapper, name: str) -> Iterator[Record | Rejection]:
    rows = csv.reader(text, strict=True)
    header = _read_header(rows, name)
    index, line = 0, rows.line_num + 1
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise SourceError(
                f"{name}, line {line}: {error}. What follows cannot be told apart any more; look for a quote that is "
                "opened and not closed."
            ) from None
        if row is None:
            return
        if row:  # the csv module gives an empty list for an empty line
            values = dict(zip(header, (cell or None for cell in row), strict=False))
            record = Record(index, values, line)
            if len(row) == len(header):
                yield record
            else:
                yield Rejection(
                    record,
                    None,
                    f"has {len(row)} cells, the header has {len(header)}; is there a comma too many or too few?",
                )
            index += 1
        line = rows.line_num + 1


def _read_header(rows: Iterator[list[str]], name: str) -> list[str]:
    try:
        header = next(rows, None)
    except csv.Error as error:
        raise SourceError(f"{name}: the header cannot be read: {error}.") from None
    if not header:
        raise SourceError(f"{name} is empty: not even a header is there.")
    if any("\udc80" <= character <= "\udcff" for cell in header for character in cell):
        raise SourceError(f"{name}: the header is not in the encoding that was named; is the file UTF-8?")
    twice = sorted({cell for cell in header if header.count(cell) > 1})
    if twice:
        raise SourceError(f"{name}: the header has {', '.join(map(repr, twice))} more than once; rename a column.")
    if "" in header:
        raise SourceError(f"{name}: column {header.index('') + 1} has no name in the header.")
    return header


def _read_json_lines(text: io.TextIOWrapper, name: str) -> Iterator[Record | Rejection]:
    index = 0
    for line, content in enumerate(text, start=1):
        if not content.strip():
            continue
        yield parse_line(index, content, line)
        index += 1
    if index == 0:
        raise SourceError(f"{name} is empty: there is no record in it.")


def parse_line(index: int, content: str, line: int) -> Record | Rejection:
    """Return the record on a line of JSON, or why there is none."""
    try:
        return _record(index, json.loads(content), line)
    except (ValueError, RecursionError) as error:
        return Rejection(Record(index, {}, line), None, f"is not JSON: {error}")


def _read_json(text: io.TextIOWrapper, name: str) -> Iterator[Record | Rejection]:
    """Yield the objects of a JSON list, or the one object, without holding more of the text than one needs."""
    decoder = json.JSONDecoder()
    buffer, line, index, in_list, ended = "", 1, 0, False, False
    while True:
        content = buffer.lstrip(" \t\r\n,") if index else buffer.lstrip()
        line += buffer[: len(buffer) - len(content)].count("\n")
        buffer = content
        if buffer and not in_list and index == 0 and buffer[0] == "[":
            in_list, buffer = True, buffer[1:]
            continue
        if in_list and buffer.startswith("]"):
            return
        if buffer and not in_list and index:
            raise SourceError(f"{name}, line {line}: something follows the record; is this JSON Lines (.jsonl)?")
        try:
            if buffer and not ended and buffer[0] not in "{[":
                raise ValueError  # a number could go on in the next chunk
            value, end = decoder.raw_decode(buffer)
        except (ValueError, RecursionError) as error:
            if not ended:
                chunk = text.read(max(CHUNK, len(buffer)))  # twice as much each time: a long record stays linear
                ended = not chunk
                buffer += chunk
                continue
            if not buffer and index and not in_list:
                return
            if not buffer and not index and not in_list:
                raise SourceError(f"{name} is empty: there is no record in it.") from None
            raise SourceError(f"{name}, line {line}: is not JSON from here on: {error}") from None
        yield _record(index, value, line)
        line += buffer[:end].count("\n")
        buffer = buffer[end:]
        index += 1


def _read_parquet(file: IO[bytes], name: str) -> Iterator[Record | Rejection]:
    try:
        import pyarrow  # type: ignore[import-untyped]
        from pyarrow import parquet
    except ImportError:
        raise SourceError("Parquet files need pyarrow: pip install 'airflow-provider-insightly[parquet]'.") from None
    try:
        table = parquet.ParquetFile(file)
    except pyarrow.ArrowInvalid as error:
        raise SourceError(f"{name} is not a Parquet file: {error}") from None
    index = 0
    for batch in table.iter_batches(batch_size=PARQUET_ROWS):
        for values in batch.to_pylist():
            yield _record(index, values, None)
            index += 1


def _record(index: int, values: Any, line: int | None) -> Record | Rejection:
    if isinstance(values, Mapping):
        return Record(index, values, line)
    return Rejection(Record(index, {}, line), None, f"must be an object with fields, not {type(values).__name__}")
