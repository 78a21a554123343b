"""How old bytes are when they are read, by the kernel's word."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator

import pytest

from battlectl.transport.ws_stamps import StampedSocket, stamped

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells"),
]
WAITED = 0.2


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, StampedSocket]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        peer, _ = server.accept()
    reader = stamped(client)
    assert isinstance(reader, StampedSocket)
    with peer, reader:
        yield peer, reader


def test_what_lay_there_is_as_old_as_the_wait(pair):
    peer, reader = pair
    peer.sendall(b"hello")
    time.sleep(WAITED)
    assert reader.recv(100) == b"hello"
    assert reader.age is not None
    assert reader.age >= WAITED * 0.99


def test_the_end_of_a_connection_has_no_age(pair):
    peer, reader = pair
    peer.sendall(b"x")
    peer.close()
    assert reader.recv(100) == b"x"
    assert reader.recv(100) == b""
    assert reader.age is None


def test_the_socket_that_was_given_is_let_go_and_what_it_had_is_kept(pair):
    peer, reader = pair
    reader.settimeout(0.0)
    again = stamped(reader)
    with again:
        assert reader.fileno() == -1
        assert again.gettimeout() == 0.0
        assert again.getpeername() == peer.getsockname()
