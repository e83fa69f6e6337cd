"""Settings and records as people type them."""

from __future__ import annotations

import pytest

from airflow_provider_insightly.sending.form import find_format, read_settings, read_text, split
from airflow_provider_insightly.sending.grouping import HoistedFields, ObjectWithStaticFields, WrappedItems
from airflow_provider_insightly.sending.record import Record, Rejection
from airflow_provider_insightly.sending.settings import SettingError
from airflow_provider_insightly.sending.source import SourceError


def test_texts_become_the_settings_of_a_template():
    settings = read_settings(
        {
            "template": " update_contact ",
            "id_field": "id",
            "update_mode": "replace",
            "allow_replace": True,
            "headers": "X-Source:airflow, X-Run : 7",
            "exclude_attributes": "row, , note",
            "rename": "first=FIRST_NAME, last = LAST_NAME",
            "nulls": "send",
            "mask_fields": "EMAIL_ADDRESS",
        }
    )
    assert (settings.method, settings.url, settings.id_field) == ("PUT", "/Contacts/{id}", "id")
    assert settings.headers == {"X-Source": "airflow", "X-Run": "7"}
    assert settings.exclude_attributes == ("row", "note")
    assert settings.rename == {"first": "FIRST_NAME", "last": "LAST_NAME"}
    assert (settings.nulls, settings.mask_fields) == ("send", ("EMAIL_ADDRESS",))


def test_what_is_left_empty_has_its_default():
    settings = read_settings({"url": "/Contacts", "method": "", "headers": "", "batch_size": "", "patch_fallback": ""})
    assert (settings.method, settings.batch_size, settings.headers, settings.id_field) == ("POST", 100, {}, None)


@pytest.mark.parametrize(
    ("given", "grouping"),
    [
        ({"grouping": "wrapped_items", "grouping_item": "f"}, WrappedItems(item="f")),
        ({"grouping": "hoisted_fields", "grouping_fields": "A, B"}, HoistedFields(fields=("A", "B"))),
        ({"grouping": "wrapped_items", "grouping_options": '{"item": "f"}'}, WrappedItems(item="f")),
        ({"grouping": "wrapped_items", "grouping_options": {"item": "f"}}, WrappedItems(item="f")),
        (
            {"grouping": "object_with_static_fields", "grouping_static_fields": '{"source": 1}'},
            ObjectWithStaticFields(static_fields={"source": 1}),
        ),
    ],
)
def test_a_grouping_takes_its_settings_together_or_one_by_one(given: dict, grouping: object):
    settings = read_settings({"url": "/Bulk", "batch_size": "3", **given})
    assert settings.grouping == grouping
    assert settings.batch_size == 3


def test_what_a_grouping_does_not_have_is_left_alone():
    settings = read_settings({"url": "/Bulk", "grouping": "wrapped_items", "grouping_key_field": "left over"})
    assert settings.grouping == WrappedItems()


@pytest.mark.parametrize(
    ("given", "name", "message"),
    [
        ({"template": ""}, "template", "not both"),
        ({"method": "POST", "url": ""}, "url", "not both"),
        ({"template": "create_contact", "url": "/Contacts"}, "url", "not both"),
        ({"template": "create_contract"}, "template", "There is no template 'create_contract'"),
        ({"url": "/Contacts", "headers": "X-Source"}, "headers", "write name:value"),
        ({"url": "/Contacts", "headers": "X-A:1\r\nX-B:2"}, "headers", "one line"),
        ({"url": "/Contacts", "headers": "Authorization:mine"}, "headers", "set by the provider"),
        ({"url": "/Contacts", "rename": "a=b,c"}, "rename", "write old=new"),
        ({"url": "/Contacts", "rename": "a=x,b=x"}, "rename", "the same name"),
        ({"url": "/Contacts", "batch_size": "many"}, "batch_size", "whole number, not 'many'"),
        ({"url": "/Contacts", "batch_size": "0"}, "batch_size", "at least 1"),
        ({"url": "/Contacts", "method": "GET"}, "method", "must be one of POST"),
        ({"url": "/Contacts/{id}"}, "id_field", "id_field must name"),
        ({"url": "ftp://host/Contacts"}, "url", "neither http nor https"),
        ({"url": "/Contacts/{record.ID}", "grouping": "json_array"}, "grouping", "a batch has one URL"),
        ({"template": "create_contact", "grouping": "json_array"}, "grouping", "one record a request"),
        ({"template": "create_contact", "update_mode": "merge"}, "update_mode", "is for updates"),
        ({"template": "update_contact", "update_mode": "replace"}, "allow_replace", "clears every field"),
        ({"url": "/Bulk", "grouping": "by_luck"}, "grouping", "There is no grouping 'by_luck'"),
        ({"url": "/Bulk", "grouping": "map_by_key"}, "grouping_key_field", "key_field"),
        ({"url": "/Bulk", "grouping": "hoisted_fields", "grouping_options": "[]"}, "grouping_options", "a JSON object"),
        (
            {"url": "/Bulk", "grouping": "object_with_static_fields", "grouping_static_fields": "{"},
            "grouping_static_fields",
            "a JSON object",
        ),
        ({"url": "/Bulk", "object": "Contracts"}, "object", "no object 'Contracts'"),
        ({"url": True}, "url", "must be a text"),
        ({"url": "/Contacts\ud800"}, "url", "half a character"),
    ],
)
def test_a_mistake_names_its_field_and_the_way_out(given: dict, name: str, message: str):
    with pytest.raises(SettingError, match=message) as error:
        read_settings(given)
    assert error.value.name == name


def test_names_stand_between_commas_or_in_a_list():
    assert split("a, b,,c ") == split(["a", "b", "c"]) == ("a", "b", "c")
    assert split(None) == split("") == ()


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ('[{"a": 1}]', "json"),
        ('{"a": 1}', "json"),
        ('{\n  "a": 1\n}', "json"),
        ('\ufeff {"a": 1}\n{"a": 2}\n', "jsonl"),
        ('{"a": 1,}\n{"a": 2}\n', "jsonl"),
        ("a,b\n1,2", "csv"),
        ("a\n1", "csv"),
    ],
)
def test_a_pasted_text_shows_its_format(text: str, format: str):
    assert find_format(text) == format
    records = list(read_text(text))
    assert records
    if ",}" in text:
        assert isinstance(records[0], Rejection)
    else:
        assert isinstance(records[0], Record)


def test_a_file_format_is_none_of_a_text():
    with pytest.raises(SourceError, match="There is no format 'parquet'"):
        read_text("a", "parquet")


def test_the_format_may_be_named():
    assert [record.values for record in read_text("[1]\n5", "csv") if isinstance(record, Record)] == [{"[1]": "5"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" \n", "There are no records yet"),
        ('[{"a": 1},\n{"a" 2}]', "Line 2, column 6: Expecting ':'"),
        ("a,b,a\n1,2,3", "'a' more than once"),
        ("[" * 100_000, "nested too deeply"),
        ("a\n\n\ud800", "Line 3 holds half a character"),
    ],
)
def test_a_text_that_cannot_be_read_says_where(text: str, message: str):
    with pytest.raises(SourceError, match=message):
        list(read_text(text))
