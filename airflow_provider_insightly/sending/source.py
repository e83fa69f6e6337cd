"""Records from files: CSV, JSON Lines, JSON and Parquet, read one after the other, with their line numbers.

A file object is all that this module knows; where it comes from is the caller's business.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import IO, Any

from airflow_provider_insightly.sending.record import Record, Rejection

FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".parquet": "parquet"}
CHUNK = 1 << 16
PARQUET_ROWS = 1000  # rows in memory at once
OTHER_SEPARATORS = re.compile(r"[;\t|]")
WHITE_SPACE = re.compile(r"[ \t\r\n]*")
LONGEST_WORD = 16  # of JSON's own, such as false or an escaped character; one may be cut at the end of a piece

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
    :raises SourceError: they are neither.
    """
    if not isinstance(records, Iterable) or isinstance(records, (str, bytes)):
        raise SourceError(f"The records must be a list, a record or a path, not {type(records).__name__}.")
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
    except UnicodeError as error:  # of UTF-16, whose broken bytes cannot become half characters
        raise SourceError(f"{name} is not in the encoding {encoding}: {error}.") from None
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
        header = next((row for row in rows if row), None)  # empty lines may stand before it
    except csv.Error as error:
        raise SourceError(
            f"{name}: the header cannot be read: {error}. Is it in the encoding that was named (is the file UTF-8?), "
            "and is every quote closed?"
        ) from None
    if not header:
        raise SourceError(f"{name} is empty: not even a header is there.")
    if any("\udc80" <= character <= "\udcff" for cell in header for character in cell):
        raise SourceError(f"{name}: the header is not in the encoding that was named; is the file UTF-8?")
    if len(header) == 1 and (found := OTHER_SEPARATORS.search(header[0])):
        raise SourceError(f"{name}: the cells are separated by {found[0]!r}, but must be by commas.")
    _refuse_twice(name, "the header", header)
    blank = next((number for number, cell in enumerate(header, start=1) if not cell.strip()), None)
    if blank is not None:
        raise SourceError(f"{name}: column {blank} has no name in the header.")
    return header


def _refuse_twice(name: str, where: str, columns: Sequence[str]) -> None:
    twice = sorted(column for column, times in Counter(columns).items() if times > 1)
    if twice:
        raise SourceError(f"{name}: {where} has {', '.join(map(repr, twice))} more than once; rename a column.")


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
        return _record(index, DECODER.decode(content), line)
    except (ValueError, RecursionError) as error:
        column = f" (column {error.pos + 1})" if isinstance(error, json.JSONDecodeError) else ""
        return Rejection(Record(index, {}, line), None, f"is not JSON: {_reason(error)}{column}")


class _Doubled(dict[str, Any]):
    """An object of JSON with a name that stands in it more than once; it holds the last value of each."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.name = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)


def _read_object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Doubled(pairs)


DECODER = json.JSONDecoder(object_pairs_hook=_read_object)


class _JsonText:
    """A text of JSON of which no more is in memory than one value needs.

    :ivar line: the line on which the next value begins, after :meth:`peek`.
    """

    def __init__(self, text: io.TextIOWrapper, name: str) -> None:
        self._text = text
        self._name = name
        self._buffer = ""
        self._at = 0
        self.line = 1

    def peek(self) -> str:
        """Go to the next character that is no white space, and return it; an empty text at the end."""
        while True:
            self._go_to(WHITE_SPACE.match(self._buffer, self._at).end())  # type: ignore[union-attr]
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._read_on():
                return ""

    def skip(self) -> None:
        """Leave the next character behind."""
        self._go_to(self._at + 1)

    def take(self) -> Any:
        """Return the next value.

        :raises SourceError: there is none.
        """
        while True:
            try:
                value, end = DECODER.raw_decode(self._buffer, self._at)
            except (ValueError, RecursionError) as error:
                if self._is_final(error) or not self._read_on():
                    raise self.error(f"is not JSON from here on: {_reason(error)}") from None
                continue
            # A number at the end may go on in the next piece.
            if isinstance(value, (dict, list)) or end < len(self._buffer) or not self._read_on():
                self._go_to(end)
                return value

    def error(self, reason: str) -> SourceError:
        """Return an error that names the place."""
        return SourceError(f"{self._name}, line {self.line}: {reason}")

    def _is_final(self, error: Exception) -> bool:
        """Tell whether more of the text would not mend it: the error is not about the end of the buffer."""
        if not isinstance(error, json.JSONDecodeError):
            return True
        return not error.msg.startswith("Unterminated") and error.pos < len(self._buffer) - LONGEST_WORD

    def _read_on(self) -> bool:
        piece = self._text.read(max(CHUNK, len(self._buffer) - self._at))  # twice as much each time: it stays linear
        self._buffer = self._buffer[self._at :] + piece
        self._at = 0
        return bool(piece)

    def _go_to(self, end: int) -> None:
        self.line += self._buffer.count("\n", self._at, end)
        self._at = end


def _read_json(text: io.TextIOWrapper, name: str) -> Iterator[Record | Rejection]:
    """Yield the objects of a JSON list, or the one object."""
    json_text = _JsonText(text, name)
    first = json_text.peek()
    if not first:
        raise SourceError(f"{name} is empty: there is no record in it.")
    if first == "[":
        yield from _read_json_list(json_text)
    else:
        line = json_text.line
        yield _record(0, json_text.take(), line)
    if json_text.peek():
        raise json_text.error("something follows after the end; is this JSON Lines (.jsonl)?")


def _read_json_list(json_text: _JsonText) -> Iterator[Record | Rejection]:
    json_text.skip()
    if json_text.peek() == "]":
        json_text.skip()
        return
    for index in count():
        json_text.peek()
        line = json_text.line
        yield _record(index, json_text.take(), line)
        following = json_text.peek()
        if following not in (",", "]"):
            raise json_text.error("a comma or the end of the list must stand here")
        json_text.skip()
        if following == "]":
            return


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)


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
    _refuse_twice(name, "the schema", table.schema_arrow.names)
    index = 0
    for batch in table.iter_batches(batch_size=PARQUET_ROWS):
        for number in range(batch.num_rows):
            yield _read_row(batch, number, index)
            index += 1


def _read_row(batch: Any, number: int, index: int) -> Record | Rejection:
    values = {}
    for column, cells in zip(batch.schema.names, batch.columns, strict=True):
        try:
            values[column] = cells[number].as_py()
        except (ValueError, OverflowError) as error:  # such as a date before the year 1
            return Rejection(Record(index, values), column, f"cannot be read: {error}")
    return Record(index, values)


def _record(index: int, values: Any, line: int | None) -> Record | Rejection:
    if isinstance(values, _Doubled):
        return Rejection(Record(index, values, line), values.name, "stands in the record more than once; keep one")
    if isinstance(values, Mapping):
        return Record(index, values, line)
    return Rejection(Record(index, {}, line), None, f"must be an object with fields, not {type(values).__name__}")
