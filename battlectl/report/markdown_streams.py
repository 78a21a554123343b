"""The section of report.md about subscribers.

Rule: what came stands beside what should have come, and each kind of trouble with its first and its worst
example. Texts of the target are made inert.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from battlectl.observe.streams.cell import NEVER_ON_CHAIN
from battlectl.quantities import format_times
from battlectl.report.figures import NOTHING, show_count, show_ms, show_ratio, show_seconds
from battlectl.report.headline import Document, Stored
from battlectl.report.inert import in_markdown
from battlectl.report.tables import markdown_table

RUN = "run"
MOST_WINDOWS = 40
MOST_ENDS = 10
MOST_WORDS = 240
EXPLAINED = (
    "After warm-up. Blocks are counted for each stream, of a stream of logs its logs; missing is what should "
    "have come by the chain as it was read on a second path (). The delay counts from that path's first "
    "sight of a block: what it took before that look is not in it."
)
PATH = " ()"
CAME: dict[str, Callable[[Stored], str]] = {
    "missing": lambda window: show_count(window["missing"]),
    "doubled": lambda window: _count(window, "duplicates"),
    "out of order": lambda window: _count(window, "out_of_order"),
    "wrong": lambda window: _count(window, *NEVER_ON_CHAIN, "false_links", "unexpected", "unremoved"),
    "reorgs hidden": lambda window: _count(window, "reorgs_hidden", "reorgs_partial"),
    "unproven": lambda window: _count(window, "unproven"),
}
WENT: dict[str, Callable[[Stored], str]] = {
    "ends": lambda window: _count(window, "ends_visible", "ends_silent"),
    "silent": lambda window: _count(window, "ends_silent"),
    "stalls": lambda window: _count(window, "stalls"),
    "longest silence": lambda window: show_ms(window["longest_silence_ms"]),
    "uptime": lambda window: show_ratio(window["uptime_ratio"]),
    "resume max": lambda window: _duration(window, "resume", "max"),
    "delay p50": lambda window: _duration(window, "delivery_delay", "p50"),
    "p95": lambda window: _duration(window, "delivery_delay", "p95"),
    "max": lambda window: _duration(window, "delivery_delay", "max"),
    "late by": lambda window: _duration(window, "lateness", "max"),
}


def show_continuity(document: Document) -> str:
    """Tables over the run and by window, then examples; nothing where nobody subscribed."""
    streams = document.get("streams") or []
    if not streams:
        return ""
    parts = [EXPLAINED.replace(PATH, _path(document)), _came(streams), _went(streams), *_by_window(streams)]
    lines = [line for one in streams for line in _examples(one)]
    return "\n\n".join([*parts, *(["\n".join(lines)] if lines else [])])


def _path(document: Document) -> str:
    """What the chain was read from, as the shell knows it."""
    told = document["meta"].get("truth")
    if not told:
        return ""
    source, every = in_markdown(told["source"], MOST_WORDS), show_seconds(told["every_s"])
    return f" ({source}, every {every}{_failed_looks(told)})"


def _failed_looks(told: Stored) -> str:
    """What is not known of a run that was killed is not told."""
    if not told.get("failures"):
        return ""
    last = in_markdown(told["last_failure"], MOST_WORDS)
    return f", where {told['failures']:,} of {told['looks']:,} looks failed, the last: {last}"


def _came(streams: list[Stored]) -> str:
    headers = ("workload", "subscription", "streams", "events", "blocks", "expected", *CAME)
    rows = [
        [
            in_markdown(one["name"]),
            in_markdown(one["kind"]),
            _streams(one),
            _count(window, "events"),
            show_count(window["blocks"]),
            show_count(window["blocks_expected"]),
            *(show(window) for show in CAME.values()),
        ]
        for one, window in _over_the_run(streams)
    ]
    return markdown_table(headers, rows, "ll" + "r" * (len(headers) - 2))


def _went(streams: list[Stored]) -> str:
    rows = [
        [in_markdown(one["name"]), *(show(window) for show in WENT.values())]
        for one, window in _over_the_run(streams)
    ]
    return markdown_table(("workload", *WENT), rows, "l" + "r" * len(WENT))


def _over_the_run(streams: list[Stored]) -> Iterator[tuple[Stored, Stored]]:
    for one in streams:
        yield from ((one, window) for window in one["windows"] if window["name"] == RUN)


def _by_window(streams: list[Stored]) -> list[str]:
    """Each workload in each window; those in which something went wrong first, where there are too many."""
    found = [(one, window) for one in streams for window in one["windows"] if window["name"] != RUN]
    shown = found
    if len(found) > MOST_WINDOWS:
        shown = sorted(found, key=lambda pair: -pair[1]["missing"])[:MOST_WINDOWS]
    headers = ("workload", "window", "blocks", *list(CAME)[:3], "stalls", "uptime", "delay p95", "resume max")
    rows = [
        [
            in_markdown(one["name"]),
            in_markdown(window["name"]),
            show_count(window["blocks"]),
            *(CAME[name](window) for name in list(CAME)[:3]),
            *(WENT[name](window) for name in ("stalls", "uptime", "p95", "resume max")),
        ]
        for one, window in shown
    ]
    if not rows:
        return []
    hidden = len(found) - len(shown)
    more = f"\n\n{hidden} more windows, in none of which more was missing." if hidden else ""
    return [markdown_table(headers, rows, "ll" + "r" * (len(headers) - 2)) + more]


def _streams(one: Stored) -> str:
    if one["begun"] == one["finished"]:
        return show_count(one["finished"])
    return f"{one['finished']:,} of {one['begun']:,}"


def _count(window: Stored, *names: str) -> str:
    return show_count(sum(window["counts"].get(name, 0) for name in names))


def _duration(window: Stored, name: str, stat: str) -> str:
    found = window["durations"].get(name)
    return NOTHING if found is None else show_ms(found[f"{stat}_ms"])


def _examples(one: Stored) -> Iterator[str]:
    """First and worst gap, then of each other trouble the first, then why streams ended; warm-up included."""
    name = in_markdown(one["name"])
    if one["gaps"] is not None:
        yield from _first_and_worst(name, one["gaps"])
    for kind, pair in one["sightings"].items():
        if not kind.startswith("missing_") and kind != "reorgs_followed":
            yield f"- {name}: {in_markdown(pair['first']['words'], MOST_WORDS)}"
    for why, number in sorted(one["ends"].items(), key=lambda item: (-item[1], item[0]))[:MOST_ENDS]:
        yield f"- {name} ended {format_times(number)}: {in_markdown(why, MOST_WORDS)}"


def _first_and_worst(name: str, pair: Stored) -> Iterator[str]:
    if pair["first"] == pair["worst"]:
        yield f"- {name}, first and worst gap: {in_markdown(pair['first']['words'], MOST_WORDS)}"
        return
    for which in ("first", "worst"):
        yield f"- {name}, {which} gap: {in_markdown(pair[which]['words'], MOST_WORDS)}"
