from __future__ import annotations

import math
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_insightly.sending.address import check_url, fill_url, object_of, read_headers
from airflow_provider_insightly.sending.record import FieldError
from airflow_provider_insightly.sending.settings import SendSettings, from_template
from airflow_provider_insightly.sending.template import Template, get_template, register, templates


def test_fields_are_encoded_and_filled_once():
    values = {"a": "x/y?z&ü", "b": "{record.a}", "c": 5}

    assert fill_url("/A/{record.a}/{record.b}/{record.c}", values) == "/A/x%2Fy%3Fz%26%C3%BC/%7Brecord.a%7D/5"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (5.0, "5"),  # a data frame's, where another id of the column is missing
        (True, "true"),
        (Decimal("1.50"), "1.5"),
        (datetime(2024, 1, 31, 9, tzinfo=timezone.utc), "2024-01-31%2009%3A00%3A00"),
    ],
)
def test_values_stand_in_a_url_as_in_a_body(value: Any, written: str):
    assert fill_url("/A/{record.a}", {"a": value}) == f"/A/{written}"


@pytest.mark.parametrize(
    "value", [None, "", " ", ".", "..", "\udce9", math.nan, {"a": 1}, [1], b"x", pytest.param(10**5000, id="huge")]
)
def test_a_value_that_would_lead_elsewhere_is_refused(value: Any):
    with pytest.raises(FieldError) as raised:
        fill_url("/Contacts/{record.id}", {"id": value})
    assert raised.value.field == "id"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "is empty"),
        ("/Contacts/{id", "braces"),
        ("/Contacts/{CONTACT_ID}", "braces"),
        ("/Contacts\r\nX: y", "control character"),
        ("/Contacts /5", "a space"),
        ("/Contacts/../Leads", "no server gets to see"),
        ("/Contacts/.", "no server gets to see"),
        ("/Contacts#top", "no server gets to see"),
        ("ftp://api.na1.insightly.com/x", "neither http nor https"),
        ("https://{record.host}/x", "takes its host from the record"),
    ],
)
def test_urls_that_cannot_be_one(url: str, message: str):
    with pytest.raises(ValueError, match=message):
        check_url(url)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("/Contacts", "Contacts"),
        ("/contacts/5", "Contacts"),
        ("https://api.na1.insightly.com/v3.1/Organizations", "Organisations"),
        ("/Contacts/{record.CONTACT_ID}", "Contacts"),
        ("/Contacts/5/Notes", None),
        ("/Bulk", None),
    ],
)
def test_the_object_of_a_url(url: str, name: str | None):
    found = object_of(url)
    assert (found.name if found else None) == name


def test_headers_as_the_page_takes_them():
    assert read_headers("header1:value1, header2:http://x") == {"header1": "value1", "header2": "http://x"}
    assert read_headers({"A": " b "}) == {"A": "b"}  # a space before it would stop the first request
    assert read_headers(None) == {}


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ("a", "has no value"),
        ("a:1,2", "a dict where a value has a comma"),
        ("a:1,A:2", "given twice"),
        ({1: "a"}, "cannot be the name"),
        ({"a b": "c"}, "cannot be the name"),
        ({"a": "b\r\nc: d"}, "one line"),
        ({"a": "ü"}, "ASCII"),
        ({"Authorization": "Basic x"}, "set by the provider"),
        ("content-type:text/plain", "set by the provider"),
    ],
)
def test_headers_that_are_refused(headers: Any, message: str):
    with pytest.raises(ValueError, match=message):
        read_headers(headers)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "GET", "url": "/Contacts"}, "method is 'GET'"),
        ({"method": "PUT", "url": "/Contacts/{id}"}, "id_field"),
        ({"method": "POST", "url": "/Contacts", "batch_size": 5}, "choose a grouping"),
        ({"method": "POST", "url": "/Contacts", "patch_fallback": "put"}, "for method PATCH"),
        ({"method": "POST", "url": "/C", "include_attributes": ("a",), "exclude_attributes": ("a",)}, "both name a"),
        ({"method": "POST", "url": "/C", "rename": {"a": "x", "b": "x"}}, "same name"),
    ],
)
def test_settings_that_exclude_each_other(settings: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        SendSettings(**settings)


def test_there_is_a_template_for_each_verb_of_each_object():
    names = set(templates())

    assert {"create_contact", "update_contact", "delete_contact", "create_opportunity", "update_opportunity"} <= names
    assert {"create_lead", "update_organisation", "create_file_category", "update_lead_status", "delete_email"} <= names
    assert "create_email" not in names
    assert get_template("update_contact").path == "/Contacts/{id}"
    with pytest.raises(LookupError, match="create_contact,"):
        get_template("make_contact")


def test_a_template_of_one_s_own():
    register(
        Template(
            "create_contact_note",
            "POST",
            "/Contacts/{record.CONTACT_ID}/Notes",
            object="Notes",
            required=("TITLE",),
            exclude_attributes=("CONTACT_ID",),
        )
    )

    assert from_template(get_template("create_contact_note")).exclude_attributes == ("CONTACT_ID",)


def test_a_template_takes_no_grouping():
    from airflow_provider_insightly.sending.grouping import JsonArray

    with pytest.raises(ValueError, match="one record a request"):
        from_template(get_template("create_contact"), grouping=JsonArray())
