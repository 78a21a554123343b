"""What a provider's circuit breaker did, as far as the calls that reach the provider tell.

Rule: it opened when the attempts of the load stopped while others went on, and closed when its share came
back; each within the grain of the looks. Attempts that came in between and stopped again were trials of one
that was half-open, or it closed and opened anew: nobody can tell from outside, so half-open is not observable
and both are in the range of what is counted. A target that moves away because others are faster looks the
same, which is told with every figure. Where a fault keeps attempts from being seen, its time is dark: what
happened then is known only as far as the light after it shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf
from typing import Literal

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.figure import Figure, not_observable
from battlectl.analyse.faults.known import Known, know
from battlectl.analyse.faults.quiet import Watch, watch
from battlectl.analyse.faults.strike import Strike
from battlectl.plan.workload import Window

State = Literal["opened", "tried", "closed"]
"""`tried`: attempts came, and stopped again: the earliest and the latest moment of them."""
NO_FAILURES = frozenset({"http_429", "rate_limit_in_body", "revert"})
NO_HALF_OPEN = "attempts tell a trial of one that is half-open from nothing else"
TRIPPED_BY = 1.0
"""Seconds after a fault in which a breaker may still open because of it."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of state, somewhere from `earliest` to `latest`."""

    state: State
    earliest: float
    latest: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """Of one provider. `dark` are stretches in which attempts were not seen; `grain` is in seconds, None when
    nothing is observable, and then `words` say why."""

    provider: str
    changes: tuple[Change, ...]
    dark: tuple[tuple[float, float], ...]
    grain: float | None
    seen_until: float
    sees_single_calls: bool
    words: str

    @property
    def is_observable(self) -> bool:
        """Whether anything is known."""
        return self.grain is not None


def timelines(evidence: Evidence, known: Known | None = None) -> tuple[Timeline, ...]:
    """Of every provider that was counted or struck."""
    known = known or know(evidence)
    names = dict.fromkeys((*known.tracks, *(strike.provider for strike in known.strikes)))
    return tuple(timeline(name, known) for name in names)


def timeline(provider: str, known: Known) -> Timeline:
    """Of one provider, over the whole run."""
    watching = watch(provider, known)
    if isinstance(watching, str):
        return Timeline(provider, (), (), None, 0.0, False, watching)
    track = watching.track
    return Timeline(
        provider=provider,
        changes=tuple(_joined(_changes(watching))),
        dark=watching.dark,
        grain=track.grain(track.times[0], track.times[-1]),
        seen_until=track.times[-1],
        sees_single_calls=watching.sees_single_calls,
        words="from the calls that reached it: a breaker, or another reason to leave it alone",
    )


def _changes(watching: Watch) -> Iterator[Change]:
    is_open, was_dark, used_at = False, False, max(watching.track.times[0], watching.begin)
    for index, step in watching.steps():
        if any(step.start < end and step.end > start for start, end in watching.dark):
            was_dark = True
            continue
        if not is_open and watching.is_silent(index):
            is_open = True
            yield Change("opened", used_at, watching.stopped_by(index))
        elif is_open and watching.is_used(index) and step.attempts:
            is_open = False
            yield Change("closed", used_at if was_dark else step.start, watching.returned_by(index))
        elif is_open and step.attempts and watching.sees_single_calls:
            yield Change("tried", step.start, step.end)
        used_at = step.start if step.attempts or was_dark else used_at
        was_dark = False


def _joined(changes: Iterator[Change]) -> Iterator[Change]:
    """Trials in steps that follow each other are one."""
    trial: Change | None = None
    for change in changes:
        is_trial = change.state == "tried"
        if trial is not None and is_trial and change.earliest <= trial.latest:
            trial = replace(trial, latest=change.latest)
            continue
        if trial is not None:
            yield trial
        trial = change if is_trial else None
        if not is_trial:
            yield change
    if trial is not None:
        yield trial


# Figures


def breaker_figure(evidence: Evidence, provider: str, stat: str, window: Window) -> Figure:
    """`opens`, `closes`, `half_opens`, `false_trips`, `time_to_open` or `time_open` in a window."""
    known = know(evidence)
    return figure_of(timeline(provider, known), stat, window, known)


