"""Subscribers where there is little room: a line each for the terminal, a lane each for the timeline.

Rule: what is missing is said first, and what was not measured is not said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from battlectl.report.figures import show_count, show_ms, show_ratio
from battlectl.report.headline import Document, Stored
from battlectl.report.inert import one_line
from battlectl.report.timeline_faults import MOST_LANES, NamedLane, Stretch
from battlectl.scenario.chaos_times import DURING

RUN = "run"
NO_HARM = "no harm"
COUNTED = {"newHeads": "blocks", "newPendingTransactions": "transactions"}
"""What is counted of a kind of subscription, where it is not called the same."""
MOST_LINES = 4
TROUBLE = {
    "duplicates": "doubled",
    "out_of_order": "out of order",
    "wrong_fork": "on a wrong fork",
    "invented": "invented",
    "reorgs_hidden": "reorgs hidden",
    "stalls": "stalls",
    "ends_silent": "silent ends",
    "never_opened": "never opened",
    "unproven": "unproven",
}
MARKS = {"whole": ".", "late": "o", "wrong": "#", "unproven": "?", "missing": "!"}
"""The state of a stretch -> its mark; ranked as `timeline_faults.WEIGHT` says."""
STREAMS = "subscribers: . all came, o some late, # doubled or wrong, ? cannot be told, ! missing or silent"


def summarise_streams(document: Document) -> Iterator[str]:
    """A line for each workload of subscribers."""
    streams = document.get("streams") or []
    if streams:
        yield ""
    for one in streams[:MOST_LINES]:
        for window in one["windows"]:
            if window["name"] == RUN:
                yield f"streams {one_line(one['name'], 40)}: {_told(window, one['kind'])}"
        if one["gaps"] is not None:
            yield f"  first gap: {one_line(one['gaps']['first']['words'])}"
    if len(streams) > MOST_LINES:
        yield f"+{len(streams) - MOST_LINES} more workloads of subscribers"


def tell_streams_under(document: Document, fault: str) -> str | None:
    """What was wrong with all of them while a fault was in force; None where nobody subscribed."""
    streams = document.get("streams") or []
    windows = [w for one in streams for w in one["windows"] if w["name"] == DURING + fault]
    if not windows:
        return None
    if not any(window["blocks_expected"] for window in windows):
        return "no block was expected"
    found = sum((Counter(window["counts"]) for window in windows), Counter[str]())
    missing = sum(window["missing"] for window in windows)
    parts = [f"{missing:,} missing"] if missing else []
    parts += [f"{found[name]:,} {word}" for name, word in TROUBLE.items() if found[name]]
    return ", ".join(parts) or NO_HARM


def _told(window: Stored, kind: str) -> str:
    if not window["blocks_expected"]:
        return "no block was expected"
    what = COUNTED.get(kind, kind)
    parts = [f"{show_count(window['missing'])} of {show_count(window['blocks_expected'])} {what} missing"]
    parts += [f"{window['counts'][n]:,} {word}" for n, word in TROUBLE.items() if n in window["counts"]]
    if window["uptime_ratio"] is not None:
        parts.append(f"uptime {show_ratio(window['uptime_ratio'])}")
    if resume := window["durations"].get("resume"):
        parts.append(f"resume {show_ms(resume['max_ms'])} at most")
    return ", ".join(parts)


def stream_lanes(document: Document) -> list[NamedLane]:
    """One for each workload of subscribers: the worst of each stretch between two cuts."""
    return [
        NamedLane(
            one["name"],
            tuple(Stretch(start, end, MARKS.get(state, "?")) for start, end, state in one["lane"]),
            _note(one),
        )
        for one in document.get("streams") or []
    ][:MOST_LANES]


def _note(one: Stored) -> str:
    missing = sum(window["missing"] for window in one["windows"] if window["name"] == RUN)
    return f"{missing:,} missing" if missing else ""
