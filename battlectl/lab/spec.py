"""What a lab can be: how many providers, simulated or relayed, at which ports, behind which gateway.

Rule: what no lab can be is refused here, before any process starts, with what to try. An address beyond
this machine is refused unless the spec allows it, to listen on and as the node behind a relay alike.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

MOST_PROVIDERS = 26
LAST_PORT = 65_535
TOXIPROXY_PORT = 8474
"""The port at which Toxiproxy's clients look for its API."""

Revision = Literal["current", "2025-10"]


class LabError(Exception):
    """The lab cannot be what was asked for, or is no more; the message says what to try."""


@dataclass(frozen=True, slots=True)
class RelaySpec:
    """A provider that passes everything on to a real node; `ws_url` None is the same place by ws://."""

    id: str
    url: str
    ws_url: str | None = None


@dataclass(frozen=True, slots=True)
class LabSpec:
    """A lab to start. Times are in seconds, `latency` is added to every answer, `port` is the gateway's.

    With `relays` there are no simulated providers. `admin_ports` are tried in turn; port 0 is any free one.
    """

    providers: int = 3
    block_time: float = 1.0
    latency: float = 0.0
    seed: int = 1
    port: int = 0
    attempt_timeout: float = 2.0
    relays: tuple[RelaySpec, ...] = ()
    has_gateway: bool = True
    revision: Revision = "current"
    strategy: str = "round-robin"
    host: str = "127.0.0.1"
    admin_ports: tuple[int, ...] = (0,)
    token: str | None = field(default=None, repr=False)
    allow_any_address: bool = False


def check_spec(spec: LabSpec) -> None:
    """LabError names the first thing that no lab can be."""
    for mistake in _mistakes(spec):
        raise LabError(mistake)


def provider_ids(count: int) -> list[str]:
    """`provider_a`, `provider_b`, ...: a letter each, hence MOST_PROVIDERS."""
    return [f"provider_{chr(ord('a') + index)}" for index in range(count)]


def read_upstreams(texts: Sequence[str]) -> tuple[RelaySpec, ...]:
    """Relays from `URL`, `NAME=URL` or `NAME=URL,WS_URL`; without a name the next of `provider_a`, ..."""
    if len(texts) > MOST_PROVIDERS:
        raise LabError(f"a lab has at most {MOST_PROVIDERS} relays, not {len(texts)}")
    relays = tuple(
        _read_upstream(id_, text) for id_, text in zip(provider_ids(len(texts)), texts, strict=True)
    )
    for relay in relays:
        if sum(other.id == relay.id for other in relays) > 1:
            raise LabError(f'two relays are called "{relay.id}": give each a NAME=URL of its own')
    return relays


def is_loopback(host: str) -> bool:
    """A name is refused as well: what it resolves to is not ours to promise."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_upstream(id_: str, text: str) -> RelaySpec:
    name, equals, rest = text.partition("=")
    named = equals and "://" not in name
    url, _, ws_url = (rest if named else text).partition(",")
    relay = RelaySpec(name if named else id_, url, ws_url or None)
    if named and not (name.isascii() and name.replace("_", "").replace("-", "").isalnum()):
        raise LabError(f'the name of a relay has letters, digits, "_" and "-": not "{name}"')
    for mistake in _bad_url("an upstream", url, ("http", "https")):
        raise LabError(mistake)
    if ws_url:
        for mistake in _bad_url("the WebSocket side of an upstream", ws_url, ("ws", "wss")):
            raise LabError(mistake)
    return relay


def _mistakes(spec: LabSpec) -> Iterator[str]:
    if not (spec.relays or 1 <= spec.providers <= MOST_PROVIDERS):
        yield f"a lab has 1 to {MOST_PROVIDERS} providers, not {spec.providers}: try 3"
    if not (spec.block_time > 0 and math.isfinite(spec.block_time)):
        yield f"a block time of {spec.block_time:g} s: try 1s"
    if not (spec.latency >= 0 and math.isfinite(spec.latency)):
        yield f"a latency of {spec.latency:g} s: try 0s"
    if not (spec.attempt_timeout > 0 and math.isfinite(spec.attempt_timeout)):
        yield f"an attempt timeout of {spec.attempt_timeout:g} s: try 2s"
    for port in (spec.port, *spec.admin_ports):
        if not 0 <= port <= LAST_PORT:
            yield f"port {port}: a port is 0 (any free one) to {LAST_PORT}"
    if spec.token is not None and not (spec.token.isascii() and spec.token.isprintable() and spec.token):
        yield "the token is empty or has characters that no header can carry"
    yield from () if spec.allow_any_address else _distant(spec)


def _distant(spec: LabSpec) -> Iterator[str]:
    """Addresses beyond this machine."""
    if not is_loopback(spec.host):
        yield (
            f"{spec.host} is not a loopback address: the lab binds to 127.0.0.1 or ::1 "
            "unless started with --allow-any-address"
        )
    for relay in spec.relays:
        for url in (relay.url, relay.ws_url or relay.url):
            host = urlsplit(url).hostname or ""
            if not (is_loopback(host) or host == "localhost"):
                yield (
                    f"{host} is beyond this machine: a relay passes on whatever it is sent, "
                    "so this needs --allow-any-address"
                )


def _bad_url(what: str, url: str, schemes: tuple[str, ...]) -> Iterator[str]:
    """No URL is quoted: it may hold a key."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        yield f"{what} is a URL as in {schemes[0]}://127.0.0.1:8545"
