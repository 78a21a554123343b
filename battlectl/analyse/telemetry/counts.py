"""The target's counts of requests against the client's own.

Rule: what the client had seen answered before a poll, the target has counted by then, and what it counted was
sent. A reply that names its provider was a request that was tried there. Only where nobody else uses the
target can it have counted too much.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.telemetry.disagreement import ENOUGH, MAY_LAG, Disagreement, slack
from battlectl.analyse.telemetry.tracks import REQUESTS, Track, sources_of, tracks_of
from battlectl.observe import outcome
from battlectl.observe.telemetry import Reading

TRIES = 3
"""Attempts that one request may make at one provider, where its reply does not say."""
OF_PROVIDERS = frozenset({"rpc_error(-32000)", *(f"http_error({status})" for status in range(500, 600))})
"""How a target says that no provider could answer."""


def count_disagreements(evidence: Evidence) -> Iterator[Disagreement]:
    """Too few and too many requests, in all and by provider, failures kept quiet, counters that fell."""
    for track in tracks_of(evidence):
        yield from _too_few(track)
        if evidence.telemetry.is_sole and track.is_first and not evidence.frame.streams:
            yield from _too_many(track)
    for source, readings in sources_of(evidence.telemetry).items():
        yield from _failures(source, readings, evidence)
        yield from _falls(source, readings, evidence)


def _too_few(track: Track) -> Iterator[Disagreement]:
    """Where most are missing."""
    most, worst = 0, None
    base, seen = track.readings[0], 0
    for index, reading in enumerate(track.readings):
        while seen + 1 < index and track.readings[seen + 1].until <= reading.t - MAY_LAG:
            seen += 1
        known = track.client(track.readings[seen].before) - track.client(base.before) - _under_way(base)
        missing = known - (track.values[index] - track.values[0])
        if known >= ENOUGH and missing > max(most, slack(known)):
            most, worst = missing, _behind(track, index, known)
    if worst is not None:
        yield worst


def _behind(track: Track, index: int, known: int) -> Disagreement:
    told, at = track.values[index] - track.values[0], track.readings[index].until
    words = f"{_words(track, index, told)}, the client had {known:,} answered{_by(track)}"
    return Disagreement("counts", track.source, track.subject, at, words, (known - told) / known)


def _under_way(base: Reading) -> int:
    """Requests that it may have counted already, and that ended later."""
    return max(0, base.most_sent - base.before.finished)


def _words(track: Track, index: int, told: int) -> str:
    what = "requests" if track.subject == REQUESTS else f"at {track.subject}"
    values = track.values[: index + 1]
    since = next(i for i, value in enumerate(values) if value == values[-1])
    stuck = track.readings[index].t - track.readings[since].until
    said = f"says {told:,} {what}" if track.subject == REQUESTS else f"says {told:,} requests {what}"
    if told and stuck > MAY_LAG:
        return f"{said} and has not moved for {stuck:.0f}s"
    return said


def _by(track: Track) -> str:
    return "" if track.subject == REQUESTS else " by it"


def _too_many(track: Track) -> Iterator[Disagreement]:
    """At the last reading, where the least is under way."""
    last, told = track.readings[-1], track.gained
    most = last.most_sent + last.own
    if track.subject != REQUESTS:
        elsewhere = last.before.answered - last.before.named.get(track.subject, 0)
        unknown = last.after.untold + last.open
        most += last.after.extra + TRIES * unknown - elsewhere
    if told >= ENOUGH and told - most > slack(most):
        what = "requests" if track.subject == REQUESTS else f"requests at {track.subject}"
        words = f"says {told:,} {what}, the client can have made {max(0, most):,} at most"
        yield Disagreement("counts", track.source, track.subject, last.until, words, 1 - most / told)


def _failures(source: str, readings: tuple[Reading, ...], evidence: Evidence) -> Iterator[Disagreement]:
    """Errors that name no provider are the target's own word that nobody could answer."""
    told = [reading for reading in readings if reading.told.failures is not None]
    if len(told) < 2:
        return
    first, last = told[0], told[-1]
    seen = [reading for reading in told if reading.until <= last.t - MAY_LAG]
    if not seen:
        return
    outcomes = evidence.tally.cell(evidence.frame.all_segments).outcomes
    others = sum(n for label, n in outcomes.items() if _may_be_another(label))
    known = seen[-1].before.unnamed_bad - first.after.unnamed_bad - first.open - others
    said = (last.told.failures or 0) - (first.told.failures or 0)
    if said >= 0 and known >= ENOUGH and known - said > slack(known):
        words = f"says {said:,} requests failed, the client got {known:,} errors that no provider gave"
        yield Disagreement("failures", source, "", last.until, words, (known - said) / known)


def _may_be_another(label: str) -> bool:
    """Whether an answer that is not ok may be about something else than the providers."""
    kind = outcome.outcome_of(label)
    return kind in outcome.ANSWERED and label not in OF_PROVIDERS and kind != outcome.OK


def _falls(source: str, readings: tuple[Reading, ...], evidence: Evidence) -> Iterator[Disagreement]:
    """A counter begins anew when the target does: not while the target says that it went on."""
    if not _went_on(evidence):
        return
    told = [reading for reading in readings if reading.told.requests is not None]
    for one, other in pairwise(told):
        before, after = one.told.requests or 0, other.told.requests or 0
        if before - after >= ENOUGH:
            words = f"counted {before:,} requests and then {after:,}, though it was not started again"
            yield Disagreement("counts", source, "", other.until, words, (before - after) / before)
            return


def _went_on(evidence: Evidence) -> bool:
    times = [r.told.uptime_s for r in evidence.telemetry.readings if r.told.uptime_s is not None]
    return len(times) > 1 and all(b >= a for a, b in pairwise(times))
