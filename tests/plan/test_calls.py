"""Request bodies: valid JSON with the right ids and params, whatever the templates and the characters."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.plan.calls import compile_request
from battlectl.scenario.calls import BatchCall, Call
from tests.plan.plans import workload_of

NASTY = '%s %d %% %(x)s 100% "quoted" \\ back ünï→😀 \u2028 $'


def bodies(calls: list[Any], count: int = 20, head: int | None = 1_000, **more: Any) -> list[Any]:
    """The first requests of a workload, as a server reads them."""
    workload = workload_of(calls=calls, **more)
    return [
        json.loads(workload.requests[a.request].render(a.first_id, a.draws, head))
        for a in islice(workload.arrivals(), count)
    ]


def params_of(params: Any, **more: Any) -> list[Any]:
    return [body["params"] for body in bodies([{"method": "m", "params": params}], **more)]


def test_a_plain_call_is_a_whole_json_rpc_request():
    first, second = bodies(["eth_blockNumber"], 2)
    assert first == {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}
    assert second["id"] == 2


def test_ids_can_be_text():
    calls = [Call(method="m"), BatchCall(batch=[{"method": "a"}, {"method": "b"}])]
    one, batch = (json.loads(compile_request(c, None, "text").render(7, (), None)) for c in calls)
    assert one == {"jsonrpc": "2.0", "id": "7", "method": "m", "params": []}
    assert [call["id"] for call in batch] == ["7", "8"]


def test_a_batch_has_an_id_for_each_item_and_the_next_request_counts_on():
    first, second = bodies([{"batch": ["a", {"method": "b", "params": [1]}, "c"]}], 2)
    assert [(call["id"], call["method"], call["params"]) for call in first] == [
        (1, "a", []),
        (2, "b", [1]),
        (3, "c", []),
    ]
    assert [call["id"] for call in second] == [4, 5, 6]


def test_a_batch_of_one_is_still_an_array():
    assert bodies([{"batch": ["a"]}], 1) == [[{"jsonrpc": "2.0", "id": 1, "method": "a", "params": []}]]


@pytest.mark.parametrize(
    ("template", "head", "number"),
    [
        ("latest", 1_000, "0x3e8"),
        ("latest-10", 1_000, "0x3de"),
        ("latest + 5", 1_000, "0x3ed"),
        ("latest-10", 3, "0x0"),
        ("latest", 0, "0x0"),
        ("latest", 2**40, "0x10000000000"),
    ],
)
def test_a_block_counts_from_the_head_that_is_known_when_it_is_sent(template, head, number):
    assert params_of([{"$block": template}, False], count=1, head=head) == [[number, False]]


def test_a_block_without_a_known_head_is_our_bug_not_a_silent_zero():
    with pytest.raises(ValueError, match="before the head was known"):
        params_of([{"$block": "latest"}], count=1, head=None)


def test_random_numbers_come_in_three_forms_and_stay_in_their_range():
    drawn = params_of(
        [
            {"$random": [0, 255]},
            {"$random": {"from": -5, "to": 5, "as": "number"}},
            {"$random": {"from": 7, "to": 9, "as": "decimal"}},
        ],
        count=300,
    )
    assert {type(value) for row in drawn for value in row} == {str, int}
    assert all(row[0] == hex(int(row[0], 16)) and 0 <= int(row[0], 16) <= 255 for row in drawn)
    assert {row[1] for row in drawn} == set(range(-5, 6))
    assert {row[2] for row in drawn} == {"7", "8", "9"}


def test_a_range_of_one_value_is_that_value():
    assert params_of([{"$random": [3, 3]}], count=2) == [["0x3"], ["0x3"]]


FEED = {"accounts": [{"address": "0xaa", "n": 1}, {"address": "0xbb", "n": [2, NASTY]}]}


def test_a_sequential_feed_is_read_in_order_and_begins_again():
    options = {"accounts": {"file": "a.jsonl", "order": "sequential"}}
    drawn = params_of([{"$feed": "accounts.address"}], count=5, feeds=FEED, feed_options=options)
    assert drawn == [["0xaa"], ["0xbb"], ["0xaa"], ["0xbb"], ["0xaa"]]


def test_two_holes_of_one_sequential_feed_take_one_value_each():
    options = {"numbers": {"file": "a.txt", "order": "sequential"}}
    params = [{"$feed": "numbers"}, {"$feed": "numbers"}]
    drawn = params_of(params, count=2, feeds={"numbers": ["1", "2", "3"]}, feed_options=options)
    assert drawn == [["1", "2"], ["3", "1"]]


def test_a_random_feed_draws_every_value():
    drawn = params_of([{"$feed": "accounts.n"}], count=50, feeds=FEED)
    assert all(row in ([1], [[2, NASTY]]) for row in drawn)
    assert len({json.dumps(row) for row in drawn}) == 2


def test_a_whole_entry_of_a_feed_can_be_a_param():
    drawn = params_of({"filter": {"$feed": "accounts"}}, count=10, feeds=FEED)
    assert all(row["filter"] in FEED["accounts"] for row in drawn)


def test_templates_are_found_at_any_depth_and_filled_in_their_order():
    params = {
        "a": [{"b": {"$block": "latest-1"}}, "50%", {"c": {"$random": [1, 1]}}],
        "d%d": {"$block": "latest"},
    }
    expected = {"a": [{"b": "0x63"}, "50%", {"c": "0x1"}], "d%d": "0x64"}
    assert params_of(params, count=1, head=100) == [expected]


def test_percent_signs_and_any_character_survive_in_methods_keys_and_values():
    params = {NASTY: [NASTY, {"$random": [1, 1]}], "b": {"$block": "latest"}}
    (body,) = bodies([{"method": NASTY, "params": params}], 1, head=1)
    assert body["method"] == NASTY
    assert body["params"] == {NASTY: [NASTY, "0x1"], "b": "0x1"}


texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)
literals = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | texts,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(texts.filter(lambda key: not key.startswith("$")), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(texts, literals, st.integers(1, 10**15))
def test_any_literal_params_arrive_as_they_were_written(method, value, first_id):
    request = compile_request(Call(method=method, params=[value]), None)
    sent = json.loads(request.render(first_id, (), None).decode("utf-8"))
    assert sent == {"jsonrpc": "2.0", "id": first_id, "method": method, "params": [finite(value)]}


def finite(value: Any) -> Any:
    """JSON has no infinity."""
    if isinstance(value, dict):
        return {key: finite(child) for key, child in value.items()}
    if isinstance(value, list):
        return [finite(child) for child in value]
    return None if value in (float("inf"), float("-inf")) else value


@settings(deadline=None)
@given(st.lists(st.tuples(texts, literals), min_size=1, max_size=5), st.integers(1, 10**12))
def test_any_batch_arrives_whole(calls, first_id):
    batch = BatchCall(batch=[Call(method=m, params=[p]) for m, p in calls])
    sent = json.loads(compile_request(batch, None).render(first_id, (), None))
    assert [(c["id"], c["method"], c["params"]) for c in sent] == [
        (first_id + i, m, [finite(p)]) for i, (m, p) in enumerate(calls)
    ]
