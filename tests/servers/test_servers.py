"""Each server does what its name says, shown with plain sockets and the parser of the standard library."""

import json
import socket
import ssl
import time
from contextlib import contextmanager
from http.client import HTTPResponse

import pytest

from tests.servers import SERVERS, serving

pytestmark = pytest.mark.real


def request(call_id=1, method="eth_blockNumber"):
    return framed({"jsonrpc": "2.0", "id": call_id, "method": method, "params": []})


def framed(call):
    body = json.dumps(call).encode()
    return b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


@contextmanager
def connected(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as sock:
        yield sock


def ask(sock, call_id=1):
    """One exchange on a connection: the response as the standard library reads it, and its body."""
    sock.sendall(request(call_id))
    return receive(sock)


def receive(sock):
    with HTTPResponse(sock, method="POST") as response:
        response.begin()
        return response, response.read()


def read_all(sock):
    """Everything until the server closes."""
    return b"".join(iter(lambda: sock.recv(65536), b""))


def first_reply(name, **params):
    with serving(name, **params) as server, connected(server) as sock:
        response, body = ask(sock)
        return response.status, response.headers.get_content_type(), body


RIGHT = {"jsonrpc": "2.0", "id": 1, "result": "0x1"}


@pytest.mark.parametrize(
    "name", ["echo", "chunked", "no_length", "interim", "close_after_n", "reversed_batch"]
)
def test_correct_servers_answer_right(name):
    status, kind, body = first_reply(name)
    assert (status, kind, json.loads(body)) == (200, "application/json", RIGHT)


@pytest.mark.parametrize(
    ("name", "params", "changed"),
    [
        ("wrong_id", {}, {"id": "someone else's"}),
        ("wrong_id", {"reply_id": None}, {"id": None}),
        ("wrong_version", {}, {"jsonrpc": "1.0"}),
    ],
)
def test_replies_that_are_wrong_in_one_member(name, params, changed):
    assert json.loads(first_reply(name, **params)[2]) == RIGHT | changed


@pytest.mark.parametrize("status", [200, 500])
def test_an_error_object_comes_with_any_status(status):
    got, kind, body = first_reply("error_object", status=status, code=-32005)
    assert (got, kind) == (status, "application/json")
    assert json.loads(body)["error"]["code"] == -32005


@pytest.mark.parametrize("name", ["html", "not_json", "empty"])
def test_bodies_that_are_not_json(name):
    status, kind, body = first_reply(name)
    assert status == 200
    assert kind == ("text/html" if name == "html" else "application/json")
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(body)


def test_wrong_type_is_right_but_for_its_type():
    status, kind, body = first_reply("wrong_type")
    assert (status, kind, json.loads(body)) == (200, "text/html", RIGHT)


def test_status_may_be_a_redirect():
    with serving("status", code=302, location="http://127.0.0.1:1/") as server, connected(server) as sock:
        response, _ = ask(sock)
        assert (response.status, response.headers["location"]) == (302, "http://127.0.0.1:1/")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("garbage", b"SSH-2.0-OpenSSH"),
        ("bad_chunk", b"\r\n\r\nzz\r\n"),
        ("two_lengths", b"content-length: 5\r\n"),
        ("chunked", b"\r\n\r\nf\r\n"),
        ("chunked", b"\r\n0\r\n\r\n"),
        ("interim", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"),
        ("no_length", b"connection: close"),
    ],
)
def test_bytes_on_the_wire(name, expected):
    with serving(name) as server, connected(server) as sock:
        sock.sendall(request())
        sock.shutdown(socket.SHUT_WR)
        assert expected in read_all(sock)


def test_extra_reply_is_one_too_many():
    with serving("extra_reply") as server, connected(server) as sock:
        sock.sendall(request())
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock).count(b"HTTP/1.1 200") == 2
        assert server.seen.requests == 1


def test_bad_headers_are_as_big_as_asked():
    with serving("bad_headers", size=3_000_000) as server, connected(server) as sock:
        sock.sendall(request())
        sock.shutdown(socket.SHUT_WR)
        head, _, body = read_all(sock).partition(b"\r\n\r\n")
        assert len(head) > 3_000_000
        assert json.loads(body) == RIGHT


def test_a_batch_is_answered_item_by_item():
    calls = [json.loads(request(index).partition(b"\r\n\r\n")[2]) for index in (1, "b", 3)]
    for name, order in (("echo", [1, "b", 3]), ("reversed_batch", [3, "b", 1])):
        with serving(name) as server, connected(server) as sock:
            sock.sendall(framed(calls))
            assert [reply["id"] for reply in json.loads(receive(sock)[1])] == order


def test_a_request_may_come_in_pieces_and_two_at_once():
    with serving("echo") as server, connected(server) as sock:
        for byte in request(1) + request(2)[:-1]:
            sock.sendall(bytes([byte]))
        assert json.loads(receive(sock)[1])["id"] == 1
        sock.sendall(request(2)[-1:] + request(3))
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock).count(b'"result"') == 2
        assert (server.seen.connections, server.seen.requests) == (1, 3)


