"""What each provider's breaker did over the run: its figures, and its states as stretches of time.

Rule: the figures are those of the objectives, and the stretches what these count: surely open, perhaps open,
and closed where it can have been nothing else. Calls that came while it was open were trials or requests
that should not have come: attempts alone cannot tell which, so each is at most all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from battlectl.analyse.faults.breaker import PASSING, Timeline, timelines
from battlectl.analyse.faults.breaker_figures import figure_of, may_be_open, surely_open
from battlectl.analyse.faults.breaker_told import words_told
from battlectl.analyse.faults.figure import Figure, Source, not_observable
from battlectl.analyse.faults.known import Known

STATS = ("opens", "closes", "half_opens", "false_trips", "time_open", "time_to_open")
MAYBE = "maybe-open"
"""It was left alone, by a breaker or for another reason."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One stretch, in seconds from the start: `closed`, `open`, `maybe-open`; over these `tried` where single
    calls came, `paused` where none came for a moment, and `hidden` where attempts were not seen."""

    state: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class BreakerAccount:
    """Of one provider, over the run after warm-up; `transport` is None where attempts do not say."""

    provider: str
    transport: str | None
    source: Source
    words: str
    grain: float | None
    figures: dict[str, Figure]
    lanes: tuple[Lane, ...]


def breaker_accounts(known: Known) -> tuple[BreakerAccount, ...]:
    """Of every provider that was counted or struck."""
    return tuple(_account(line, known) for line in timelines(known.evidence, known))


def _account(line: Timeline, known: Known) -> BreakerAccount:
    run = known.evidence.frame.run
    figures = {stat: figure_of(line, stat, run, known) for stat in STATS}
    while_open, told = _while_open(line, known), words_told(known.evidence, line.provider)
    told_alone: Source = "metadata" if told else ""
    return BreakerAccount(
        provider=line.provider,
        transport=None,
        source="counters" if line.is_observable else told_alone,
        words=f"{line.words}; {told}" if told else line.words,
        grain=line.grain,
        figures={**figures, "probes": while_open, "requests_while_open": while_open},
        lanes=tuple(_lanes(line, known)) if line.is_observable else (),
    )


def _while_open(line: Timeline, known: Known) -> Figure:
    """Calls that came while it may have been open: at most all, and fewer by the target's own probes."""
    if not line.is_observable:
        return not_observable(line.words)
    track, most, spans = known.track(line.provider), 0.0, may_be_open(line)
    for start, end in spans:
        moved = track.around(start, end) or track.inside(start, inf)
        most += 0 if moved is None else moved.attempts - known.own.at_least(moved.seconds)
    hidden = bool(line.dark) or not line.sees_short_silence
    looks = sum(len(track.within(start, end)) for start, end in spans) or len(track.times)
    words = "trials and requests that should not have come look alike" if most or hidden else ""
    return Figure(0.0, inf if hidden else max(0.0, most), looks, "counters", words)


def _lanes(line: Timeline, known: Known) -> Iterator[Lane]:
    """In the order of what hides what: closed where it can have been nothing else, hidden over all."""
    sure, free = surely_open(line, known), known.track(line.provider).times[0]
    for start, end in (*may_be_open(line), (line.seen_until, line.seen_until)):
        if start > free:
            yield Lane("closed", free, start)
        if end > max(start, free):
            yield Lane(MAYBE, max(start, free), min(end, line.seen_until))
        free = max(free, end)
    yield from (Lane("open", start, end) for start, end in sure)
    yield from (Lane(c.state, c.earliest, c.latest) for c in line.changes if c.state in PASSING)
    yield from (Lane("hidden", start, min(end, line.seen_until)) for start, end in line.dark)
