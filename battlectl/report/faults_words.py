"""Figures about faults as people read them.

Rule: a range is shown as one, and what nobody could see as "not observable", never as a dash or a zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from battlectl.report.figures import show_count, show_ms, show_seconds
from battlectl.report.headline import Document, Stored

MANY = 3
UNSEEN = "not observable"


def show_figure(figure: Mapping[str, Any], show: Callable[[Any], str]) -> str:
    """`2s`, `1s to 2s`, `at least 30s`; `show` writes one end."""
    if not figure["observable"]:
        return UNSEEN
    least, most = show(figure["least"]), figure["most"]
    if most is None:
        return f"at least {least}" if figure["least"] else UNSEEN
    return least if show(most) == least else f"{least} to {show(most)}"


def show_time(figure: Mapping[str, Any]) -> str:
    """A figure in seconds."""
    return show_figure(figure, show_seconds)


def show_latency(figure: Mapping[str, Any]) -> str:
    """A figure in milliseconds."""
    return show_figure(figure, show_ms)


def show_number(figure: Mapping[str, Any]) -> str:
    """A figure that counts."""
    return show_figure(figure, lambda number: show_count(round(number)))


def show_times(figure: Mapping[str, Any]) -> str:
    """A figure that is so many times something."""
    return show_figure(figure, lambda times: f"{times:.3g}")


def show_recovery(fault: Stored) -> str:
    """How long its harm lasted, or that it did not end."""
    time = fault["recovery_time_s"]
    if not time["observable"]:
        return UNSEEN
    if time["most"] is None:
        told = "did not recover" if fault["recovered"] is False else "not seen to recover"
        return f"{told} ({show_time(time)})"
    return "no harm" if time["most"] == 0 else show_time(time)


def tell_recovery(fault: Stored) -> str:
    """The same as a clause."""
    time = fault["recovery_time_s"]
    if not time["observable"]:
        return f"recovery {UNSEEN}"
    return f"recovered in {show_time(time)}" if time["most"] else show_recovery(fault)


def names_of(fault: Stored) -> str:
    """Its providers, or how many."""
    names = [part["provider"] for part in fault["providers"]]
    return ", ".join(names) if len(names) < MANY else f"{len(names)} providers"


def leftovers_of(document: Document) -> list[tuple[str, str]]:
    """What a person must do, and why; none in a report from before there were faults."""
    parts = [leftover.partition("\n") for leftover in document.get("chaos", {}).get("leftovers", ())]
    return [(what, why) for what, _, why in parts]


def faults_of(document: Document) -> list[Stored]:
    """The faults of a run, none in a report from before there were any."""
    return list(document.get("faults", ()))
