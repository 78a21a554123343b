"""What a strategy claims of one stretch, and whether what was counted agrees.

Rule: a claim is about the share of some providers among others. It is refuted only beyond all reasonable
chance (`odds`, which all tests of a run divide among them), and kept only where a share that is clearly too
low or too high would have been seen. Between the two nothing is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from battlectl.analyse.routing.sample import Part, is_above, is_below, share_of
from battlectl.analyse.routing.served import Second

KEPT_ODDS = 0.02
"""Of taking a claim for kept whose share is just beyond what is clearly wrong."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The share of `who` in all that went to `among` is at least and at most so much.

    Below `clearly_low` or above `clearly_high` it would be clearly wrong; None where there is no such end.
    It `is_drawn` where each request, or each connection, is a choice of its own; favourites are none.
    """

    who: tuple[str, ...]
    among: tuple[str, ...]
    least: float | None = None
    clearly_low: float | None = None
    most: float | None = None
    clearly_high: float | None = None
    is_drawn: bool = False

    @property
    def tests(self) -> int:
        """How often it may be refuted by chance."""
        return (self.least is not None) + (self.most is not None)


@dataclass(frozen=True, slots=True)
class Ruling:
    """`holds` is None where it cannot be said; `share` is what was counted, None of nothing."""

    claim: Claim
    holds: bool | None
    share: float | None
    requests: int


def rule_on(claim: Claim, seconds: Sequence[Second], odds: float, choice: float = 1.0) -> Ruling:
    """See the rule; `odds` are of each single test, so many requests are one `choice`."""
    choice = choice if claim.is_drawn else 1.0
    as_counted = [_part(claim, second, 0.0, 0.0) for second in seconds]
    total, share = sum(part.total for part in as_counted), share_of(as_counted)
    if _is_refuted(claim, seconds, odds, choice):
        return Ruling(claim, False, share, total)
    low, high = claim.clearly_low, claim.clearly_high
    is_kept = bool(total)
    if low is not None:
        is_kept = is_kept and is_above(_without(claim, seconds, 1.0, 0.0), low, KEPT_ODDS, choice)
    if high is not None:
        is_kept = is_kept and is_below(_without(claim, seconds, 0.0, 1.0), high, KEPT_ODDS, choice)
    return Ruling(claim, True if is_kept else None, share, total)


def _is_refuted(claim: Claim, seconds: Sequence[Second], odds: float, choice: float) -> bool:
    """What may be none of the load counts for the claim. Where all of it is claimed, one is enough."""
    if claim.least == 1.0:
        return any(part.hits < part.total for part in _without(claim, seconds, 0.0, 1.0))
    most_of_it, least_of_it = _without(claim, seconds, 0.0, 1.0), _without(claim, seconds, 1.0, 0.0)
    too_few = claim.least is not None and is_below(most_of_it, claim.least, odds, choice)
    return too_few or (claim.most is not None and is_above(least_of_it, claim.most, odds, choice))


def _without(claim: Claim, seconds: Sequence[Second], of_who: float, of_others: float) -> list[Part]:
    return [_part(claim, second, of_who, of_others) for second in seconds]


def _part(claim: Claim, second: Second, of_who: float, of_others: float) -> Part:
    """So much of what may be no load taken off from those it is about, and from the others."""
    hits = others = 0
    for provider in claim.among:
        is_hit = provider in claim.who
        counted = second.requests.get(provider, 0) - (of_who if is_hit else of_others) * second.not_load
        hits, others = hits + max(0, int(counted)) * is_hit, others + max(0, int(counted)) * (not is_hit)
    return Part(hits, hits + others)
