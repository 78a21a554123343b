"""Which seconds of a run were good: inside the objectives that can be judged second by second.

Rule: these are objectives of the success rate and of the latencies that a second keeps (p50, p95, max), but
none that was written for the time of a fault; without any, all of a second must be right. What cannot be
decided counts once as bad and once as good, and both are carried on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from battlectl.analyse.evidence import Evidence, scope_of
from battlectl.observe import outcome
from battlectl.observe.tally import Row
from battlectl.plan.frame import Frame
from battlectl.scenario.chaos_times import DURING
from battlectl.scenario.objectives import Objective, parse_objective

SAMPLES = {"p50": 2, "p95": 20, "max": 1}
ALL_RIGHT = "success_rate == 100%"


@dataclass(frozen=True, slots=True)
class Second:
    """One slice of the series, a second or more: `was_good` counts what is undecided as bad, `may_be_good`
    as good, and our own failures with it. Without arrivals it is neither known to be good nor bad."""

    start: float
    end: float
    arrivals: int
    was_good: bool
    may_be_good: bool


def standards(frame: Frame) -> tuple[Objective, ...]:
    """The objectives that a second is held to."""
    found = tuple(o for o in frame.objectives if _is_standard(o))
    return found or (parse_objective(ALL_RIGHT),)


def _is_standard(objective: Objective) -> bool:
    if objective.window.startswith(DURING):
        return False
    if objective.metric == "success_rate":
        return objective.op in (">=", ">", "==")
    return objective.metric == "latency" and objective.stat in SAMPLES and objective.op in ("<", "<=")


def judge_seconds(evidence: Evidence, generator_fit: bool) -> tuple[Second, ...]:
    """Every slice of the load that the run came to, in order."""
    frame, width = evidence.frame, evidence.frame.slice_width
    rows: dict[int, list[tuple[str, str, Row]]] = {}
    for (workload, label, slice_), row in evidence.tally.series().items():
        rows.setdefault(slice_, []).append((workload, label, row))
    first = min((workload.start for workload in frame.workloads), default=0.0)
    last = min(max((workload.end for workload in frame.workloads), default=0.0), evidence.ended_at)
    held_to = standards(frame)
    judge = partial(_second, width=width, held_to=held_to, fit=generator_fit, coarse=evidence.coarse)
    return tuple(
        judge(slice_, rows.get(slice_, [])) for slice_ in range(int(first // width), -int(-last // width))
    )


def _second(
    slice_: int,
    rows: Sequence[tuple[str, str, Row]],
    *,
    width: int,
    held_to: Sequence[Objective],
    fit: bool,
    coarse: int,
) -> Second:
    arrivals = sum(row.total for _, _, row in rows)
    kept = [_keeps(o, [row for w, label, row in rows if _is_in(o, w, label)], fit, coarse) for o in held_to]
    return Second(
        start=slice_ * width,
        end=(slice_ + 1) * width,
        arrivals=arrivals,
        was_good=arrivals > 0 and all(strictly is not False for strictly, _ in kept),
        may_be_good=all(at_best is not False for _, at_best in kept),
    )


def _is_in(objective: Objective, workload: str, label: str) -> bool:
    own, call = scope_of(objective)
    return own in (None, workload) and call in (None, label)


Kept = tuple[bool | None, bool | None]
"""(strictly, at best); None where the objective says nothing of this second."""


def _keeps(objective: Objective, rows: Sequence[Row], fit: bool, coarse: int) -> Kept:
    if objective.metric == "success_rate":
        return _keeps_success(objective, rows)
    strictly, at_best = _keeps_latency(objective, rows, coarse)
    return strictly, at_best or not fit  # An unfit generator makes latencies of its own.


def _keeps_success(objective: Objective, rows: Sequence[Row]) -> Kept:
    total, ok = sum(row.total for row in rows), sum(row.ok for row in rows)
    if not total:
        return None, None
    sent = total - sum(
        row.outcomes.get(own, 0) for row in rows for own in (outcome.DROPPED, outcome.ABANDONED)
    )
    return objective.holds(ok / total), not sent or objective.holds(ok / sent)


def _keeps_latency(objective: Objective, rows: Sequence[Row], coarse: int) -> Kept:
    """The percentile of several calls together lies between their own lowest and highest."""
    assert objective.stat is not None
    if not rows:
        return None, None
    timed = [row for row in rows if row.max is not None]
    blur = 1.0 + (2.0 ** (coarse - 8) if coarse else 0.0)
    samples = sum(map(_timed, timed))
    if samples < SAMPLES[objective.stat]:
        return _keeps_with_few(objective, timed, samples, blur)
    values = [value for row in timed if (value := getattr(row, objective.stat)) is not None]
    low = max(values) if objective.stat == "max" else min(values)
    return objective.holds(max(values) * blur), objective.holds(low / blur)


def _keeps_with_few(objective: Objective, timed: Sequence[Row], samples: int, blur: float) -> Kept:
    """A percentile that they are too few for lies between their median and the slowest of them; of none at
    all (everything was refused) nothing is known."""
    slowest = max((row.max for row in timed if row.max is not None), default=None)
    medians = [row.p50 for row in timed if row.p50 is not None]
    is_open = samples < SAMPLES["p50"] or not medians
    strictly = slowest is not None and objective.holds(slowest * blur)
    return strictly, is_open or objective.holds(min(medians) / blur)


def _timed(row: Row) -> int:
    return sum(n for label, n in row.outcomes.items() if outcome.outcome_of(label) in outcome.TIMED)


def between(seconds: Iterable[Second], start: float, end: float) -> tuple[Second, ...]:
    """Those that lie in a stretch at least in part."""
    return tuple(second for second in seconds if second.end > start and second.start < end)
