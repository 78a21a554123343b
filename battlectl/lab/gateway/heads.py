"""What the gateway believes of the chain's head, of who lags, and of who is on another fork.

Rule: a head counts when more than half of the providers have reached it, or when the chain can have come that
far: LEAD above where most were when they last moved with it, and twice the chain's pace since then. So one
provider alone can neither jump ahead and make all others look late, nor hold the head back; and when most
stand still or fall back, the one that goes on is followed. Who is on a fork is decided by majority; a tie
accuses nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

LEAD = 2
HASTE = 2.0  # times the usual pace: blocks do not come evenly
IN_STEP = 2  # blocks: who is further behind than this has no say in how far the chain is
FIRST_PACE = 1.0  # blocks a second
SHARE = 0.3  # of the newest sample in the pace
SHORTEST_SAMPLE = 0.2  # seconds


@dataclass(frozen=True, slots=True)
class Belief:
    """`head` is the newest block worth believing; most had `common` at the time `at`, in seconds.

    `pace` is in blocks a second; None before most have moved once, and FIRST_PACE is taken for it then.
    """

    head: int
    common: int
    at: float
    pace: float | None = None

    def furthest(self, now: float) -> int:
        """The newest block that the chain can have by now."""
        passed = now - self.at
        moved = 1 + FIRST_PACE * passed if self.pace is None else self.pace * passed
        return int(self.common + LEAD + HASTE * moved)


def believe(before: Belief | None, heads: Iterable[int], now: float) -> Belief | None:
    """What to believe after a look at the heads of all providers that answer; as before when none does."""
    falling = sorted(heads, reverse=True)
    if not falling:
        return before
    majority = falling[len(falling) // 2]
    if before is None:
        # Nothing to compare with: two heads are as likely to be right as each other, three outvote one.
        head = falling[0] if len(falling) < 3 else falling[1]
        return Belief(head, head, now)
    # All may have gone back: a chain that was rolled back, or started anew, is followed down.
    floor = max(majority, min(before.head, falling[0]))
    furthest = max(majority, before.furthest(now))
    head = max([floor, *(head for head in falling if head <= furthest)])
    return replace(_moved(before, majority, head, now), head=head)


def lags(head: int | None, believed: int | None, limit: int) -> bool:
    """Whether this head is more than `limit` blocks behind; one that is not known is not."""
    return head is not None and believed is not None and head < believed - limit


def majority(votes: Iterable[str | None]) -> str | None:
    """The value that has more votes than any other; None for a tie, and where nobody votes. None abstains."""
    ranked = Counter(vote for vote in votes if vote is not None).most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


def _moved(before: Belief, majority: int, head: int, now: float) -> Belief:
    """Where most are, if that is news and they are in step with what was believed."""
    if head < before.common:
        return replace(before, common=head, at=now)  # set back: how far is no pace
    if majority <= max(before.common, before.head - IN_STEP - 1):
        return before
    return replace(before, common=majority, at=now, pace=_pace(before, majority, now))


def _pace(before: Belief, majority: int, now: float) -> float | None:
    passed = now - before.at
    if passed < SHORTEST_SAMPLE:
        return before.pace  # two looks in quick succession say nothing of it
    sample = (majority - before.common) / passed
    return sample if before.pace is None else before.pace + SHARE * (sample - before.pace)
