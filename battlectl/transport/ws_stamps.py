"""When what is read had come to this machine, as the kernel noted it.

Rule: a moment is the kernel's own (SO_TIMESTAMPNS), put on the clock that the reader names; of several
segments that are read in one go it is that of the last. Where the system does not tell, there is none, and
nobody makes one up.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import time

SO_TIMESTAMPNS = 35
"""Linux's; the socket module has no name for it."""
TIMESPEC = struct.Struct("@ll")
ROOM = socket.CMSG_SPACE(TIMESPEC.size) if hasattr(socket, "CMSG_SPACE") else 0


class StampedSocket(socket.socket):
    """A socket whose `recv` says in `age` how many seconds ago that came which it read, None if unknown."""

    age: float | None = None

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """As of every socket."""
        data, told, _, _ = self.recvmsg(bufsize, ROOM, flags)
        self.age = None
        for level, kind, stamp in told:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(stamp) == TIMESPEC.size:
                seconds, nanoseconds = TIMESPEC.unpack(stamp)
                self.age = max(0.0, time.time() - seconds - nanoseconds / 1e9)
        return data


def stamped(sock: socket.socket) -> socket.socket:
    """The same connection, as a `StampedSocket` where the system has such; the one given is then empty."""
    if not sys.platform.startswith("linux"):
        return sock
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        family, kind, timeout = sock.family, sock.type, sock.gettimeout()
        result = StampedSocket(family, kind, fileno=sock.detach())
        result.settimeout(timeout)
        return result
    return sock
