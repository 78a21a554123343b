"""Servers that keep the connection and differ only in what they answer: from a request to bytes (pure).

Rule: everything about a reply is right except the one thing that its function is named after.
"""

from typing import Any

from tests.servers.wire import Request, chunk, encode, head, result, sized

HTML = b"<!doctype html><html><body><h1>It works!</h1></body></html>"


def answer(call: Any) -> Any:
    """The right answer to a call or a batch; calls without an id get none."""
    if isinstance(call, list):
        return [result(item) for item in call if "id" in item]
    return result(call)


def echo(request: Request) -> bytes:
    """All right."""
    return sized(encode(answer(request.call)))


def reversed_batch(request: Request) -> bytes:
    """All right too: the replies of a batch may come in any order."""
    replies = answer(request.call)
    return sized(encode(replies[::-1] if isinstance(replies, list) else replies))


def chunked(request: Request, *, pieces: int = 3) -> bytes:
    """All right, in chunks."""
    body = encode(answer(request.call))
    size = -(-len(body) // pieces)
    chunks = (chunk(body[start : start + size]) for start in range(0, len(body), size))
    return head(content_type="application/json", transfer_encoding="chunked") + b"".join(chunks) + chunk(b"")


def bad_chunk(request: Request) -> bytes:
    """A chunk size that is not a number."""
    body = b"zz\r\n" + encode(answer(request.call)) + b"\r\n"
    return head(content_type="application/json", transfer_encoding="chunked") + body


def interim(request: Request, *, status: int = 100) -> bytes:
    """All right, after an interim response that a client must pass over (100, 103, not 101)."""
    return head(status) + echo(request)


def html(request: Request) -> bytes:
    """A page, with status 200."""
    return sized(HTML, content_type="text/html")


def status(request: Request, *, code: int = 503, **fields: str) -> bytes:
    """A page with another status; `location=...` makes it a redirect."""
    return sized(HTML, code, content_type="text/html", **fields)


def wrong_type(request: Request) -> bytes:
    """The right reply, called text/html."""
    return sized(encode(answer(request.call)), content_type="text/html")


def not_json(request: Request, *, body: bytes = b'{"jsonrpc": "2.0", "id": ') -> bytes:
    """A body that is not JSON."""
    return sized(body)


def empty(request: Request) -> bytes:
    """No body at all."""
    return sized(b"")


def wrong_id(request: Request, *, reply_id: Any = "someone else's") -> bytes:
    """The reply to another call."""
    return sized(encode(result(request.call, id=reply_id)))


def wrong_version(request: Request, *, version: Any = "1.0") -> bytes:
    """A reply of another JSON-RPC."""
    return sized(encode(result(request.call, jsonrpc=version)))


def error_object(request: Request, *, status: int = 200, code: int = -32000) -> bytes:
    """A JSON-RPC error, with whatever HTTP status."""
    error = {"code": code, "message": "header not found"}
    return sized(encode({"jsonrpc": "2.0", "id": request.call["id"], "error": error}), status)


def bad_headers(request: Request, *, size: int = 1 << 20) -> bytes:
    """The right reply behind a header block of `size` bytes."""
    line = b"x-padding: " + b"x" * 1011 + b"\r\n"
    start, rest = echo(request).split(b"\r\n", 1)
    return start + b"\r\n" + line * (size // len(line) + 1) + rest


def two_lengths(request: Request) -> bytes:
    """Two Content-Length fields that disagree (request smuggling's favourite)."""
    return echo(request).replace(b"\r\n", b"\r\ncontent-length: 5\r\n", 1)


def garbage(request: Request) -> bytes:
    """Not HTTP."""
    return b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"


def extra_reply(request: Request) -> bytes:
    """The right reply, and another one that nobody asked for."""
    return echo(request) * 2
