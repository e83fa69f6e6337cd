from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_insightly.operators.storage import read_path, refuse_same_files, writing_lines


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_lines_are_written_to_a_new_file_in_a_new_folder(scheme: str, tmp_path: Path):
    path = f"{scheme}{tmp_path}/new/lines.jsonl"
    for number in (1, 2):
        with writing_lines(path) as write:
            write(f'{{"A": {number}}}\n')
            write('{"A": 3}\n')

    assert [record.values for record in read_path(path)] == [{"A": 2}, {"A": 3}]


def test_without_a_line_there_is_no_file(tmp_path: Path):
    path = tmp_path / "lines.jsonl"
    path.write_text("of an earlier attempt")

    with writing_lines(str(path)):
        pass

    assert not path.exists()


def test_no_path_no_file():
    with writing_lines(None) as write:
        assert write is None


def test_files_in_one_place_are_refused(tmp_path: Path):
    refuse_same_files("s3://bucket/a.csv", "s3://bucket/b.jsonl", None)
    refuse_same_files(None, None, None)
    for files in (("s3://b/a", "s3://b/a", None), (str(tmp_path / "a"), None, f"file://{tmp_path}/new/../a")):
        with pytest.raises(ValueError, match="must be three"):
            refuse_same_files(*files)
