"""A correct and fast JSON-RPC server in one thread over epoll, which once stops doing anything at all.

Rule: from `at` seconds after the first request, for `hold` seconds, not a byte leaves it; then everything
that came meanwhile is answered. At 500/s for 10 s, with one second of stall in the middle, 500 of 5,000
arrivals are late by 0 to 1 s: p95 500 ms, p99 900 ms, p99.9 990 ms.

There are two ways to stall. `asleep` does nothing at all, and afterwards must accept, read and answer 500
requests: that took 40 ms on a busy machine and put p95 3 to 9 % above the arithmetic, which knows no
catching up. `holding` reads on and only keeps the replies back, oldest first: the client sees the same (for
a sleeping server the kernel accepts and acknowledges), and catching up is one `send` a request.

Run as `python stall_child.py AT HOLD asleep|holding`: prints its port; a line on stdin asks for the counts;
EOF there ends it, so that it cannot outlive the test.
"""

import contextlib
import gc
import json
import os
import re
import select
import socket
import sys
import time

import msgspec

BACKLOG = 4096
STDIN = 0
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"


class Server:
    """All state of the one thread: sockets, unfinished requests, counts, and replies held back."""

    def __init__(self, at: float, hold: float, asleep: bool) -> None:
        self.at, self.hold, self.asleep = at, hold, asleep
        self.first: float | None = None
        self.has_slept = False
        self.held: list[tuple[socket.socket, bytes]] = []
        self.connections = self.requests = self.bytes_sent = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self.listener.setblocking(False)
        self.listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.peers: dict[int, socket.socket] = {}
        self.unfinished: dict[int, bytes] = {}
        self.poller = select.epoll()
        self.poller.register(self.listener, select.EPOLLIN)
        self.poller.register(STDIN, select.EPOLLIN)

    @property
    def stalled_at(self) -> float | None:
        """When the stall begins, or began; None before the first request."""
        return self.first + self.at if self.first is not None and self.hold > 0 else None

    def serve(self) -> None:
        """Until stdin ends."""
        while True:
            wait = self.sleep_if_due() if self.asleep else self.release_if_due()
            for descriptor, _ in self.poller.poll(wait, 8192):
                if descriptor in self.peers:
                    self.read(descriptor)
                elif descriptor != STDIN:
                    self.accept()
                elif not self.report():
                    return

    def sleep_if_due(self) -> float | None:
        """Sleep through the stall, once; before that, return how far away it is."""
        if self.stalled_at is None or self.has_slept:
            return None
        left = self.stalled_at - time.monotonic()
        if left > 0:
            return left
        time.sleep(self.hold)
        self.has_slept = True
        return 0

    def release_if_due(self) -> float | None:
        """Send what was held back when the stall is over; before that, return how long it still lasts."""
        if not self.held or self.stalled_at is None:
            return None
        left = self.stalled_at + self.hold - time.monotonic()
        if left > 0:
            return left
        held, self.held = self.held, []
        for peer, reply in held:
            self.send(peer, reply)
        return None

    def accept(self) -> None:
        """Take every waiting connection, and read it at once: its first request is usually there."""
        while True:
            try:
                peer, _ = self.listener.accept()
            except BlockingIOError:
                return
            descriptor = peer.fileno()
            self.connections += 1
            self.peers[descriptor] = peer
            self.poller.register(descriptor, select.EPOLLIN)
            self.read(descriptor)

    def read(self, descriptor: int) -> None:
        """Answer what is complete, keep the rest."""
        try:
            data = self.peers[descriptor].recv(16384, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.peers.pop(descriptor).close()
            self.unfinished.pop(descriptor, None)
            return
        if descriptor in self.unfinished:
            data = self.unfinished.pop(descriptor) + data
        bodies, rest = cut_bodies(data)
        if rest:
            self.unfinished[descriptor] = rest
        if bodies:
            self.answer(self.peers[descriptor], bodies)

    def answer(self, peer: socket.socket, bodies: list[bytes]) -> None:
        now = time.monotonic()
        if self.first is None:
            self.first = now
        self.requests += len(bodies)
        reply = b"".join(map(response, bodies))
        if not self.asleep and self.at <= now - self.first < self.at + self.hold:
            self.held.append((peer, reply))
        else:
            self.send(peer, reply)

    def send(self, peer: socket.socket, reply: bytes) -> None:
        with contextlib.suppress(OSError):  # the peer is gone; epoll says so, or has said so
            self.bytes_sent += peer.send(reply, socket.MSG_DONTWAIT)

    def report(self) -> bool:
        """Answer a question for the counts; False at the end of stdin."""
        if not os.read(STDIN, 4096):
            return False
        counts = ("connections", "requests", "bytes_sent", "stalled_at")
        print(json.dumps({name: getattr(self, name) for name in counts}), flush=True)
        return True


def cut_bodies(data: bytes) -> tuple[list[bytes], bytes]:
    """The bodies of all complete requests, and what is left."""
    bodies = []
    while (head_end := data.find(b"\r\n\r\n")) >= 0:
        length = LENGTH.search(data, 0, head_end)
        body_start = head_end + 4
        body_end = body_start + (int(length[1]) if length else 0)
        if len(data) < body_end:
            break
        bodies.append(data[body_start:body_end])
        data = data[body_end:]
    return bodies, data


def response(body: bytes) -> bytes:
    """A whole response to one call or a batch."""
    call = msgspec.json.decode(body)
    reply = b"[%s]" % b",".join(map(_reply, call)) if isinstance(call, list) else _reply(call)
    return HEAD % (len(reply), reply)


def _reply(call: dict[str, object]) -> bytes:
    return b'{"jsonrpc":"2.0","id":%s,"result":"0x1"}' % msgspec.json.encode(call["id"])


if __name__ == "__main__":
    server = Server(float(sys.argv[1]), float(sys.argv[2]), sys.argv[3] == "asleep")
    gc.freeze()
    gc.disable()  # nothing here makes cycles, and a collection would be a stall nobody asked for
    print(server.listener.getsockname()[1], flush=True)
    server.serve()
