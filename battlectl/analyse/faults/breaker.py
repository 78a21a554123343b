"""What a provider's circuit breaker did, as far as the calls that reach the provider tell.

Rule: it opened when the attempts of the load stopped while others went on, and closed when its share came
back; each within the grain of the looks. That is sure only under a fault by which requests fail at once: who
is slow, limited or behind is left alone without any breaker. A moment without attempts may have been an
opening too. Attempts that came in between and stopped again were trials of one that was half-open, or it
closed and opened anew: nobody can tell from outside, so half-open is not observable and both are in the range
of what is counted. What is dark (see quiet.py) is known only as far as the light after it shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.known import Known, know
from battlectl.analyse.faults.quiet import Watch, watch
from battlectl.analyse.faults.strike import Strike
from battlectl.observe import outcome

State = Literal["opened", "tried", "closed", "paused"]
"""`tried`: attempts came, and stopped again: the earliest and the latest moment of them. `paused`: none came,
too shortly to say that it opened."""
PASSING = ("tried", "paused")
NO_FAILURES = frozenset({"http_429", "rate_limit_in_body", "revert"})
TRIPPED_BY = 1.0
"""Seconds after a fault in which a breaker may still open because of it."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of state, somewhere from `earliest` to `latest`; not `is_sure` where it may be none."""

    state: State
    earliest: float
    latest: float
    is_sure: bool = True


@dataclass(frozen=True, slots=True)
class Timeline:
    """Of one provider. `dark` are stretches in which nothing can be told, `blind` those in which an opening
    of a second may be missed; `grain` is in seconds, None where nothing is observable: `words` say why."""

    provider: str
    changes: tuple[Change, ...]
    dark: tuple[tuple[float, float], ...]
    grain: float | None
    seen_until: float
    sees_short_silence: bool
    sees_single_calls: bool
    blind: tuple[tuple[float, float], ...]
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
        return Timeline(provider, (), (), None, 0.0, False, False, (), watching)
    track = watching.track
    return Timeline(
        provider=provider,
        changes=tuple(_joined(_changes(watching, _sure_of(provider, known)))),
        dark=watching.dark,
        grain=track.grain(track.times[0], track.times[-1]),
        seen_until=track.times[-1],
        sees_short_silence=watching.sees_short_silence,
        sees_single_calls=watching.sees_single_calls,
        blind=tuple(watching.blind),
        words="from the calls that reached it: a breaker, or another reason to leave it alone",
    )


def _sure_of(provider: str, known: Known) -> tuple[Strike, ...]:
    """The faults there by which requests fail at once, so that a silence is for nothing else."""
    return tuple(s for s in known.strikes if s.provider == provider and fails_at_once(s))


def fails_at_once(strike: Strike) -> bool:
    """Or the target was told. An error that a provider answers may be held against one method alone."""
    if strike.expected.bids_target:
        return True
    labels = {outcome.outcome_of(label) for label in strike.expected.labels}
    return should_trip(strike) and not labels & {outcome.TIMEOUT, outcome.RPC_ERROR}


def should_trip(strike: Strike) -> bool:
    """Whether all requests fail by it; being limited or reverted is no failure of the provider."""
    expected = strike.expected
    is_failure = bool(expected.labels) and strike.injection.toxic not in NO_FAILURES
    return is_failure and expected.probability >= 1 and expected.must_show


def _changes(watching: Watch, strikes: Sequence[Strike]) -> Iterator[Change]:
    back_at = 0.0
    is_open, is_sure, was_dark, used_at = False, False, False, max(watching.track.times[0], watching.begin)
    for index, step in watching.steps():
        if any(step.start < end and step.end > start for start, end in watching.dark):
            was_dark = True
            continue
        if not is_open and watching.is_silent(index):
            is_open, latest = True, watching.stopped_by(index)
            until = max(latest, step.end)  # That nothing came shows only once something was due.
            is_sure = any(strike.overlaps(used_at - TRIPPED_BY, until) for strike in strikes)
            yield Change("opened", used_at, latest, is_sure)
        elif is_open and watching.is_used(index) and step.attempts:
            is_open = False
            since = used_at if was_dark else step.start
            back_at = watching.returned_by(index)
            yield Change("closed", since, back_at, is_sure)
        elif is_open and step.attempts and watching.sees_single_calls:
            yield Change("tried", step.start, step.end, is_sure=False)
        elif not is_open and step.start >= back_at and watching.dips(index):
            yield Change("paused", used_at, watching.ends_by(index), is_sure=False)
        used_at = step.start if step.attempts or was_dark else used_at
        was_dark = False


def _joined(changes: Iterator[Change]) -> Iterator[Change]:
    """Trials in steps that follow each other are one, so are pauses; a pause that went on is an opening."""
    last: Change | None = None
    for change in changes:
        if last is not None and last.state != change.state == "opened" and change.earliest <= last.earliest:
            last = None
        if last is not None and last.state in PASSING and _goes_on(last, change):
            last = replace(last, latest=change.latest)
            continue
        if last is not None:
            yield last
        last = change
    if last is not None:
        yield last


def _goes_on(one: Change, other: Change) -> bool:
    return one.state == other.state and other.earliest <= one.latest
