"""What a person sees while a run goes on: a live panel on a terminal, a plain line now and then elsewhere.

Rule: progress goes to stderr, so that stdout has the result alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TextIO

from battlectl.observe.faults import Deed
from battlectl.observe.journal import Line
from battlectl.observe.sketch import Sketch, merged
from battlectl.plan.frame import Frame
from battlectl.quantities import format_duration, format_ratio
from battlectl.report.fold import Chronicle

LINE_EVERY = 5.0
"""Seconds between plain lines."""


class Progress(Protocol):
    """What shows it."""

    def say(self, text: str) -> None:
        """Something that happens before or after the load."""

    def show(self, line: Line, chronicle: Chronicle) -> None:
        """One more second of load."""

    def tell(self, deed: Deed) -> None:
        """Something was done to a provider, or failed."""


@dataclass(frozen=True, slots=True)
class Status:
    """One second in figures. Latencies in seconds, None without samples."""

    phase: str
    at: float
    left: float
    offered: float
    achieved: float
    total: int
    failures: int
    p50: float | None
    p99: float | None
    success: float | None
    events: float = 0.0
    """Of subscriptions, per second."""


def read_status(frame: Frame, line: Line, before: float, chronicle: Chronicle) -> Status:
    """The figures of the second that `line` ends; `before` is when the line before it ended."""
    cells = list(line.delta.calls.values())
    seconds = max(line.t - before, 1e-9)
    latency: Sketch = merged(cell.latency for cell in cells)
    total = sum(cell.total for cell in cells)
    phase = next((p.name for p in frame.phases if p.start <= line.t < p.end), "draining")
    tally = chronicle.tally
    return Status(
        phase=phase,
        at=line.t,
        left=max(0.0, frame.duration - line.t),
        offered=sum(cell.sent for cell in line.delta.flows.values()) / seconds,
        achieved=sum(cell.ok for cell in cells) / seconds,
        total=tally.total,
        failures=tally.total - tally.ok,
        p50=latency.quantile(0.5),
        p99=latency.quantile(0.99),
        success=sum(cell.ok for cell in cells) / total if total else None,
        events=sum(cell.count("events") for cell in line.delta.streams.values()) / seconds,
    )


def describe(status: Status) -> str:
    """A status as one line of text."""
    latency = f"p50 {_latency(status.p50)}, p99 {_latency(status.p99)}"
    success = "-" if status.success is None else format_ratio(status.success)
    events = f"{status.events:,.0f} events/s, " if status.events else ""
    return (
        f"{format_duration(round(status.at)):>6} {status.phase}: {status.offered:,.0f} requests/s, "
        f"{status.achieved:,.0f} ok/s, success {success}, {latency}, {status.failures:,} failed so far, "
        f"{events}{format_duration(round(status.left))} left"
    )


DONE = {"inject": "injected", "heal": "healed"}


def describe_deed(deed: Deed) -> str:
    """What became of it, as one line of text."""
    when, what = format_duration(round(deed.t)), f"{deed.fault} at {deed.provider}"
    if deed.stage == "failed":
        return f"{when:>6} {what}: {deed.action} FAILED: {deed.note}"
    return f"{when:>6} {what}: {DONE[deed.action]}"


def _latency(seconds: float | None) -> str:
    return "-" if seconds is None else format_duration(seconds)


class Quiet:
    """Shows nothing."""

    def say(self, text: str) -> None:
        """Nothing."""

    def show(self, line: Line, chronicle: Chronicle) -> None:
        """Nothing."""

    def tell(self, deed: Deed) -> None:
        """Nothing."""


class PlainLines:
    """A line every few seconds, for logs. Mutable: it remembers when it last spoke."""

    def __init__(self, frame: Frame, out: TextIO) -> None:
        self._frame = frame
        self._out = out
        self._before = 0.0
        self._said = 0.0

    def say(self, text: str) -> None:
        """One line."""
        print(text, file=self._out, flush=True)

    def show(self, line: Line, chronicle: Chronicle) -> None:
        """A line when it is time, and at the end."""
        status = read_status(self._frame, line, self._before, chronicle)
        self._before = line.t
        if line.t - self._said >= LINE_EVERY - 0.5:
            self._said = line.t
            self.say(describe(status))

    def tell(self, deed: Deed) -> None:
        """A line for what is over: begun things are over soon."""
        if deed.stage != "begin":
            self.say(describe_deed(deed))


@contextmanager
def open_progress(style: str, frame: Frame, position: tuple[int, int]) -> Iterator[Progress]:
    """The progress of one run in a style: "live", "lines" or "quiet"."""
    number, of = position
    title = frame.name if of == 1 else f"[{number}/{of}] {frame.name}"
    if style == "quiet":
        yield Quiet()
    elif style == "lines":
        lines = PlainLines(frame, sys.stderr)
        lines.say(f"{title}: {format_duration(frame.duration)}")
        yield lines
    else:
        from battlectl.commands.live import LivePanel

        with LivePanel(frame, title) as panel:
            yield panel
