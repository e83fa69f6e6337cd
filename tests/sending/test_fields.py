from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_insightly.api.catalogue import get_object
from airflow_provider_insightly.sending.fields import read_id, read_record
from airflow_provider_insightly.sending.record import FieldError

CONTACT, OPPORTUNITY = get_object("Contact"), get_object("Opportunity")
BERLIN = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("BID_AMOUNT", "12.50", 12.5),
        ("BID_AMOUNT", " 7 ", 7),
        ("BID_AMOUNT", Decimal("0.1"), 0.1),
        ("BID_AMOUNT", "", None),
        ("PROBABILITY", "50", 50),
        ("PROBABILITY", 50.0, 50),
        ("OPPORTUNITY_NAME", "", ""),
        ("OPPORTUNITY_NAME", " 007 ", " 007 "),
        ("OPPORTUNITY_NAME", 7, "7"),
        ("OPPORTUNITY_NAME", UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ("FORECAST_CLOSE_DATE", "2018-04-09", "2018-04-09 00:00:00"),
        ("FORECAST_CLOSE_DATE", "2018-04-09T16:58:14Z", "2018-04-09 16:58:14"),
        ("FORECAST_CLOSE_DATE", "2018-04-09 16:58:14.123+02:00", "2018-04-09 14:58:14"),
        ("FORECAST_CLOSE_DATE", datetime(2018, 4, 9, 16, 58, 14, tzinfo=BERLIN), "2018-04-09 14:58:14"),
        ("FORECAST_CLOSE_DATE", datetime(2018, 4, 9, 16, 58, 14), "2018-04-09 16:58:14"),
        ("FORECAST_CLOSE_DATE", date(2018, 4, 9), "2018-04-09 00:00:00"),
        ("FORECAST_CLOSE_DATE", date(1, 1, 1), "0001-01-01 00:00:00"),
        ("FORECAST_CLOSE_DATE", "0987-01-01", "0987-01-01 00:00:00"),
        ("FORECAST_CLOSE_DATE", datetime(1899, 12, 31, 1, tzinfo=BERLIN), "1899-12-30 23:00:00"),
        ("TAGS", [{"TAG_NAME": "a"}], [{"TAG_NAME": "a"}]),
    ],
)
def test_values_are_read_by_the_field_s_type(field: str, value: Any, read: Any):
    assert read_record(OPPORTUNITY, {field: value}) == {field: read}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("BID_AMOUNT", "1,250.00", "must be a number"),
        ("BID_AMOUNT", math.nan, "is nan, for which JSON has no word"),
        ("BID_AMOUNT", "NaN", "must be a number"),
        ("BID_AMOUNT", True, "must be a number"),
        ("BID_AMOUNT", Decimal("0.12345678901234567890123"), "more digits"),
        ("PROBABILITY", "50%", "must be an integer"),
        ("PROBABILITY", True, "must be an integer"),
        ("PROBABILITY", 2**31, "32 bits"),
        ("OPPORTUNITY_NAME", "x" * 256, "has 256 characters, the field takes at most 255"),
        ("OPPORTUNITY_NAME", "\ud83d", "half a character"),
        ("OPPORTUNITY_NAME", "caf\udce9", "is not UTF-8: byte 0xe9 at character 3"),
        ("OPPORTUNITY_NAME", ["a"], "is a list"),
        ("OPPORTUNITY_NAME", 1.5, "is a float"),
        ("OPPORTUNITY_NAME", Decimal("NaN"), "is nan"),
        ("FORECAST_CLOSE_DATE", "29/02/2020", "must be a date"),
        ("FORECAST_CLOSE_DATE", "2019-02-29", "must be a date"),
        ("OPPORTUNITY_NAM", "x", "did you mean OPPORTUNITY_NAME"),
        ("opportunity_name", "x", "did you mean OPPORTUNITY_NAME"),
        ("FOO", b"x", "no such field"),
        ("Custom__c", b"x", "no form in JSON"),
        ("TAGS", [{"TAG_NAME": math.inf}], "is inf"),
        ("TAGS", "a", "must be a list"),
        ("BID_AMOUNT", "1e999999999", "more than a number in JSON holds"),
        ("BID_AMOUNT", Decimal("1e999999999"), "more than a number in JSON holds"),
        pytest.param("BID_AMOUNT", 10**5000, "more than a number in JSON holds", id="a huge number"),
        ("BID_AMOUNT", Decimal("sNaN"), "is nan"),
        ("PROBABILITY", Decimal("1e999999999"), "must be an integer"),
        pytest.param("PROBABILITY", "9" * 5000, "must be an integer", id="many digits"),
        ("PROBABILITY", Decimal("sNaN"), "must be an integer"),
        ("FORECAST_CLOSE_DATE", datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))), "after 9999"),
        ("OPPORTUNITY_NAME ", "x", "remove the spaces"),
        ("CUSTOMFIELDS", {"A__c": 1}, "must be a list"),
        ("CUSTOMFIELDS", [{"A__c": 1}], "must be a list of"),
    ],
)
def test_values_that_do_not_fit_name_the_field(field: str, value: Any, message: str):
    with pytest.raises(FieldError, match=message) as raised:
        read_record(OPPORTUNITY, {field: value})
    assert raised.value.field == field


