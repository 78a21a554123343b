"""One accepted connection, as the servers see it: read whole requests, send bytes, end in some way."""

import socket
import struct
import threading
from collections import deque

from tests.servers.handle import Seen
from tests.servers.wire import Request, cut_request

RECENT = 10_000
LINGER_ZERO = struct.pack("ii", 1, 0)


class Counts:
    """What all connections of a server have seen, behind one lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connections = self._requests = self._bytes_sent = 0
        self._recent: deque[Request] = deque(maxlen=RECENT)

    def connected(self) -> None:
        with self._lock:
            self._connections += 1

    def read(self, request: Request) -> None:
        with self._lock:
            self._requests += 1
            self._recent.append(request)

    def sent(self, size: int) -> None:
        with self._lock:
            self._bytes_sent += size

    def seen(self) -> Seen:
        with self._lock:
            return Seen(self._connections, self._requests, self._bytes_sent, tuple(self._recent))


class Connection:
    """A blocking socket with a buffer. OSError from any method means: the peer (or the test) is gone."""

    def __init__(self, sock: socket.socket, counts: Counts, stopping: threading.Event) -> None:
        self.sock = sock
        self._counts = counts
        self._stopping = stopping
        self._buffer = bytearray()

    def read_request(self) -> Request | None:
        """The next complete request, or None when the peer has closed."""
        while (request := cut_request(self._buffer)) is None:
            data = self.sock.recv(65536)
            if not data:
                return None
            self._buffer += data
        self._counts.read(request)
        return request

    def send(self, data: bytes) -> None:
        self._counts.sent(len(data))  # before: whoever has the reply must find it counted
        self.sock.sendall(data)

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the test."""
        if self._stopping.wait(seconds):
            raise ConnectionAbortedError("the test is over")

    def wait_for_peer(self) -> None:
        """Do nothing until the peer goes away."""
        while self.sock.recv(65536):
            pass

    def reset(self) -> None:
        """Close with a RST instead of a FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        self.sock.close()
