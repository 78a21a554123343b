"""Addresses as Toxiproxy writes them: HOST:PORT, where HOST may be missing or in brackets.

Rule: only loopback addresses are listened on and connected to, unless all are allowed. No host, 0.0.0.0 and
:: are every address of the machine when all are allowed, and 127.0.0.1 otherwise.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

ALLOW_FLAG = "--allow-any-address"
SIMULATED = "lab:"
WILDCARDS = frozenset({"", "0.0.0.0", "::"})


class BadAddress(Exception):
    """Not HOST:PORT; the message says why."""


class BeyondLoopback(Exception):
    """An address that only a flag allows; the message names it."""


@dataclass(frozen=True, slots=True)
class Address:
    """`host` is a number, or nothing when none was given."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def split_address(text: str) -> tuple[str, int]:
    """Host and port of HOST:PORT, the host as it is written; nothing at all is port 0."""
    if not text:
        return "", 0
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif not colon or text.endswith("]"):
        raise BadAddress(f"address {text}: missing port in address")
    elif ":" in host:
        raise BadAddress(f"address {text}: too many colons in address")
    if port and not (port.isascii() and port.isdecimal()):
        raise BadAddress(f"lookup tcp/{port}: unknown port")
    if int(port or 0) > 65_535:
        raise BadAddress(f"address {port}: invalid port")
    return host, int(port or 0)


def resolve(text: str) -> Address:
    """HOST:PORT with its host in numbers: 127.0.0.1 for localhost; other names are looked up."""
    host, port = split_address(text)
    if not host or is_number(host):
        return Address(host, port)
    if host.lower() == "localhost":
        return Address("127.0.0.1", port)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise BadAddress(f"lookup {host}: {error}") from None
    return Address(str(found[0][4][0]), port)


def check_listen(text: str) -> None:
    """BeyondLoopback when one host is given that is not this machine's own; BadAddress is not its matter."""
    try:
        host, _ = split_address(text)
    except BadAddress:
        return
    if host not in WILDCARDS and not is_loopback(host):
        raise BeyondLoopback(f"listen {text}: only loopback addresses, unless the lab runs with {ALLOW_FLAG}")


def check_upstream(text: str) -> None:
    """The same for what stands behind a proxy, a URL or HOST:PORT; what names no host can stay."""
    if text.startswith(SIMULATED):
        return
    try:
        host = urlsplit(text).hostname or "" if is_url(text) else split_address(text)[0]
    except (BadAddress, ValueError):
        return
    if host and not is_loopback(host):
        raise BeyondLoopback(
            f"upstream {text}: only loopback addresses, unless the lab runs with {ALLOW_FLAG}"
        )


def is_url(text: str) -> bool:
    """Whether an upstream is one to relay to."""
    return text.lower().startswith(("http://", "https://"))


def is_loopback(host: str) -> bool:
    """Of the names only localhost: what others resolve to is not ours to promise."""
    return host.lower() == "localhost" or (is_number(host) and ipaddress.ip_address(host).is_loopback)


def is_number(host: str) -> bool:
    """Whether a host is an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
