"""Blocks that the truth never had, though it knows their number: whose fault that is.

Rule: between two looks a chain may go one block another way and come back, and nobody can tell. So nothing is
proven of a block that may have been its tip: on a block that was the head, or beside the head on the same
parent, at some time from where the stream stood. Any other was invented, if the truth came to that number
only `settle` seconds after it was shown or later, else it is of a wrong fork.
"""

from __future__ import annotations

from battlectl.observe.streams.truth import Truth

UNPROVEN, INVENTED, WRONG_FORK = "unproven", "invented", "wrong_fork"


def judge_stranger(
    truth: Truth, number: int, parent: str | None, t: float, standing: int | None, settle: float
) -> str:
    """The name of the count. The truth must know the number; `parent` is None where nobody said it.

    `standing` is the rank at which the stream stood when it showed the block at t, None before its first.
    """
    since = _first(truth, t - settle) if standing is None else standing
    until = truth.last_until(t + settle)
    if _may_have_stood(truth, number, parent, since, max(since, since if until is None else until)):
        return UNPROVEN
    versions = truth.versions(number)
    return INVENTED if truth.at(versions[0]).seen > t + settle else WRONG_FORK


def _first(truth: Truth, t: float) -> int:
    """Where the truth stood then, or the oldest that is known of it."""
    found, oldest = truth.last_until(t), truth.oldest
    return found if found is not None else 0 if oldest is None else oldest.rank


def _may_have_stood(truth: Truth, number: int, parent: str | None, since: int, until: int) -> bool:
    """Whether the head was below it, or beside it, between these two ranks, both included."""
    below = (truth.at(rank).hash for rank in truth.versions(number - 1) if since <= rank <= until)
    beside = (truth.at(rank).parent for rank in truth.versions(number) if since <= rank <= until)
    return any(parent in (None, hash_) for hash_ in (*below, *beside))
