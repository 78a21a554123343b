"""Blocks that the truth never had, though it knows their number: whose fault that is.

Rule: between two looks a chain may go another way and come back, and nobody can tell. So nothing is proven of
a block that may be of such a branch: it lies on a block that the chain had at some time from where the stream
stood, or on one of such a branch that the stream has shown, and its number is at most one above what the
chain had reached. But a branch cannot have stood unseen for long: where the truth looked after the stream had
shown the first of it, and `settle` seconds or more before it showed this one, the branch was none of the
chain's. Any other was invented, if the truth came to that number only `settle` seconds after it was shown or
later, else it is of a wrong fork.
"""

from __future__ import annotations

from typing import NamedTuple

from battlectl.observe.streams.truth import Truth

UNPROVEN, INVENTED, WRONG_FORK = "unproven", "invented", "wrong_fork"


class Stranger(NamedTuple):
    """Such a block, shown at t; `parent` is None where nobody said it.

    `since` is when the stream showed the first of the branch that this lies on, this time itself if it may be
    the first of one that it shows; None where only the truth can say what it lies on.
    """

    t: float
    number: int
    parent: str | None
    since: float | None


def judge_stranger(truth: Truth, shown: Stranger, standing: int | None, settle: float) -> str:
    """The name of the count. The truth must know the number.

    `standing` is the rank at which the stream stood when it showed the block, None before its first.
    """
    first = _first(truth, shown.t - settle) if standing is None else standing
    until = truth.last_until(shown.t + settle)
    last = first if until is None else max(first, until)
    if shown.since is None:
        is_possible = _lies_on_chain(truth, shown, first, last)
    else:
        is_possible = _is_in_reach(truth, shown.number, last) and not truth.looked_between(
            shown.since, shown.t - settle
        )
    if is_possible:
        return UNPROVEN
    versions = truth.versions(shown.number)
    return INVENTED if truth.at(versions[0]).seen > shown.t + settle else WRONG_FORK


def _first(truth: Truth, t: float) -> int:
    """Where the truth stood then, or the oldest that is known of it."""
    found, oldest = truth.last_until(t), truth.oldest
    return found if found is not None else 0 if oldest is None else oldest.rank


def _is_in_reach(truth: Truth, number: int, last: int) -> bool:
    """Whether the chain had this number, or the one below, at this rank or before."""
    return any(rank <= last for one in (number - 1, number) for rank in truth.versions(one))


def _lies_on_chain(truth: Truth, shown: Stranger, first: int, last: int) -> bool:
    """Whether the chain had its parent between these two ranks, both included.

    Where nobody said the parent, the block must have been above the head, or beside it.
    """
    number, parent = shown.number, shown.parent
    below = [truth.at(rank).hash for rank in truth.versions(number - 1) if first <= rank <= last]
    beside = [truth.at(rank).parent for rank in truth.versions(number) if first <= rank <= last]
    if parent is None:
        return bool(below or beside)
    return parent in (*below, *beside) or parent == _stood_at(truth, number - 1, first)


def _stood_at(truth: Truth, number: int, rank: int) -> str | None:
    """The block that the chain had at this number when it had come to this rank."""
    if not truth.has(rank) or truth.at(rank).number < number:
        return None
    before = [one for one in truth.versions(number) if one <= rank]
    return truth.at(before[-1]).hash if before else None