def test_endless_nesting_is_an_error_not_a_crash():
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(FieldError, match="levels deep"):
        read_record(CONTACT, {"TAGS": deep})


def test_custom_fields_join_those_that_are_there():
    given_fields = [{"FIELD_NAME": "A__c", "FIELD_VALUE": 1}]
    assert read_record(CONTACT, {"CUSTOMFIELDS": given_fields, "B__c": "2"})["CUSTOMFIELDS"] == [
        {"FIELD_NAME": "A__c", "FIELD_VALUE": 1},
        {"FIELD_NAME": "B__c", "FIELD_VALUE": "2"},
    ]


def test_a_custom_field_that_is_given_twice_is_refused():
    given_fields = [{"FIELD_NAME": "A__c", "FIELD_VALUE": 1}]
    with pytest.raises(FieldError, match="more than once") as raised:
        read_record(CONTACT, {"CUSTOMFIELDS": given_fields, "A__c": "2"})
    assert raised.value.field == "A__c"


@pytest.mark.parametrize("value", [5, "5", " 5 ", 5.0, Decimal("5.0")])
def test_an_id_that_is_one(value: Any):
    assert read_id("CONTACT_ID", value) == 5


@pytest.mark.parametrize(
    "value",
    [
        *(2**63, 1e300, float(2**53) + 2, Decimal("1e999999999"), "5.0", "1_000", [5]),
        pytest.param("9" * 5000, id="many digits"),
        pytest.param(10**5000, id="a huge number"),
    ],
)
def test_an_id_that_is_none(value: Any):
    with pytest.raises(FieldError, match="must be a positive integer") as raised:
        read_id("CONTACT_ID", value)
    assert raised.value.field == "CONTACT_ID"


@given(st.text(max_size=255, alphabet=st.characters(exclude_categories=["Cs"])))
def test_text_is_never_changed(text: str):
    assert read_record(CONTACT, {"LAST_NAME": text, "x__c": text}) == {
        "LAST_NAME": text,
        "CUSTOMFIELDS": [{"FIELD_NAME": "x__c", "FIELD_VALUE": text}],
    }


class _Scalar:
    """Stands for a scalar of numpy, which is not needed here."""

    def item(self) -> int:
        return 5


class _Array:
    """Stands for an array of numpy."""

    ndim = 1

    def __iter__(self) -> Iterator[Any]:
        return iter([_Scalar(), "a"])

    def item(self) -> Any:
        raise ValueError("can only convert an array of size 1 to a Python scalar")


class datetime64:
    """Stands for a moment of numpy, which gives itself in nanoseconds, and as a datetime when it has microseconds."""

    ndim = 0

    def __init__(self, value: Any = 1_704_103_200_000_000_000) -> None:
        self.value = value

    def astype(self, kind: str) -> datetime64:
        assert kind == "datetime64[us]"
        return datetime64(datetime(2024, 1, 1, 10))

    def item(self) -> Any:
        return self.value


NOT_A_TIME = type("NaTType", (datetime,), {})(1, 1, 1)  # pandas' passes for a datetime
NOT_AVAILABLE = type("NAType", (), {})()


class State(str, Enum):
    OPEN = "OPEN"


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("PROBABILITY", _Scalar(), 5),
        ("FORECAST_CLOSE_DATE", NOT_A_TIME, None),
        ("FORECAST_CLOSE_DATE", NOT_AVAILABLE, None),
        ("OPPORTUNITY_NAME", NOT_A_TIME, None),
        ("FORECAST_CLOSE_DATE", datetime64(), "2024-01-01 10:00:00"),
        ("TAGS", [_Array()], [[5, "a"]]),
        ("OPPORTUNITY_STATE", State.OPEN, "OPEN"),
    ],
)
def test_values_of_data_frames_and_enumerations(field: str, value: Any, read: Any):
    assert read_record(OPPORTUNITY, {field: value}) == {field: read}


@pytest.mark.parametrize("value", [NOT_A_TIME, NOT_AVAILABLE])
def test_an_id_that_a_data_frame_lacks_is_missing(value: Any):
    with pytest.raises(FieldError, match="is missing"):
        read_id("CONTACT_ID", value)


def test_several_ids_are_none():
    with pytest.raises(FieldError, match="positive integer"):
        read_id("CONTACT_ID", _Array())


def test_bytes_of_a_database_are_no_list():
    with pytest.raises(FieldError, match="no form in JSON"):
        read_record(OPPORTUNITY, {"TAGS": [memoryview(b"x")]})
