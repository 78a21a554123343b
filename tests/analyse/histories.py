"""Literal histories, small enough to read, and the evidence that they make.

history("98*ok/10@1 timeout/5000@2 b:refused@3"): 98 arrivals due at 1 s that were ok after 10 ms, one that
timed out, and one of call `b` that was refused at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from battlectl.analyse.evidence import COMPLETED, Evidence
from battlectl.analyse.judge import judge
from battlectl.analyse.objectives import judge_objective
from battlectl.analyse.verdict import Finding
from battlectl.observe.recorder import Recorder
from battlectl.observe.tally import Tally
from battlectl.plan.build import build_plan
from battlectl.plan.frame import Frame
from battlectl.plan.injection import Injection
from tests.battle import scenario_of

_TOKEN = re.compile(r"(?:(\d+)\*)?(?:([a-z]+):)?([a-z_]+(?:\(-?\w+\))?)(?:/([\d.]+))?@([\d.]+)")

PHASES = {"warmup": "5s", "steady": "10s", "battle": "10s"}


class End(NamedTuple):
    """How one arrival ended; latency in seconds."""

    label: str
    outcome: str
    latency: float
    due: float


def history(text: str) -> Iterator[End]:
    """See above; a latency is 10 ms, a call `a`, unless it is given."""
    for token in text.split():
        match = _TOKEN.fullmatch(token)
        assert match is not None, token
        times, label, outcome, latency, due = match.groups()
        for _ in range(int(times or 1)):
            yield End(label or "a", outcome, float(latency or 10) / 1e3, float(due))


def evidence_of(
    reads: str = "",
    writes: str | None = None,
    objectives: Sequence[Any] = (),
    lag: float = 0.0,
    how: str = COMPLETED,
    ended_at: float = 25.0,
    health: Sequence[dict[str, float]] = (),
    coarse: int = 0,
    unended: int = 0,
    **fields: Any,
) -> Evidence:
    """What is known after these histories; `lag` is what the generator itself added to every latency."""
    told = {"reads": list(history(reads))} | ({} if writes is None else {"writes": list(history(writes))})
    frame = frame_for(told, objectives, **fields)
    recorder = Recorder(frame.cuts, 1)
    for name, ends in told.items():
        recorder.issue(name, len(ends) + unended)
        for number, end in enumerate(ends):
            _tell(recorder, name, number, end, lag)
    tally = Tally()
    tally.merge(recorder.take())
    return Evidence(
        frame=frame,
        tally=tally,
        issued=dict(recorder.issued),
        ended_at=ended_at,
        how=how,
        reason="the test said so",
        health=tuple((float(t), h) for t, h in enumerate(health, 1)),
        coarse=coarse,
    )


def frame_for(
    told: dict[str, list[End]],
    objectives: Sequence[Any],
    injections: Sequence[Injection] = (),
    **fields: Any,
) -> Frame:
    """The frame of a plan that has exactly the arrivals of the history."""
    workload = {"rate": "1/s", "calls": ["a", "b"]}
    scenario = scenario_of(
        **{
            "phases": PHASES,
            "load": dict.fromkeys(told, workload),
            "objectives": objectives if isinstance(objectives, dict) else list(objectives),
            **fields,
        }
    )
    frame = build_plan(scenario, {}, injections).frame
    exact = tuple(replace(w, arrivals=len(told[w.name])) for w in frame.workloads)
    return replace(frame, workloads=exact)


def _tell(recorder: Recorder, name: str, number: int, end: End, lag: float) -> None:
    done = end.due + end.latency
    recorder.end(name, end.label, number, end.due, done, end.outcome, "seen")
    if end.outcome == "dropped":
        recorder.lag(name, end.due, end.due + lag)
    else:
        taken = end.due + min(lag, end.latency)
        recorder.flow(name, end.due, taken, taken, done)


def judged(objective: Any, reads: str = "", fit: bool = True, **more: Any) -> Finding:
    """What one objective finds in a history."""
    evidence = evidence_of(reads, objectives=[objective], **more)
    return judge_objective(evidence.frame.objectives[0], evidence, fit)


def verdict(objective: Any, reads: str = "", **more: Any) -> str:
    """Only the verdict of it."""
    return judged(objective, reads, **more).verdict.value


def whole(reads: str, *objectives: Any, **more: Any) -> str:
    """The verdict of a run, checks included."""
    return judge(evidence_of(reads, **{"objectives": objectives, **more})).verdict.value
