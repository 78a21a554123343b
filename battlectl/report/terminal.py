"""What the terminal shows when a run is over.

Rule: what a person must end by hand first, then the verdict, what speaks against a pass, faults, figures; at
most 40 lines, none wider than the terminal except what people copy: how to end a fault, the report's path.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from battlectl.errors import ExitCode, worst_exit
from battlectl.report.figures import show_count, show_latencies, show_ms, show_rate, show_ratio, show_seconds
from battlectl.report.headline import (
    Document,
    Stored,
    has_begun,
    measured_and_required,
    noted,
    show_exit,
    tally_objectives,
    verdict_word,
    weighing,
)
from battlectl.report.inert import clip, one_line
from battlectl.report.streams_words import summarise_streams
from battlectl.report.tables import plain_table
from battlectl.report.terminal_faults import summarise_faults, summarise_leftovers, wrapped
from battlectl.scenario.chaos_times import DURING

MOST_ADVERSE = 3
MOST_NOTES = 3
MOST_WINDOWS = 7
FEWEST_WINDOWS = 2
MOST_LINES = 40
MOST_SEEN = 240
ALL = "(all)"
RUN = "run"
COLUMN_CHOICES = (
    ("window", "arrivals", "rate", "success", "p50", "p95", "p99", "max"),
    ("window", "arrivals", "success", "p50", "p95", "p99", "max"),
    ("window", "arrivals", "success", "p95", "max"),
    ("window", "success", "p95"),
    ("window", "success"),
)
LONGEST_NAMES = (44, 32, 20)
"""Characters of a window's name: as many as leave all columns their room."""
COLOURS = {"PASS": "32", "FAIL": "31", "INCONCLUSIVE": "33"}


@dataclass(frozen=True, slots=True)
class SuiteRow:
    """One scenario of several: `verdict` is pass, fail or inconclusive, or a word for why it was not run."""

    name: str
    verdict: str
    exit_code: ExitCode
    seconds: float
    folder: str = ""


def render_summary(document: Document, width: int = 80, colour: bool = False, folder: str = "") -> str:
    """The summary of one run; `folder` is where its report lies."""
    if not has_begun(document):
        told = "\n".join([*_verdict(document)[:2], *wrapped(document["ending"]["reason"], width, "  ", 6)])
        return f"{_coloured(told, colour)}\n{_where(folder)}"
    leftovers = summarise_leftovers(document, width)
    lines = [
        *_verdict(document),
        *_target(document),
        *_adverse(weighing(document), width, 1 if leftovers else MOST_ADVERSE),
        *_notes(noted(document)),
        *summarise_faults(document),
        *summarise_streams(document),
        "",
    ]
    room = MOST_LINES - len(leftovers) - len(lines) - len(("header", "", "", "report"))
    lines += [*_windows(document, width, max(FEWEST_WINDOWS, min(MOST_WINDOWS, room))), ""]
    clipped = [_coloured(clip(line, width), colour) for line in lines]
    shown = "\n".join([*leftovers, *clipped]).rstrip()
    return f"{shown}\n{_where(folder)}"


def render_suite(rows: Sequence[SuiteRow], width: int = 80, colour: bool = False) -> str:
    """One summary of several scenarios: two lines each, then the counts and the exit code."""
    lines = [line for row in rows for line in _suite_row(row, width, colour)]
    counts = {
        word: sum(row.verdict == word for row in rows) for word in dict.fromkeys(r.verdict for r in rows)
    }
    told = ", ".join(f"{number} {one_line(word)}" for word, number in counts.items()) or "none"
    code = worst_exit(row.exit_code for row in rows)
    return "\n".join([*lines, "", f"{len(rows)} scenarios: {told}; exit code {int(code)}"]) + "\n"


def _verdict(document: Document) -> list[str]:
    """The verdict and the name, how it ended, the objectives."""
    ending = document["ending"]
    objectives = tally_objectives(document)
    after = f" after {show_seconds(ending['at_s'])}" if has_begun(document) else ""
    return [
        f"{verdict_word(document)}  {one_line(document['frame']['name'])}",
        f"{ending['how']}{after}, {show_exit(document)}",
        objectives[0].upper() + objectives[1:],
    ]


