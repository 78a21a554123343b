"""The run on one screen: lanes of ASCII over a time axis.

Rule: a column never hides trouble. Where it covers several slices of time, the success lane and the p95 lane
show the worst of them and the rates the highest; where it covers a part of one, neighbours repeat it.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from battlectl.observe.tally import Row
from battlectl.quantities import format_duration, format_rate, format_ratio
from battlectl.report.faults_words import faults_of
from battlectl.report.inert import one_line
from battlectl.report.series import read_series
from battlectl.report.streams_words import STREAMS, stream_lanes
from battlectl.report.timeline_faults import (
    BREAKERS,
    FAULTS,
    NamedLane,
    breaker_lanes,
    draw,
    fault_lanes,
    faults_hidden,
    gutter_of,
    label,
)

LEVELS = "._-=+*#%@"
GUTTER = 12
NOTE = 16
FEWEST_COLUMNS = 10
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
LEGEND = (
    f"rates and p95: {LEVELS} from nothing to the peak, p95 is that of the slowest call; "
    "success: . all ok, + 99% or more, x 50% or more, X less; blank: no arrivals"
)


@dataclass(frozen=True, slots=True)
class Slice:
    """One stretch of the series, all calls together: its length in seconds, p95 in milliseconds."""

    seconds: float
    total: int = 0
    ok: int = 0
    p95: float | None = None

    @property
    def failed_rate(self) -> float:
        """Failures per second."""
        return (self.total - self.ok) / self.seconds

    @property
    def rate(self) -> float:
        """Arrivals per second."""
        return self.total / self.seconds

    @property
    def success(self) -> float | None:
        """Share of ok, None without arrivals."""
        return self.ok / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class Lane:
    """One line: a name, a character per column, and what its scale is."""

    name: str
    cells: str
    note: str = ""


def render_timeline(document: Mapping[str, Any], width: int = 100) -> str:
    """The lanes, the time axis and what the marks mean; no line is longer than `width` (50 at least)."""
    slices, length, faults = (
        read_slices(document),
        _length(document),
        fault_lanes(document, _length(document)),
    )
    streams = stream_lanes(document)
    gutter = gutter_of([*faults, *streams], GUTTER, width // 3)
    columns = max(FEWEST_COLUMNS, width - gutter - NOTE - 3)
    spans = [slices[span.start : span.stop] for span in _spans(len(slices), columns)]
    lanes = [_phases(document, length, columns), *(lane(spans) for lane in LANES if _sends(document))]
    lines = [f"{lane.name:<{gutter}}|{lane.cells}| {lane.note}".rstrip() for lane in lanes]
    lines += _drawn([*streams, *faults], length, gutter, columns)
    return "\n".join([*lines, _time(length, gutter, columns), *_legend(document, length / columns, width)])


def render_breakers(document: Mapping[str, Any], width: int = 100) -> str:
    """The lanes of the breakers over the same time; empty where none can be seen."""
    length, breakers = _length(document), breaker_lanes(document)
    if not breakers:
        return ""
    gutter = gutter_of(breakers, GUTTER, width // 3)
    columns = max(FEWEST_COLUMNS, width - gutter - NOTE - 3)
    lines = [*_drawn(breakers, length, gutter, columns), _time(length, gutter, columns)]
    return "\n".join([*lines, *_wrapped(BREAKERS, width)])


def _sends(document: Mapping[str, Any]) -> bool:
    """Whether there is anything to draw of requests: subscribers may be all."""
    return not document.get("streams") or bool(document["frame"]["workloads"])


def _drawn(lanes: Sequence[NamedLane], length: float, gutter: int, columns: int) -> list[str]:
    return [f"{label(lane, gutter)}|{draw(lane, length, columns)}| {lane.note}".rstrip() for lane in lanes]


def _time(length: float, gutter: int, columns: int) -> str:
    return f"{'time':<{gutter}} {_axis(length, columns)}".rstrip()


def read_slices(document: Mapping[str, Any]) -> list[Slice]:
    """Every slice of the run, empty ones included; at least one."""
    width = document["series"]["slice_s"]
    length = _length(document)
    rows = list(read_series(document["series"]))
    last = max((number for (_, _, number), _ in rows), default=-1)
    slices = [
        Slice(_seconds(number, width, length))
        for number in range(max(1, math.ceil(length / width), last + 1))
    ]
    for (_, _, number), row in rows:
        slices[number] = _added(slices[number], row)
    return slices


def _seconds(number: int, width: int, length: float) -> float:
    """What a slice's rates are counted over; half its width at least, so that a stub makes no peak."""
    return min(width, max(length - number * width, width / 2))


