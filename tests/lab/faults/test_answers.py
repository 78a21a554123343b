"""Faults of HTTP answers and JSON-RPC bodies, hook by hook."""

from __future__ import annotations

import json

import pytest

from battlectl.lab.net.wire import Response
from tests.lab.faults.scripted import batch, call, fault_of, message, results

BODY = b'{"jsonrpc":"2.0","id":1,"result":"0x10"}'
RIGHT = Response(200, ((b"content-type", b"application/json"), (b"x-other", b"kept")), BODY)
REPLY = {"jsonrpc": "2.0", "id": 1, "result": "0x10"}


def is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def answered(kind, **attributes):
    response = fault_of(kind, **attributes).effect.response(message(call()), RIGHT)
    return response.status, dict(response.headers), response.body


def test_http_5xx():
    assert answered("http_5xx", status=502) == (
        502,
        {b"content-type": b"text/plain"},
        b"upstream failure\n",
    )


def test_http_429_says_when_to_come_back_unless_told_not_to():
    status, headers, body = answered("http_429", retry_after_s=7, body="slow down")
    assert (status, headers[b"retry-after"], body) == (429, b"7", b"slow down")
    assert b"retry-after" not in answered("http_429", retry_after_s=None)[1]


def test_wrong_content_type_changes_nothing_else():
    headers = {b"content-type": b"text/plain", b"x-other": b"kept"}
    assert answered("wrong_content_type", content_type="text/plain") == (200, headers, BODY)


def test_html_200_is_a_page():
    status, headers, body = answered("html_200")
    assert (status, headers[b"content-type"]) == (200, b"text/html; charset=utf-8")
    assert body.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("transport", ["http", "ws"])
def test_bodies_that_are_no_json(transport):
    asked = message(call(), transport=transport)
    assert fault_of("empty_body").effect.body(asked, BODY) == b""
    for keep in (0, 0.5, 1):
        cut = fault_of("truncated_json", keep=keep).effect.body(asked, BODY)
        assert BODY.startswith(cut)
        assert len(cut) == min(int(len(BODY) * keep), len(BODY) - 1)
        assert not is_json(cut)
    noise = fault_of("garbage", length=50).effect
    first, second = noise.body(asked, BODY), noise.body(asked, BODY)
    assert len(first) == len(second) == 50
    assert first != second
    assert not is_json(first.decode("latin-1"))


def test_what_goes_over_websocket_is_utf_8():
    over_ws = message(call(), transport="ws")
    noise = fault_of("garbage", length=5_000).effect.body(over_ws, BODY)
    assert noise.decode().isprintable()
    text = '{"result":"äöü"}'.encode()
    for kept in range(len(text)):
        cut = fault_of("truncated_json", keep=kept / len(text)).effect.body(over_ws, text)
        assert text.decode().startswith(cut.decode())


@pytest.mark.parametrize("keep", [0.0, 0.5, 1.0])
def test_truncating_nothing_leaves_nothing(keep):
    assert fault_of("truncated_json", keep=keep).effect.body(message(call()), b"") == b""


def error_from(kind, **attributes):
    reply = fault_of(kind, **attributes).effect.answer(message(call(id_="x")), call(id_="x"))
    assert reply["id"] == "x"
    assert "result" not in reply
    return reply["error"]


def test_errors_say_what_they_were_told_to():
    assert error_from("rate_limit_in_body") == {
        "code": -32005,
        "message": "daily request count exceeded, request rate limited",
    }
    assert error_from("rpc_error", code=-32000, message="m", data={"a": [1]}) == {
        "code": -32000,
        "message": "m",
        "data": {"a": [1]},
    }
    assert error_from("method_error", methods=["eth_call"]) == {"code": -32603, "message": "internal error"}


def test_a_revert_carries_its_reason_in_abi_encoding():
    error = error_from("revert")
    assert error["code"] == 3
    data = bytes.fromhex(error["data"][2:])
    assert (data[:4].hex(), len(data)) == ("08c379a0", 4 + 3 * 32)
    length = int.from_bytes(data[36:68], "big")
    assert error["message"] == "execution reverted: " + data[68 : 68 + length].decode()


@pytest.mark.parametrize(
    ("how", "id_", "expected"),
    [
        ("other", 1, 1_000_001),
        ("other", "a", "a-1000000"),
        ("null", 1, None),
        ("text", 1, "1"),
        ("text", "1", 1_000_000),
    ],
)
def test_wrong_id(how, id_, expected):
    given = {**REPLY, "id": id_}
    reply = fault_of("wrong_id", id=how).effect.reply(message(call()), call(), given)
    assert reply == {**REPLY, "id": expected}
    assert given["id"] == id_


def test_an_absent_id_is_no_null():
    reply = fault_of("wrong_id", id="absent").effect.reply(message(call()), call(), REPLY)
    assert reply == {"jsonrpc": "2.0", "result": "0x10"}


def limited(replies):
    return [reply["id"] for reply in replies if "error" in reply]


def test_rate_limit_in_batch_strikes_a_share_or_the_positions_given():
    given = results(10)
    some = fault_of("rate_limit_in_batch", share=0.3).effect.replies(batch(10), given)
    assert len(limited(some)) == 3
    assert [reply["id"] for reply in some] == list(range(1, 11))
    assert {reply["error"]["code"] for reply in some if "error" in reply} == {-32005}
    named = fault_of("rate_limit_in_batch", items=[0, 4, 99], code=429).effect.replies(batch(10), given)
    assert limited(named) == [1, 5]
    assert named[0]["error"]["code"] == 429
    assert given == results(10)


def test_a_small_share_strikes_one_item():
    assert len(limited(fault_of("rate_limit_in_batch", share=0.01).effect.replies(batch(3), results(3)))) == 1
    assert len(fault_of("batch_partial", share=0.01).effect.replies(batch(3), results(3))) == 2


def test_items_of_other_methods_are_spared():
    mixed = message(call("eth_call", id_=1), call(id_=2), call("eth_call", id_=3), is_batch=True)
    for kind in ("rate_limit_in_batch", "batch_partial"):
        effect = fault_of(kind, share=1.0, methods=["eth_call"]).effect
        assert [r["id"] for r in effect.replies(mixed, results(3)) if "error" not in r] == [2]


def test_batch_partial_drops_and_keeps_the_order():
    left = fault_of("batch_partial", share=0.4).effect.replies(batch(10), results(10))
    ids = [reply["id"] for reply in left]
    assert len(ids) == 6
    assert ids == sorted(ids)
    assert fault_of("batch_partial", share=1.0).effect.replies(batch(2), results(2)) == []


@pytest.mark.parametrize("count", [2, 3, 10])
def test_batch_reorder_never_leaves_the_order_alone(count):
    effect = fault_of("batch_reorder").effect
    for _ in range(50):
        replies = effect.replies(batch(count), results(count))
        assert replies != results(count)
        assert sorted(replies, key=lambda reply: reply["id"]) == results(count)


def test_a_batch_of_one_has_one_order():
    assert fault_of("batch_reorder").effect.replies(batch(1), results(1)) == results(1)