def figure_of(line: Timeline, stat: str, window: Window, known: Known) -> Figure:
    """The same of a timeline that is known already."""
    if not line.is_observable:
        return not_observable(line.words)
    if stat in ("opens", "closes", "half_opens", "false_trips"):
        return _count(line, stat, window, known)
    return _time_to_open(line, known) if stat == "time_to_open" else _time_open(line, window)


def _count(line: Timeline, stat: str, window: Window, known: Known) -> Figure:
    if stat == "half_opens":
        return not_observable(NO_HALF_OPEN)
    found = [change for change in line.changes if change.state in (_counted(stat), "tried")]
    if stat == "false_trips":
        found = [change for change in found if not _is_tripped(change, line.provider, known)]
    sure = sum(_lies_in(change, window) for change in found if change.state != "tried")
    may_be = sum(_touches(change.earliest, change.latest, window) for change in found)
    hidden = stat != "false_trips" and _is_partly_hidden(line, window)
    words = f"{line.words}; attempts were not seen for a time" if hidden else line.words
    return Figure(sure, inf if hidden else may_be, _looks(line, known, window), "counters", words)


def _counted(stat: str) -> State:
    return "closed" if stat == "closes" else "opened"


def _is_partly_hidden(line: Timeline, window: Window) -> bool:
    """Whether it may have changed unseen: in the dark, or by trials among the target's own probes."""
    spans = () if line.sees_single_calls else _open_spans(line)
    blind = [(opened.earliest, closed.latest) for opened, closed in spans]
    return any(_touches(start, end, window) for start, end in (*line.dark, *blind))


def _is_tripped(change: Change, provider: str, known: Known) -> bool:
    """Whether a fault at the provider can have been the reason."""
    own = (strike for strike in known.strikes if strike.provider == provider)
    return any(strike.overlaps(change.earliest - TRIPPED_BY, change.latest) for strike in own)


def _lies_in(change: Change, window: Window) -> bool:
    return any(a <= change.earliest and change.latest <= b for a, b in window.stretches)


def _touches(start: float, end: float, window: Window) -> bool:
    return any(start < b and end > a for a, b in window.stretches)


def _looks(line: Timeline, known: Known, window: Window) -> int:
    return sum(len(known.track(line.provider).within(a, b)) for a, b in window.stretches)


def _time_to_open(line: Timeline, known: Known) -> Figure:
    """The longest that it took after any fault there that every breaker should open for."""
    struck = [s for s in known.strikes if s.provider == line.provider and s.struck is not None]
    own = [strike for strike in struck if _should_trip(strike)]
    if not own:
        return not_observable("no fault was in force there that a breaker must open for")
    times = [_opened_after(strike, line) for strike in own]
    return Figure(
        max(least for least, _ in times), max(most for _, most in times), len(times), "counters", line.words
    )


def _should_trip(strike: Strike) -> bool:
    """Whether all requests fail by it; being limited or reverted is no failure of the provider."""
    expected = strike.expected
    is_failure = bool(expected.labels) and strike.injection.toxic not in NO_FAILURES
    return is_failure and expected.probability >= 1 and expected.must_show


def _opened_after(strike: Strike, line: Timeline) -> tuple[float, float]:
    """(least, most); for one under which it did not open the whole of the fault, and no most."""
    struck = strike.struck or 0.0
    for change in line.changes:
        if change.state == "opened" and change.latest >= struck and change.earliest < strike.end:
            return max(0.0, change.earliest - struck), change.latest - struck
    is_dark = any(a < strike.end and b > struck for a, b in line.dark)
    return 0.0 if is_dark else strike.end - struck, inf


def _time_open(line: Timeline, window: Window) -> Figure:
    """Still open at the end counts up to the last look."""
    least, most = 0.0, 0.0
    for opened, closed in _open_spans(line):
        least += _within(opened.latest, closed.earliest, window)
        most += _within(opened.earliest, closed.latest, window)
    trials = (change for change in line.changes if change.state == "tried")
    least -= sum(_within(trial.earliest, trial.latest, window) for trial in trials)
    hidden = any(_touches(start, end, window) for start, end in line.dark)
    return Figure(max(0.0, least), inf if hidden else most, max(1, len(line.changes)), "counters", line.words)


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
