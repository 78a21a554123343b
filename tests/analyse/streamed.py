"""Literal cells of streams, and the evidence that they make.

good(30, missing_middle=2): a stretch in which 30 blocks came as they should, but for two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from battlectl.analyse.evidence import COMPLETED, Evidence
from battlectl.analyse.judge import Judgement, judge
from battlectl.analyse.objectives import judge_objective
from battlectl.analyse.verdict import Finding
from battlectl.observe.recorder import Recorder
from battlectl.observe.streams.cell import Sighting, StreamCell
from battlectl.observe.tally import Delta, StreamKey, Tally
from battlectl.plan.frame import Frame
from battlectl.plan.streams import StreamFrame
from battlectl.scenario.objectives import Objective, original_objective, parse_objective
from tests.analyse.histories import frame_for

WARMUP, STEADY, BATTLE = 0, 1, 2
"""Segments of `histories.PHASES`: 0 to 5 s, 5 to 15 s, 15 to 25 s."""


def cell(seen: Sequence[Sighting] = (), silence: float = 0.0, coarse: int = 0, **told: Any) -> StreamCell:
    """A cell with these counts; a list is a sketch with these durations. Delays are exact unless told."""
    result = StreamCell()
    if "delay" in told:
        told = {"delay_most": told["delay"], **told}
    for name, value in told.items():
        if isinstance(value, list):
            for seconds in value:
                result.record(name, seconds)
        else:
            result.add(name, value)
    for sighting in seen:
        result.keep(sighting, sighting)
    result.silence(silence)
    result.coarse = coarse
    return result


def good(blocks: int = 30, seconds: float = 10.0, **other: Any) -> StreamCell:
    """Blocks that came to an open stream at once; `other` comes on top, or instead."""
    fine: dict[str, Any] = {
        "events": blocks,
        "observed": blocks,
        "delay": [0.01] * blocks,
        "lag": [0.001] * max(1, blocks),
        "wanted_ns": round(seconds * 1e9),
        "open_ns": round(seconds * 1e9),
    }
    return cell(**{**fine, **other})


def ends(streams: int = 1) -> StreamCell:
    """So many streams began and were finished, nothing else."""
    return cell(begun=streams, streams=streams)


def gap(first: int, last: int, since: float = 16.0, until: float = 18.0, kind: str = "missing_middle") -> Any:
    """A run of blocks that never came."""
    return Sighting(kind, "heads/1", since, until, first, last, last - first + 1)


def frame_of(name: str = "heads", **fields: Any) -> StreamFrame:
    """A workload of subscribers from start to end."""
    usual: dict[str, Any] = {
        "kind": "newHeads",
        "start": 0.0,
        "end": 25.0,
        "clients": 1,
        "subscriptions": 1,
        "stall_after": 3.0,
        "settings": {"newest_only": False},
    }
    return StreamFrame(name=name, **{**usual, **fields})


def objective_of(text: Any) -> Objective:
    """`subscription.gaps == 0`, a pair of an original name and its number, or an objective."""
    if isinstance(text, Objective):
        return text
    return parse_objective(text) if isinstance(text, str) else original_objective(*text)


def streamed(
    cells: Mapping[Any, StreamCell],
    objectives: Sequence[Any] = (),
    streams: Sequence[StreamFrame] = (frame_of(),),
    reads: str | None = None,
    how: str = COMPLETED,
    ended_at: float = 25.0,
    checks: Mapping[str, str] | None = None,
) -> Evidence:
    """A run of subscribers, alone unless there are reads; cells by segment, or by (workload, segment)."""
    frame = _frame(objectives, streams, reads, checks or {})
    recorder = Recorder(frame.cuts, 1)
    for number in range(100 if reads is not None else 0):
        due = 6.0 + number / 10
        recorder.issue("reads", 1)
        recorder.end("reads", "a", number, due, due + 0.01, "ok", None)
        recorder.flow("reads", due, due, due, due + 0.01)
    tally = Tally()
    tally.merge(recorder.take())
    for key, one in cells.items():
        place = StreamKey("heads", key) if isinstance(key, int) else StreamKey(*key)
        tally.merge(Delta(streams={place: one}))
    return Evidence(
        frame=frame,
        tally=tally,
        issued=dict(recorder.issued),
        ended_at=ended_at,
        how=how,
        reason="the test said so",
        health=(),
    )


def _frame(
    objectives: Sequence[Any], streams: Sequence[StreamFrame], reads: str | None, checks: Mapping[str, str]
) -> Frame:
    frame = frame_for({"reads": []}, ["success_rate >= 50%"])
    return replace(
        frame,
        workloads=() if reads is None else tuple(replace(w, arrivals=100) for w in frame.workloads),
        streams=tuple(streams),
        objectives=tuple(objective_of(one) for one in objectives),
        checks=dict(checks),
    )


def judged(objective: Any, cells: Mapping[Any, StreamCell], fit: bool = True, **more: Any) -> Finding:
    """What one objective finds, of a generator that was never too late (`fit`), or always."""
    evidence = streamed(cells, [objective], **more)
    evidence = replace(evidence, frame=replace(evidence.frame, max_stream_lag=60.0 if fit else 0.0))
    return judge_objective(evidence.frame.objectives[0], evidence, True)


def verdict(objective: Any, cells: Mapping[Any, StreamCell], **more: Any) -> str:
    """Only the verdict of it."""
    return judged(objective, cells, **more).verdict.value


def whole(cells: Mapping[Any, StreamCell], *objectives: Any, **more: Any) -> Judgement:
    """The judgement of a run, checks included."""
    return judge(streamed(cells, objectives, **more))
