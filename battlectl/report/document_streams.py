"""The part of report.json about subscribers: what each workload of them got, in which window, and examples.

Rule: blocks are counted for each stream. A count that is zero is left out of `counts`; a share of nothing is
null, and durations that nobody measured are absent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from battlectl.analyse.evidence import Evidence, statistic
from battlectl.analyse.streams.words import SEEN_AS, first_and_worst, tell_sighting
from battlectl.observe.sketch import Sketch
from battlectl.observe.streams.cell import MISSING, Sighting, StreamCell
from battlectl.plan.streams import StreamFrame
from battlectl.plan.workload import Window

STATS = ("p50", "p95", "p99", "max")
DURATIONS = {
    "delay": "delivery_delay",
    "delay_most": "delivery_delay_at_most",
    "age": "block_age",
    "lateness": "lateness",
    "catch_up": "catch_up",
    "resume": "resume",
    "first_event": "first_event",
    "lag": "lag",
}
WRONG = (
    "duplicates",
    "out_of_order",
    "wrong_fork",
    "invented",
    "false_links",
    "unremoved",
    "unexpected",
    "reorgs_partial",
)
BROKEN = (*MISSING, "stalls", "dead_at_end", "ends_silent", "reorgs_hidden", "never_opened")
LATE = ("caught_up", "back_filled")
UNSURE = ("unproven", "unwatched_ns")


def streams_json(evidence: Evidence) -> list[dict[str, Any]]:
    """One entry for each workload of subscribers."""
    return [_workload(streams, evidence) for streams in evidence.frame.streams]


def _workload(streams: StreamFrame, evidence: Evidence) -> dict[str, Any]:
    whole = evidence.tally.streams(evidence.frame.all_segments, streams.name)
    return {
        "name": streams.name,
        "kind": streams.kind,
        "clients": streams.clients,
        "subscriptions": streams.subscriptions,
        "stall_after_s": streams.stall_after,
        "settings": dict(streams.settings),
        "begun": whole.count("begun"),
        "finished": whole.count("streams"),
        "windows": [
            _window(name, window, streams, evidence)
            for name, window in evidence.frame.windows.items()
            if window.start < streams.end and window.end > streams.start
        ],
        "ends": dict(sorted(whole.ends.items())),
        "gaps": _pair(first_and_worst(whole, SEEN_AS["gaps"])),
        "sightings": {kind: _pair(whole.sightings[kind]) for kind in sorted(whole.sightings)},
        "lane": [list(stretch) for stretch in _lane(streams, evidence)],
    }


def _window(name: str, window: Window, streams: StreamFrame, evidence: Evidence) -> dict[str, Any]:
    cell = evidence.tally.streams(evidence.frame.segments(window), streams.name)
    return {"name": name, "seen_s": round(evidence.reached(window), 3), **_cell(cell)}


def _cell(cell: StreamCell) -> dict[str, Any]:
    durations = {name: cell.sketches[own] for own, name in DURATIONS.items() if own in cell.sketches}
    return {
        "blocks_expected": cell.blocks_expected,
        "blocks": cell.count("observed"),
        "missing": cell.missing,
        "counts": {name: number for name, number in sorted(cell.counts.items()) if number},
        "gap_ratio": cell.gap_rate,
        "duplicate_ratio": cell.duplicate_rate,
        "uptime_ratio": cell.uptime,
        "longest_silence_ms": _ms(cell.longest_silence_ns / 1e9),
        "durations": {name: _durations(sketch) for name, sketch in durations.items() if sketch.count},
        "coarse_bits": cell.coarse,
    }


def _durations(sketch: Sketch) -> dict[str, Any]:
    return {"count": sketch.count, **{f"{stat}_ms": _ms(statistic(sketch, stat)) for stat in STATS}}


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1e3, 6)


def _pair(pair: tuple[Sighting, Sighting] | None) -> dict[str, Any] | None:
    return None if pair is None else {"first": _sighting(pair[0]), "worst": _sighting(pair[1])}


def _sighting(sighting: Sighting) -> dict[str, Any]:
    return {
        "kind": sighting.kind,
        "stream": sighting.stream,
        "since_s": sighting.since_s,
        "until_s": sighting.until_s,
        "first_block": sighting.first,
        "last_block": sighting.last,
        "blocks": sighting.blocks,
        "words": tell_sighting(sighting),
    }


def _lane(streams: StreamFrame, evidence: Evidence) -> Iterator[tuple[float, float, str]]:
    """(from, to, the worst that is to be said) of each segment in which there is anything to say."""
    cuts = evidence.frame.cuts
    for segment in evidence.frame.all_segments:
        state = _state(evidence.tally.streams([segment], streams.name))
        if state:
            yield cuts[segment], cuts[segment + 1], state


def _state(cell: StreamCell) -> str:
    if any(map(cell.count, BROKEN)):
        return "missing"
    if any(map(cell.count, UNSURE)):
        return "unproven"
    if any(map(cell.count, WRONG)):
        return "wrong"
    if any(map(cell.count, LATE)):
        return "late"
    return "whole" if cell.blocks_expected else ""
