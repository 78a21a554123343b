"""What replies tell of their attempts, against the attempts that failed.

Rule: an attempt that failed at a provider belongs to some request. Where the request was answered well after
all, its reply has to tell of it; whatever else it may have been, an error, a reply that never came, a call
beside the load, a target that says nothing even in good times, is taken off first.
"""

from __future__ import annotations

from collections.abc import Iterator

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.known import know
from battlectl.analyse.telemetry.disagreement import ENOUGH, Disagreement, slack
from battlectl.analyse.telemetry.replies import REPLIES, Grip, grips_of, longest_wait
from battlectl.observe.consistency import ASKED, WATCH, counted
from battlectl.observe.served import ServedCell

TRIES = 3
"""Attempts that one request may make at one provider, where its reply does not say."""
TELLS = 0.99
"""The part of the good answers that say it, where a target usually does."""


def retry_disagreements(evidence: Evidence) -> Iterator[Disagreement]:
    """Attempts of which no reply tells."""
    frame, known = evidence.frame, know(evidence)
    if frame.streams or any(load.twin_of for load in frame.workloads):
        return  # Streams ask providers themselves; the other half of a pair may go to a provider itself.
    longest = longest_wait(known)
    for grip in grips_of(known):
        start = max(0.0, grip.strike.from_ - longest)
        inside = [i for i in frame.all_segments if frame.cuts[i] < grip.end and frame.cuts[i + 1] > start]
        yield from _kept_quiet(grip, inside, evidence)


def _kept_quiet(grip: Grip, inside: list[int], evidence: Evidence) -> Iterator[Disagreement]:
    outside = [i for i in evidence.frame.all_segments if i not in inside]
    usual, cell = _all(evidence, outside), _all(evidence, inside)
    silent = max(0, cell.ok - cell.told)
    tells_usually = usual.ok >= ENOUGH and usual.told >= TELLS * usual.ok
    if not cell.told or not tells_usually:
        return
    flow = evidence.tally.flow(inside)
    beside = counted(evidence.tally.facts, WATCH, ASKED, inside).number
    others = TRIES * (cell.requests - cell.ok + beside) + flow.retries + flow.reconnects
    missing = grip.failed - cell.extra - others
    if missing >= ENOUGH and missing > slack(grip.failed):
        said = f"{silent:,} good answers say nothing of theirs" if silent > missing / 2 else "none says more"
        words = (
            f"tell of {cell.extra:,} attempts in vain, and at least {grip.failed:,} failed at "
            f"{grip.strike.provider}, {grip.start:.1f}s to {grip.end:.1f}s: {said}"
        )
        yield Disagreement(
            "attempts", REPLIES, grip.strike.provider, grip.start, words, missing / grip.failed
        )


def _all(evidence: Evidence, segments: list[int]) -> ServedCell:
    total = ServedCell()
    for cell in evidence.tally.served(segments).values():
        total.merge(cell)
    return total
