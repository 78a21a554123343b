"""What the WebSocket side asks providers over HTTP: heads, blocks by hash, votes, the logs of a block.

Rule: no provider is waited for when enough others have answered, and none for more than ASK_SECONDS. Such
questions are counted as probes, apart from clients' requests, and move no breaker: what they find is
held against what the providers' streams say, and the streams have a breaker of their own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec
import trio

from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.state import Gateway, release
from battlectl.lab.gateway.ws.block import Block, Place, read_block
from battlectl.lab.net.upstream import UpstreamError

ASK_SECONDS = 2.0
GRACE_SECONDS = 0.5  # for the others, once one has answered
WITNESSES = 2

MISREAD = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What comes of reading an answer that is none."""

T = TypeVar("T")


class Unanswered(Exception):
    """No provider has given an answer that can be used: ask again later."""


async def ask(gateway: Gateway, provider: Provider, method: str, params: list[Any]) -> Any:
    """The result of one call at one provider; raises Unanswered for anything else."""
    body = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    outcome = "failed"
    try:
        with trio.fail_after(ASK_SECONDS):
            reply = await gateway.posts["http"](provider, body, ())
        value = msgspec.json.decode(reply.body)
        if reply.status == 200 and value["id"] == 1 and value.get("error") is None:
            outcome = "answered"
            return value["result"]
        said = f"http {reply.status}, {error_words(value.get('error'))}"
    except (UpstreamError, trio.TooSlowError, *MISREAD) as error:
        raise Unanswered(f"{provider.id}: {error or 'too slow'}") from None
    finally:
        gateway.truth.probes[provider.id, outcome] += 1
        if provider.is_retired:
            await release(provider)
    raise Unanswered(f"{provider.id}: {said}")


def error_words(error: Any) -> str:
    """The message of an error object, if there is one; no more of it, for it can be of any size and depth."""
    message = error.get("message") if isinstance(error, dict) else None
    return message[:200] if isinstance(message, str) else "no result"


async def heads(gateway: Gateway, providers: Iterable[Provider], enough: int) -> dict[str, Block]:
    """The newest block by provider, of at least `enough` of them if they answer in time."""

    async def head(provider: Provider) -> Block:
        return _block(await ask(gateway, provider, "eth_getBlockByNumber", ["latest", False]))

    return await _gather(providers, head, lambda found: len(found) >= enough, GRACE_SECONDS)


async def block_by_hash(gateway: Gateway, providers: Iterable[Provider], hash_: str) -> Block | None:
    """The block, or None when those who answer do not know it; raises Unanswered when nobody answers."""
    has_answer = False
    for provider in providers:
        try:
            document = await ask(gateway, provider, "eth_getBlockByHash", [hash_, False])
        except Unanswered:
            continue
        has_answer = True
        block = read_block(document)
        if block is not None and block.hash == hash_:
            return block
    if not has_answer:
        raise Unanswered("no provider answers")
    return None


async def is_canonical(gateway: Gateway, providers: list[Provider], place: Place) -> bool:
    """Whether more providers have this block at its number than have another; who has none abstains.

    Raises Unanswered when nobody has a say.
    """

    async def vote(provider: Provider) -> str | None:
        document = await ask(gateway, provider, "eth_getBlockByNumber", [hex(place.number), False])
        block = read_block(document)
        return block.hash if block is not None else None

    def is_decided(votes: Mapping[str, str | None]) -> bool:
        ayes = sum(hash_ == place.hash for hash_ in votes.values())
        noes = sum(hash_ not in (place.hash, None) for hash_ in votes.values())
        return 2 * max(ayes, noes) > len(providers)

    votes = await _gather(providers, vote, is_decided)
    cast = [hash_ for hash_ in votes.values() if hash_ is not None]
    if not cast:
        raise Unanswered("no provider has such a block")
    return 2 * cast.count(place.hash) > len(cast)


async def logs_of(
    gateway: Gateway,
    providers: Iterable[Provider],
    place: Place,
    query: dict[str, Any],
    witnesses: int = WITNESSES,
) -> list[list[Any]]:
    """What up to `witnesses` providers say are the logs of this block; raises Unanswered when none does.

    Two are asked because one that leaves logs out looks like one that has none.
    """

    async def logs(provider: Provider) -> list[Any]:
        found = await ask(gateway, provider, "eth_getLogs", [query | {"blockHash": place.hash}])
        if not isinstance(found, list):
            raise Unanswered("no list")
        return found

    left = list(providers)
    answers: dict[str, list[Any]] = {}
    while left and len(answers) < witnesses:
        # Who is down is no witness: others are asked in its place, however well the first has answered.
        missing = witnesses - len(answers)
        asked, left = left[:missing], left[missing:]
        answers |= await _gather(asked, logs, lambda found: False, GRACE_SECONDS)
    if not answers:
        raise Unanswered("no provider knows the logs of the block")
    return list(answers.values())


async def _gather(
    providers: Iterable[Provider],
    question: Callable[[Provider], Awaitable[T]],
    is_enough: Callable[[Mapping[str, T]], bool],
    after_first: float = ASK_SECONDS,
) -> dict[str, T]:
    """Answers by provider: all, or those that were there when there were enough, or when time was up."""
    found: dict[str, T] = {}

    async def put(provider: Provider) -> None:
        try:
            answer = await question(provider)
        except Unanswered:
            return
        found[provider.id] = answer
        nursery.cancel_scope.deadline = min(nursery.cancel_scope.deadline, trio.current_time() + after_first)
        if is_enough(found):
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        for provider in providers:
            nursery.start_soon(put, provider)
    return found


def _block(document: Any) -> Block:
    block = read_block(document)
    if block is None:
        raise Unanswered("no block")
    return block
