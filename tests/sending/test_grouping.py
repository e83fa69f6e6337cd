from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_insightly.sending.grouping import ALGORITHMS, JsonArray, make_grouping
from airflow_provider_insightly.sending.record import FieldError, Rejection
from airflow_provider_insightly.sending.request import Request, build_requests, read_items
from airflow_provider_insightly.sending.settings import SendSettings
from airflow_provider_insightly.sending.source import number_records
from tests.sending.conftest import Sent

RECORDS = [{"ID": 1, "N": "Zoë", "G": "a"}, {"ID": 2, "N": 'O"B', "G": "a"}, {"ID": 3, "N": "李", "G": "b"}]


def build(records: list[dict[str, Any]], grouping: Any, options: dict[str, Any] | None = None, **settings: Any) -> list:
    made = SendSettings(method="POST", url="/Bulk", grouping=make_grouping(grouping, options), **settings)
    return list(build_requests(made, read_items(made, number_records(records))))


GOLDEN: list[tuple[Any, dict[str, Any], list[str]]] = [
    ("json_array", {}, ['[{"ID":1,"N":"Zoë","G":"a"},{"ID":2,"N":"O\\"B","G":"a"},{"ID":3,"N":"李","G":"b"}]']),
    (
        "property_inside_json_object",
        {"property": "data.records"},
        ['{"data":{"records":[{"ID":1,"N":"Zoë","G":"a"},{"ID":2,"N":"O\\"B","G":"a"},{"ID":3,"N":"李","G":"b"}]}}'],
    ),
    (
        "object_with_static_fields",
        {"static_fields": {"source": "airflow", "v": 2}, "property": "items"},
        [
            '{"source":"airflow","v":2,"items":[{"ID":1,"N":"Zoë","G":"a"},{"ID":2,"N":"O\\"B","G":"a"},'
            '{"ID":3,"N":"李","G":"b"}]}'
        ],
    ),
    (
        "hoisted_fields",
        {"fields": ["G"]},
        ['{"G":"a","records":[{"ID":1,"N":"Zoë"},{"ID":2,"N":"O\\"B"}]}', '{"G":"b","records":[{"ID":3,"N":"李"}]}'],
    ),
    (
        "wrapped_items",
        {},
        [
            '{"records":[{"fields":{"ID":1,"N":"Zoë","G":"a"}},{"fields":{"ID":2,"N":"O\\"B","G":"a"}},'
            '{"fields":{"ID":3,"N":"李","G":"b"}}]}'
        ],
    ),
    (
        "map_by_key",
        {"key_field": "ID"},
        ['{"1":{"ID":1,"N":"Zoë","G":"a"},"2":{"ID":2,"N":"O\\"B","G":"a"},"3":{"ID":3,"N":"李","G":"b"}}'],
    ),
    ("json_lines", {}, ['{"ID":1,"N":"Zoë","G":"a"}\n{"ID":2,"N":"O\\"B","G":"a"}\n{"ID":3,"N":"李","G":"b"}\n']),
    (lambda records: {"n": len(records)}, {}, ['{"n":3}']),
]


@pytest.mark.parametrize(
    ("grouping", "options", "bodies"), GOLDEN, ids=[g[0] if isinstance(g[0], str) else "callable" for g in GOLDEN]
)
def test_golden_bodies(grouping: Any, options: dict[str, Any], bodies: list[str]):
    assert [request.body for request in build(RECORDS, grouping, options)] == [body.encode() for body in bodies]


def test_every_algorithm_has_a_golden_body():
    assert {g[0] for g in GOLDEN if isinstance(g[0], str)} == set(ALGORITHMS)


