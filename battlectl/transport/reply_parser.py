"""Reading HTTP/1.1 replies: bytes in, whole replies out, sans-I/O.

Rule: llhttp (httptools) reads strictly; what it does not decide is decided here. Interim 1xx replies are
passed over, a body without length ends with the connection, headers and bodies are bounded, and bytes that
nobody asked for make the connection unfit for another request. A head that was read before is not read
again: see `known_heads`; so who served a reply is read from each new head once, unless bodies tell it too.
"""

from __future__ import annotations

from typing import Any

import httptools

from battlectl.observe import outcome
from battlectl.transport.attribution import Reader
from battlectl.transport.base import NoReply, Reply
from battlectl.transport.known_heads import KnownHeads

MOST_HEADER_BYTES = 64 * 1024
MOST_FRAMING = 16
"""Bytes on the wire for each byte of body: a chunk of one byte takes six."""


class ReplyParser:
    """One connection's replies, one after another. Mutable: it is a parser's state."""

    __slots__ = (
        "_attribution",
        "_body",
        "_complete",
        "_fed",
        "_header_bytes",
        "_headers",
        "_in_body",
        "_known",
        "_max_body",
        "_parser",
        "_reads_body",
        "_size",
        "_status",
        "began",
        "reusable",
    )

    def __init__(self, max_body: int, known: KnownHeads, attribution: Reader | None = None) -> None:
        self._parser: Any = httptools.HttpResponseParser(self)
        self._known = known
        self._max_body = max_body
        self._attribution = attribution
        self._reads_body = attribution is not None and attribution.reads_body
        self.reusable = True
        """Whether the connection can carry another request."""
        self.began = False
        """Whether any byte of the current reply has arrived."""
        self._reset()

    def _reset(self) -> None:
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._size = 0
        self._header_bytes = 0
        self._fed = 0
        self._status = 0
        self._in_body = False
        self._complete = False
        self.began = False

    def feed(self, data: bytes) -> Reply | NoReply | None:
        """The reply when `data` completes it, why it can be none, or None when more is needed."""
        if self.began:
            return self._parse(data)
        known = self._known.find(data)
        if known is not None:
            return known if not self._reads_body else self._attributed(known)
        answer = self._parse(data)
        if self.reusable and isinstance(answer, Reply):
            self._known.remember(data, answer)
        return answer

    def _attributed(self, known: Reply) -> Reply:
        """Of a head that was read before the body may say something else."""
        assert self._attribution is not None
        return known._replace(served=self._attribution.read(known.headers, known.body))

    def _parse(self, data: bytes) -> Reply | NoReply | None:
        self.began = True
        self._fed += len(data)
        if not self._in_body:
            self._header_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return self._broken("an upgrade that nobody asked for")
        except httptools.HttpParserCallbackError as error:
            return self._refused(error)
        except httptools.HttpParserError as error:
            if not self._complete:
                return self._broken(f"not HTTP/1.1 ({error}): {data[:80]!r}")
            self.reusable = False
        if not self._in_body and not self._complete and self._header_bytes > MOST_HEADER_BYTES:
            return self._too_large("headers")
        if self._fed > MOST_HEADER_BYTES + MOST_FRAMING * (self._size + 1) + self._header_bytes:
            return self._too_large("headers")  # Trailers, or chunks that are all frame.
        return self._finished() if self._complete else None

    def end(self) -> Reply | NoReply | None:
        """The connection ended: the reply if that is what delimits it; None when no byte had come."""
        self.reusable = False
        if not self.began:
            return None
        if self._in_body and not self._is_delimited():
            return self._finished()
        return NoReply(outcome.MALFORMED, f"truncated: the connection ended after {self._size} bytes of body")

    def _is_delimited(self) -> bool:
        return any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in self._headers)

    # What llhttp calls:

    def on_message_begin(self) -> None:
        if self._complete:
            raise _SurplusError

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_body:  # Trailers are read over.
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        self._in_body = True

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._max_body:
            raise _TooLargeError
        self._body.append(data)

    def on_message_complete(self) -> None:
        if 100 <= self._status < 200:
            header_bytes = self._header_bytes
            self._reset()
            self._header_bytes, self.began = header_bytes, True
            return
        self._complete = True
        self.reusable = self.reusable and self._parser.should_keep_alive()

    def _finished(self) -> Reply:
        body = b"".join(self._body)
        served = None if self._attribution is None else self._attribution.read(self._headers, body)
        reply = Reply(self._status, self._headers, body, served)
        self._reset()
        return reply

    def _refused(self, error: Exception) -> Reply | NoReply:
        """One of our own callbacks raised."""
        cause = error.__context__ if error.__cause__ is None else error.__cause__
        if isinstance(cause, _SurplusError):
            self.reusable = False
            return self._finished()
        if isinstance(cause, _TooLargeError):
            return self._too_large("body")
        raise error

    def _too_large(self, part: str) -> NoReply:
        self.reusable = False
        most = self._max_body if part == "body" else MOST_HEADER_BYTES
        return NoReply(outcome.TOO_LARGE, f"{part} of more than {most} bytes")

    def _broken(self, seen: str) -> NoReply:
        self.reusable = False
        return NoReply(outcome.MALFORMED, seen)


class _TooLargeError(Exception):
    pass


class _SurplusError(Exception):
    pass
