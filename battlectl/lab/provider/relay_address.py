"""Where a relay finds its node: an HTTP URL, and a WebSocket URL when that is elsewhere.

Rule: one text says it, "http://HOST:PORT[/path]" or the same with " ws://HOST:PORT[/path]" after it. Without
the second the WebSocket is at the same host, port and path. What cannot be honoured is a BadAddress.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

HTTP_SCHEMES = ("http", "https")
WS_SCHEMES = ("ws", "wss")


class BadAddress(Exception):
    """The text is no address of a node; the message says why."""


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """Both URLs of one node."""

    url: str
    ws_url: str


def read_address(text: str) -> RelayAddress:
    """The addresses in "URL" or "URL WS_URL", or BadAddress."""
    words = text.split()
    if not 1 <= len(words) <= 2:
        raise BadAddress("a node's address is URL, or URL and WS_URL with a space between")
    _check(words[0], HTTP_SCHEMES)
    if len(words) == 1:
        return RelayAddress(words[0], "ws" + words[0].removeprefix("http"))
    _check(words[1], WS_SCHEMES)
    return RelayAddress(words[0], words[1])


def hosts_of(address: RelayAddress) -> frozenset[str]:
    """The hosts that a relay would connect to."""
    return frozenset(urlsplit(url).hostname or "" for url in (address.url, address.ws_url))


def _check(url: str, schemes: tuple[str, ...]) -> None:
    parts = _split(url)
    if parts.scheme not in schemes:
        raise BadAddress(f"{parts.scheme or 'no scheme'}: {' or '.join(schemes)} is wanted")
    if not parts.hostname:
        raise BadAddress(f"{parts.scheme}: a host is missing")
    if parts.username is not None or parts.password is not None:
        raise BadAddress("a user in a URL is not supported: let the client send an Authorization header")
    if parts.fragment:
        raise BadAddress("a URL with a #fragment is no address of a node")


def _split(url: str) -> SplitResult:
    """The parts of a URL, port included, whose errors do not repeat what may hold a key."""
    if not url.isascii() or not url.isprintable():
        raise BadAddress("a URL is plain ASCII")
    try:
        parts = urlsplit(url)
        if parts.port == 0:
            raise BadAddress("port 0 is nobody's")
    except ValueError:
        raise BadAddress("the host or the port of the URL cannot be read") from None
    return parts
