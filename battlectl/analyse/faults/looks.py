"""Whether a probe looks as a fault makes it look.

Rule: an answer is late when it took longer than those before the fault by most of what the fault adds; where
that is too little to see in one probe, all of them together must be apart from all before, so clearly that
chance explains it less than once in a thousand times.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from battlectl.analyse.faults.expect import Expected
from battlectl.observe import outcome
from battlectl.observe.faults import Probe

MOST = 0.8
"""The part of a delay that a probe must be late by: clocks and caches take some of it."""

VISIBLE = 0.02
"""Seconds that are clearly more than the noise of one answer on loopback."""

TOLD = 0.002
"""Seconds that a delay must add at most, for all probes together to tell it."""

ODDS = 1_000


def looks_like(expected: Expected, probe: Probe) -> bool:
    """Whether its outcome is one that the fault makes."""
    return probe.outcome in expected.labels or outcome.outcome_of(probe.outcome) in expected.labels


def is_late(expected: Expected, probe: Probe, before: Sequence[Probe]) -> bool:
    """Whether it took as much longer than those before as the fault asks for."""
    usual = [p.seconds for p in before if p.outcome == outcome.OK]
    if not expected.is_late or expected.late_by < VISIBLE or not usual:
        return False
    # A probe that gave up may not have waited long enough to see all of the delay.
    least = min(expected.late_by, probe.seconds) if probe.outcome == outcome.TIMEOUT else expected.late_by
    is_slow = probe.seconds >= median(usual) + MOST * least
    return is_slow and probe.outcome in (outcome.OK, outcome.TIMEOUT)


def may_be_late(expected: Expected, probe: Probe) -> bool:
    """Whether it took as long as the delay alone: where answers differed before, that need not be late."""
    return expected.is_late and probe.outcome == outcome.OK and probe.seconds >= MOST * expected.late_by


def is_apart(expected: Expected, before: Sequence[Probe], during: Sequence[Probe]) -> bool:
    """Whether every one of them took longer than every one before, and they are enough to say so.

    What adds less than answers differ by anyway cannot be told from a machine that has more to do.
    """
    usual = [p.seconds for p in before if p.outcome == outcome.OK]
    slow = [p.seconds for p in during]
    if not usual or not slow or min(slow) <= max(usual):
        return False
    if (expected.most_late or 0.0) < max(TOLD, max(usual) - min(usual)):
        return False
    return math.comb(len(usual) + len(slow), len(slow)) >= ODDS
