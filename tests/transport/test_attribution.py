"""Who served a reply: read from its headers, once for each head, and never more than what they say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.observe.served import OTHERS, UNNAMED, Served
from battlectl.transport.attribution import LONGEST_NAME, Attribution, BodyAttribution
from battlectl.transport.base import Reply
from battlectl.transport.known_heads import KnownHeads
from battlectl.transport.reply_parser import ReplyParser

LAB = Attribution("X-Lab-Provider", "X-Lab-Attempts")


def told(*headers: tuple[str, str], attribution: Attribution = LAB) -> Served:
    return attribution.read([(name.encode(), value.encode()) for name, value in headers])


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("X-Lab-Provider", "a"), ("X-Lab-Attempts", "2")], Served("a", 2)),
        ([("x-lab-provider", " a "), ("X-LAB-ATTEMPTS", "1 ")], Served("a", 1)),
        ([("X-Lab-Attempts", "0")], Served(UNNAMED, 0)),
        ([("X-Lab-Provider", "a")], Served("a", None)),
        ([("X-Lab-Provider", "")], Served(UNNAMED, None)),
        ([], Served(UNNAMED, None)),
        ([("X-Lab-Provider", "a"), ("X-Lab-Provider", "b")], Served("a, b", None)),
        ([("X-Lab-Provider", "(no reply)")], Served(OTHERS, None)),
        ([("X-Lab-Provider", "a" * LONGEST_NAME)], Served("a" * LONGEST_NAME, None)),
        ([("X-Lab-Provider", "a" * (LONGEST_NAME + 1))], Served(OTHERS, None)),
        ([("X-Lab-Provider", "a\x1b[2J")], Served(OTHERS, None)),
        ([("X-Lab-Provider", "nœud")], Served("nœud", None)),
    ],
)
def test_a_provider_is_what_the_header_says(headers, expected):
    assert told(*headers) == expected


@pytest.mark.parametrize("attempts", ["", "-1", "+1", "1.0", "two", "1, 2", "0x1", "9999999", "²", "1 2"])
def test_what_is_no_count_of_attempts_is_not_observable(attempts):
    assert told(("X-Lab-Provider", "a"), ("X-Lab-Attempts", attempts)) == Served("a", None)


def test_a_name_that_is_not_utf_8_is_kept_as_far_as_it_is_text():
    assert LAB.read([(b"X-Lab-Provider", b"a\xff")]) == Served("a\ufffd", None)


@pytest.mark.parametrize(
    ("attribution", "expected"),
    [
        (Attribution("X-Served-By", None), Served("a", None)),
        (Attribution(None, "X-Attempts"), Served(UNNAMED, 3)),
        (LAB, Served(UNNAMED, None)),
    ],
)
def test_only_the_headers_that_were_named_are_read(attribution, expected):
    assert told(("X-Served-By", "a"), ("X-Attempts", "3"), attribution=attribution) == expected


RETRIES = Attribution("X-Server", None, "X-Retries", names={"10.0.0.1:80": "node_a"})


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("X-Server", "10.0.0.1:80"), ("X-Retries", "0")], Served("node_a", 1)),
        ([("X-Server", "10.0.0.2:80"), ("X-Retries", "+2")], Served("10.0.0.2:80", 3)),
        ([("X-Retries", "++2")], Served(UNNAMED, None)),
        ([("X-Retries", "-1")], Served(UNNAMED, None)),
        ([("X-Server", "node_b"), ("X-Retries", "")], Served("node_b", None)),
    ],
)
def test_retries_are_one_less_than_attempts_and_addresses_have_names(headers, expected):
    assert told(*headers, attribution=RETRIES) == expected


TIMED = Attribution("X-Server", None, upstream_ms="X-Took")
TIMES = [("12", 0.012), ("0.5", 0.0005), (" 7 ", 0.007), ("1e2", 0.1)]
NO_TIMES = ["", "-1", "12ms", "nan", "inf", "1e8", "1, 2", "two", "9" * 400]


@pytest.mark.parametrize(("value", "seconds"), [*TIMES, *((value, None) for value in NO_TIMES)])
def test_a_time_is_a_number_of_milliseconds_or_not_observable(value, seconds):
    assert told(("X-Server", "a"), ("X-Took", value), attribution=TIMED) == Served("a", None, None, seconds)


@pytest.mark.parametrize(
    ("body", "seconds"),
    [(b"12", 0.012), (b"0.5", 0.0005), (b'"12"', None), (b"true", None), (b"-1", None), (b"1e9", None)],
)
def test_a_time_in_the_body_is_a_number_too(body, seconds):
    timed = BodyAttribution(None, None, upstream_ms=("took",))
    assert timed.read((), b'{"took": %s}' % body) == Served(UNNAMED, None, None, seconds)


@pytest.mark.parametrize(
    ("value", "state"), [("Closed", "closed"), ("half_open", "half_open"), ("unknown", ""), ("", "")]
)
def test_the_state_of_a_breaker_is_one_that_is_known_or_nothing(value, state):
    named = Attribution(None, None, breaker="X-Breaker")
    assert told(("X-Breaker", value), attribution=named).breaker == state
    placed = BodyAttribution(None, None, breaker=("state",))
    assert placed.read((), b'{"state": "%s"}' % value.encode()).breaker == state
    assert placed.read((), b'{"state": 1}').breaker == ""


BODY = BodyAttribution(("meta", "by", 0), ("meta", "attempts"), ("meta", "retries"), {"n1": "node_a"})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"meta": {"by": ["n1"], "attempts": 2}}', Served("node_a", 2)),
        (b'{"meta": {"by": ["n2"], "retries": 2}}', Served("n2", 3)),
        (b'{"meta": {"by": [], "retries": "2"}}', Served()),
        (b'{"meta": {"by": ["n1"], "attempts": true, "retries": -1}}', Served("node_a", None)),
        (b'{"meta": {"by": ["(other)"], "attempts": 1.0}}', Served(OTHERS, None)),
        (b'{"meta": null}', Served()),
        (b'[{"meta": {"by": ["n1"]}}]', Served()),
        (b"[" * 100_000, Served()),
        (b'{"meta"', Served()),
        (b"\xff", Served()),
    ],
)
def test_a_place_in_the_body_tells_it_or_nothing_does(body, expected):
    assert BODY.read((), body) == expected


def test_a_known_head_is_no_word_on_another_body():
    known = KnownHeads()
    bodies = [b'{"meta": {"by": ["n%d"]}}' % number for number in (1, 2, 1)]
    replies = [parse(reply("a", 1, body), known, BODY) for body in bodies]
    assert known.find(reply("a", 1, bodies[1])) is not None
    assert [one.served.provider for one in replies] == ["node_a", "n2", "node_a"]


@pytest.mark.parametrize(
    ("served", "expected"),
    [
        (Served("a"), False),
        (Served("a", 1), False),
        (Served("a", 2), True),
        (Served("a", 2, 1), False),
        (Served("a", 3, 2), True),
    ],
)
def test_a_second_transport_of_one_provider_is_no_failover(served, expected):
    assert served.is_failover == expected


def reply(provider: str, attempts: int, body: bytes = b"hello", framing: str | None = None) -> bytes:
    sized = framing or f"Content-Length: {len(body)}"
    head = f"HTTP/1.1 200 OK\r\nX-Lab-Provider: {provider}\r\nX-Lab-Attempts: {attempts}\r\n{sized}\r\n\r\n"
    return head.encode() + body


CHUNKED = reply("c", 3, b"5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked")


def parse(data: bytes, known: KnownHeads, attribution: Attribution | None = LAB):
    return ReplyParser(1_000, known, attribution).feed(data)


def test_a_known_head_says_who_served_as_the_first_of_its_kind_did():
    known = KnownHeads()
    first, second = parse(reply("a", 1), known), parse(reply("a", 1, b"world"), known)
    assert known.find(reply("a", 1, b"third")) is not None
    assert (first.served, second.served, second.body) == (Served("a", 1), Served("a", 1), b"world")


def test_each_head_says_its_own():
    known = KnownHeads()
    sent = [("a", 1), ("b", 1), ("a", 2), ("b", 12)] * 2
    assert [parse(reply(*one), known).served for one in sent] == [Served(*one) for one in sent]


def test_replies_that_are_never_remembered_say_it_too():
    assert parse(CHUNKED, KnownHeads()).served == Served("c", 3)
    parser = ReplyParser(1_000, KnownHeads(), LAB)
    assert parser.feed(reply("d", 4, b"hello", "Connection: close")) is None
    assert parser.end().served == Served("d", 4)


@pytest.mark.parametrize("data", [reply("a", 1), CHUNKED])
def test_where_no_headers_are_named_nothing_is_said(data):
    known = KnownHeads()
    assert [parse(data, known, None).served for _ in range(2)] == [None, None]


headed = st.builds(reply, st.sampled_from("abc"), st.integers(0, 12), st.sampled_from([b"hello", b"worlds"]))
mangled = st.builds(
    lambda data, at, piece: data[:at] + piece + data[at:], headed, st.integers(0, 70), st.binary(max_size=2)
)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(headed, mangled), min_size=1, max_size=6))
def test_a_known_head_never_changes_who_served(replies):
    known = KnownHeads()
    for data in replies:
        found, fresh = parse(data, known), parse(data, KnownHeads())
        assert type(found) is type(fresh)
        if isinstance(found, Reply):
            assert found.served == fresh.served
