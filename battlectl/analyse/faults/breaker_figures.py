"""Figures about a provider's circuit breaker, from what its calls tell (`breaker.py`).

Rule: what is sure counts at least, what may have been counts at most. Where it may have changed unseen there
is no most; attempts tell a trial from nothing else, so half-open is what the target tells of it, if anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.breaker import (
    PASSING,
    TRIPPED_BY,
    Change,
    State,
    Timeline,
    fails_at_once,
    should_trip,
    timeline,
)
from battlectl.analyse.faults.breaker_told import half_opens_told
from battlectl.analyse.faults.figure import Figure, not_observable
from battlectl.analyse.faults.known import Known, know
from battlectl.analyse.faults.quiet import DIP
from battlectl.analyse.faults.strike import Strike
from battlectl.plan.workload import Window
from battlectl.scenario.chaos_times import joined

NO_HALF_OPEN = "attempts tell a trial of one that is half-open from nothing else"
UNSEEN = "attempts were not seen for a time"
TOO_THIN = "it gets too few calls to see a short silence"

Span = tuple[float, float]


def breaker_figure(evidence: Evidence, provider: str, stat: str, window: Window) -> Figure:
    """`opens`, `closes`, `half_opens`, `false_trips`, `time_to_open` or `time_open` in a window."""
    known = know(evidence)
    return figure_of(timeline(provider, known), stat, window, known)


def figure_of(line: Timeline, stat: str, window: Window, known: Known) -> Figure:
    """The same of a timeline that is known already."""
    if stat == "half_opens":
        why_not = NO_HALF_OPEN if line.is_observable else line.words
        return half_opens_told(known.evidence, line.provider, window, why_not)
    if not line.is_observable:
        return not_observable(line.words)
    if stat in ("opens", "closes", "false_trips"):
        return _count(line, stat, window, known)
    return _time_to_open(line, known) if stat == "time_to_open" else _time_open(line, window, known)


def may_be_open(line: Timeline) -> tuple[Span, ...]:
    """When it may have been open, as far as it was seen; apart from each other, in order."""
    spans = [(opened.earliest, closed.latest) for opened, closed in _open_spans(line)]
    spans += [(change.earliest, change.latest) for change in line.changes if change.state == "paused"]
    spans += [(start, min(end, line.seen_until)) for start, end in _unseen(line)]
    return joined(spans)


def _unseen(line: Timeline) -> list[Span]:
    """When it may have opened or closed unseen: a silence must be so long on this side to be seen."""
    slack = DIP + 2 * (line.grain or 0.0)
    return [(start - slack, end + slack) for start, end in (*line.dark, *line.blind)]


def surely_open(line: Timeline, known: Known) -> tuple[Span, ...]:
    """While trials must fail: later it may be closed, and not be asked because others are faster."""
    forces = joined(
        (s.from_, s.end)  # What opens while it is being injected opens for it.
        for s in known.strikes
        if s.provider == line.provider and s.struck is not None and fails_at_once(s)
    )
    spans = [
        (max(opened.latest, start), min(closed.earliest, end))
        for opened, closed in _open_spans(line)
        for start, end in forces
        if opened.is_sure and opened.earliest < end and start <= opened.latest
    ]
    return joined((start, end) for start, end in spans if end > start)


def _count(line: Timeline, stat: str, window: Window, known: Known) -> Figure:
    found = [change for change in line.changes if change.state in (_counted(stat), *PASSING)]
    if stat == "false_trips":
        found = [change for change in found if not _is_tripped(change, line.provider, known)]
    sure = sum(_lies_in(change, window) for change in found if change.is_sure)
    may_be = sum(_touches(change.earliest, change.latest, window) for change in found)
    hidden = not line.sees_short_silence or (stat != "false_trips" and _is_partly_hidden(line, window))
    return Figure(
        sure, inf if hidden else may_be, _looks(line, known, window), "counters", _words(line, hidden)
    )


def _words(line: Timeline, hidden: bool) -> str:
    if not hidden:
        return line.words
    return f"{line.words}; {UNSEEN if line.sees_short_silence else TOO_THIN}"


def _counted(stat: str) -> State:
    return "closed" if stat == "closes" else "opened"


def _is_partly_hidden(line: Timeline, window: Window) -> bool:
    """Whether it may have changed unseen: in the dark, or by trials among the target's own probes."""
    blind = (*line.dark, *line.blind, *_without_trials(line))
    return any(_touches(start, end, window) for start, end in blind)


