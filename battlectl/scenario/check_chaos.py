"""Rules between the faults, the phases and each other. Whether a provider exists is checked with the plan,
which knows the target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from battlectl.quantities import format_duration
from battlectl.scenario.chaos_times import BATTLE, begins_of, least_room, milliseconds, names_of, room_of
from battlectl.scenario.draft import Draft
from battlectl.scenario.phases import Edges
from battlectl.scenario.places import Mistake, Path
from battlectl.scenario.wording import nearest

if TYPE_CHECKING:
    from battlectl.scenario.chaos import Timing
    from battlectl.scenario.chaos_parts import Moment, RandomFaults

MOST_INJECTIONS = 150
"""Each injection brings windows of its own: the report has to stay readable, and small."""


def check_chaos(draft: Draft) -> Iterator[Mistake]:
    """Every mistake of the faults that are right by themselves."""
    faults = [(path, entry) for path, entry in draft.chaos if entry is not None]
    phases = draft.edges
    for path, entry in faults:
        if phases is not None:
            yield from _check_random(path, entry, phases)
            yield from _check_begin(path, entry, phases)
            yield from _check_repeats(path, entry, phases)
            yield from _check_end(path, entry, phases)
    yield from _check_names(faults)
    total = sum(len(names_of(entry)) for _, entry in faults)
    if total > MOST_INJECTIONS:
        message = f"{total} injections in all, {MOST_INJECTIONS} is the most: lower `times` or `count`"
        yield Mistake(("chaos",), message, True)


def _check_begin(path: Path, entry: Timing, phases: Mapping[str, Edges]) -> Iterator[Mistake]:
    if entry.random is not None:
        return
    end = max(end for _, end in phases.values())
    if entry.at is None:
        if BATTLE not in phases:
            message = "says not when: add `at: 20s` or `at: {in: PHASE}`, there is no phase called battle"
            yield Mistake(path, message)
    elif isinstance(entry.at, float):
        if entry.at >= end:
            yield Mistake((*path, "at"), f"the run ends at {format_duration(end)}: choose an earlier time")
    else:
        yield from _check_moment((*path, "at"), entry.at, phases)


def _check_moment(path: Path, at: Moment, phases: Mapping[str, Edges]) -> Iterator[Mistake]:
    if at.in_ not in phases:
        yield Mistake((*path, "in"), f'there is no phase "{at.in_}"{nearest(at.in_, phases)}')
        return
    start, end = phases[at.in_]
    if at.after >= end - start:
        message = f"{at.in_} lasts only {format_duration(end - start)}: choose less"
        yield Mistake((*path, "after"), message)


def _check_repeats(path: Path, entry: Timing, phases: Mapping[str, Edges]) -> Iterator[Mistake]:
    if entry.random is not None:
        return
    times, every, length = entry.times or 1, entry.every, entry.own_length or entry.for_
    if entry.times is None and every is not None:
        yield Mistake((*path, "every"), "repeats nothing by itself: add `times: 3`")
    elif times > 1 and every is None:
        yield Mistake((*path, "times"), "says not how often: add `every: 30s`")
    elif times > 1 and length is None:
        yield Mistake((*path, "times"), "one that is repeated has to end: add `for: 10s`")
    elif times > 1 and every is not None and length is not None and length >= every:
        message = f"the next one begins before this one is over ({format_duration(length)}): choose more"
        yield Mistake((*path, "every"), message)
    begins, end = begins_of(entry, phases), max(end for _, end in phases.values())
    if begins and begins[0] < end <= begins[-1]:
        late = f"the last one would begin at {format_duration(begins[-1])}"
        yield Mistake((*path, "times"), f"{late}, the run ends at {format_duration(end)}: lower it")


def _check_end(path: Path, entry: Timing, phases: Mapping[str, Edges]) -> Iterator[Mistake]:
    length, begins = entry.own_length, begins_of(entry, phases)
    if entry.random is not None or length is None:
        return
    end = max(end for _, end in phases.values())
    if length <= 0:
        yield Mistake(path, f"{entry.kind} is over at once: let it last longer, try 1s", True)
    elif entry.for_ is not None:
        message = f"{entry.kind} ends by itself after {format_duration(length)}: leave `for` away"
        yield Mistake((*path, "for"), message, True)
    elif begins and begins[-1] < end < begins[-1] + length - 1e-9:
        message = f"takes {format_duration(length)} by itself, from {format_duration(begins[-1])} on"
        yield Mistake(path, f"{message}; the run ends at {format_duration(end)}: start it earlier")


def _check_random(path: Path, entry: Timing, phases: Mapping[str, Edges]) -> Iterator[Mistake]:
    faults = entry.random
    if faults is None:
        return
    for key, value in (("at", entry.at), ("for", entry.for_), ("times", entry.times), ("every", entry.every)):
        if value is not None:
            message = f"random faults say {key} inside: leave it away, see `in`, `for`, `count` and `gap`"
            yield Mistake((*path, key), message, True)
    path = (*path, "random")
    if "any" in faults.providers:
        yield Mistake((*path, "providers"), 'each one is drawn anyway: write "all", or a list')
    if faults.in_ is None and BATTLE not in phases:
        yield Mistake(path, "says not where: add `in: PHASE`, there is no phase called battle", True)
    elif (faults.in_ or BATTLE) not in phases:
        yield Mistake((*path, "in"), f'there is no phase "{faults.in_}"{nearest(faults.in_ or "", phases)}')
    else:
        yield from _check_room(path, faults, phases[faults.in_ or BATTLE])


def _check_room(path: Path, faults: RandomFaults, phase: Edges) -> Iterator[Mistake]:
    shortest, longest, _ = milliseconds(faults)
    if shortest < 1:
        yield Mistake((*path, "for"), "is drawn in whole milliseconds: begin with 1ms or more")
    elif longest < shortest:
        yield Mistake((*path, "for"), "the shorter one comes first: try [2s, 10s]")
    elif least_room(faults) > room_of(phase):
        need, have = format_duration(least_room(faults) / 1e3), format_duration(phase[1] - phase[0])
        message = f"{faults.count} of them need at least {need}, the phase has {have}: lower it"
        yield Mistake((*path, "count"), message)


def _check_names(faults: list[tuple[Path, Timing]]) -> Iterator[Mistake]:
    seen: set[str] = set()
    for path, entry in faults:
        if entry.label in seen:
            place = path if entry.name is None else (*path, "name")
            message = (
                f'there are two faults called "{entry.label}": give one a name of its own, `name: second`'
            )
            yield Mistake(place, message)
        seen.add(entry.label)
