"""When the faults of a scenario begin and end, and the windows that follow from it.

Rule: during:NAME is the time of a fault, recovery:NAME what lies between its end and the next injection of
any fault or the end of the run, baseline what lies between the start of `run` and the first injection. NAME
alone over repeats means all of them. A window without any time does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from battlectl.scenario.phases import Edges, clean

if TYPE_CHECKING:
    from battlectl.scenario.chaos import Timing
    from battlectl.scenario.chaos_parts import RandomFaults

BATTLE = "battle"
BASELINE = "baseline"
DURING = "during:"
RECOVERY = "recovery:"


@dataclass(frozen=True, slots=True)
class Span:
    """One injection in time: `name` has the number of a repeat, `fault` has not."""

    name: str
    fault: str
    at: float
    until: float


def begin_of(entry: Timing, phases: Mapping[str, Edges]) -> float | None:
    """When an entry's first injection is due; None when that cannot be said."""
    if isinstance(entry.at, float):
        return clean(entry.at)
    phase = BATTLE if entry.at is None else entry.at.in_
    after = 0.0 if entry.at is None else entry.at.after
    return clean(phases[phase][0] + after) if phase in phases else None


def begins_of(entry: Timing, phases: Mapping[str, Edges]) -> tuple[float, ...]:
    """When each injection of an entry is due; empty when that cannot be said."""
    first = begin_of(entry, phases)
    if first is None:
        return ()
    return tuple(clean(first + k * (entry.every or 0.0)) for k in range(entry.times or 1))


def end_of(entry: Timing, begin: float, phases: Mapping[str, Edges]) -> float:
    """When an injection ends: by itself, after `for`, with its phase, and with the run at the latest."""
    end_of_run = max(end for _, end in phases.values())
    length = entry.own_length if entry.own_length is not None else entry.for_
    if length is not None:
        return min(clean(begin + length), end_of_run)
    return next((end for start, end in phases.values() if start <= begin < end), end_of_run)


def spans_of(entry: Timing, phases: Mapping[str, Edges]) -> tuple[Span, ...]:
    """The injections of an entry that is not `random`."""
    return tuple(
        Span(name, entry.label, begin, end_of(entry, begin, phases))
        for name, begin in zip(names_of(entry), begins_of(entry, phases), strict=False)
    )


def names_of(entry: Timing) -> tuple[str, ...]:
    """The names of an entry's injections, in order."""
    count = entry.random.count if entry.random is not None else entry.times or 1
    numbered = tuple(f"{entry.label}#{number}" for number in range(1, count + 1))
    return numbered if entry.is_numbered else (entry.label,)


def window_stretches(spans: Sequence[Span], run: Edges) -> dict[str, tuple[Edges, ...]]:
    """Every window of the faults with its unbroken parts in order; () for one that has no time."""
    if not spans:
        return {}
    first = min(
        (span.at for span in spans if span.until > run[0]), default=run[0]
    )  # The warm-up has its own.
    windows: dict[str, list[Edges]] = {BASELINE: _part(run[0], first)}
    starts = sorted(span.at for span in spans)
    for span in sorted(spans, key=lambda span: span.at):
        following = next((start for start in starts if start >= span.until), run[1])
        for name in dict.fromkeys((span.name, span.fault)):
            windows.setdefault(DURING + name, []).extend(_part(span.at, span.until))
            windows.setdefault(RECOVERY + name, []).extend(_part(span.until, following))
    return {name: joined(stretches) for name, stretches in windows.items()}


def joined(stretches: Iterable[Edges]) -> tuple[Edges, ...]:
    """The same time in as few stretches as possible, in order."""
    result: list[Edges] = []
    for start, end in sorted(stretches):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return tuple(result)


def _part(start: float, end: float) -> list[Edges]:
    return [(start, end)] if end > start else []


def milliseconds(faults: RandomFaults) -> tuple[int, int, int]:
    """(shortest, longest, gap) of random faults, which are drawn in whole milliseconds."""
    shortest, longest = (round(length * 1e3) for length in faults.for_)
    return shortest, longest, round(faults.gap * 1e3)


def least_room(faults: RandomFaults) -> int:
    """The milliseconds that the shortest possible draw takes."""
    shortest, _, gap = milliseconds(faults)
    return faults.count * shortest + (faults.count - 1) * gap


def room_of(phase: Edges) -> int:
    """The whole milliseconds of a phase."""
    return int(round((phase[1] - phase[0]) * 1e6) // 1000)
