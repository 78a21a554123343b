"""The bytes of an HTTP/1.1 request: prepared once an endpoint, filled in with one `%` a request."""

from __future__ import annotations

from battlectl.transport.base import Endpoint

OURS = ("host", "content-length", "transfer-encoding", "connection")
"""Headers that no config may set: they say how the message is framed."""


def request_head(endpoint: Endpoint) -> bytes:
    """A bytes template of a whole request: `% (request id, body length, body)`."""
    own = (
        ("Host", endpoint.authority),
        ("Content-Type", "application/json"),
        ("Accept", "application/json"),
        ("Accept-Encoding", "identity"),
        ("User-Agent", "battlectl"),
    )
    given = {name.lower() for name, _ in endpoint.headers} - set(OURS)
    lines = [f"POST {endpoint.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in own if name.lower() not in given]
    lines += [f"{name}: {value}" for name, value in endpoint.headers if name.lower() not in OURS]
    fixed = "\r\n".join(lines).replace("%", "%%")
    return fixed.encode("latin-1") + b"\r\nX-Request-Id: %b\r\nContent-Length: %d\r\n\r\n%b"
