"""Whether a target that has seen a provider fail a method goes on asking it first for that method.

Rule: judged while providers fail all that a workload calls, each by a JSON-RPC error that is theirs, and
nobody is out for anything else: for these no breaker is to open, but the next request for the method has no
business there. Of the requests that would go to them first if nothing was learned, half may. Replies must
tell of their attempts, or nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence

from battlectl.analyse.faults.served import told
from battlectl.analyse.faults.strike import Strike
from battlectl.analyse.routing.case import FAIR, Case
from battlectl.analyse.routing.claim import Claim, Ruling, rule_on
from battlectl.analyse.routing.eligible import concerns
from battlectl.analyse.routing.served import Second
from battlectl.observe import outcome
from battlectl.plan.routing import ONE_PROVIDER

UNLEARNED = 0.5
TOLD = 0.95
"""The part of the replies that must say how many attempts they took."""
SERVERS = frozenset({f"{outcome.RPC_ERROR}({code})" for code in (-32603, -32000)})


def rule_at_once(case: Case, seconds: Sequence[Second], odds: float) -> tuple[Ruling, ...]:
    """One ruling, or none where nothing is claimed or no second of it lies in the faults alone."""
    strikes = failing(case)
    names = ", ".join(case.field.out)
    well, in_vain = f"anybody but {names}", f"{names} first"
    inside = [
        _parted(second, well, in_vain)
        for second in seconds
        if strikes and all(s.is_on(second.start, second.start + _width(case)) for s in strikes)
    ]
    if not inside or not _tells(case):
        return ()
    least = 1 - UNLEARNED * len(case.field.out) / len(case.providers)
    claim = Claim((well,), (well, in_vain), least=least, clearly_low=max(0.0, least - FAIR))
    return (rule_on(claim, inside, odds),)


def failing(case: Case) -> tuple[Strike, ...]:
    """The faults that the rule is about; none where anybody is out for another reason."""
    field, strikes = case.field, case.known.strikes
    if not field.out or case.expected.strategy == ONE_PROVIDER:
        return ()
    own = [s for s in strikes if concerns(s, case.workload) and s.overlaps(field.start, field.end)]
    is_all = {s.provider for s in own} == set(field.out) and all(_fails_methods(s, case) for s in own)
    return tuple(own) if is_all else ()


def _fails_methods(strike: Strike, case: Case) -> bool:
    expected, methods = strike.expected, strike.injection.attributes.get("methods")
    is_always = expected.probability >= 1 and expected.connections == "all" and expected.turns is None
    is_of_all = not methods or set(case.workload.labels) <= set(methods)
    return is_always and is_of_all and bool(expected.labels) and expected.labels <= SERVERS


def _parted(second: Second, well: str, in_vain: str) -> Second:
    return Second(second.start, {well: second.total - second.failovers, in_vain: second.failovers})


def _width(case: Case) -> int:
    return case.known.evidence.frame.slice_width


def _tells(case: Case) -> bool:
    """Of the whole run: a reply without a number of attempts would count as one at once."""
    evidence = case.known.evidence
    cell = told(evidence, evidence.frame.all_segments).cell
    return cell.told >= TOLD * cell.requests > 0
