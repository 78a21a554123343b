"""The bytes of HTTP/1.1 messages: how they are written, and how the plainest are read.

Rule: a message that is whole in one read, has a sized body or none, and says nothing unusual about its
connection is read here, strictly. Everything else, garbage included, is h11's to read and to judge.
(h11 spends more on a plain message than the lab does on all the rest; a test holds that both agree.)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

Headers = Sequence[tuple[bytes, bytes]]

_FIELDS = rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n)*)\r\n"
_REQUEST = re.compile(rb"(GET|POST) (/[!-~]*) HTTP/1\.1\r\n" + _FIELDS)
_REPLY = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9]) [\t -~\x80-\xff]*\r\n" + _FIELDS)
_SIZE = re.compile(rb"[0-9]{1,9}")
_UNUSUAL = frozenset({b"transfer-encoding", b"expect", b"upgrade"})
BODILESS = frozenset({204, 304})
_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Request:
    """One whole request; header names are lower case, `target` is as sent."""

    method: str
    target: str
    headers: Headers
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        """The first value of that name, which must be given in lower case, or None."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True)
class Response:
    """Content-Length and Connection are added when it is written."""

    status: int
    headers: Headers = ()
    body: bytes = b""


def read_plain_request(data: bytes) -> Request | None:
    """The one request that `data` is, or None when it is less, more or other than a plain one."""
    match = _REQUEST.match(data)
    if match is None:
        return None
    headers = _read_fields(match[3])
    size = _plain_size(headers, default=0)
    if size != len(data) - match.end() or sum(name == b"host" for name, _ in headers) != 1:
        return None
    return Request(match[1].decode(), match[2].decode(), headers, data[match.end() :])


def read_plain_reply(data: bytes) -> tuple[int, bytes, Headers] | None:
    """(status, body, headers) of the one reply that `data` is, or None when it is not a plain one."""
    match = _REPLY.match(data)
    if match is None or int(match[1]) in BODILESS:
        return None
    headers = _read_fields(match[2])
    if _plain_size(headers, default=None) != len(data) - match.end():
        return None
    return int(match[1]), data[match.end() :], headers


def request_bytes(target: str, headers: Headers, body: bytes, method: str = "POST") -> bytes:
    """A request with a sized body; `headers` have a Host among them."""
    sized = (*headers, (b"content-length", b"%d" % len(body)))
    line = f"{method} {target} HTTP/1.1".encode()
    return b"%s\r\n%s\r\n%s" % (line, _write_fields(sized), body)


def response_bytes(response: Response, method: str, is_last: bool) -> bytes:
    """An answer to a request of `method`; with `is_last` it announces that the connection ends."""
    headers = list(response.headers)
    if response.status not in BODILESS:
        headers.append((b"content-length", b"%d" % len(response.body)))
    if is_last:
        headers.append((b"connection", b"close"))
    phrase = _PHRASES.get(response.status, b"")
    head = b"HTTP/1.1 %d %s\r\n%s\r\n" % (response.status, phrase, _write_fields(headers))
    return head if method == "HEAD" or response.status in BODILESS else head + response.body


def _read_fields(block: bytes) -> list[tuple[bytes, bytes]]:
    parts = (line.partition(b":") for line in block.split(b"\r\n")[:-1])
    return [(name.lower(), value.strip(b" \t")) for name, _, value in parts]


def _write_fields(headers: Headers) -> bytes:
    return b"".join(b"%s: %s\r\n" % field for field in headers)


def _plain_size(headers: Headers, default: int | None) -> int | None:
    """The length of the body, `default` when none is given, None when only h11 should say."""
    sizes = [value for name, value in headers if name == b"content-length"]
    for name, value in headers:
        if name in _UNUSUAL or (name == b"connection" and value.lower() != b"keep-alive"):
            return None
    if not sizes:
        return default
    return int(sizes[0]) if len(sizes) == 1 and _SIZE.fullmatch(sizes[0]) else None
