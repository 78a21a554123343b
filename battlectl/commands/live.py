"""The live panel of a run on a terminal, drawn by rich once a second."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from battlectl.commands.progress import Status, read_status
from battlectl.observe.faults import Deed
from battlectl.observe.journal import Line
from battlectl.plan.frame import Frame
from battlectl.quantities import format_duration, format_ratio
from battlectl.report.fold import Chronicle


class LivePanel:
    """See `Progress`. Mutable: it is what is on the screen."""

    def __init__(self, frame: Frame, title: str) -> None:
        self._frame = frame
        self._title = title
        self._before = 0.0
        self._in_force: dict[str, None] = {}
        self._live = Live(
            Text(f"{title}: getting ready"), console=Console(stderr=True), auto_refresh=False, transient=True
        )

    def __enter__(self) -> LivePanel:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        """Show what is going on before the load."""
        self._live.update(Text(f"{self._title}: {text}"), refresh=True)

    def show(self, line: Line, chronicle: Chronicle) -> None:
        """Show one more second."""
        status = read_status(self._frame, line, self._before, chronicle)
        self._before = line.t
        panel = draw_status(self._title, self._frame.duration, status, list(self._in_force))
        self._live.update(panel, refresh=True)

    def tell(self, deed: Deed) -> None:
        """Remember what is in force; the next second shows it."""
        what = f"{deed.fault} at {deed.provider}"
        if deed.action == "inject" and deed.stage == "done":
            self._in_force[what] = None
        elif deed.action == "heal" and deed.stage == "done":
            self._in_force.pop(what, None)


def draw_status(title: str, duration: float, status: Status, faults: Sequence[str] = ()) -> Group:
    """The panel of one second; `faults` are those in force."""
    figures = Table.grid(padding=(0, 2))
    figures.add_row("", ProgressBar(total=duration, completed=min(status.at, duration), width=50))
    for name, value in _figures(status):
        figures.add_row(Text(name, style="dim"), value)
    if faults:
        figures.add_row(Text("faults", style="dim"), Text(", ".join(faults), style="yellow"))
    heading = Text.assemble((title, "bold"), f"  {status.phase}  {format_duration(round(status.left))} left")
    return Group(heading, figures)


def _figures(status: Status) -> list[tuple[str, Text]]:
    success = "-" if status.success is None else format_ratio(status.success)
    return [
        ("rate", Text(f"{status.offered:,.0f} requests/s sent, {status.achieved:,.0f} ok/s")),
        ("latency", Text(f"p50 {_latency(status.p50)}  p99 {_latency(status.p99)}")),
        ("success", Text(success, style="green" if status.success == 1 else "red")),
        *([("events", Text(f"{status.events:,.0f}/s of subscriptions"))] if status.events else []),
        ("so far", Text(f"{status.total:,} arrivals, {status.failures:,} failed")),
    ]


def _latency(seconds: float | None) -> str:
    return "-" if seconds is None else format_duration(seconds)
