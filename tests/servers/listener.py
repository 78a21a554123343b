"""Accept connections on a free loopback port, a thread for each, and end them all with the test.

Rule: what a server does to one connection is a function of that connection; when it returns, the connection
is closed. A peer that goes away ends the function, silently; any other exception is a bug of the server.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.servers.connection import Connection, Counts
from tests.servers.handle import Handle

BACKLOG = 2048
JOIN_WITHIN = 5.0
Behaviour = Callable[[Connection], None]


class _Listener:
    def __init__(self, behave: Behaviour, tls: ssl.SSLContext | None) -> None:
        self._behave, self._tls = behave, tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self.counts = Counts()
        self.port = int(self._listener.getsockname()[1])

    def start(self) -> None:
        self._acceptor.start()

    def stop(self) -> None:
        """End accepting first: then no thread is added, and each sees `stopping` or its own shutdown."""
        self._stopping.set()
        with contextlib.suppress(OSError):  # another connection woke accept() already
            socket.create_connection(("127.0.0.1", self.port)).close()
        self._acceptor.join(JOIN_WITHIN)
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)  # the plain one: TLS's is not thread-safe
        for thread in self._threads:
            thread.join(JOIN_WITHIN)

    def _accept(self) -> None:
        with self._listener:
            while True:
                sock, _ = self._listener.accept()
                if self._stopping.is_set():
                    sock.close()
                    return
                self.counts.connected()
                self._threads.append(threading.Thread(target=self._serve, args=(sock,), daemon=True))
                self._threads[-1].start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is None:
                self._run(sock)
            else:
                with self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False) as secure:
                    self._run(secure)

    def _run(self, sock: socket.socket) -> None:
        with self._lock:
            self._open.add(sock)
        try:
            if not self._stopping.is_set():
                self._behave(Connection(sock, self.counts, self._stopping))
        finally:
            with self._lock:
                self._open.discard(sock)


@contextmanager
def listening(behave: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[Handle]:
    """Serve every connection with `behave` until the block ends."""
    listener = _Listener(behave, tls)
    listener.start()
    scheme = "http" if tls is None else "https"
    try:
        yield Handle(f"{scheme}://127.0.0.1:{listener.port}", listener.port, listener.counts.seen)
    finally:
        listener.stop()
