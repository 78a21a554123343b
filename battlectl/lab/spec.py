"""What a lab can be: how many providers, simulated or relayed, at which ports, behind which gateway.

Rule: what no lab can be is refused here, before any process starts, with what to try. An address beyond
this machine is refused unless the spec allows it, to listen on and as the node behind a relay alike.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import get_args

from battlectl.lab.gateway.settings import Revision, Strategy
from battlectl.lab.provider.relay_address import BadAddress, RelayAddress, hosts_of, read_address

MOST_PROVIDERS = 26
LAST_PORT = 65_535
TOXIPROXY_PORT = 8474
"""The port at which Toxiproxy's clients look for its API."""
_NAMED = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,63})=(.*)", re.DOTALL)


class LabError(Exception):
    """The lab cannot be what was asked for, or is no more; the message says what to try."""


@dataclass(frozen=True, slots=True)
class RelaySpec:
    """A provider that passes everything on to the node at `address`."""

    id: str
    address: RelayAddress

    @property
    def upstream(self) -> str:
        """The shortest text that means the address."""
        url = self.address.url
        return url if read_address(url) == self.address else f"{url} {self.address.ws_url}"


@dataclass(frozen=True, slots=True)
class LabSpec:
    """A lab to start. Times are in seconds, `latency` is added to every answer, `port` is the gateway's.

    With `relays` there are no simulated providers. `admin_ports` are tried in turn; port 0 is any free one.
    `defect` names what is planted in the gateway; `tiers` are of the providers, in order, else free.
    `chain_id` is the gateway's; None is that of the simulated chain, or what the first relay answers.
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
    strategy: Strategy | None = None
    defect: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    chain_id: int | None = None
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
    """Relays from "URL", "URL WS_URL" or either after "NAME="; the n-th that has no name has letter n."""
    if len(texts) > MOST_PROVIDERS:
        raise LabError(f"a lab has at most {MOST_PROVIDERS} relays, not {len(texts)}")
    ids = provider_ids(len(texts))
    relays = tuple(_read_upstream(id_, text) for id_, text in zip(ids, texts, strict=True))
    for relay in relays:
        if sum(other.id == relay.id for other in relays) > 1:
            raise LabError(f'two relays are called "{relay.id}": give each a NAME of its own')
    return relays


def is_loopback(host: str) -> bool:
    """A name is refused as well: what it resolves to is not ours to promise."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_upstream(id_: str, text: str) -> RelaySpec:
    named = _NAMED.fullmatch(text)
    try:
        return RelaySpec(named[1] if named else id_, read_address(named[2] if named else text))
    except BadAddress as error:
        raise LabError(
            f"an upstream is URL, NAME=URL or 'NAME=URL WS_URL', as in http://127.0.0.1:8545: {error}"
        ) from None


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
    if spec.has_gateway and spec.port and spec.admin_ports == (spec.port,):
        yield f"port {spec.port} cannot be the gateway's and the admin API's: try another for one of them"
    if spec.token is not None and not re.fullmatch(r"[!-~]+", spec.token):
        yield "the token is empty, or has characters that an HTTP header cannot carry"
    for what, value, known in (
        ("revision", spec.revision, get_args(Revision)),
        ("strategy", spec.strategy, (None, *get_args(Strategy))),
    ):
        if value not in known:
            yield f'there is no {what} "{value}", known are {", ".join(filter(None, known))}'
    if spec.defect:
        yield from _misnamed(spec.defect)
    if not spec.allow_any_address:
        yield from _distant(spec)


def _misnamed(defects: tuple[str, ...]) -> Iterator[str]:
    # Here, because it is all of the gateway, and few labs have a defect.
    from battlectl.lab.gateway.defects.table import check_names

    try:
        check_names(defects)
    except ValueError as error:
        yield str(error)


def _distant(spec: LabSpec) -> Iterator[str]:
    """Addresses beyond this machine."""
    if not is_loopback(spec.host):
        yield (
            f"{spec.host} is not a loopback address (no name is one): the lab binds to 127.0.0.1 or ::1 "
            "unless it is started with --allow-any-address"
        )
    for relay in spec.relays:
        for host in sorted(hosts_of(relay.address)):
            if not (is_loopback(host) or host == "localhost"):
                yield (
                    f"{host} is beyond this machine, and a relay passes on whatever it is sent: "
                    "this needs --allow-any-address"
                )
