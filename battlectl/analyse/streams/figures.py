"""The figures of streams: what each statistic of the metric `subscription` is, out of a cell of counts.

Rule: a figure stands on samples: counts and shares on the blocks that were expected, durations on how often
there was one. Where blocks were expected and none was late, lateness is zero and stands on the blocks; so
does the longest silence.
"""

from __future__ import annotations

from typing import NamedTuple

from battlectl.analyse.evidence import statistic
from battlectl.observe.sketch import Sketch
from battlectl.observe.streams.cell import StreamCell
from battlectl.scenario.metrics import STREAM_COUNTS, STREAM_RATIOS

COUNTED_AS = {"blocks": "observed", "silent_ends": "ends_silent", "visible_ends": "ends_visible"}
"""Statistics whose count has another name; `gaps` and `wrong_fork` are sums."""
SKETCHED_AS = {"delivery_delay": "delay"}
OF_LATE_BLOCKS = ("lateness", "catch_up")


class Figure(NamedTuple):
    """A value, None where there is none, and how many samples it stands on."""

    value: float | None
    samples: int


def stream_figure(cell: StreamCell, stat: str) -> Figure:
    """The value of a statistic in a cell."""
    blocks = cell.blocks_expected
    if stat in STREAM_COUNTS:
        return Figure(float(count_of(cell, stat)), blocks)
    if stat in STREAM_RATIOS:
        return Figure(getattr(cell, stat), blocks)
    name, _, of = stat.rpartition(".")
    if name == "stall":
        return Figure(cell.longest_silence_ns / 1e9 if blocks else None, blocks)
    sketch = sketch_of(cell, name)
    if name in OF_LATE_BLOCKS and not sketch.count:
        return Figure(0.0 if blocks else None, blocks)
    return Figure(statistic(sketch, of), sketch.count)


def count_of(cell: StreamCell, stat: str) -> int:
    """A statistic that is a count."""
    if stat == "gaps":
        return cell.missing
    if stat == "wrong_fork":
        return cell.never_on_chain
    return cell.count(COUNTED_AS.get(stat, stat))


def sketch_of(cell: StreamCell, name: str) -> Sketch:
    """The durations of a statistic; empty without any."""
    return cell.sketches.get(SKETCHED_AS.get(name, name)) or Sketch()