@pytest.mark.parametrize(
    ("grouping", "options", "message"),
    [
        ("json", {}, "there are json_array, "),
        ("hoisted_fields", {}, "needs the list of fields"),
        ("map_by_key", {}, "key_field"),
        ("json_array", {"property": "x"}, "grouping_options of json_array"),
        ("property_inside_json_object", {"property": "a..b"}, "empty part"),
        ("property_inside_json_object", {"property": 5}, "no text"),
        ("object_with_static_fields", {"property": "a..b"}, "empty part"),
        ("object_with_static_fields", {"static_fields": [1]}, "must be an object"),
        ("object_with_static_fields", {"static_fields": {"a": float("nan")}}, "static_fields: is nan"),
        ("hoisted_fields", {"fields": ["a"], "property": ""}, "empty part"),
        ("hoisted_fields", {"fields": [["a"]]}, "needs the list of fields"),
        ("wrapped_items", {"property": "a."}, "empty part"),
        ("wrapped_items", {"item": ""}, "must be a text"),
        ("map_by_key", {"key_field": ["a"]}, "key_field"),
        ("object_with_static_fields", {"static_fields": {"records": 1}}, "also a static field"),
        ("hoisted_fields", {"fields": ["records"]}, "lifted out"),
        (len, {"x": 1}, "brings its own"),
    ],
)
def test_settings_that_cannot_work(grouping: Any, options: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        make_grouping(grouping, options)


def test_a_function_that_returns_what_is_no_json_is_named():
    with pytest.raises(FieldError, match="grouping: is a set, which has no form in JSON"):
        build(RECORDS, lambda records: {1, 2}, {})


def test_a_key_that_comes_twice_starts_a_batch_so_that_no_record_is_lost():
    requests = build([{"ID": 1, "N": "a"}, {"ID": 1, "N": "b"}, {"N": "c"}], "map_by_key", {"key_field": "ID"})

    assert [r.indices for r in requests if isinstance(r, Request)] == [(0,), (1,)]
    (rejection,) = (r for r in requests if isinstance(r, Rejection))
    assert rejection.field == "ID"


values = st.none() | st.booleans() | st.integers() | st.text(alphabet=st.characters(exclude_categories=["Cs"]))
records = st.lists(st.dictionaries(st.sampled_from(["ID", "N", "G"]), values), max_size=30)
groupings = st.sampled_from([(g[0], g[1]) for g in GOLDEN])


@given(records, groupings, st.integers(1, 5), st.none() | st.integers(1, 120))
def test_batches_keep_order_and_count(records: list[dict], grouping: Any, size: int, limit: int | None):
    outcomes = build(records, *grouping, batch_size=size, batch_bytes=limit)

    batches = [outcome for outcome in outcomes if isinstance(outcome, Request)]
    rejected = [outcome.record.index for outcome in outcomes if isinstance(outcome, Rejection)]
    sent = [index for batch in batches for index in batch.indices]
    assert sent == sorted(sent)
    assert sorted(sent + rejected) == list(range(len(records)))
    assert all(1 <= len(batch.items) <= size for batch in batches)
    assert limit is None or all(len(batch.body) <= limit for batch in batches)
    assert build(records, *grouping, batch_size=size, batch_bytes=limit) == outcomes
    algorithm = make_grouping(*grouping)
    for batch, following in pairwise(batches):  # each is as full as it may be
        values, more = [item.values for item in batch.items], following.items[0].values
        if len(values) < size and algorithm.key(values[0]) == algorithm.key(more) and algorithm.fits(values, more):
            assert limit is not None
            assert len(algorithm.body([*values, more])) > limit


def test_a_large_batch_is_not_written_out_for_each_record(mocker):
    body = mocker.spy(JsonArray, "body")

    (request,) = build([{"N": number} for number in range(2000)], "json_array", {}, batch_size=2000, batch_bytes=30_000)

    assert len(request.body) <= 30_000
    assert max(len(call.args[1]) for call in body.call_args_list) == 2000
    assert sum(len(call.args[1]) for call in body.call_args_list) < 20_000


def test_a_batch_goes_out_as_one_request(run_send: Callable[..., Sent], insightly_sandbox):
    settings = SendSettings(method="POST", url="/Contacts", grouping=make_grouping("json_array"), batch_size=2)

    sent = run_send(settings, RECORDS)

    received = insightly_sandbox.requests(method="POST")
    assert [len(r["body"]) for r in received] == [2, 1]
    assert sent.report.total == 3
    assert [json.loads(line)["indices"] for line in sent.responses] == [[0, 1], [2]]