def _target(document: Document) -> Iterator[str]:
    """What was tested, so that nobody takes the lab for their own aggregator."""
    target = document["meta"].get("target", {})
    if "address" in target:
        simulated = ", simulated providers" if target.get("kind") == "lab" else ""
        yield f"target {one_line(target['name'])}{simulated}: {one_line(target['address'])}"


def _adverse(findings: Sequence[Stored], width: int, most: int) -> Iterator[str]:
    for finding in findings[:most]:
        yield ""
        yield f"{finding['weighs'].upper()}  {one_line(finding['name'])}"
        yield from wrapped(_measured(finding), width, "  ")
        yield from _first(finding, width)
    if len(findings) > most:
        yield f"... and {len(findings) - most} more, see the report"


def _measured(finding: Stored) -> str:
    if finding["kind"] == "objective" and finding["verdict"] == "fail":
        return one_line(measured_and_required(finding))
    return one_line(finding["summary"], MOST_SEEN)


def _first(finding: Stored, width: int) -> Iterator[str]:
    """The first example: where and when, then what was seen."""
    example = finding["first"]
    if example is None:
        return
    call = one_line(f"{example['workload']}/{example['label']}", 40)
    took = show_ms(example["latency_ms"])
    yield f"  first at {example['due_s']:.3f}s: {one_line(example['outcome'])} after {took}, {call}"
    yield from wrapped(one_line(example["seen"], MOST_SEEN), width, "    ")


def _notes(findings: Sequence[Stored]) -> Iterator[str]:
    for finding in findings[:MOST_NOTES]:
        yield f"note: {one_line(finding['name'])}: {one_line(finding['summary'])}"


def _windows(document: Document, width: int, most: int) -> list[str]:
    """One row per window, with as many columns as fit; nothing where nothing was to be sent."""
    if not document["frame"]["workloads"]:
        return []
    chosen = _chosen(document["windows"], most)
    for columns, longest in product(COLUMN_CHOICES, LONGEST_NAMES):
        rows = [_window_row(window, longest) for window in chosen]
        cells = [[row[column] for column in columns] for row in rows]
        lines = plain_table(columns, cells, "l" + "r" * (len(columns) - 1)).splitlines()
        if max(map(len, lines)) <= width:
            break
    return lines


def _chosen(windows: Sequence[Stored], most: int) -> list[Stored]:
    """The last ones; of a run with faults those up to the first recovery, and the whole run among them."""
    chosen = list(windows)
    if any(window["name"].startswith(DURING) for window in chosen):
        first = next(n for n, window in enumerate(chosen) if window["name"] == RUN)
        return chosen[first : first + most]
    return chosen[-most:]


def _window_row(window: Stored, longest: int) -> dict[str, str]:
    cell = window["workloads"][ALL]
    latencies = show_latencies(cell["latency"], "p50", "p95", "p99", "max")
    return {
        "window": one_line(window["name"], longest),
        "arrivals": show_count(cell["total"]),
        "rate": show_rate(cell["arrivals_per_s"]),
        "success": show_ratio(cell["success_ratio"]),
        **dict(zip(("p50", "p95", "p99", "max"), latencies, strict=True)),
    }


def _where(folder: str) -> str:
    return f"\nreport: {one_line(folder, 4_096)}\n" if folder else ""


def _suite_row(row: SuiteRow, width: int, colour: bool) -> Iterator[str]:
    figures = f"exit {int(row.exit_code)}, {show_seconds(row.seconds)}"
    line = f"{one_line(row.verdict).upper()}  {one_line(row.name)}"
    yield f"{_coloured(clip(line, width - len(figures) - 2), colour)}  {figures}"
    if row.folder:
        yield f"  {one_line(row.folder, 4_096)}"


def _coloured(line: str, colour: bool) -> str:
    """The verdict at the beginning of a line in its colour."""
    word = line.partition(" ")[0]
    code = COLOURS["INCONCLUSIVE"] if line.startswith("PASS BUT") else COLOURS.get(word)
    return f"\x1b[1;{code}m{word}\x1b[0m{line[len(word) :]}" if colour and code else line
