"""The little HTTP/1.1 and JSON-RPC that the servers need (pure).

Rule: requests are cut out of a buffer by Content-Length alone: that is what load generators send, and a
server that is strict about it notices a client that is not.
"""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    """One complete request; header names are in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def call(self) -> Any:
        """The JSON of the body: one call, or a list of them."""
        return json.loads(self.body)


def cut_request(buffer: bytearray) -> Request | None:
    """Take the first complete request out of the buffer, or leave it alone and return None."""
    head_end = buffer.find(END_OF_HEAD)
    if head_end < 0:
        return None
    line, *fields = buffer[:head_end].decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    body_start = head_end + len(END_OF_HEAD)
    body_end = body_start + int(headers.get("content-length", "0"))
    if len(buffer) < body_end:
        return None
    request = Request(line, headers, bytes(buffer[body_start:body_end]))
    del buffer[:body_end]
    return request


def head(status: int = 200, /, **fields: str | int) -> bytes:
    """Status line and header fields; `content_type="text/html"` is written `content-type: text/html`."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join(lines).encode("latin-1") + END_OF_HEAD


def sized(body: bytes, status: int = 200, /, content_type: str = "application/json", **fields: str) -> bytes:
    """A whole response with Content-Length."""
    return head(status, content_type=content_type, content_length=len(body), **fields) + body


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; the empty one ends it."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def result(call: Any, value: Any = "0x1", **changed: Any) -> dict[str, Any]:
    """The right reply to one call; `changed` replaces members of it."""
    return {"jsonrpc": "2.0", "id": call["id"], "result": value, **changed}


def encode(reply: Any) -> bytes:
    """A reply as a body."""
    return json.dumps(reply).encode()
