"""What the quick reader accepts, h11 reads the same way; what it does not, it leaves to h11."""

import h11
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from battlectl.lab.net.wire import (
    Request,
    Response,
    read_plain_reply,
    read_plain_request,
    request_bytes,
    response_bytes,
)

REQUEST = b"POST /rpc?x=1 HTTP/1.1\r\nHost: lab\r\nX-Request-Id:  a b \r\nContent-Length: 2\r\n\r\nhi"
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: 2\r\n\r\n{}"
FRAGMENTS = st.sampled_from(
    [
        *(b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"\0", b"\xff", b"Content-Length: 2\r\n", b"Host: b\r\n"),
        *(
            b"Transfer-Encoding: chunked\r\n",
            b"Connection: close\r\n",
            b"Connection: keep-alive\r\n",
            b"0",
            b"+",
        ),
        *(b"Expect: 100-continue\r\n", b"Upgrade: h2c\r\n", b"HTTP/1.0", b"GET", b",", b"a b: c\r\n", b"1"),
    ]
)


@st.composite
def mutations(draw, original):
    """The original with up to three fragments put in, each over up to four of its bytes."""
    data = original
    for _ in range(draw(st.integers(0, 3))):
        at, over = draw(st.integers(0, len(data))), draw(st.integers(0, 4))
        data = data[:at] + draw(FRAGMENTS) + data[at + over :]
    return data


def read_with_h11(connection, data):
    """(first event, body), when `data` is exactly one message; raises when it is not one."""
    connection.receive_data(data)
    head, body = connection.next_event(), b""
    while isinstance(event := connection.next_event(), h11.Data):
        body += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage)
    assert connection.trailing_data == (b"", False)
    return head, body


def waiting_client():
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="POST", target="/", headers=[("host", "lab")]))
    client.send(h11.EndOfMessage())
    return client


@settings(max_examples=500)
@example(REQUEST)
@given(mutations(REQUEST))
def test_a_plain_request_is_what_h11_reads(data):
    plain = read_plain_request(data)
    if plain is not None:
        server = h11.Connection(h11.SERVER)
        head, body = read_with_h11(server, data)
        assert server.their_state is h11.DONE
        assert plain == Request(head.method.decode(), head.target.decode(), list(head.headers), body)


@settings(max_examples=500)
@example(REPLY)
@given(mutations(REPLY))
def test_a_plain_reply_is_what_h11_reads(data):
    plain = read_plain_reply(data)
    if plain is not None:
        client = waiting_client()
        head, body = read_with_h11(client, data)
        assert client.their_state is h11.DONE
        assert plain[:2] == (head.status_code, body)
        assert list(plain[2]) == list(head.headers)


def test_the_usual_messages_are_plain():
    assert read_plain_request(REQUEST).body == b"hi"
    assert read_plain_request(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n").body == b""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    assert read_plain_reply(REPLY) == (200, b"{}", headers)


@pytest.mark.parametrize(
    "data",
    [
        REQUEST[:-1],
        REQUEST + b"P",
        REQUEST.replace(b"Host: lab\r\n", b""),
        REQUEST.replace(b"Host: lab\r\n", b"Host: lab\r\nHost: lab\r\n"),
        REQUEST.replace(b"Content-Length: 2", b"Content-Length: +2"),
        REQUEST.replace(b"Content-Length: 2", b"Content-Length: 2\r\nContent-Length: 2"),
        REQUEST.replace(b"Content-Length: 2", b"Content-Length : 2"),
        REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"),
        REQUEST.replace(b"\r\n", b"\n"),
        REQUEST.replace(b"X-Request-Id", b"Connection: close\r\nX"),
        REQUEST.replace(b"X-Request-Id", b"Transfer-Encoding: chunked\r\nX"),
        REQUEST.replace(b"X-Request-Id", b"Expect: 100-continue\r\nX"),
    ],
)
def test_the_unusual_request_is_left_to_h11(data):
    assert read_plain_request(data) is None


@pytest.mark.parametrize(
    "data",
    [
        REPLY[:-1],
        REPLY + b"x",
        REPLY.replace(b"content-length: 2", b"x: 2"),
        REPLY.replace(b"200 OK", b"204 No Content"),
        REPLY.replace(b"200 OK", b"100 Continue"),
        REPLY.replace(b"content-length", b"connection: close\r\ncontent-length"),
    ],
)
def test_the_unusual_reply_is_left_to_h11(data):
    assert read_plain_reply(data) is None


@given(st.binary(max_size=50))
def test_what_is_written_h11_reads(body):
    head, seen = read_with_h11(
        h11.Connection(h11.SERVER), request_bytes("/x", ((b"host", b"lab"), (b"x-a", b"1")), body)
    )
    assert (head.target, seen, (b"x-a", b"1") in list(head.headers)) == (b"/x", body, True)
    answer, seen = read_with_h11(
        waiting_client(), response_bytes(Response(200, ((b"x-a", b"1"),), body), "POST", False)
    )
    assert (answer.status_code, bytes(answer.reason), seen) == (200, b"OK", body)


def test_the_last_answer_says_so_and_204_and_head_have_no_body():
    assert b"connection: close\r\n" in response_bytes(Response(200), "GET", True)
    assert response_bytes(Response(204), "POST", False) == b"HTTP/1.1 204 No Content\r\n\r\n"
    assert response_bytes(Response(200, (), b"abc"), "HEAD", False).endswith(b"content-length: 3\r\n\r\n")


def test_a_status_that_http_does_not_name_goes_out_without_a_phrase():
    data = response_bytes(Response(520, (), b"x"), "POST", is_last=False)
    head, body = read_with_h11(waiting_client(), data)
    assert (head.status_code, bytes(head.reason), body) == (520, b"", b"x")
