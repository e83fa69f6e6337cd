"""Files that nobody should send: what is wrong is named by record, line and field, and the other records are sent."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest

from airflow_provider_insightly.sandbox.pytest_plugin import InsightlySandbox
from airflow_provider_insightly.sending.preview import preview
from airflow_provider_insightly.sending.record import Record, Rejection
from airflow_provider_insightly.sending.report import Report
from airflow_provider_insightly.sending.request import read_items
from airflow_provider_insightly.sending.settings import SendSettings, SettingError, from_template
from airflow_provider_insightly.sending.source import SourceError, read_file
from airflow_provider_insightly.sending.template import get_template
from tests.sending.conftest import Sent

Run = Callable[..., Sent]

CREATE, UPDATE = "create_contact", "update_contact"
HUGE = json.dumps({"FIRST_NAME": "Ann", "BACKGROUND": "x" * 10_000_000})
DEEP = '{"FIRST_NAME":"Ann","TAGS":' + "[" * 100_000 + "]" * 100_000 + "}"

# The template, the file's format and its content; then line, field and words of the one record that is wrong.
BAD_RECORDS = {
    "missing id": (UPDATE, "csv", "CONTACT_ID,TITLE\n5,a\n,b\n", 3, "CONTACT_ID", "is missing"),
    "no id": (UPDATE, "jsonl", '{"CONTACT_ID":5,"TITLE":"a"}\n{"TITLE":"b"}\n', 2, "CONTACT_ID", "is missing"),
    "id 0": (UPDATE, "csv", "CONTACT_ID,TITLE\n5,a\n0,b\n", 3, "CONTACT_ID", "not '0'"),
    "negative id": (UPDATE, "csv", "CONTACT_ID,TITLE\n5,a\n-5,b\n", 3, "CONTACT_ID", "not '-5'"),
    "true for an id": (UPDATE, "json", '[{"CONTACT_ID":5},\n{"CONTACT_ID":true}]', 2, "CONTACT_ID", "not True"),
    "word for an id": (UPDATE, "csv", "CONTACT_ID,TITLE\n5 ,a\nfive,b\n", 3, "CONTACT_ID", "not 'five'"),
    "half an id": (UPDATE, "jsonl", '{"CONTACT_ID":5.0}\n{"CONTACT_ID":5.5}\n', 2, "CONTACT_ID", "not 5.5"),
    "endless id": (UPDATE, "jsonl", '{"CONTACT_ID":5}\n{"CONTACT_ID":1e300}\n', 2, "CONTACT_ID", "not 1e+300"),
    "path for an id": (UPDATE, "csv", "CONTACT_ID,TITLE\n5,a\n7/../8,b\n", 3, "CONTACT_ID", "not '7/../8'"),
    "unknown field": (CREATE, "jsonl", '{"FIRST_NAME":"A"}\n{"FIRST_NAM":"B"}\n', 2, "FIRST_NAM", "FIRST_NAME?"),
    "too long": (CREATE, "csv", f"FIRST_NAME\nA\n{'B' * 256}\n", 3, "FIRST_NAME", "256 characters"),
    "NaN": (CREATE, "jsonl", '{"FIRST_NAME":"A"}\n{"FIRST_NAME":"B","X__c":NaN}\n', 2, "X__c", "is nan"),
    "beyond a double": (CREATE, "jsonl", '{"FIRST_NAME":"A"}\n{"FIRST_NAME":"B","X__c":1e999}\n', 2, "X__c", "is inf"),
    "beyond 32 bits": (
        *(CREATE, "csv", "FIRST_NAME,OWNER_USER_ID\nA,1\nB,9223372036854775808\n"),
        *(3, "OWNER_USER_ID", "32 bits"),
    ),
    "half a character": (CREATE, "jsonl", '{"FIRST_NAME":"A"}\n{"FIRST_NAME":"\\ud83d"}\n', 2, "FIRST_NAME", "U+D83D"),
    "10 MB of text": (CREATE, "jsonl", f'{{"FIRST_NAME":"A"}}\n{HUGE}\n', 2, "BACKGROUND", "10000000 characters"),
    "nested without end": (CREATE, "jsonl", f'{{"FIRST_NAME":"A"}}\n{DEEP}\n', 2, None, "nested too deeply"),
    "broken encoding": (CREATE, "csv", b"FIRST_NAME\nAnn\nZo\xeb\n", 3, "FIRST_NAME", "byte 0xeb at character 2"),
    "a cell too many": (CREATE, "csv", "FIRST_NAME,TITLE\r\nAnn,a\r\nBea,b,c\r\n", 3, None, "3 cells"),
    "no object": (CREATE, "jsonl", '{"FIRST_NAME":"A"}\n["B"]\n', 2, None, "not list"),
    "no JSON": (CREATE, "jsonl", '{"FIRST_NAME":"A"}\n{"FIRST_NAME":"B"\n', 2, None, "is not JSON"),
    "a name twice": (CREATE, "jsonl", '{"FIRST_NAME":"A"}\n{"TITLE":"B","TITLE":"C"}\n', 2, "TITLE", "more than once"),
    "29 February": (
        *(CREATE, "csv", "FIRST_NAME,DATE_OF_BIRTH\nA,1896-02-29\nB,1900-02-29\n"),
        *(3, "DATE_OF_BIRTH", "must be a date"),
    ),
}


def read(format: str, content: str | bytes) -> list[Record | Rejection]:
    data = content if isinstance(content, bytes) else content.encode()
    return list(read_file(io.BytesIO(data), format, "people"))


@pytest.mark.parametrize("case", BAD_RECORDS.values(), ids=BAD_RECORDS)
def test_a_bad_record_is_named_and_the_one_before_it_is_not(case: tuple):
    template, format, content, line, field, words = case
    settings = from_template(get_template(template))
    rejected: list[str] = []
    report = Report(write_rejected=rejected.append)

    good, bad = read_items(settings, read(format, content))
    report.add(bad)

    assert not isinstance(good, Rejection)
    written = json.loads(rejected[0])
    assert (written["index"], written["line"], written["field"]) == (1, line, field)
    assert words in written["message"]
    assert str(report.failures[0]).startswith(f"record 1 (line {line}): ")


BAD_FILES = {
    "empty": ("csv", "", "is empty"),
    "empty lines": ("jsonl", "\n\n", "is empty"),
    "a header twice": ("csv", "FIRST_NAME,TITLE,FIRST_NAME\nA,b,C\n", "'FIRST_NAME' more than once"),
    "a header without a name": ("csv", "FIRST_NAME, ,TITLE\nA,b,C\n", "column 2 has no name"),
    "semicolons": ("csv", "FIRST_NAME;TITLE\nA;b\n", "separated by ';'"),
    "UTF-16": ("csv", "FIRST_NAME\nZoë\n".encode("utf-16"), "is the file UTF-8?"),
    "an open quote": ("csv", 'FIRST_NAME\n"Ann\nBea\n', "line 2"),
    "half a list": ("json", '[{"FIRST_NAME": "Ann"},\n{"FIRST_NAME": "Be', "line 2: is not JSON"),
    "two lists": ("json", '[{"FIRST_NAME": "Ann"}]\n[{"FIRST_NAME": "Bea"}]', "line 2: something follows"),
}


@pytest.mark.parametrize("case", BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_named_with_the_line(case: tuple):
    format, content, words = case
    with pytest.raises(SourceError, match="people") as raised:
        read(format, content)
    assert words in str(raised.value)


def test_nothing_is_sent_to_another_host(run_send: Run, insightly_sandbox: InsightlySandbox):
    elsewhere = SendSettings(method="POST", url="https://api.example.com/v3.1/Contacts")

    with pytest.raises(ValueError, match=r"https://api\.example\.com.*not sent to another host"):
        run_send(elsewhere, [{"FIRST_NAME": "Ann"}])
    with pytest.raises(ValueError, match="takes its host from the record"):
        SendSettings(method="POST", url="https://{record.host}/v3.1/Contacts")
    assert insightly_sandbox.requests() == []


def test_the_version_stands_in_the_address_once(run_send: Run, insightly_sandbox: InsightlySandbox):
    for url in ("/v3.1/Contacts", "v3.1/Contacts"):
        with pytest.raises(SettingError, match=r"is below /v3\.1 already"):
            run_send(SendSettings(method="POST", url=url), [{"FIRST_NAME": "Ann"}])
        with pytest.raises(SettingError, match=r"is below /v3\.1 already"):
            preview(SendSettings(method="POST", url=url), [{"FIRST_NAME": "Ann"}])
    assert insightly_sandbox.requests() == []

    full = SendSettings(method="POST", url=f"{insightly_sandbox.base_url}/Contacts")
    assert run_send(full, [{"FIRST_NAME": "Ann"}]).summary["succeeded"] == 1


def test_an_object_with_the_records_inside_is_not_taken_for_a_record():
    (sample,) = preview(from_template(get_template(CREATE)), read("json", '{"records": [{"FIRST_NAME": "Ann"}]}'))
    assert "records: Contacts has no such field" in sample.problem
