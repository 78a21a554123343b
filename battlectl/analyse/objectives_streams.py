"""Judging objectives about subscriptions.

Rule: nothing is kept where no block was expected, where something of it was not watched, proven or finished,
or where nothing came that could have been wrong. A block that never came is later than any limit. Times are
as exact as we were on time ourselves, and a delay as the chain was looked at: an objective must hold, or be
broken, at both ends of that. A violation that an early end may explain is inconclusive, and so is every time
while we were late with streams beyond `generator.max_stream_lag`. In the window of a fault nothing is
kept where nobody knows that the fault concerned subscribers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from battlectl.analyse.evidence import Evidence, statistic
from battlectl.analyse.faults.unfed import unfed
from battlectl.analyse.objective_finding import format_value, objective_finding
from battlectl.analyse.streams.doubts import cut_short, doubts, workloads_of
from battlectl.analyse.streams.figures import OF_LATE_BLOCKS, Figure, sketch_of, stream_figure
from battlectl.analyse.streams.words import SEEN_AS, first_and_worst, tell_sighting
from battlectl.analyse.verdict import Finding, Verdict
from battlectl.observe.streams.book import UNKNOWN
from battlectl.observe.streams.cell import StreamCell
from battlectl.plan.workload import Window
from battlectl.quantities import format_duration
from battlectl.scenario.metrics import STREAM_COUNTS, STREAM_METRICS
from battlectl.scenario.objectives import Objective

NOTHING = "nothing in this run measures it"
OF_WHAT_CAME = frozenset(
    {
        "duplicates",
        "duplicate_rate",
        "out_of_order",
        "wrong_fork",
        "invented",
        "false_links",
        "unexpected",
        "unremoved",
    }
)
"""Of what never came nothing can be said in these."""
OF_SILENCE = frozenset({"uptime", "stalls"})
"""Statistics that are no durations and suffer from a late loop all the same."""
UPPER = ("<", "<=", "==")


def judge_stream_objective(objective: Objective, evidence: Evidence, window: Window, fit: bool) -> Finding:
    """What one such objective found."""
    if not workloads_of(evidence, objective.scope):
        return _finding(objective, Verdict.INCONCLUSIVE, NOTHING, Figure(None, 0))
    segments = evidence.frame.segments(window)
    cell = evidence.tally.streams(segments, objective.scope)
    figure = stream_figure(cell, objective.stat or "")
    told = _told(objective, cell, figure)
    if _is_never(objective, cell):
        late = f"{cell.missing:,} blocks never came, which is later than any limit"
        return _finding(objective, Verdict.FAIL, late, Figure(None, 0))
    verdict, why = _verdict(objective, evidence, window, fit, cell, figure)
    if figure.value is None:
        return _finding(objective, verdict, why, figure)
    return _finding(objective, verdict, f"{told}, but {why}" if why else told, figure)


def doubt_unfed(finding: Finding, objective: Objective, evidence: Evidence) -> Finding:
    """The finding of such an objective, unless it passed in the window of a fault that was none of theirs."""
    if finding.verdict is not Verdict.PASS or objective.metric not in STREAM_METRICS:
        return finding
    why = unfed(evidence, objective.window)
    if why is None:
        return finding
    return replace(finding, verdict=Verdict.INCONCLUSIVE, summary=f"{finding.summary}, but {why}")


def _verdict(
    objective: Objective, evidence: Evidence, window: Window, fit: bool, cell: StreamCell, figure: Figure
) -> tuple[Verdict, str]:
    """The verdict, and what makes it inconclusive or needs to be said of a failure."""
    against = list(_against_a_pass(objective, evidence, window, cell))
    if figure.value is None:
        return Verdict.INCONCLUSIVE, next(iter(against), "there are no samples")
    if _is_coarse(objective, cell):
        return Verdict.INCONCLUSIVE, "the journal kept its durations too coarsely to judge"
    if too_few := _too_few(objective, cell, figure):
        return Verdict.INCONCLUSIVE, against[0] if against and not figure.samples else too_few
    if _is_of_our_time(objective) and not fit:
        return Verdict.INCONCLUSIVE, "we were late with streams, or short of processor"
    if (late := _too_late_for_silence(objective, evidence, cell)) is not None:
        return Verdict.INCONCLUSIVE, f"we were up to {format_duration(late)} late ourselves"
    lag, unseen = _own_lag(objective, cell), _unseen(objective, cell, figure.value)
    at_most, at_least = figure.value + unseen + lag, max(0.0, figure.value - lag)
    if objective.holds(at_most) != objective.holds(at_least):
        return Verdict.INCONCLUSIVE, _inexact(lag, unseen)
    if objective.holds(figure.value):
        return (Verdict.INCONCLUSIVE, against[0]) if against else (Verdict.PASS, "")
    return _violated(objective, evidence, window, figure.value, against)


def _violated(
    objective: Objective, evidence: Evidence, window: Window, value: float, against: list[str]
) -> tuple[Verdict, str]:
    """What more time or a better look could not have undone is a failure."""
    short = cut_short(evidence, window)
    if short is not None and not _is_final(objective, value):
        return Verdict.INCONCLUSIVE, short
    if against and objective.stat in STREAM_COUNTS and not _is_final(objective, value):
        return Verdict.INCONCLUSIVE, against[0]
    return Verdict.FAIL, ""


def _is_final(objective: Objective, value: float) -> bool:
    """Whether a violation stays one, whatever comes: counts and maxima only grow."""
    grows = objective.stat in STREAM_COUNTS or (objective.stat or "").endswith(".max")
    return grows and objective.op in UPPER and value >= objective.value


def _against_a_pass(
    objective: Objective, evidence: Evidence, window: Window, cell: StreamCell
) -> Iterator[str]:
    yield from doubts(evidence, evidence.frame.segments(window), objective.scope)
    if objective.stat in OF_WHAT_CAME and not cell.count("observed"):
        yield "nothing came that could have been wrong"
    if (objective.stat or "").startswith("resume.") and (never := cell.count("unresumed")):
        yield f"after {never:,} ends and stalls nothing came any more"
    if (short := cut_short(evidence, window)) is not None:
        yield short


def _is_never(objective: Objective, cell: StreamCell) -> bool:
    name, _, stat = (objective.stat or "").rpartition(".")
    return name in OF_LATE_BLOCKS and stat == "max" and objective.op in UPPER and cell.missing > 0


def _is_coarse(objective: Objective, cell: StreamCell) -> bool:
    """What the journal lost concerns durations alone; the longest silence is always exact."""
    return bool(cell.coarse) and _is_duration(objective) and objective.stat != "stall.max"


def _is_duration(objective: Objective) -> bool:
    return "." in (objective.stat or "")


def _is_of_our_time(objective: Objective) -> bool:
    return _is_duration(objective) or objective.stat in OF_SILENCE


def _own_lag(objective: Objective, cell: StreamCell) -> float:
    """How late we were ourselves, at the very statistic that is judged; nothing for what is no duration."""
    if not _is_duration(objective):
        return 0.0
    return statistic(sketch_of(cell, "lag"), (objective.stat or "").rpartition(".")[2]) or 0.0


def _unseen(objective: Objective, cell: StreamCell, value: float) -> float:
    """How much longer blocks may have taken: they came to be before the look that showed them."""
    name, _, stat = (objective.stat or "").rpartition(".")
    if name != "delivery_delay":
        return 0.0
    longest = sketch_of(cell, "delay_most")
    if longest.count != sketch_of(cell, name).count:
        return math.inf  # Of a report that was written before this was kept.
    return max(0.0, (statistic(longest, stat) or 0.0) - value)


def _inexact(lag: float, unseen: float) -> str:
    if not unseen:
        return f"we were up to {format_duration(lag)} late ourselves"
    if unseen == math.inf:
        return "how much of it went unseen is not known"
    if unseen >= UNKNOWN / 2:
        return "how long the blocks were there before the chain was first looked at is not known"
    late = f", and we were up to {format_duration(lag)} late ourselves" if lag else ""
    longer = format_duration(unseen)
    return f"it may be {longer} more: a block is known of only from the next look at the chain on{late}"


def _too_late_for_silence(objective: Objective, evidence: Evidence, cell: StreamCell) -> float | None:
    """Our own longest lag, where it is half of what is taken for a dead stream."""
    late = sketch_of(cell, "lag").maximum
    least = min(streams.stall_after for streams in workloads_of(evidence, objective.scope))
    return late if objective.stat in OF_SILENCE and late is not None and late > least / 2 else None


def _too_few(objective: Objective, cell: StreamCell, figure: Figure) -> str | None:
    """`min_samples` counts blocks; a percentile needs a sample beyond it to mean anything."""
    if objective.min_samples is not None and cell.blocks_expected < objective.min_samples:
        return f"{cell.blocks_expected:,} blocks, {objective.min_samples:,} needed"
    percent = (objective.stat or "").rpartition(".p")[2] if ".p" in (objective.stat or "") else "0"
    needed = math.ceil(round(1 / (1 - float(percent) / 100), 6))
    return f"{figure.samples:,} samples, {needed:,} needed" if figure.samples < needed else None


def _told(objective: Objective, cell: StreamCell, figure: Figure) -> str:
    """The value, and the first thing that was seen to make it so."""
    shown = format_value(figure.value, objective.unit)
    stat = (objective.stat or "").partition(".")[0]
    seen = first_and_worst(cell, SEEN_AS.get(stat, (stat,)))
    return f"{shown}; first: {tell_sighting(seen[0])}" if seen and figure.value else shown


def _finding(objective: Objective, verdict: Verdict, summary: str, figure: Figure) -> Finding:
    samples = figure.samples if figure.value is not None else None
    return objective_finding(objective, verdict, summary, figure.value, samples)
