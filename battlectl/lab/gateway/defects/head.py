"""Defects of the head: what clients are shown of how far the chain is."""

from __future__ import annotations

from collections.abc import Sequence

from battlectl.lab.gateway.defects.caching import keep
from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.defects.wrapping import change_choice, change_replies, have
from battlectl.lab.gateway.head_answers import judge_heads
from battlectl.lab.gateway.judgement import Complaint
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.questions import Question
from battlectl.lab.gateway.seams import Items
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.truth import Truth
from battlectl.lab.rpc.envelope import Call

CACHED_SECONDS = 6.0
BAN_SECONDS = 5.0
MOST_KNOWN = 256  # blocks


class NeverLags(Provider):
    """How far its head is makes no difference."""

    __slots__ = ()

    def stands(self, truth: Truth, *, lagging: bool, forked: bool, wrong_chain: bool) -> None:
        """Without a look at lag."""
        super().stands(truth, lagging=False, forked=forked, wrong_chain=wrong_chain)


def _let_the_head_go_back(gateway: Gateway) -> None:
    gateway.seams.judge_heads = lambda calls, items, shown, furthest: None
    have(NeverLags)(gateway)


def _believe_any_head(gateway: Gateway) -> None:
    def judge(
        calls: Sequence[Call], items: Items, shown: int | None, furthest: int | None
    ) -> Complaint | None:
        return judge_heads(calls, items, shown, None)

    gateway.seams.judge_heads = judge
    have(NeverLags)(gateway)


def _pass_nulls_on(gateway: Gateway) -> None:
    sound = gateway.seams.judge_heads

    def judge(
        calls: Sequence[Call], items: Items, shown: int | None, furthest: int | None
    ) -> Complaint | None:
        if any("result" in item and item["result"] is None for item in items):
            return None
        return sound(calls, items, shown, furthest)

    gateway.seams.judge_heads = judge


def _head(call: Call) -> str | None:
    """What the head is kept under."""
    return call.method if call.method == "eth_blockNumber" else None


def _show_the_slowest(gateway: Gateway) -> None:
    def lowest(question: Question, reply: dict[str, object]) -> dict[str, object]:
        heads = [provider.head for provider in gateway.providers if provider.head is not None]
        if question.method != "eth_blockNumber" or "result" not in reply or not heads:
            return reply
        return {**reply, "result": hex(min(heads))}

    change_replies(gateway, lowest)


class NeverForked(Provider):
    """Which branch it is on makes no difference."""

    __slots__ = ()

    def stands(self, truth: Truth, *, lagging: bool, forked: bool, wrong_chain: bool) -> None:
        """Without a look at forks."""
        super().stands(truth, lagging=lagging, forked=False, wrong_chain=wrong_chain)


def _ban_after_a_reorg(gateway: Gateway) -> None:
    """Whoever shows another block than was known at a height is not asked for a while."""
    known: dict[int, str] = {}
    banned: dict[str, float] = {}
    sound = gateway.seams.judge_heads

    def judge(
        calls: Sequence[Call], items: Items, shown: int | None, furthest: int | None
    ) -> Complaint | None:
        for item in items:
            block = item.get("result")
            if isinstance(block, dict) and isinstance(block.get("hash"), str) and "parentHash" in block:
                number = int(block["number"], 16)
                if known.setdefault(number, block["hash"]) != block["hash"]:
                    known[number] = block["hash"]
                    banned.update({p.id: gateway.clock() + BAN_SECONDS for p in gateway.providers})
                for old in [n for n in known if n < number - MOST_KNOWN]:
                    del known[old]
        return sound(calls, items, shown, furthest)

    def choose(found: list[Provider]) -> list[Provider]:
        now = gateway.clock()
        return [provider for provider in found if banned.get(provider.id, now) <= now]

    gateway.seams.judge_heads = judge
    change_choice(gateway, choose)


DEFECTS = (
    Defect(
        name="head-goes-back",
        area="head",
        summary="a client that saw a block is told next that the chain has not got there yet",
        when="while a provider lags, or its head is frozen or goes back",
        finding="head",
        plant=_let_the_head_go_back,
    ),
    Defect(
        name="head-jumps",
        area="head",
        summary="a block that cannot be there yet is shown as the head, and then nothing new for long",
        when="while a provider's head jumps ahead of all others",
        finding="head",
        plant=_believe_any_head,
    ),
    Defect(
        name="head-from-memory",
        area="head",
        summary="eth_blockNumber is up to six seconds old, while other methods are not",
        when="always; on chains with blocks of less than six seconds",
        finding="head",
        plant=keep(_head, lambda result: isinstance(result, str), CACHED_SECONDS),
    ),
    Defect(
        name="head-of-the-slowest",
        area="head",
        summary="eth_blockNumber is what the slowest provider has: when one falls behind, the head goes back",
        when="while a provider lags or its head is frozen",
        finding="head",
        plant=_show_the_slowest,
    ),
    Defect(
        name="null-for-a-shown-block",
        area="head",
        summary="a block up to the head that was shown is null when it is asked for",
        when="while a provider lags by a block or two, or has null for what is near its tip",
        finding="consistency",
        plant=_pass_nulls_on,
    ),
    Defect(
        name="latest-from-mixed-views",
        area="head",
        summary="state at `latest` comes from providers that lag: an account changes back and forth",
        when="while a provider lags by more than two blocks",
        finding="consistency",
        plant=have(NeverLags),
    ),
    Defect(
        name="fork-not-noticed",
        area="head",
        summary="blocks of a branch that most providers do not have are mixed with those of the chain",
        when="while a provider is on a branch of its own: a reorg of one",
        finding="consistency",
        plant=have(NeverForked),
    ),
    Defect(
        name="reorg-bans-everybody",
        area="head",
        summary="every request is refused for five seconds after a reorg: all providers are taken for broken",
        when="at a reorg of blocks that clients ask for before and after it (eth_getBlockByNumber)",
        finding="availability",
        plant=_ban_after_a_reorg,
    ),
)
