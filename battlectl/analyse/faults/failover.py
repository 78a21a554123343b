"""Failovers: how many, how slow, and how soon a target turns to others.

Rule: a failover is a request that needed more than one attempt, never one that was merely slow. Replies that
tell their attempts are the first source, the providers' counters the second. The time to turn to others runs
from an injection that is proven, else there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import floor, inf

from battlectl.analyse.evidence import Evidence, statistic
from battlectl.analyse.faults.amplification import HIDDEN, counted_attempts, requests_sent
from battlectl.analyse.faults.figure import Figure, longest, not_observable
from battlectl.analyse.faults.known import Known, know
from battlectl.analyse.faults.proof import Proof, prove
from battlectl.analyse.faults.quiet import Watch, watch
from battlectl.analyse.faults.served import Told, told
from battlectl.analyse.faults.strike import Strike
from battlectl.observe.served import OWN_NAMES
from battlectl.plan.workload import Window
from battlectl.quantities import format_duration

LOOKS_APART = 30.0
"""Seconds that two looks at a provider are apart at most, or what lies between them tells nothing."""


def failovers(evidence: Evidence, window: Window, known: Known | None = None) -> Figure:
    """Requests of a window with more than one attempt."""
    replies = told(evidence, evidence.frame.segments(window))
    if replies.tells:
        least = float(replies.cell.failovers)
        words = (
            f"{replies.unsaid:,} requests do not say how many attempts they took" if replies.unsaid else ""
        )
        return Figure(least, least + replies.unsaid, replies.cell.told, "metadata", words)
    attempts, sent = counted_attempts(window, known or know(evidence)), requests_sent(evidence, window)
    if attempts is None or not sent:
        return not_observable("no reply tells its attempts and no call is counted")
    beyond = max(0.0, attempts[1] - sent)
    least = 1.0 if attempts[0] > sent else 0.0  # One request may have made all of them.
    words = HIDDEN if beyond == inf else f"{max(0.0, attempts[0] - sent):,.0f} to {beyond:,.0f} more calls"
    return Figure(least, beyond, sent, "counters", words)


def failover_latency(evidence: Evidence, window: Window, stat: str) -> Figure:
    """A statistic of the latency of these requests; only replies tell which they are."""
    return latency_of(told(evidence, evidence.frame.segments(window)), stat)


def latency_of(replies: Told, stat: str) -> Figure:
    """The same of what replies are known to tell."""
    if not replies.tells:
        return not_observable("no reply tells its attempts")
    sketch = replies.cell.failover_latency
    value = statistic(sketch, stat)
    if replies.cell.coarse and sketch.count:
        return not_observable("the journal kept these latencies too coarsely to judge")
    if value is None:
        return not_observable("no request is known to have been failed over")
    if not replies.unsaid:
        return Figure(value, value, sketch.count, "metadata")
    words = f"{replies.unsaid:,} requests do not say how many attempts they took"
    return Figure(value if stat == "max" else 0.0, inf, sketch.count, "metadata", words)


def failover_time(evidence: Evidence, name: str) -> Figure:
    """From each injection of a fault to the first success elsewhere; the longest of them."""
    return longest(
        first_elsewhere(strikes, [prove(strike, known) for strike in strikes], known)
        for strikes, known in _struck(evidence, name)
    )


def detection_time(evidence: Evidence, name: str) -> Figure:
    """From each injection of a fault until the target left the provider alone; the longest of them."""
    return longest(
        left_alone(strike, prove(strike, known), known)
        for strikes, known in _struck(evidence, name)
        for strike in strikes
    )


def _struck(evidence: Evidence, name: str) -> Iterator[tuple[Sequence[Strike], Known]]:
    """The strikes of each injection of a fault."""
    known = know(evidence)
    for injection in evidence.frame.injections:
        if name in (injection.name, injection.fault):
            yield [strike for strike in known.strikes if strike.injection is injection], known


def unproven(evidence: Evidence, name: str) -> str | None:
    """Why a fault, or one of its repeats, is not confirmed; None when all of it is."""
    proofs = (prove(strike, known) for strikes, known in _struck(evidence, name) for strike in strikes)
    return _doubtful(proofs)


def _doubtful(proofs: Iterable[Proof]) -> str | None:
    """The first that is not confirmed, and why."""
    for proof in proofs:
        if proof.verdict != "confirmed":
            return f"{proof.fault} at {proof.provider} is {proof.verdict}: {proof.reasons[0]}"
    return None


def first_elsewhere(strikes: Sequence[Strike], proofs: Iterable[Proof], known: Known) -> Figure:
    """From one injection, at all its providers, to the first success at another."""
    doubt = _doubtful(proofs)
    if doubt is not None:
        return not_observable(doubt)
    since = max(strike.struck or 0.0 for strike in strikes)
    broken, until = {strike.provider for strike in strikes}, max(strike.end for strike in strikes)
    slowest = _slowest(known)
    seen = [
        *_replies_elsewhere(broken, since, known, slowest),
        *_calls_elsewhere(broken, since, known, slowest),
    ]
    if not seen:
        return not_observable("neither replies nor counters tell what others served")
    best, least = min(seen, key=lambda figure: figure.most), min(figure.least or 0.0 for figure in seen)
    if best.most <= until - since:
        return replace(best, least=least)  # The first of all, whoever it is known best of.
    if least <= until - since:
        return Figure(least, inf, best.samples, best.source, "it may not have been while it lasted")
    return Figure(until - since, inf, best.samples, best.source, "no success elsewhere while it lasted")


def _slowest(known: Known) -> dict[int, float]:
    """The longest latency of what was due in each slice: so much later it had ended, if it ended at all."""
    found: dict[int, float] = {}
    for (_, _, slice_), row in known.evidence.tally.series().items():
        found[slice_] = max(found.get(slice_, 0.0), row.max or 0.0)
    return found


def _replies_elsewhere(
    broken: set[str], since: float, known: Known, slowest: Mapping[int, float]
) -> Iterator[Figure]:
    """Only the slice is told in which it was due: in that in which the fault began it may be before it."""
    width, rows = known.evidence.frame.slice_width, known.evidence.tally.provider_rows
    others = sorted(
        slice_
        for (_, provider, slice_), row in rows.items()
        if provider not in broken | OWN_NAMES and row.ok and (slice_ + 1) * width > since
    )
    after = [slice_ for slice_ in others if slice_ * width >= since]
    if others:
        most = inf if not after else (after[0] + 1) * width + slowest.get(after[0], inf) - since
        words = f"in steps of {format_duration(width)}"
        yield Figure(max(0.0, others[0] * width - since), most, len(others), "metadata", words)


def _calls_elsewhere(
    broken: set[str], since: float, known: Known, slowest: Mapping[int, float]
) -> Iterator[Figure]:
    """More calls at a provider without any fault than are probes, as an arrival of the slice ended ok."""
    for provider, track in known.tracks.items():
        if provider in broken or not track.times:
            continue
        own = [strike for strike in known.strikes if strike.provider == provider]
        least: float | None = None
        calls, first = 0, inf
        for step in track.steps(since - LOOKS_APART, track.times[-1]):
            if step.end <= since or not step.calls:
                continue
            least = max(0.0, step.start - since) if least is None else least
            is_well = not any(strike.overlaps(step.start, step.end) for strike in own)
            if step.start < since or not is_well:
                continue  # It may have been before the fault, or in vain.
            calls, first = calls + step.calls, min(first, step.start)
            ended = _ended(step.start, known, slowest)
            if calls > known.own.at_most(step.end - first) and ended is not None:
                words = f"in steps of {format_duration(step.seconds)}"
                yield Figure(least, max(step.end, ended) - since, step.calls, "counters", words)
                break


def _ended(due: float, known: Known, slowest: Mapping[int, float]) -> float | None:
    """By when something due since then had ended ok."""
    first = known.due.first_ok(due)
    return None if first is None else first + slowest.get(int(first // known.due.width), inf)


def left_alone(strike: Strike, proof: Proof, known: Known) -> Figure:
    """From one injection until the target left its provider alone."""
    doubt = _doubtful([proof])
    if doubt is not None:
        return not_observable(doubt)
    if strike.expected.hides_attempts:
        return not_observable(f"{HIDDEN}, and {strike.provider} was down")
    watching = watch(strike.provider, known)
    if isinstance(watching, str):
        return not_observable(watching)
    since = strike.struck or 0.0
    unseen = [start for start, end in watching.dark if start < strike.end and end > since]
    # What was a silence already is not known as one when the dark begins.
    hidden = max(0.0, min(unseen, default=inf) - watching.silence - since)
    before, paused = since, None
    for index, step in watching.steps():
        is_under = step.end > since and step.start <= strike.end
        if is_under and watching.is_silent(index):
            most = watching.stopped_by(index) - since
            words = f"in steps of {format_duration(step.seconds)}{_taken_for_probes(watching)}"
            return Figure(min(hidden, max(0.0, before - since)), most, 1, "counters", words)
        if is_under and paused is None and watching.dips(index):
            paused = max(0.0, before - since)
        before = step.start
    if paused is not None or unseen:
        least = hidden if paused is None else min(hidden, paused)
        return Figure(least, inf, 1, "counters", "it may have been left alone for a moment")
    return Figure(strike.end - since, inf, 1, "counters", "it was never left alone while the fault lasted")


def _taken_for_probes(watching: Watch) -> str:
    """What a silence may still hold."""
    if watching.sees_single_calls:
        return ""
    few, silence = floor(watching.allowed), format_duration(watching.silence)
    return f"; up to {few} calls in {silence} are taken for the target's own probes"
