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
        ("A, ,C\n", "column 2 has no name"),
        ("A;B\n1;2\n", "separated by ';'"),
        ("A\tB\n1\t2\n", "separated by"),
        ("Städte\n".encode("latin-1"), "encoding"),
        ("A\u00e4".encode("utf-16"), "encoding"),
        ('A\n"open\n1\n', "line 2"),
    ],
)
def test_a_csv_that_is_none(content: bytes | str, message: str):
    with pytest.raises(SourceError, match=message):
        read(content, "csv")


def test_empty_lines_may_stand_before_the_header_of_a_csv():
    assert read("\n\r\nA,B\n\n1,2\n", "csv") == [Record(0, {"A": "1", "B": "2"}, 5)]


def test_csv_in_another_encoding():
    assert read("A\r\nZoë\r\n".encode("utf-16"), "csv", encoding="utf-16") == [Record(0, {"A": "Zoë"}, 2)]


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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"A":1}', "line 1: a comma or the end"),
        ('[{"A":1} x]', "line 1: a comma or the end"),
        ('[\n{"A":1}\n{"A":2}]', "line 3: a comma or the end"),
        ('[{"A":1},,{"A":2}]', "line 1: is not JSON"),
        ('[{"A":1},]', "line 1: is not JSON"),
        ('[{"A":1}]\n[{"A":2}]', "line 2: something follows"),
        ('[{"A":1}] x', "line 1: something follows"),
        ("[] x", "line 1: something follows"),
        ('{"A":1}\n{"A":2}', "line 2: something follows"),
        ('[{"A":1},\n{"A":"', "line 2: is not JSON from here on: Unterminated"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_broken_json(content: str, message: str):
    with pytest.raises(SourceError, match=message):
        read(content, "json")


def test_json_that_is_broken_at_the_start_is_not_read_to_the_end():
    class File(io.BytesIO):
        taken = 0

        def read1(self, size: int | None = -1, /) -> bytes:
            File.taken += (piece := super().read1(size)).__len__()
            return piece

    with pytest.raises(SourceError, match="line 1: is not JSON"):
        list(read_file(File(b'[{"A" 1},' + b" " * 5_000_000), "json", "contacts"))
    assert File.taken < 500_000


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_a_name_that_stands_in_a_record_twice_is_rejected(format: str):
    (rejection,) = read('{"A": 1, "B": 2, "A": 3}', format)

    assert isinstance(rejection, Rejection)
    assert (rejection.field, rejection.reason) == ("A", "stands in the record more than once; keep one")


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


def test_a_parquet_row_that_python_cannot_read_is_rejected_and_the_others_read(tmp_path: Path):
    moments = pa.array([0, -(10**18), 0], pa.timestamp("ms"))
    pq.write_table(pa.table({"A": [1, 2, 3], "B": moments}), tmp_path / "p.parquet")

    with open(tmp_path / "p.parquet", "rb") as file:
        first, second, third = read_file(file, "parquet", "p")

    assert (first.values["A"], third.values["A"], third.index) == (1, 3, 2)
    assert isinstance(second, Rejection)
    assert (second.field, second.record.index) == ("B", 1)


def test_a_parquet_file_with_two_columns_of_one_name(tmp_path: Path):
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["A", "A"]), tmp_path / "p.parquet")

    with open(tmp_path / "p.parquet", "rb") as file, pytest.raises(SourceError, match="'A' more than once"):
        list(read_file(file, "parquet", "p"))


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
    with pytest.raises(SourceError, match="not int"):
        list(number_records(5))
    with pytest.raises(SourceError, match="not str"):  # each character would be an id
        list(number_records("123", "CONTACT_ID"))


@pytest.mark.parametrize("content", [b"A\n1\n", "A\n1\n".encode("utf-16")[:-1], b"\xff\xfeA\0\n\0\0\xd8x\0"])
def test_a_file_that_is_not_utf_16_is_named(content: bytes):
    with pytest.raises(SourceError, match="people is not in the encoding utf-16"):
        list(read_file(io.BytesIO(content), "csv", "people", "utf-16"))