def _without_trials(line: Timeline) -> list[Span]:
    """When it was open and trials would not be seen: it may have closed and opened anew."""
    spans = () if line.sees_single_calls else _open_spans(line)
    return [(opened.earliest, closed.latest) for opened, closed in spans]


def _is_tripped(change: Change, provider: str, known: Known) -> bool:
    """Whether a fault at the provider can have been the reason: what waits for an answer fails later."""
    longest = known.evidence.tally.cell(known.evidence.frame.all_segments).latency.maximum or 0.0
    since = change.earliest - max(TRIPPED_BY, longest)
    own = (strike for strike in known.strikes if strike.provider == provider)
    return any(strike.overlaps(since, change.latest) for strike in own)


def _lies_in(change: Change, window: Window) -> bool:
    return any(a <= change.earliest and change.latest <= b for a, b in window.stretches)


def _touches(start: float, end: float, window: Window) -> bool:
    return any(start < b and end > a for a, b in window.stretches)


def _looks(line: Timeline, known: Known, window: Window) -> int:
    return sum(len(known.track(line.provider).within(a, b)) for a, b in window.stretches)


def _time_to_open(line: Timeline, known: Known) -> Figure:
    """The longest that it took after any fault there that every breaker should open for; 0 if it was open."""
    struck = [s for s in known.strikes if s.provider == line.provider and s.struck is not None]
    own = [strike for strike in struck if should_trip(strike)]
    if not own:
        return not_observable("no fault was in force there that a breaker must open for")
    times = [_opened_after(strike, line, known) for strike in own]
    return Figure(
        max(least for least, _ in times), max(most for _, most in times), len(times), "counters", line.words
    )


def _opened_after(strike: Strike, line: Timeline, known: Known) -> tuple[float, float]:
    """(least, most); for one under which it was not open at all the whole of the fault, and no most."""
    struck = strike.struck or 0.0
    if any(start <= struck < end for start, end in surely_open(line, known)):
        return 0.0, 0.0
    may_be = (*may_be_open(line), *_without_trials(line))
    begins = [start for start, end in may_be if start < strike.end and end > struck]
    least = min(begins, default=strike.end) if line.sees_short_silence else struck
    under = (c.latest for c in line.changes if c.state == "opened" and c.is_sure and c.earliest < strike.end)
    most = next((latest for latest in under if latest >= struck), inf)
    return max(0.0, least - struck), most - struck


def _time_open(line: Timeline, window: Window, known: Known) -> Figure:
    """Still open at the end counts up to the last look."""
    sure = surely_open(line, known)
    trials = [(change.earliest, change.latest) for change in line.changes if change.state == "tried"]
    least = sum(_within(start, end, window) for start, end in sure)
    least -= sum(_within(max(a, x), min(b, y), window) for a, b in sure for x, y in trials)
    most = sum(_within(start, end, window) for start, end in may_be_open(line))
    hidden = not line.sees_short_silence
    most = inf if hidden else most
    return Figure(max(0.0, least), most, max(1, len(line.changes)), "counters", _words(line, hidden))


def _open_spans(line: Timeline) -> Iterator[tuple[Change, Change]]:
    """(opened, closed); at the last look what is still open counts as closed."""
    opened = None
    for change in (*line.changes, Change("closed", line.seen_until, line.seen_until)):
        if change.state == "opened":
            opened = change
        elif change.state == "closed" and opened is not None:
            yield opened, change
            opened = None


def _within(start: float, end: float, window: Window) -> float:
    return sum(max(0.0, min(end, b) - max(start, a)) for a, b in window.stretches)
