"""Health probes: what the gateway asks of each provider by itself, once every `probe_s` seconds.

Rule: a probe is eth_blockNumber, then eth_getBlockByNumber of block 0 (the chain's identity) and of a block
that all providers should have (the fork they are on), each a single call with the id "probe". A failed probe
counts for the breaker as a failed request does; one that succeeds closes no breaker, because a provider that
can count blocks may be unable to do anything else. Probes are counted apart from requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import trio

from battlectl.lab.gateway import heads as h
from battlectl.lab.gateway.judgement import Accepted, Complaint, judge_reply
from battlectl.lab.gateway.provider import Ballot, Provider
from battlectl.lab.gateway.questions import block_number
from battlectl.lab.gateway.state import Gateway, release
from battlectl.lab.net import upstream
from battlectl.lab.net.upstream import UpstreamError

PROBE_ID = "probe"
SHOWN_SECONDS = 10.0  # after so long without a provider at the head that was shown, the chain was set back


class ProbeFailed(Exception):
    """The provider gave no answer to a probe, or a wrong one."""

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(complaint.reason)
        self.complaint = complaint


async def run_background(gateway: Gateway) -> None:
    """Probe for ever; to be cancelled with the gateway, whose idle connections are closed then."""
    try:
        async with trio.open_nursery() as nursery:
            while True:
                started = trio.current_time()
                await probe_round(gateway, nursery)
                await trio.sleep_until(started + gateway.settings.probe_s)
    finally:
        with trio.CancelScope(shield=True):
            for provider in gateway.providers:
                await upstream.close(provider.pool)


async def probe_round(gateway: Gateway, nursery: trio.Nursery) -> None:
    """Begin a probe of every provider that has answered its last, and take stock when all or most are in.

    A provider that is slow holds nobody up: what it says is taken into account in the round after.
    """
    ballot = Ballot(_common_height(gateway))
    idle = [provider for provider in gateway.providers if not provider.is_being_probed]
    finished = [trio.Event() for _ in idle]
    for provider, done in zip(idle, finished, strict=True):
        provider.is_being_probed = True
        nursery.start_soon(_probe, gateway, provider, ballot, done)
    with trio.move_on_after(gateway.settings.probe_s / 2):
        for done in finished:
            await done.wait()
    take_stock(gateway)


async def _probe(gateway: Gateway, provider: Provider, ballot: Ballot, done: trio.Event) -> None:
    began, believed = gateway.clock(), gateway.believed_head
    try:
        head, genesis, vote = await _look(gateway, provider, ballot.height)
        provider.head, provider.genesis = head, genesis
        # A late answer is compared with what was believed when it was asked for: slow is not behind.
        is_late = gateway.clock() - began > gateway.settings.probe_s / 2
        provider.due_head = (head if believed is None else believed) if is_late else None
        if vote is not None:
            ballot.votes[provider.id], provider.ballot = vote, ballot
        provider.is_probe_well = True
    except ProbeFailed as failure:
        provider.is_probe_well = False
        _hold_against(gateway, provider, failure.complaint)
    finally:
        provider.is_being_probed = False
        done.set()
    provider.last_probe = gateway.truth.clock()
    gateway.truth.probes[provider.id, "well" if provider.is_probe_well else "failed"] += 1
    if provider.is_retired:
        await release(provider)


async def _look(gateway: Gateway, provider: Provider, height: int | None) -> tuple[int, str, str | None]:
    """(head, hash of block 0, hash of the block at `height` or None); ProbeFailed."""
    head = block_number(await _call(gateway, provider, "eth_blockNumber", []))
    genesis = _hash_of(await _call(gateway, provider, "eth_getBlockByNumber", ["0x0", False]))
    if head is None or genesis is None:
        raise ProbeFailed(Complaint("a probe's answer makes no sense"))
    if height is None or head < height:
        return head, genesis, None
    return (
        head,
        genesis,
        _hash_of(await _call(gateway, provider, "eth_getBlockByNumber", [hex(height), False])),
    )


async def _call(gateway: Gateway, provider: Provider, method: str, params: list[Any]) -> Any:
    body = msgspec.json.encode({"jsonrpc": "2.0", "id": PROBE_ID, "method": method, "params": params})
    patience = gateway.settings.deadline(method)
    with trio.move_on_after(patience):
        try:
            reply = await upstream.post(provider.pool, body, ())
        except UpstreamError as error:
            raise ProbeFailed(Complaint(str(error))) from None
        verdict = judge_reply(reply, [PROBE_ID], False)
        if isinstance(verdict, Accepted):
            return verdict.items[0].get("result")
        raise ProbeFailed(verdict)
    raise ProbeFailed(Complaint(f"no answer within {patience:g} s"))


def _hash_of(block: Any) -> str | None:
    found = block.get("hash") if isinstance(block, dict) else None
    return found if isinstance(found, str) else None


def _hold_against(gateway: Gateway, provider: Provider, complaint: Complaint) -> None:
    now, settings = gateway.clock(), gateway.settings
    if complaint.blame == "provider":
        provider.failed("http", now, settings.breaker, gateway.truth, f"probe: {complaint.reason}")
    elif complaint.blame == "rate":
        pause = settings.rate_limit_s if complaint.retry_after is None else complaint.retry_after
        until = now + min(pause, settings.longest_rate_limit_s)
        provider.limit(until, gateway.truth, f"probe: {complaint.reason}")


def _common_height(gateway: Gateway) -> int | None:
    """A block that every provider in step has; None until two of them have named a head."""
    heads = [p.head for p in gateway.providers if p.head is not None and not p.is_lagging]
    return min(heads) if len(heads) > 1 else None


def take_stock(gateway: Gateway) -> None:
    """Who is on the chain, in step, and on the fork that most are on, by what the last probes said."""
    well = [provider for provider in gateway.providers if provider.is_probe_well]
    expected = _expected_genesis(gateway, well)
    right = [provider for provider in well if expected is None or provider.genesis == expected]
    _believe(gateway, [provider.head for provider in right if provider.head is not None])
    for provider in well:
        head, believed = provider.head, gateway.believed_head
        due = believed if provider.due_head is None else provider.due_head
        provider.stands(
            gateway.truth,
            lagging=h.lags(head, due, gateway.settings.lag_limit) or _is_too_far(gateway, head),
            forked=_is_forked(provider),
            wrong_chain=provider not in right,
        )


def _expected_genesis(gateway: Gateway, well: Sequence[Provider]) -> str | None:
    if gateway.settings.genesis_hash is not None:
        return gateway.settings.genesis_hash
    if gateway.genesis is None and 2 * len(well) > len(gateway.providers):
        # Once most have agreed, that is what the chain is, whoever says otherwise later.
        gateway.genesis = h.majority(provider.genesis for provider in well)
    return gateway.genesis


def _is_too_far(gateway: Gateway, head: int | None) -> bool:
    belief = gateway.belief
    return head is not None and belief is not None and head > belief.furthest(gateway.clock())


def _is_forked(provider: Provider) -> bool:
    """By its last ballot; a tie leaves it as it was."""
    ballot = provider.ballot
    most = None if ballot is None else h.majority(ballot.votes.values())
    return provider.is_forked if ballot is None or most is None else ballot.votes[provider.id] != most


def _believe(gateway: Gateway, heads: Sequence[int]) -> None:
    now = gateway.clock()
    gateway.belief = h.believe(gateway.belief, heads, now)
    believed = gateway.believed_head
    if not heads or gateway.shown_head is None or max(heads) >= gateway.shown_head:
        gateway.shown_at = now  # while nobody answers, nobody says that it was set back
    elif now - gateway.shown_at > SHOWN_SECONDS:
        gateway.truth.record("standing", what="head_set_back", shown=gateway.shown_head, to=believed)
        gateway.shown_head, gateway.shown_at = believed, now
