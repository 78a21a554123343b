"""Batches: one outcome an item, found by its id."""

from __future__ import annotations

import pytest

from battlectl.jsonrpc.reply import judge_reply
from tests.jsonrpc.replies import FIRST_ID, JSON, error, item, judge_batch, result

SEVEN, EIGHT = result(id_="7"), result(id_="8")


@pytest.mark.parametrize(
    ("body", "labels"),
    [
        (f"[{SEVEN},{EIGHT}]", ["ok", "ok"]),
        (f"[{EIGHT},{SEVEN}]", ["ok", "ok"]),
        (f"[{SEVEN}]", ["ok", "malformed"]),
        (f"[{EIGHT}]", ["malformed", "ok"]),
        ("[]", ["malformed", "malformed"]),
        (f"[{SEVEN},{SEVEN},{EIGHT}]", ["malformed", "ok"]),
        (f"[{SEVEN},{EIGHT},{result(id_='9')}]", ["malformed", "malformed"]),
        (f"[{SEVEN},{result(id_='9')}]", ["ok", "malformed"]),
        (f"[{SEVEN},{error('3', '8')}]", ["ok", "rpc_error(3)"]),
        (f"[{SEVEN},null]", ["ok", "malformed"]),
        (f"[{SEVEN},{result(id_='true')}]", ["ok", "malformed"]),
        (f"[{SEVEN},{result(id_='8.0')}]", ["ok", "malformed"]),
        (f"[{SEVEN},{error('3', 'null')}]", ["ok", "malformed"]),
        (f"[{SEVEN},{EIGHT.replace('2.0', '1.0')}]", ["ok", "malformed"]),
        (f"[[{SEVEN},{EIGHT}]]", ["malformed", "malformed"]),
        (SEVEN, ["malformed", "malformed"]),
        (error("-32600", "null"), ["rpc_error(-32600)", "rpc_error(-32600)"]),
        ('{"id":null,"error":{"code":1,"message":"x"}}', ["malformed", "malformed"]),
        ("null", ["malformed", "malformed"]),
        ("<html>", ["malformed", "malformed"]),
    ],
)
def test_each_item_has_the_reply_with_its_id(body, labels):
    assert judge_batch(body) == labels


def test_missing_duplicate_and_stray_replies_are_named():
    body = f"[{SEVEN},{SEVEN},{result(id_='9')}]".encode()
    (_, twice), (_, missing) = judge_reply(200, JSON, body, [item(), item()], FIRST_ID, True)
    assert twice.startswith("2 replies in the batch for one id")
    assert missing == "no reply in the batch; 1 of 3 replies carry an id that was not sent"


@pytest.mark.parametrize("status", [404, 503])
def test_under_a_status_that_is_no_success_only_error_objects_count(status):
    label = f"http_error({status})"
    assert judge_batch(f"[{SEVEN},{error('3', '8')}]", status=status) == [label, "rpc_error(3)"]
    assert judge_batch("[]", status=status) == [label, label]
    assert judge_batch(SEVEN, status=status) == [label, label]
    assert judge_batch(error("3", "null"), status=status) == ["rpc_error(3)", "rpc_error(3)"]


def test_each_item_is_judged_by_its_own_rule():
    items = (item(error=3), item(kind="null"), item())
    body = f"[{error('3', '7')},{result('1', '8')},{error('3', '9')}]"
    assert judge_batch(body, *items) == ["ok", "wrong", "rpc_error(3)"]


def test_an_error_for_the_whole_batch_is_judged_by_the_rule_of_each_item():
    assert judge_batch(error("3", "null"), item(error=3), item()) == ["ok", "rpc_error(3)"]
    assert judge_batch(error("3", "null"), item(), item(error=3)) == ["rpc_error(3)", "ok"]


def test_a_batch_of_one_needs_an_array_too():
    assert judge_batch(f"[{SEVEN}]", item()) == ["ok"]
    assert judge_batch(SEVEN, item()) == ["malformed"]
