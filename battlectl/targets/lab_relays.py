"""Which real nodes stand behind the lab's relays: the first of the config that answer, all on one chain.

Rule: a node that does not answer is asked again, then passed over for the next; who was chosen and who was
not is in the report. The chain is that of the first that answered, by its number and its genesis block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import tenacity
import trio

from battlectl.errors import NotReady
from battlectl.lab.spec import RelaySpec, provider_ids, read_upstreams
from battlectl.scenario.target import Target
from battlectl.scenario.target_relays import RelayedNode
from battlectl.targets.control import CallError, Control, brief
from battlectl.targets.site import endpoint_of

TRIES = 3
PAUSE = 0.5
LONGEST_PAUSE = 4.0
"""Seconds between two tries, doubled each time."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What makes two nodes one chain's."""

    number: int
    genesis: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """The relays to start, the number of their chain, and what to say of the choice."""

    relays: tuple[RelaySpec, ...]
    chain_id: int
    notes: tuple[str, ...]


async def choose_nodes(target: Target) -> Chosen:
    """As many nodes as the config wants; raises `NotReady` when fewer answer."""
    wanted, chain = target.lab.providers, None
    found: list[RelayedNode] = []
    passed: list[str] = []
    for node in target.lab.relays:
        if len(found) == wanted:
            break
        try:
            seen = await _ask(target, node)
        except CallError as error:
            passed.append(f"{_host(node)} ({error})")
            continue
        if chain is not None and seen != chain:
            passed.append(f"{_host(node)} (it is on another chain than {_host(found[0])})")
            continue
        chain = seen
        found.append(node)
    if len(found) < wanted or chain is None:
        said = f"{len(found)} of {len(target.lab.relays)} nodes can be used, and {wanted} are wanted"
        raise NotReady(f"{said}; passed over: {'; '.join(passed)}")
    relays = read_upstreams([" ".join(filter(None, (node.url, node.ws_url))) for node in found])
    return Chosen(relays, chain.number, _notes(found, passed))


async def _ask(target: Target, node: RelayedNode) -> Chain:
    """The chain of a node; raises `CallError` when it does not say in a few tries."""
    asking = tenacity.AsyncRetrying(
        sleep=trio.sleep,
        wait=tenacity.wait_exponential(multiplier=PAUSE, max=LONGEST_PAUSE),
        stop=tenacity.stop_after_attempt(TRIES),
        retry=tenacity.retry_if_exception_type(CallError),
        reraise=True,
    )
    async with Control(endpoint_of(target, node.url)) as control:
        return await asking(_ask_once, control)


async def _ask_once(control: Control) -> Chain:
    number = await control.call("eth_chainId")
    block = await control.call("eth_getBlockByNumber", ["0x0", False])
    try:
        return Chain(int(number, 16), block["hash"].lower())
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise CallError(f"no chain: {brief(number)}, {brief(block)}") from error


def _notes(found: Sequence[RelayedNode], passed: Sequence[str]) -> tuple[str, ...]:
    """Hosts alone: what follows them may be a key."""
    pairs = zip(provider_ids(len(found)), found, strict=True)
    behind = ", ".join(f"{id_} is {_host(node)}" for id_, node in pairs)
    return (
        f"the providers are relays in front of real nodes: {behind}",
        *(f"passed over at the start: {one}" for one in passed),
    )


def _host(node: RelayedNode) -> str:
    return urlsplit(node.url).netloc.rpartition("@")[2]
