"""A correct and fast JSON-RPC server in one thread over epoll, which once stops doing anything at all.

Rule: from `at` seconds after the first request it sleeps for `hold` seconds: nothing is accepted, read or
answered, and the kernel's backlog (4,096) keeps what arrives. So at 500/s for 10 s, with one second of sleep
in the middle, 500 of 5,000 arrivals are late by 0 to 1 s: p95 500 ms, p99 900 ms, p99.9 990 ms.

Run as `python stall_child.py AT HOLD`: prints its port; a line on stdin asks for the counts; EOF there ends
it, so that it cannot outlive the test.
"""

import gc
import json
import os
import select
import socket
import sys
import time

BACKLOG = 4096
STDIN = 0


class Server:
    """All state of the one thread: sockets, buffers, counts, and when to stall."""

    def __init__(self, at: float, hold: float) -> None:
        self.at, self.hold = at, hold
        self.first: float | None = None
        self.stalled_at: float | None = None
        self.connections = self.requests = self.bytes_sent = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self.listener.setblocking(False)
        self.peers: dict[int, tuple[socket.socket, bytearray]] = {}
        self.poller = select.epoll()
        self.poller.register(self.listener, select.EPOLLIN)
        self.poller.register(STDIN, select.EPOLLIN | select.EPOLLHUP)

    def serve(self) -> None:
        """Until stdin ends."""
        while True:
            for descriptor, _ in self.poller.poll(self.stall_if_due(), 8192):
                if descriptor == self.listener.fileno():
                    self.accept()
                elif descriptor != STDIN:
                    self.read(descriptor)
                elif not self.report():
                    return

    def stall_if_due(self) -> float | None:
        """Stall when it is time; otherwise return how long that is away (None: it will not come)."""
        if self.first is None or self.stalled_at is not None or self.hold <= 0:
            return None
        left = self.first + self.at - time.monotonic()
        if left > 0:
            return left
        self.stalled_at = time.monotonic()
        time.sleep(self.hold)
        return 0

    def accept(self) -> None:
        """Take every waiting connection, and read it at once: its first request is usually there."""
        while True:
            try:
                peer, _ = self.listener.accept()
            except BlockingIOError:
                return
            peer.setblocking(False)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self.peers[peer.fileno()] = (peer, bytearray())
            self.poller.register(peer, select.EPOLLIN)
            self.read(peer.fileno())

    def read(self, descriptor: int) -> None:
        peer, buffer = self.peers[descriptor]
        try:
            data = peer.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            del self.peers[descriptor]
            peer.close()
            return
        buffer += data
        reply = b"".join(answer(body) for body in cut_bodies(buffer))
        if reply:
            self.answered(peer, reply)

    def answered(self, peer: socket.socket, reply: bytes) -> None:
        if self.first is None:
            self.first = time.monotonic()
        self.requests += reply.count(b"HTTP/1.1 200")
        try:
            self.bytes_sent += peer.send(reply)
        except OSError:
            return  # the peer is gone; epoll says so next

    def report(self) -> bool:
        """Answer a question for the counts; False at the end of stdin."""
        if not os.read(STDIN, 4096):
            return False
        counts = ("connections", "requests", "bytes_sent", "stalled_at")
        print(json.dumps({name: getattr(self, name) for name in counts}), flush=True)
        return True


def cut_bodies(buffer: bytearray) -> list[bytes]:
    """Take the bodies of all complete requests out of the buffer."""
    bodies = []
    while (head_end := buffer.find(b"\r\n\r\n")) >= 0:
        fields = buffer[:head_end].lower()
        length = int(fields.partition(b"content-length:")[2].partition(b"\r\n")[0])
        body_end = head_end + 4 + length
        if len(buffer) < body_end:
            break
        bodies.append(bytes(buffer[head_end + 4 : body_end]))
        del buffer[:body_end]
    return bodies


def answer(body: bytes) -> bytes:
    """A whole response to one call or a batch."""
    call = json.loads(body)
    replies = [{"jsonrpc": "2.0", "id": item["id"], "result": "0x1"} for item in _calls(call)]
    reply = json.dumps(replies if isinstance(call, list) else replies[0]).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(reply) + reply


def _calls(call: object) -> list[dict[str, object]]:
    return call if isinstance(call, list) else [call]  # type: ignore[list-item]


if __name__ == "__main__":
    server = Server(float(sys.argv[1]), float(sys.argv[2]))
    gc.freeze()
    gc.disable()  # nothing here makes cycles, and a collection would be a stall nobody asked for
    print(server.listener.getsockname()[1], flush=True)
    server.serve()
