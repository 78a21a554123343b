"""Whether subscribers had anything to do with a fault.

Rule: what they got in the window of a fault says something of it only where one of its providers, in one of
its repeats, is known to have fed them, and was proven to be broken: else there was nothing to keep from them.
"""

from __future__ import annotations

from collections.abc import Iterator

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.known import know
from battlectl.analyse.faults.proof import Proof, prove
from battlectl.analyse.faults.recovery import injections_of
from battlectl.scenario.chaos_times import DURING, RECOVERY


def unfed(evidence: Evidence, window: str) -> str | None:
    """Why nobody knows it of the fault that makes this window; None where it is known, or no fault does."""
    proofs = list(_proofs(evidence, window))
    if any(proof.verdict == "confirmed" and not proof.of_streams for proof in proofs):
        return None
    return next(map(_why, proofs), None)


def _proofs(evidence: Evidence, window: str) -> Iterator[Proof]:
    name = window.removeprefix(DURING).removeprefix(RECOVERY)
    injections = injections_of(evidence, name) if name != window else ()
    if not injections:
        return
    known = know(evidence)
    yield from (prove(strike, known) for strike in known.strikes if strike.injection in injections)


def _why(proof: Proof) -> str:
    if proof.verdict != "confirmed":
        return f"{proof.fault} at {proof.provider} is {proof.verdict}: {proof.reasons[0]}"
    return f"{proof.fault} at {proof.provider} may have been none of theirs: {proof.of_streams}"