def test_what_was_asked_is_kept():
    with serving("echo") as server, connected(server) as sock:
        for call_id in range(5):
            ask(sock, call_id)
        assert [asked.call["id"] for asked in server.seen.recent] == [0, 1, 2, 3, 4]
        assert server.seen.recent[0].headers["host"] == "x"


def test_delay_comes_before_each_answer():
    with serving("echo", delay=0.3) as server, connected(server) as sock:
        start = time.monotonic()
        ask(sock)
        assert time.monotonic() - start >= 0.3


def test_refuse_has_a_port_that_nobody_listens_on():
    with serving("refuse") as server, pytest.raises(ConnectionRefusedError), connected(server):
        pass


def test_reset_is_a_rst_after_the_request():
    with serving("reset") as server, connected(server) as sock:
        sock.sendall(request())
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
        assert server.seen.requests == 1


def test_hang_reads_but_never_answers():
    with serving("hang") as server, connected(server) as sock:
        sock.sendall(request())
        sock.settimeout(0.5)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        assert (server.seen.requests, server.seen.bytes_sent) == (1, 0)


def test_close_each_closes_without_a_byte():
    with serving("close_each") as server, connected(server) as sock:
        sock.sendall(request())
        assert read_all(sock) == b""
        assert server.seen.requests == 1


def test_truncate_ends_before_its_length():
    with serving("truncate", missing=7) as server, connected(server) as sock:
        sock.sendall(request())
        head, _, body = read_all(sock).partition(b"\r\n\r\n")
        assert f"content-length: {len(body) + 7}".encode() in head


@pytest.mark.parametrize("announce", [True, False])
def test_close_after_n_announces_its_end_or_not(announce):
    with serving("close_after_n", n=3, announce=announce) as server, connected(server) as sock:
        ends = [ask(sock, call_id)[0].headers["connection"] for call_id in range(3)]
        assert ends == [None, None, "close" if announce else None]
        assert sock.recv(1) == b""
        assert server.seen.requests == 3


def test_drop_after_n_swallows_one_request():
    with serving("drop_after_n", n=2) as server, connected(server) as sock:
        ask(sock)
        ask(sock)
        sock.sendall(request())
        assert read_all(sock) == b""
        assert server.seen.requests == 3


def test_idle_close_closes_only_when_idle():
    with serving("idle_close", after=0.6) as server, connected(server) as sock:
        for _ in range(4):
            time.sleep(0.2)
            ask(sock)
        start = time.monotonic()
        assert sock.recv(1) == b""
        assert time.monotonic() - start >= 0.5


@pytest.mark.parametrize("chunked", [True, False])
def test_endless_sends_until_the_peer_goes(chunked):
    with serving("endless", chunked=chunked) as server:
        with connected(server) as sock:
            sock.sendall(request())
            got = sum(len(sock.recv(65536)) for _ in range(500))
            assert got > 1_000_000
        assert server.seen.bytes_sent >= got
        wait_until_steady(lambda: server.seen.bytes_sent)


def wait_until_steady(measure):
    deadline = time.monotonic() + 10
    before, now = None, measure()
    while before != now:
        assert time.monotonic() < deadline
        time.sleep(0.1)
        before, now = now, measure()


def test_endless_announces_ten_gigabytes():
    with serving("endless") as server, connected(server) as sock:
        sock.sendall(request())
        assert b"content-length: 10000000000\r\n" in sock.recv(65536)


def test_drip_sends_headers_then_a_byte_at_a_time():
    with serving("drip", interval=0.02) as server, connected(server) as sock:
        sock.sendall(request())
        start, pieces = time.monotonic(), list(iter(lambda: sock.recv(65536), b""))
        assert b"\r\n\r\n" in b"".join(pieces[:2])
        assert json.loads(b"".join(pieces).partition(b"\r\n\r\n")[2]) == RIGHT
        assert time.monotonic() - start >= 0.02 * (len(json.dumps(RIGHT)) - 1)


def test_drip_may_begin_in_the_headers():
    with serving("drip", interval=5, in_headers=True) as server, connected(server) as sock:
        sock.sendall(request())
        assert sock.recv(65536) == b"H"


def test_tls_answers_whoever_trusts_its_authority():
    with serving("tls") as server, connected(server) as sock:
        trusting = ssl.create_default_context(cafile=server.ca_file)
        with trusting.wrap_socket(sock, server_hostname="127.0.0.1") as secure:
            assert json.loads(ask(secure)[1]) == RIGHT
        assert server.url.startswith("https://")


def test_tls_is_refused_by_whoever_does_not():
    with serving("tls") as server, connected(server) as sock, pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(sock, server_hostname="127.0.0.1")


def test_tls_may_have_the_wrong_name():
    with serving("tls", hosts=("elsewhere.example",)) as server, connected(server) as sock:
        trusting = ssl.create_default_context(cafile=server.ca_file)
        with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
            trusting.wrap_socket(sock, server_hostname="127.0.0.1")


@pytest.mark.parametrize("name", sorted(SERVERS))
def test_each_server_ends_with_its_block(name):
    with serving(name) as server:
        port = server.port
        if name != "refuse":
            left_open = socket.create_connection(("127.0.0.1", port), timeout=20)
            left_open.sendall(request())
    if name != "refuse":
        left_open.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
