"""What a target says of a provider against what that provider has counted itself.

Rule: only stretches are compared in which no fault was in force there: a fault may keep attempts from being
seen. Each attempt is a call at the least, so a target cannot have made more attempts than came in calls; its
own health checks are calls too, so it may well have made fewer.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import inf

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.known import Known, know
from battlectl.analyse.telemetry.disagreement import ENOUGH, MAY_LAG, Disagreement, slack
from battlectl.analyse.telemetry.tracks import REQUESTS, Track, tracks_of

Span = tuple[float, float]
MARGIN = 3.0
"""Seconds after a fault in which connections that it broke may still be tried in vain."""


def denials(evidence: Evidence) -> Iterator[Disagreement]:
    """Of every provider that was looked at."""
    if not evidence.campaign.counts:
        return
    known = know(evidence)
    for track in tracks_of(evidence):
        if track.subject != REQUESTS and track.subject in known.tracks:
            yield from _denied(track, known)


def _denied(track: Track, known: Known) -> Iterator[Disagreement]:
    """In the stretch in which it is clearest."""
    found = [one for span in _calm(track.subject, known) for one in _in_stretch(track, span, known)]
    yield from sorted(found, key=lambda one: one.off)[-1:]


def _in_stretch(track: Track, span: Span, known: Known) -> Iterator[Disagreement]:
    inside = [i for i, r in enumerate(track.readings) if span[0] <= r.t and r.until <= span[1]]
    if len(inside) < 2:
        return
    first, last = inside[0], inside[-1]
    start, end = track.readings[first].t, track.readings[last].until
    told, provider = track.values[last] - track.values[first], track.subject
    around = known.track(provider).around(start, end)
    if around is None or around.restarts:
        return
    # What it had counted late when the stretch began came before it.
    before = known.track(provider).around(max(span[0], start - MAY_LAG), start)
    most = around.attempts + (0 if before is None else before.attempts) + track.readings[last].open
    if told >= ENOUGH and told - most > slack(most):
        words = f"says {told:,} requests at {provider}, which itself had {around.attempts:,} calls"
        yield Disagreement("denied", track.source, provider, end, words, 1 - most / told)


def _calm(provider: str, known: Known) -> Iterator[Span]:
    """The stretches without a fault there."""
    edges = [(-inf, -inf)]
    edges += sorted((s.from_, s.to + MARGIN) for s in known.strikes if s.provider == provider)
    edges.append((known.evidence.ended_at, inf))
    free = -inf
    for (_, end), (start, _) in pairwise(edges):
        free = max(free, end)
        if start > free:
            yield free, start
