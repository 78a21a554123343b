"""A relay between two sides one of which does not read: the other has to wait, and memory stays bounded."""

import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import serve

from tests.real.relay_field import WITHIN
from tests.real.relays import running_relays

pytestmark = pytest.mark.real
MESSAGE = "x" * 262_144
MOST_MESSAGES = 800  # 200 MiB, which no buffer of the kernel holds
MOST_GROWTH = 64 * 2**20
STANDS_FOR = 1.0


@contextmanager
def relay_before(talk):
    """A relay before a WebSocket server in a thread of this process, which runs `talk(socket)`."""
    with serve(talk, "127.0.0.1", 0, max_size=None, compression=None, close_timeout=1) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.socket.getsockname()[1]
        node = SimpleNamespace(url=f"http://127.0.0.1:{port}", ws_url=f"ws://127.0.0.1:{port}")
        try:
            with running_relays([node]) as relays:
                yield relays
        finally:
            server.shutdown()
            thread.join()


def stands_still(counted):
    """What the list has grown to, once it grows no more."""
    deadline = time.monotonic() + 2 * WITHIN
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < STANDS_FOR:
        assert time.monotonic() < deadline, "it goes on for ever"
        if seen != len(counted):
            seen, since = len(counted), time.monotonic()
        time.sleep(0.05)
    return seen


def memory(relays):
    return psutil.Process(relays.pid).memory_info().rss


def test_a_client_that_does_not_read_stops_the_node():
    sent = []

    def talk(socket):
        try:
            for _ in range(MOST_MESSAGES):
                socket.send(MESSAGE)
                sent.append(1)
        except ConnectionClosed:
            pass

    with relay_before(talk) as relays:
        before = memory(relays)
        url = relays.relays[0].ws_url
        with connect(
            url, proxy=None, compression=None, max_size=None, max_queue=1, close_timeout=1
        ) as client:
            stood = stands_still(sent)
            assert stood < MOST_MESSAGES / 2
            assert memory(relays) - before < MOST_GROWTH
            for _ in range(stood + 1):
                assert client.recv(timeout=WITHIN) == MESSAGE
            assert stands_still(sent) > stood, "it goes on where it stood"


def test_a_node_that_does_not_read_stops_the_client():
    release, sent, received = threading.Event(), [], []

    def talk(socket):
        release.wait(4 * WITHIN)
        try:
            for message in socket:
                received.append(message == MESSAGE)
        except ConnectionClosed:
            pass

    def flood(client):
        try:
            for _ in range(MOST_MESSAGES):
                client.send(MESSAGE)
                sent.append(1)
        except ConnectionClosed:
            pass

    with relay_before(talk) as relays:
        before = memory(relays)
        with connect(relays.relays[0].ws_url, proxy=None, compression=None, close_timeout=1) as client:
            thread = threading.Thread(target=flood, args=(client,))
            thread.start()
            try:
                assert stands_still(sent) < MOST_MESSAGES / 2
                assert memory(relays) - before < MOST_GROWTH
            finally:
                release.set()
                thread.join()
            assert stands_still(received) == len(sent) == MOST_MESSAGES
            assert all(received)
