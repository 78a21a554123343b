"""What the gateway believes of the chain's head, of who lags, and of who is on another fork.

Rule: a head counts when more than half of the providers have reached it, or when it is at most MOST_STEP
above what was believed before: one provider alone can neither jump ahead and make all others look late, nor
hold the head back. Who is on a fork is decided by majority; a tie accuses nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

MOST_STEP = 64


def believed_head(before: int | None, heads: Iterable[int]) -> int | None:
    """The newest head worth believing; None when no provider has named one."""
    falling = sorted(heads, reverse=True)
    if not falling:
        return before
    majority = falling[len(falling) // 2]
    if before is None:
        # Nothing to compare with: two heads are as likely to be right as each other, three outvote one.
        return falling[0] if len(falling) < 3 else falling[1]
    # All may have gone back: a chain that was rolled back, or started anew, is followed down.
    floor = max(majority, min(before, falling[0]))
    return max([floor, *(head for head in falling if head <= before + MOST_STEP)])


def lags(head: int | None, believed: int | None, limit: int) -> bool:
    """Whether this head is more than `limit` blocks behind; one that is not known is not."""
    return head is not None and believed is not None and head < believed - limit


def is_implausible(head: int | None, believed: int | None) -> bool:
    """Whether this head is further ahead than anyone should be."""
    return head is not None and believed is not None and head > believed + MOST_STEP


def majority(votes: Iterable[str | None]) -> str | None:
    """The value that has more votes than any other; None for a tie, and where nobody votes. None abstains."""
    ranked = Counter(vote for vote in votes if vote is not None).most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]
