"""Whether a stream followed a reorg.

Rule: a reorg concerns a stream when, at some height that was replaced, it had last shown another block than
the one that is there now. Then it is followed if every block of the new branch came, from the fork to the
old height; partial if some came; hidden if none did, unless that branch itself went again within `settle`.
Blocks that the truth saw less than `settle` before the end are not asked for. What was never shown need not
be taken back, and what was left and come back to unnoticed need not be said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from battlectl.observe.streams.announced import Reorg
from battlectl.observe.streams.truth import Truth

HasShown = Callable[[int], bool]
"""Whether the stream showed the announcement with this rank."""


class Followed(NamedTuple):
    """How a reorg was told: the count, and the numbers that were replaced."""

    name: str
    first: int
    last: int


def judge_reorg(
    truth: Truth, index: int, has_shown: HasShown, until: float, settle: float
) -> Followed | None:
    """None: it does not concern the stream, or nothing can be said. `until` is when the stream ended."""
    reorg = truth.reorg(index)
    if reorg is None or not truth.has(reorg.rank):
        return None
    following = truth.reorg(index + 1)
    asked = until - settle
    branch = [
        rank for rank in _branch(truth, reorg, following) if has_shown(rank) or truth.at(rank).seen <= asked
    ]
    if not any(_is_stale(truth, rank, reorg.rank, has_shown) for rank in branch):
        return None
    shown = sum(map(has_shown, branch))
    last = truth.at(branch[-1]).number
    if shown == len(branch):
        return Followed("reorgs_followed", reorg.fork + 1, last)
    if shown:
        return Followed("reorgs_partial", reorg.fork + 1, last)
    gone = following.seen if following is not None and following.fork < last else until
    return Followed("reorgs_hidden", reorg.fork + 1, last) if gone - reorg.seen >= settle else None


def _branch(truth: Truth, reorg: Reorg, following: Reorg | None) -> list[int]:
    """The ranks of the new branch at the heights that were replaced."""
    ranks, rank = [], reorg.rank
    while truth.has(rank) and (following is None or rank < following.rank):
        if truth.at(rank).number > reorg.top:
            break
        ranks.append(rank)
        rank += 1
    return ranks


def _is_stale(truth: Truth, rank: int, before: int, has_shown: HasShown) -> bool:
    """Whether the stream had last shown another block at the height of this rank."""
    now = truth.at(rank)
    shown = [one for one in truth.versions(now.number) if one < before and has_shown(one)]
    return bool(shown) and truth.at(shown[-1]).hash != now.hash
