"""Lanes for faults and breakers, under the axis of the timeline.

Rule: a column shows the worst of what lies in it: a moment of a fault marks all of its column. A fault is
drawn where it was in force, by what was done; where nothing was done it is drawn as planned, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from battlectl.report.faults_words import faults_of
from battlectl.report.headline import Document, Stored
from battlectl.report.inert import cells, clip, one_line

MOST_LANES = 12
MARKS = {"confirmed": "#", "unproven": "?", "mismatch": "!"}
PLANNED = ":"
ORDER = ("mismatch", "unproven", "confirmed")
STATES = {
    "closed": ".",
    "paused": "-",
    "tried": "t",
    "hidden": "/",
    "maybe-open": "o",
    "open": "O",
}
WEIGHT = " .o-t:#?!O/"
"""Of two marks in one column the one that is further right is shown."""
FAULTS = "faults: # confirmed, ? unproven, ! mismatch, : planned and not done"
BREAKERS = "breakers: . closed, O open, o perhaps open, - no call for a moment, t tried, / not seen"


@dataclass(frozen=True, slots=True)
class Stretch:
    """From one moment to another, in seconds, with its mark."""

    start: float
    end: float
    mark: str


@dataclass(frozen=True, slots=True)
class NamedLane:
    """Stretches under one name, and what is written behind them."""

    name: str
    stretches: tuple[Stretch, ...]
    note: str


def fault_lanes(document: Document, length: float) -> list[NamedLane]:
    """One for each fault, its repeats together, the first `MOST_LANES` of them."""
    groups: dict[str, list[Stored]] = {}
    for fault in faults_of(document):
        groups.setdefault(fault["repeat_of"] or fault["name"], []).append(fault)
    return [_fault_lane(name, group, length) for name, group in list(groups.items())[:MOST_LANES]]


def faults_hidden(document: Document) -> int:
    """How many faults have no lane for want of room."""
    return max(0, len({fault["repeat_of"] or fault["name"] for fault in faults_of(document)}) - MOST_LANES)


def breaker_lanes(document: Document) -> list[NamedLane]:
    """One for each breaker that can be seen."""
    return [
        NamedLane(
            breaker["provider"],
            tuple(Stretch(s["from_s"], s["to_s"], STATES.get(s["state"], "?")) for s in breaker["lanes"]),
            "",
        )
        for breaker in document.get("breakers", ())
        if breaker["observable"]
    ][:MOST_LANES]


def gutter_of(lanes: Sequence[NamedLane], least: int, most: int) -> int:
    """How wide the names are."""
    return max(least, min(most, max((cells(one_line(lane.name)) for lane in lanes), default=0) + 1))


def draw(lane: NamedLane, length: float, columns: int) -> str:
    """The cells of a lane."""
    shown = [" "] * columns
    for stretch in lane.stretches:
        for column in _columns(stretch, length, columns):
            shown[column] = max(shown[column], stretch.mark, key=WEIGHT.find)
    return "".join(shown)


def label(lane: NamedLane, gutter: int) -> str:
    """Its name, as wide as the gutter whatever it is made of."""
    name = clip(one_line(lane.name), gutter - 1)
    return name + " " * (gutter - cells(name))


def _columns(stretch: Stretch, length: float, columns: int) -> range:
    first = int(stretch.start / length * columns)
    last = int(-(-min(stretch.end, length) / length * columns // 1))
    return range(max(0, first), min(columns, max(first + 1, last))) if stretch.start < length else range(0)


def _fault_lane(name: str, group: Sequence[Stored], length: float) -> NamedLane:
    worst = next(verdict for verdict in ORDER if any(fault["proof"] == verdict for fault in group))
    stretches = (stretch for fault in group for stretch in _stretches(fault, length))
    return NamedLane(name, tuple(stretches), worst)


def _stretches(fault: Stored, length: float) -> Iterator[Stretch]:
    for part in fault["providers"]:
        if part["injected_s"] is None:
            yield Stretch(fault["at_s"], fault["until_s"], PLANNED)
        else:
            yield Stretch(part["injected_s"], _end(part, length), MARKS[part["proof"]])


def _end(part: Mapping[str, Any], length: float) -> float:
    """One that was not healed is drawn to the end."""
    return length if part["healed_s"] is None else float(part["healed_s"])
