"""Messages cut out of bytes: the same as wsproto makes of them, wherever the bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from battlectl.transport.ws_frames import Frames, Said

LARGEST = 70_000


def taken(*chunks: bytes, largest: int = LARGEST) -> list[Said]:
    frames = Frames(Connection(ConnectionType.CLIENT), largest)
    said: list[Said] = []
    for chunk in chunks:
        said += frames.take(chunk)
        if said and isinstance(said[-1], CloseConnection):
            break
    return said


def head(first: int, length: int) -> bytes:
    if length < 126:
        return bytes((first, length))
    if length < 1 << 16:
        return bytes((first, 126)) + length.to_bytes(2, "big")
    return bytes((first, 127)) + length.to_bytes(8, "big")


def text(payload: bytes, first: int = 0x81) -> bytes:
    return head(first, len(payload)) + payload


def meant(event: Event) -> Said:
    if isinstance(event, TextMessage):
        return event.data.encode()
    assert isinstance(event, BytesMessage | Ping | Pong | CloseConnection)
    return bytes(event.data) if isinstance(event, BytesMessage) else event


WHOLE = st.one_of(
    st.builds(TextMessage, st.text(max_size=200)),
    st.builds(TextMessage, st.text(st.characters(max_codepoint=127), min_size=60, max_size=400)),
    st.builds(TextMessage, st.integers(65_530, 65_540).map(lambda size: "x" * size)),
    st.builds(BytesMessage, st.binary(max_size=200)),
    st.builds(Ping, st.binary(max_size=100)),
    st.builds(Pong, st.binary(max_size=100)),
)


@given(st.lists(WHOLE, max_size=12), st.booleans(), st.data())
def test_whatever_a_server_says_is_taken_whole_and_in_order_wherever_it_is_cut(events, closes, data):
    server = Connection(ConnectionType.SERVER)
    told = [*events, *([CloseConnection(1000, "bye")] if closes else [])]
    sent = b"".join(server.send(event) for event in told)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=6)))
    pieces = [sent[start:end] for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    assert taken(*pieces) == [meant(event) for event in told]


def test_a_message_may_come_byte_by_byte():
    sent = text(b'{"a": 1}') + text(b"x" * 300)
    assert taken(*(bytes((one,)) for one in sent)) == [b'{"a": 1}', b"x" * 300]


def test_a_message_in_fragments_is_one_and_what_follows_is_taken_too():
    sent = text(b"one ", 0x01) + text(b"", 0x89) + text(b"two ", 0x00) + text(b"three", 0x80) + text(b"four")
    assert taken(sent) == [Ping(b""), b"one two three", b"four"]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (text(b"\xff\xfe"), 1007),
        (b"\xff" * 50, 1002),
        (text(b"a", 0x83), 1002),
        (text(b"a", 0xC1), 1002),
        (b"\x81\x7e\x00\x05hello", 1002),
        (b"\x81\x85\x01\x02\x03\x04hello", 1002),
        (text(b"x", 0x80), 1002),
        (text(b"\x03", 0x88), 1002),
        (text(b"", 0x88), 1005),
        (text((4001).to_bytes(2, "big") + b"go", 0x88), 4001),
    ],
)
def test_what_is_wrong_ends_it_with_the_code_that_wsproto_gives(sent, code):
    before, end = taken(text(b"before") + sent + text(b"after"))
    assert before == b"before"
    assert isinstance(end, CloseConnection)
    assert end.code == code


@pytest.mark.parametrize(
    "sent", [text(b"x" * 301), text(b"x" * 200, 0x01) + text(b"x" * 101, 0x80), text("é".encode() * 151)]
)
def test_a_message_that_is_too_large_is_an_end(sent):
    assert taken(text(b"x" * 300), largest=300) == [b"x" * 300]
    *_, end = taken(sent, largest=300)
    assert isinstance(end, CloseConnection)
    assert end.code == 1009


def test_no_more_is_held_of_a_message_without_end_than_is_allowed():
    said = taken(head(0x81, 1 << 40), *[b"x" * 1000] * 50, largest=10_000)
    assert isinstance(said[-1], CloseConnection)
