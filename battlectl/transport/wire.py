"""A byte stream to the target: non-blocking first, plain or TLS.

Rule: `send` and `receive` never wait; `receive` answers None when nothing has come, b"" at the end. Whoever
has to wait watches the socket.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
import ssl
from collections.abc import Sequence
from typing import Any

import trio

from battlectl.observe import outcome
from battlectl.transport.base import Endpoint, NoReply

RECEIVE_BYTES = 64 * 1024
_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}

Address = tuple[socket.AddressFamily, tuple[Any, ...]]


class ConnectError(Exception):
    """There is no connection: `reason` says why."""

    def __init__(self, kind: str, seen: str) -> None:
        super().__init__(seen)
        self.reason = NoReply(kind, seen)


class Wire:
    """A connected socket. Mutable: it holds a connection."""

    __slots__ = ("sock",)

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def send(self, data: bytes) -> bytes:
        """Hand over what the kernel takes now; the rest is returned. Raises `OSError`."""
        try:
            sent = self.sock.send(data)
        except (BlockingIOError, InterruptedError):
            return data
        return data[sent:] if sent < len(data) else b""

    def receive(self) -> bytes | None:
        """What has arrived. Raises `OSError`, which includes `ssl.SSLError`."""
        try:
            return self.sock.recv(RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return None

    async def readable(self) -> None:
        """Wait until `receive` has something to say; raises `trio.ClosedResourceError` once closed."""
        await trio.lowlevel.wait_readable(self.sock)

    async def writable(self) -> None:
        """Wait until `send` gets on."""
        await trio.lowlevel.wait_writable(self.sock)

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self.sock.fileno() < 0

    def close(self) -> None:
        """Close it and wake whoever waits; closing twice is harmless."""
        if not self.is_closed:
            trio.lowlevel.notify_closing(self.sock)
            self.sock.close()


class TlsWire(Wire):
    """The same through TLS: an `SSLObject` between two memory buffers."""

    __slots__ = ("_incoming", "_outgoing", "_tls", "_unsent")

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str) -> None:
        super().__init__(sock)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._unsent = b""

    async def handshake(self) -> None:
        """Agree with the server; raises `OSError` when that fails."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            else:
                await self._flush()
                return

    def send(self, data: bytes) -> bytes:
        """As `Wire.send`; the rest is of the encrypted bytes, sent on by calling again with it."""
        if data is not self._unsent:
            self._tls.write(data)
            data = self._outgoing.read()
        self._unsent = super().send(data)
        return self._unsent

    def receive(self) -> bytes | None:
        """As `Wire.receive`."""
        data = super().receive()
        if data:
            self._incoming.write(data)
        elif data is not None:
            self._incoming.write_eof()
        received = self._decrypted()
        if (
            self._outgoing.pending
        ):  # TLS answers some records of its own accord; losing the socket shows later.
            with contextlib.suppress(OSError):
                super().send(self._outgoing.read())
        return received

    def _decrypted(self) -> bytes | None:
        parts: list[bytes] = []
        try:
            while part := self._tls.read(RECEIVE_BYTES):
                parts.append(part)
        except ssl.SSLWantReadError:
            return b"".join(parts) or None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            pass
        return b"".join(parts)

    async def _flush(self) -> None:
        rest = self._outgoing.read()
        while rest:
            rest = super().send(rest)
            if rest:
                await self.writable()

    async def _fill(self) -> None:
        await self.readable()
        data = super().receive()
        if data:
            self._incoming.write(data)
        elif data is not None:
            raise ssl.SSLEOFError("the connection ended in the handshake")


async def resolve(endpoint: Endpoint) -> tuple[Address, ...]:
    """The addresses of a host; raises `ConnectError` for none, or for a public one that is not allowed."""
    try:
        found = await trio.socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ConnectError(outcome.UNRESOLVED, f"{endpoint.host}: {error}") from error
    addresses = tuple((family, address) for family, _, _, _, address in found)
    for _, address in addresses:
        if not endpoint.allow_public and ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global:
            raise ConnectError(
                outcome.REFUSED,
                f"{endpoint.host} is the public address {address[0]}: not without allow_public",
            )
    return addresses


async def connect(addresses: Sequence[Address], endpoint: Endpoint, context: ssl.SSLContext | None) -> Wire:
    """A connection to the first address that takes one; raises `ConnectError` with the last reason."""
    failure: ConnectError | None = None
    for family, address in addresses:
        try:
            sock = await _connect_socket(family, address)
        except ConnectError as error:
            failure = error
            continue
        return Wire(sock) if context is None else await _secure(sock, context, endpoint.host)
    assert failure is not None, "a host resolved to no address"
    raise failure


def tls_context(endpoint: Endpoint) -> ssl.SSLContext | None:
    """The TLS settings of an endpoint, None for plain HTTP. Offers HTTP/1.1 alone."""
    if endpoint.scheme != "https":
        return None
    context = ssl.create_default_context()
    if endpoint.ca_file is not None:
        context.load_verify_locations(endpoint.ca_file)
    if not endpoint.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


async def _connect_socket(family: socket.AddressFamily, address: tuple[Any, ...]) -> socket.socket:
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise ConnectError(_kind(error), f"no socket: {error}") from error
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(address)
        if code == errno.EINPROGRESS:
            await trio.lowlevel.wait_writable(sock)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except OSError as error:
        sock.close()
        raise ConnectError(_kind(error), f"connect: {error.strerror}") from error
    except BaseException:
        sock.close()
        raise
    return sock


async def _secure(sock: socket.socket, context: ssl.SSLContext, host: str) -> Wire:
    wire = TlsWire(sock, context, host)
    try:
        await wire.handshake()
    except OSError as error:
        wire.close()
        raise ConnectError(outcome.TLS, f"{type(error).__name__}: {error}") from error
    except BaseException:
        wire.close()
        raise
    return wire


def _kind(error: OSError) -> str:
    """Running out of sockets or ports is the generator's fault, hence `dropped`."""
    if error.errno in _OURS:
        return outcome.DROPPED
    return outcome.RESET if error.errno in (errno.ECONNRESET, errno.EPIPE) else outcome.REFUSED
