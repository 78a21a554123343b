"""One reply to one call, read strictly: what JSON-RPC 2.0 and RFC 8259 do not allow is malformed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.jsonrpc.reply import judge_reply
from battlectl.observe.outcome import MEANINGS, outcome_of
from tests.jsonrpc.replies import FIRST_ID, JSON, error, item, judge, result

RIGHT = [
    result(),
    result("null"),
    result("false"),
    result("0"),
    result("[]"),
    result('{"error": 1}'),
    result("123456789012345678901234567890"),
    result('"ünï €😀"'),
    '{"result":1,"id":7,"jsonrpc":"2.0","extra":true}',
    " \n\t" + result() + "\r\n ",
]


@pytest.mark.parametrize("body", RIGHT)
def test_right(body):
    assert judge(body) == ("ok", None)


MALFORMED = {
    "another id": (result(id_="8"), "the id is 8 where 7 was sent"),
    "a text id": (result(id_='"7"'), 'the id is "7" where 7 was sent'),
    "a true id": (result(id_="true"), "the id is true"),
    "a fractional id": (result(id_="7.0"), "the id is 7.0"),
    "a huge id": (result(id_="123456789012345678901234567890"), "where 7 was sent"),
    "a null id with a result": (result(id_="null"), "the id is null"),
    "no id": ('{"jsonrpc":"2.0","result":1}', "no id"),
    "no version": ('{"id":7,"result":1}', "the version is not 2.0"),
    "the version as a number": ('{"jsonrpc":2.0,"id":7,"result":1}', "the version is not 2.0"),
    "version 1.0": ('{"jsonrpc":"1.0","id":7,"result":1}', "the version is not 2.0"),
    "both": ('{"jsonrpc":"2.0","id":7,"result":1,"error":{"code":1,"message":""}}', "both result and error"),
    "both, the error null": ('{"jsonrpc":"2.0","id":7,"result":1,"error":null}', "both result and error"),
    "both, the result null": (
        '{"jsonrpc":"2.0","id":7,"result":null,"error":{"code":1,"message":""}}',
        "both result and error",
    ),
    "neither": ('{"jsonrpc":"2.0","id":7}', "neither result nor error"),
    "a null error alone": ('{"jsonrpc":"2.0","id":7,"error":null}', "neither result nor error"),
    "an error without a code": ('{"jsonrpc":"2.0","id":7,"error":{"message":"x"}}', "whole-number code"),
    "an error without a message": ('{"jsonrpc":"2.0","id":7,"error":{"code":1}}', "text message"),
    "a message that is no text": ('{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":2}}', "text message"),
    "a code as text": (error('"-32000"'), "whole-number code"),
    "a fractional code": (error("1.5"), "whole-number code"),
    "a true code": (error("true"), "whole-number code"),
    "an error that is text": ('{"jsonrpc":"2.0","id":7,"error":"no"}', "whole-number code"),
    "an error for another id": (error(id_="8"), "the id is 8"),
    "an error without version": ('{"id":7,"error":{"code":1,"message":"x"}}', "the version"),
    "an array": (f"[{result()}]", "JSON but no object"),
    "an empty array": ("[]", "JSON but no object"),
    "a text": ('"ok"', "JSON but no object"),
    "a number": ("7", "JSON but no object"),
    "null": ("null", "JSON but no object"),
    "nothing": ("", "not JSON"),
    "white space": ("  ", "not JSON"),
    "HTML": ("<html><h1>It works!</h1>", "not JSON"),
    "NaN": (result("NaN"), "not JSON"),
    "Infinity": (result("-Infinity"), "not JSON"),
    "a number out of all range": (result("1e999"), "not JSON"),
    "a byte order mark": ("\ufeff" + result(), "not JSON"),
    "trailing bytes": (result() + "x", "not JSON"),
    "two replies": (result() + result(), "not JSON"),
    "cut short": (result()[:-1], "not JSON"),
    "single quotes": (result().replace('"', "'"), "not JSON"),
    "a trailing comma": (result("[1,]"), "not JSON"),
    "a comment": (result() + "// ok", "not JSON"),
    "a leading zero": (result("01"), "not JSON"),
    "a raw control character": (result('"\x01"'), "not JSON"),
    "half a surrogate pair": (result('"\\ud800"'), "not JSON"),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed(kind):
    body, reason = MALFORMED[kind]
    label, seen = judge(body)
    assert label == "malformed"
    assert reason in seen


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc":"2.0","id":7,"result":"\xff"}',
        b'{"jsonrpc":"2.0","id":7,"result":1,"\xc3\x28":2}',
        result('"ü"').encode("utf-16"),
        result('"ü"').encode("latin-1"),
    ],
)
def test_what_is_no_utf_8_is_malformed(body):
    assert judge(body)[0] == "malformed"


@pytest.mark.parametrize("code", ["-32000", "3", "0", "-32700"])
def test_an_error_object_is_an_rpc_error_with_its_code(code):
    label, seen = judge(error(code))
    assert label == f"rpc_error({code})"
    assert '"message":"no"' in seen


def test_an_error_may_carry_a_null_id_where_the_request_was_not_read():
    assert judge(error("-32700", id_="null"))[0] == "rpc_error(-32700)"
    assert judge(error("-32600", id_="null"))[0] == "rpc_error(-32600)"
    assert judge(error(id_="null"), status=429)[0] == "rpc_error(-32000)"


def test_a_code_of_many_digits_does_not_become_a_label_of_many_digits():
    assert judge(error("9" * 300))[0] == "rpc_error(other)"


@pytest.mark.parametrize("status", [200, 201, 202, 299])
def test_any_status_of_success_carries_a_result(status):
    assert judge(result(), status)[0] == "ok"


@pytest.mark.parametrize(
    "status", [100, 199, 300, 301, 304, 307, 400, 401, 403, 404, 429, 500, 502, 503, 599]
)
class TestStatusThatIsNoSuccess:
    def test_with_an_error_object_it_is_an_rpc_error(self, status):
        assert judge(error(), status)[0] == "rpc_error(-32000)"

    @pytest.mark.parametrize("body", [result(), "", "<html>Bad Gateway</html>", "[]", error(id_="8")])
    def test_with_anything_else_it_is_an_http_error(self, status, body):
        label, seen = judge(body, status)
        assert label == f"http_error({status})"
        assert seen

    def test_an_error_object_with_a_wrong_content_type_is_no_answer(self, status):
        assert judge(error(), status, b"text/html")[0] == f"http_error({status})"


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/json",
        b"application/json; charset=utf-8",
        b"application/json;charset=UTF-8",
        b"Application/JSON ; charset=utf-8",
        b"application/json-rpc",
        b"application/jsonrequest",
        b"application/problem+json",
    ],
)
def test_json_content_types(content_type):
    assert judge(result(), 200, content_type)[0] == "ok"


@pytest.mark.parametrize(
    "content_type",
    [
        b"",
        b"text/html",
        b"text/plain",
        b"text/json",
        b"application/jsonp",
        b"application/xml",
        b"json",
        b"\xff\x00",
    ],
)
def test_other_content_types_are_malformed_however_right_the_body(content_type):
    label, seen = judge(result(), 200, content_type)
    assert label == "malformed"
    assert "content type" in seen


@pytest.mark.parametrize("depth", [5, 200, 900, 950, 970, 980, 985, 990, 995, 1_000, 5_000, 200_000])
def test_nesting_is_an_outcome_and_never_an_exception(depth):
    deep = "[" * depth + "]" * depth
    assert judge(result(deep))[0] in ("ok", "malformed")
    assert judge(result(deep, id_="8"))[0] == "malformed"
    assert judge(f'{{"a":{deep}}}', 500)[0] == "http_error(500)"


def test_every_depth_around_the_limit_of_the_stack():
    for depth in range(880, 1_000):
        deep = "[" * depth + "]" * depth
        assert judge(result(deep, id_="8"))[0] == "malformed"
        assert judge(result(deep), result="0x1")[0] in ("wrong", "malformed")


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200), st.integers(100, 599))
def test_any_bytes_are_one_outcome_and_never_an_exception(body, status):
    label, seen = judge(body, status)
    assert outcome_of(label) in MEANINGS
    assert label != "ok"
    assert seen


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
members = st.dictionaries(
    st.sampled_from(["jsonrpc", "id", "result", "error", "x"]),
    st.sampled_from(["2.0", 7, None, {"code": 3, "message": "m"}]) | json_values,
)


@settings(deadline=None, max_examples=300)
@given(members, st.sampled_from([200, 500]))
def test_an_object_is_ok_only_with_version_id_and_result_and_no_error(message, status):
    right = (
        message.get("jsonrpc") == "2.0"
        and type(message.get("id")) is int
        and message["id"] == 7
        and "result" in message
        and "error" not in message
        and status == 200
    )
    label, _ = judge(json.dumps(message), status)
    assert (label == "ok") == right


def test_what_was_seen_is_short_however_long_the_reply():
    for body in (result('"' + "x" * 10**6 + '"', id_="8"), "<" * 10**6, error('"' + "9" * 10**6 + '"')):
        assert len(judge(body)[1]) < 400


class TestTextIds:
    """What was sent as text comes back as text."""

    @pytest.mark.parametrize(
        ("id_", "label"),
        [('"7"', "ok"), ("7", "malformed"), ('"8"', "malformed"), ("0", "malformed"), ("null", "malformed")],
    )
    def test_of_one_call(self, id_, label):
        body = result(id_=id_).encode()
        ((found, seen),) = judge_reply(200, JSON, body, [item()], FIRST_ID, False, has_text_ids=True)
        assert found == label
        assert seen is None or 'where "7" was sent' in seen

    def test_of_a_batch(self):
        mixed = ("[" + result(id_='"8"') + "," + result(id_="7") + "]").encode()
        judged = judge_reply(200, JSON, mixed, [item(), item()], FIRST_ID, True, has_text_ids=True)
        assert [label for label, _ in judged] == ["malformed", "ok"]

    def test_of_an_error_in_place_of_a_batch(self):
        body = error("-32005", "null").encode()
        judged = judge_reply(200, JSON, body, [item(), item()], FIRST_ID, True, has_text_ids=True)
        assert [label for label, _ in judged] == ["rpc_error(-32005)"] * 2


@pytest.mark.parametrize("code", ["-32000", "3", "-32602", "-32005"])
def test_an_error_of_who_read_the_request_has_its_id(code):
    label, seen = judge(error(code, id_="null"))
    assert label == "malformed"
    assert "the id is null where 7 was sent" in seen
