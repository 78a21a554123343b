"""What a scenario expects: then that is ok, and any other valid answer is wrong."""

from __future__ import annotations

import pytest

from tests.jsonrpc.replies import error, judge, result


@pytest.mark.parametrize(
    ("body", "label"),
    [(error("3"), "ok"), (error("4"), "wrong"), (result(), "wrong"), (error('"3"'), "malformed")],
)
def test_an_expected_error_is_ok_and_anything_else_is_not(body, label):
    assert judge(body, error=3)[0] == label


def test_an_expected_error_is_ok_whatever_the_status():
    assert judge(error("3"), 400, error=3)[0] == "ok"
    assert judge("Bad Request", 400, error=3)[0] == "http_error(400)"


def test_what_is_wrong_is_said():
    assert judge(error("4"), error=3)[1].startswith("error 4 where error 3 is expected")
    assert judge(result("2"), result=1)[1] == "2 where 1 is expected"


@pytest.mark.parametrize(
    ("expected", "answer", "label"),
    [
        (1, "1", "ok"),
        (1, "true", "wrong"),
        (True, "1", "wrong"),
        (True, "true", "ok"),
        (False, "0", "wrong"),
        (False, "false", "ok"),
        (0, "false", "wrong"),
        (None, "null", "ok"),
        (None, "false", "wrong"),
        (1, "1.0", "ok"),
        ("1", "1", "wrong"),
        ([1, 2], "[1,2]", "ok"),
        ([1, 2], "[2,1]", "wrong"),
        ([1], "[true]", "wrong"),
        ([1], "[1,2]", "wrong"),
        ({"a": 1, "b": [None]}, '{"b":[null],"a":1}', "ok"),
        ({"a": 1}, '{"a":true}', "wrong"),
        ({"a": 1}, '{"a":1,"b":2}', "wrong"),
        ({}, "[]", "wrong"),
    ],
)
def test_a_literal_result_is_compared_as_json(expected, answer, label):
    assert judge(result(answer), result=expected)[0] == label


@pytest.mark.parametrize(
    ("pattern", "answer", "label"),
    [
        ("0x[0-9a-f]+", '"0x1f"', "ok"),
        ("0x[0-9a-f]+", '"0x1f "', "wrong"),
        ("0x[0-9a-f]+", '"a0x1f"', "wrong"),
        ("0x[0-9a-f]+", "31", "wrong"),
        (".*", "null", "wrong"),
    ],
)
def test_a_pattern_matches_a_whole_text(pattern, answer, label):
    assert judge(result(answer), pattern=pattern)[0] == label


KINDS = {
    "string": ['""', '"x"'],
    "quantity": ['"0x0"', '"0x1"', '"0xaBc"'],
    "number": ["0", "-1", "1.5"],
    "boolean": ["true", "false"],
    "object": ["{}"],
    "array": ["[]"],
    "null": ["null"],
}
ANSWERS = {answer: kind for kind, answers in KINDS.items() for answer in answers}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_kind_is_the_json_type_of_the_result(kind, answer):
    fits = ANSWERS[answer] == kind or (kind == "string" and ANSWERS[answer] == "quantity")
    assert judge(result(answer), kind=kind)[0] == ("ok" if fits else "wrong")


@pytest.mark.parametrize("answer", ['"0x"', '"0x01"', '"0x00"', '"1"', '"0xg"', '"0X1"', '" 0x1"', "1"])
def test_a_quantity_has_no_leading_zeros(answer):
    assert judge(result(answer), kind="quantity")[0] == "wrong"


def test_several_expectations_hold_together():
    assert judge(result('"0x1"'), kind="quantity", pattern="0x1")[0] == "ok"
    assert judge(result('"0x2"'), kind="quantity", pattern="0x1")[0] == "wrong"


def test_an_error_where_a_result_is_expected_is_an_rpc_error():
    assert judge(error(), kind="quantity")[0] == "rpc_error(-32000)"
