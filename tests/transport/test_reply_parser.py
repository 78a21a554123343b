"""Reading replies: strictness, bounds, pieces; and a known head never changes what is read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.transport.base import NoReply, Reply
from battlectl.transport.known_heads import PAUSE, PAUSE_AFTER, KnownHeads
from battlectl.transport.reply_parser import MOST_HEADER_BYTES, ReplyParser

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
MOST_BODY = 1_000


def read(*pieces: bytes, end: bool = False, known: KnownHeads | None = None):
    """(what came of each piece in short, whether the connection can be used again)."""
    parser = ReplyParser(MOST_BODY, known or KnownHeads())
    answers = [parser.feed(piece) for piece in pieces]
    if end:
        answers.append(parser.end())
    return [short(answer) for answer in answers], parser.reusable


def short(answer: Reply | NoReply | None):
    if isinstance(answer, Reply):
        return answer.status, answer.body
    return answer.outcome if answer is not None else None


@pytest.mark.parametrize(
    ("pieces", "expected", "reusable"),
    [
        ([OK], [(200, b"hello")], True),
        ([OK, OK], [(200, b"hello")] * 2, True),
        ([OK[:40], OK[40:]], [None, (200, b"hello")], True),
        ([CHUNKED], [(200, b"hello")], True),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], [(204, b"")], True),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", OK], [None, (200, b"hello")], True),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" + OK], [(200, b"hello")], True),
        ([OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")], [(200, b"hello")], False),
        ([b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"], [(200, b"x")], False),
        ([OK + b"surplus"], [(200, b"hello")], False),
        ([OK + OK], [(200, b"hello")], False),
        ([b"garbage\r\n\r\n"], ["malformed"], False),
        ([OK.replace(b"\r\n", b"\n")], ["malformed"], False),
        ([OK.replace(b"Length: 5", b"Length: 5, 6")], ["malformed"], False),
        ([OK.replace(b"Length: 5", b"Length: 5\r\nContent-Length: 5")], ["malformed"], False),
        ([OK.replace(b"Content-Type:", b"Content-Type :")], ["malformed"], False),
        ([CHUNKED.replace(b"chunked", b"chunked\r\nContent-Length: 4")], ["malformed"], False),
        (
            [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"],
            ["malformed"],
            False,
        ),
        ([OK.replace(b": 5", b": 5000") + b"x" * 2_000], ["too_large"], False),
        ([b"HTTP/1.1 200 OK\r\nX: " + b"y" * (MOST_HEADER_BYTES + 1)], ["too_large"], False),
    ],
)
def test_a_reply_is_read_strictly(pieces, expected, reusable):
    assert read(*pieces) == (expected, reusable)


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo"], (200, b"hello")),
        ([OK[:-1]], "malformed"),
        ([CHUNKED[:-5]], "malformed"),
        ([b"HTTP/1.1 20"], "malformed"),
        ([], None),
    ],
)
def test_the_end_of_the_connection_is_the_end_of_the_reply_or_of_hope(pieces, expected):
    assert read(*pieces, end=True)[0][-1] == expected


mutated = st.builds(
    lambda data, at, piece: data[:at] + piece + data[at + len(piece) :],
    st.sampled_from([OK, OK.replace(b"hello", b"world"), CHUNKED, OK + OK, OK[:-1], OK + b"x"]),
    st.integers(0, len(OK) + 1),
    st.binary(max_size=3),
)


@settings(deadline=None, max_examples=400)
@given(st.lists(mutated, min_size=1, max_size=4))
def test_a_known_head_never_changes_what_is_read(replies):
    known = KnownHeads()
    read(OK, known=known)
    for data in replies:
        assert read(data, known=known) == read(data)


def test_a_known_head_is_one_that_was_read_whole_and_sized():
    known = KnownHeads()
    for data in (OK[:-1], CHUNKED, OK + b"surplus", b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"):
        read(data, known=known)
        assert known.find(data) is None
    read(OK, known=known)
    assert known.find(OK.replace(b"hello", b"other")) == Reply(200, known.find(OK).headers, b"other")
    assert known.find(OK + b"x") is None
    assert known.find(OK[:-1]) is None


def numbered(number: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nX-Id: %d\r\nContent-Length: 2\r\n\r\nhi" % number


def test_where_no_head_comes_twice_remembering_pauses_and_is_tried_again():
    known = KnownHeads()
    for number in range(PAUSE_AFTER + 2):
        read(numbered(number), known=known)
    again = numbered(0)
    for _ in range(PAUSE):
        assert known.find(again) is None
    read(again, known=known)
    assert known.find(again) is not None


def test_heads_that_come_again_keep_the_memory_awake():
    known = KnownHeads()
    for number in range(3 * PAUSE_AFTER):
        read(numbered(number), known=known)
        read(numbered(0), known=known)
    assert known.find(numbered(0)) is not None
