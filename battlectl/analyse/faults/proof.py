"""Whether each fault of the plan really happened, from two sides.

Rule: confirmed takes both sides: the provider broke as asked, for as long as asked, and came back; and the
load had depended on it and was touched. Anything else is a mismatch or unproven, each with its reasons, and
a run with such a fault is inconclusive.
"""

from __future__ import annotations

from dataclasses import dataclass

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.client_side import see_client
from battlectl.analyse.faults.doubt import Proven, worst
from battlectl.analyse.faults.known import Known, know
from battlectl.analyse.faults.provider_side import see_provider
from battlectl.analyse.faults.strike import Strike
from battlectl.analyse.verdict import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of one injection at one provider; times in seconds from the start, None where unknown.

    `reasons` are why it is not confirmed, the gravest first; both sides are words for a person.
    """

    fault: str
    provider: str
    verdict: Proven
    reasons: tuple[str, ...]
    provider_side: str
    client_side: str
    struck: float | None
    healed: float | None
    of_streams: str = ""
    """Why subscribers may not have depended on the provider, "" where they did or where there are none."""


def prove_faults(evidence: Evidence) -> tuple[Proof, ...]:
    """A proof for every injection and each of its providers, in the order of the plan."""
    known = know(evidence)
    return tuple(prove(strike, known) for strike in known.strikes)


def prove(strike: Strike, known: Known) -> Proof:
    """The proof of one strike."""
    side = see_provider(strike, known)
    client = see_client(strike, side, known)
    doubts = (*side.doubts, *client.doubts)
    verdict = worst(doubt.proven for doubt in doubts) if doubts else "confirmed"
    return Proof(
        fault=strike.injection.name,
        provider=strike.provider,
        verdict=verdict,
        reasons=tuple(d.reason for d in sorted(doubts, key=lambda d: d.proven != "mismatch")),
        provider_side=side.words,
        client_side=client.words,
        struck=strike.struck,
        healed=strike.healed,
        of_streams=client.of_streams,
    )


def check_proof(evidence: Evidence) -> Finding:
    """Every fault is confirmed, and nothing is left in force."""
    proofs = prove_faults(evidence)
    doubtful = [proof for proof in proofs if proof.verdict != "confirmed"]
    told = [f"{p.fault} at {p.provider}: {p.verdict}: {p.reasons[0]}" for p in doubtful]
    told += [f"still in force: {leftover.splitlines()[0]}" for leftover in evidence.campaign.leftovers]
    if told:
        return Finding("check", "proof", Verdict.INCONCLUSIVE, "; ".join(told), samples=len(proofs))
    if not proofs:
        return Finding("check", "proof", Verdict.INCONCLUSIVE, "no fault was planned", samples=0)
    which = "the fault" if len(proofs) == 1 else f"each of {len(proofs):,} faults"
    summary = f"{which} is confirmed from both sides"
    return Finding("check", "proof", Verdict.PASS, summary, samples=len(proofs))