def _added(slice_: Slice, row: Row) -> Slice:
    known = [value for value in (slice_.p95, None if row.p95 is None else row.p95 * 1e3) if value is not None]
    return replace(
        slice_,
        total=slice_.total + row.total,
        ok=slice_.ok + row.ok,
        p95=max(known, default=None),
    )


def _length(document: Mapping[str, Any]) -> float:
    """Seconds shown: what was planned, or what came of it, one slice at least."""
    planned = float(document["frame"]["phases"][-1]["end"])
    ended = max(float(document["ending"]["at_s"]), document["series"]["slice_s"])
    return planned if document["ending"]["how"] == "completed" else min(planned, ended)


def _spans(slices: int, columns: int) -> Iterator[range]:
    for column in range(columns):
        first = column * slices // columns
        yield range(first, max(first + 1, (column + 1) * slices // columns))


def _arrivals(spans: Sequence[Sequence[Slice]]) -> Lane:
    return _rates("arrivals/s", [max(slice_.rate for slice_ in span) for span in spans])


def _success(spans: Sequence[Sequence[Slice]]) -> Lane:
    worst = [min((s.success for s in span if s.success is not None), default=None) for span in spans]
    least = min((ratio for ratio in worst if ratio is not None), default=None)
    note = "no arrivals" if least is None else f"worst {format_ratio(least)}"
    return Lane("success", "".join(_success_mark(ratio) for ratio in worst), note)


def _p95(spans: Sequence[Sequence[Slice]]) -> Lane:
    worst = [max((s.p95 for s in span if s.p95 is not None), default=None) for span in spans]
    peak = max((ms for ms in worst if ms is not None), default=None)
    note = "no samples" if peak is None else f"peak {format_duration(peak / 1e3)}"
    return Lane("p95", _sparkline(worst), note)


def _failures(spans: Sequence[Sequence[Slice]]) -> Lane:
    return _rates("failures/s", [max(slice_.failed_rate for slice_ in span) for span in spans])


def _rates(name: str, values: Sequence[float]) -> Lane:
    """Blank where there is nothing."""
    note = f"peak {format_rate(max(values))}" if any(values) else "none"
    return Lane(name, _sparkline([value or None for value in values]), note)


LANES: tuple[Callable[[Sequence[Sequence[Slice]]], Lane], ...] = (_arrivals, _success, _p95, _failures)


def _success_mark(ratio: float | None) -> str:
    if ratio is None:
        return " "
    if ratio == 1:
        return "."
    return "+" if ratio >= 0.99 else "x" if ratio >= 0.5 else "X"


def _sparkline(values: Sequence[float | None]) -> str:
    peak = max((value for value in values if value is not None), default=0.0)
    return "".join(" " if value is None else _level(value, peak) for value in values)


def _level(value: float, peak: float) -> str:
    if peak <= 0:
        return LEVELS[0]
    return LEVELS[min(len(LEVELS) - 1, max(0, math.ceil(value / peak * len(LEVELS)) - 1))]


def _phases(document: Mapping[str, Any], length: float, columns: int) -> Lane:
    """Names under their stretch, `[` where a phase begins."""
    line = ""
    for phase in document["frame"]["phases"]:
        start, end = (min(columns, round(phase[edge] / length * columns)) for edge in ("start", "end"))
        if end > start:
            line += ("[" + one_line(phase["name"]))[: end - start].ljust(end - start)
    return Lane("phases", line.ljust(columns)[:columns])


def _axis(length: float, columns: int) -> str:
    """A label where its time is, as many as leave two blanks between them."""
    widest = len(format_duration(length)) + 4
    step = next((s for s in STEPS if s / length * columns >= widest), STEPS[-1])
    line = ""
    for number in range(math.floor(length / step) + 1):
        line = line.ljust(int(number * step / length * columns)) + _tick(number * step)
    return line[: columns + NOTE]


def _tick(seconds: int) -> str:
    return format_duration(seconds) if seconds else "0s"


def _legend(document: Mapping[str, Any], column: float, width: int) -> list[str]:
    ending = document["ending"]
    lines = [f"one column is {format_duration(column)}"]
    if _sends(document):
        lines[0] += f"; {LEGEND}"
    if ending["how"] != "completed":
        planned = format_duration(document["frame"]["phases"][-1]["end"])
        lines.insert(0, f"{ending['how']} after {format_duration(ending['at_s'])} of {planned}")
    if document.get("streams"):
        lines.append(STREAMS)
    if faults_of(document):
        lines.append(FAULTS)
    if hidden := faults_hidden(document):
        lines.append(f"{hidden} more faults have no lane here")
    return [wrapped for line in lines for wrapped in _wrapped(line, width)]


def _wrapped(line: str, width: int) -> list[str]:
    return textwrap.wrap(line, max(width, FEWEST_COLUMNS))
