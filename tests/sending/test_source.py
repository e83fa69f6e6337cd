from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_insightly.sending import source
from airflow_provider_insightly.sending.record import Record, Rejection
from airflow_provider_insightly.sending.source import SourceError, find_format, number_records, read_file


def read(content: bytes | str, format: str, **options: str) -> list[Record | Rejection]:
    data = content.encode() if isinstance(content, str) else content
    return list(read_file(io.BytesIO(data), format, "contacts", **options))


def test_csv_rows_know_the_line_on_which_they_start():
    rows = read('A,B\r\n1,"two\r\nlines"\r\n\r\n3,\r\n', "csv")

    assert rows == [Record(0, {"A": "1", "B": "two\r\nlines"}, 2), Record(1, {"A": "3", "B": None}, 5)]


def test_csv_takes_a_byte_order_mark_and_keeps_text_as_it_is():
    (row,) = read("\ufeffA,B\n  O'Brien ,a\u0301\n".encode(), "csv")

    assert row.values == {"A": "  O'Brien ", "B": "a\u0301"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        ("A,B,A\n1,2,3\n", "'A' more than once"),
        ("A,,C\n", "column 2 has no name"),
        ("Städte\n".encode("latin-1"), "encoding"),
        ("A\u00e4".encode("utf-16"), "encoding"),
        ('A\n"open\n1\n', "line 2"),
    ],
)
def test_a_csv_that_is_none(content: bytes | str, message: str):
    with pytest.raises(SourceError, match=message):
        read(content, "csv")


def test_a_csv_row_with_a_cell_too_many_is_rejected_and_the_others_read():
    first, second = read("A,B\n1,2,3\n4,5\n", "csv")

    assert isinstance(first, Rejection)
    assert "3 cells" in first.reason
    assert (second.index, second.line) == (1, 3)


def test_json_lines_rejects_a_line_that_is_no_object():
    records = read('{"A":1}\n\n[1]\n{"A":\n{"A":2}', "jsonl")

    assert [type(r) for r in records] == [Record, Rejection, Rejection, Record]
    assert (records[3].index, records[3].line) == (3, 5)
    assert records[2].record.line == 4


@pytest.mark.parametrize("content", ["", "   \n"])
@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_an_empty_file_of_json(content: str, format: str):
    with pytest.raises(SourceError, match="is empty"):
        read(content, format)


def test_json_list_knows_lines():
    assert read('[\n {"A":1},\n\n {"A":[1,2]}\n]\n', "json") == [Record(0, {"A": 1}, 2), Record(1, {"A": [1, 2]}, 4)]


def test_json_takes_one_object_and_an_empty_list():
    assert read('{"A":1}\n', "json") == [Record(0, {"A": 1}, 1)]
    assert read("[]", "json") == []


@pytest.mark.parametrize("content", ['[{"A":1}', '[{"A":1} x]', '{"A":1}\n{"A":2}'])
def test_broken_json(content: str):
    with pytest.raises(SourceError, match="line"):
        read(content, "json")


@given(
    st.lists(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.text()))),
    st.integers(1, 50),
)
def test_json_read_in_chunks_is_the_same(records: list[dict], chunk: int):
    before, source.CHUNK = source.CHUNK, chunk
    try:
        assert [r.values for r in read(json.dumps(records, indent=1), "json")] == records
    finally:
        source.CHUNK = before


def test_parquet(tmp_path: Path):
    rows = [{"FIRST_NAME": f"Zoë {n}", "AGE": n} for n in range(2500)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "p.parquet")

    with open(tmp_path / "p.parquet", "rb") as file:
        records = list(read_file(file, "parquet", "p"))

    assert [r.values for r in records] == rows
    assert [r.index for r in records] == list(range(2500))


def test_a_parquet_file_that_is_none():
    with pytest.raises(SourceError, match="not a Parquet file"):
        read("A,B", "parquet")


def test_the_name_says_the_format():
    assert find_format("s3://bucket/Contacts.CSV") == "csv"
    with pytest.raises(SourceError, match=r"\.csv"):
        find_format("contacts.xlsx")


def test_records_in_memory():
    assert list(number_records({"A": 1})) == [Record(0, {"A": 1})]
    assert isinstance(next(iter(number_records([5]))), Rejection)
