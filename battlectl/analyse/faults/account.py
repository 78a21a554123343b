"""What each fault did: its proof, its windows side by side, and every figure about it.

Rule: the figures are those of the objectives, from the same counts and by the same functions; here they are
only brought together, one account for each injection.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

from battlectl.analyse.faults.amplification import amplification
from battlectl.analyse.faults.failover import (
    failovers,
    first_elsewhere,
    latency_of,
    left_alone,
)
from battlectl.analyse.faults.figure import Figure, exact, longest, not_observable
from battlectl.analyse.faults.known import Known
from battlectl.analyse.faults.proof import Proof, prove
from battlectl.analyse.faults.recovery import Recovery, recoveries
from battlectl.analyse.faults.served import told
from battlectl.analyse.faults.sight import Sight, see
from battlectl.analyse.faults.strike import Strike
from battlectl.analyse.faults.windows import WindowFigures, figures_of
from battlectl.observe.faults import Probe
from battlectl.plan.injection import Injection
from battlectl.plan.workload import Window
from battlectl.scenario.chaos_times import BASELINE, DURING, RECOVERY

NO_TIME = "the run had no such time"
LATENCIES = ("p50", "p95", "max")


@dataclass(frozen=True, slots=True)
class Answers:
    """How probes of a provider on one sort of connection ended: (all, ok), and those that met the fault."""

    connection: str
    before: tuple[int, int]
    during: tuple[int, int]
    shown: int
    after: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Part:
    """An injection at one of its providers; `hits` is None where nothing counts them."""

    proof: Proof
    answers: tuple[Answers, ...]
    hits: int | None
    detection_time: Figure


@dataclass(frozen=True, slots=True)
class FaultWindow:
    """One window of a fault; `seen` is None where the run had no such time."""

    name: str
    seen: WindowFigures | None
    failovers: Figure
    failover_latency: dict[str, Figure]
    amplification: Figure


@dataclass(frozen=True, slots=True)
class Account:
    """Of one injection. `did_recover` is None where nothing says, as where too little came after it;
    `from_heal` counts from the healing."""

    injection: Injection
    parts: tuple[Part, ...]
    windows: tuple[FaultWindow, ...]
    recovery_time: Figure
    from_heal: Figure
    did_recover: bool | None
    unavailability: Figure
    failover_time: Figure
    detection_time: Figure

    @property
    def during(self) -> FaultWindow:
        """The time of the fault itself."""
        return self.windows[1]


def accounts(known: Known, generator_fit: bool) -> tuple[Account, ...]:
    """Of every injection, in the order of the plan."""
    found = recoveries(known.evidence, generator_fit)
    baseline = _window(BASELINE, known)
    return tuple(
        _account(injection, recovery, baseline, known)
        for injection, recovery in zip(known.evidence.frame.injections, found, strict=True)
    )


def _account(injection: Injection, recovery: Recovery, baseline: FaultWindow, known: Known) -> Account:
    strikes = [strike for strike in known.strikes if strike.injection is injection]
    proofs = [prove(strike, known) for strike in strikes]
    parts = tuple(_part(*pair, known) for pair in zip(strikes, proofs, strict=True))
    names = (DURING + injection.name, RECOVERY + injection.name)
    return Account(
        injection=injection,
        parts=parts,
        windows=(baseline, *(_window(name, known) for name in names)),
        recovery_time=recovery.time,
        from_heal=_from_heal(recovery, strikes),
        did_recover=_did_recover(recovery),
        unavailability=recovery.unavailable,
        failover_time=first_elsewhere(strikes, proofs, known),
        detection_time=longest(part.detection_time for part in parts),
    )


def _part(strike: Strike, proof: Proof, known: Known) -> Part:
    sight = see(strike, known)
    return Part(proof, tuple(_answers(sight)), sight.hits, left_alone(strike, proof, known))


def _answers(sight: Sight) -> Iterator[Answers]:
    """Of new connections, and of those that were kept into the fault; what was not asked is left out."""
    for connection in ("new", "kept"):
        parts = [[p for p in own if p.connection == connection] for own in (sight.before, sight.during)]
        after = [probe for probe in sight.after if probe.connection == connection]
        if any((*parts, after)):
            shown = sum(probe.connection == connection for probe in sight.shown)
            yield Answers(connection, _ok(parts[0]), _ok(parts[1]), shown, _ok(after))


def _ok(probes: Sequence[Probe]) -> tuple[int, int]:
    return len(probes), sum(probe.outcome == "ok" for probe in probes)


def _window(name: str, known: Known) -> FaultWindow:
    window = known.evidence.frame.windows.get(name)
    if window is None or not known.evidence.reached(window):
        nothing = not_observable(NO_TIME)
        return FaultWindow(name, None, nothing, dict.fromkeys(LATENCIES, nothing), nothing)
    return _seen_window(window, known)


def _seen_window(window: Window, known: Known) -> FaultWindow:
    evidence = known.evidence
    replies = told(evidence, evidence.frame.segments(window))
    return FaultWindow(
        name=window.name,
        seen=figures_of(window, evidence),
        failovers=failovers(evidence, window, known),
        failover_latency={stat: latency_of(replies, stat) for stat in LATENCIES},
        amplification=amplification(evidence, window, known),
    )


def _did_recover(recovery: Recovery) -> bool | None:
    """Good seconds at the end that were too few leave it open."""
    is_open = recovery.bad_until is not None and recovery.bad_until < recovery.seen_until
    if not recovery.time.is_observable or (not recovery.did_recover and is_open):
        return None
    return recovery.did_recover


def _from_heal(recovery: Recovery, strikes: Sequence[Strike]) -> Figure:
    """From when the last provider was healed; a range where the harm itself is one."""
    time = recovery.time
    if not time.is_observable or recovery.harmed_at is None:
        return exact(0.0, time.samples, time.source, time.words) if time.is_observable else time
    healed = max((s.healed for s in strikes if s.healed is not None), default=None)
    if healed is None:
        return not_observable("it is not known when it was healed")
    if recovery.back_at is None:
        least = max(0.0, recovery.harmed_at + (time.least or 0.0) - healed)
        return Figure(least, inf, time.samples, time.source, time.words)
    since = max(0.0, recovery.back_at - healed)
    return Figure(0.0 if time.value is None else since, since, time.samples, time.source, time.words)
