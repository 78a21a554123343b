"""The part of a report that puts the target's own figures beside those of its client and its providers.

Rule: what nobody told is a dash; why it could not be had stands below.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from battlectl.report.figures import NOTHING, show_count, show_ms, show_ratio
from battlectl.report.headline import Document
from battlectl.report.inert import in_markdown
from battlectl.report.tables import markdown_table

SPAN = (
    "From the first poll to the last, after the drain. The client's figures are requests that it sent and "
    "that ended, by provider those whose reply names it; a provider counts calls, the target's own health "
    "checks among them, so it may well have more."
)


def show_telemetry(document: Document) -> str:
    """Nothing where there was nothing to ask."""
    told = document.get("telemetry")
    if not told or told["words"]:
        return ""
    parts = [
        SPAN,
        _sources(told),
        _providers(told),
        _breakers(told),
        _memory(told),
        _wrong(told),
        _failed(told),
    ]
    return "\n\n".join(part for part in parts if part)


def _sources(told: dict[str, Any]) -> str:
    rows = [
        [
            in_markdown(row["name"]),
            show_count(row["readings"]),
            show_count(row["requests"]),
            show_count(row["client"]),
            show_count(row["failures"]),
            show_ratio(row["success_ratio"]),
        ]
        for row in told["sources"]
        if row["readings"]
    ]
    headers = ("page", "readings", "requests told", "client's requests", "failures told", "success told")
    return markdown_table(headers, rows, "lrrrrr")


def _providers(told: dict[str, Any]) -> str:
    rows = [
        [
            in_markdown(row["provider"]),
            in_markdown(one["source"]),
            show_count(one["attempts"]),
            show_count(row["client"]),
            show_count(row["counted"]),
            show_count(one["errors"]),
            show_ms(one["latency_ms"]),
        ]
        for row in told["providers"]
        for one in row["told"] or [{"source": NOTHING, "attempts": None, "errors": None, "latency_ms": None}]
    ]
    headers = (
        "provider",
        "page",
        "target said",
        "client saw",
        "provider counted",
        "errors told",
        "latency told",
    )
    return markdown_table(headers, rows, "llrrrrr")


def _breakers(told: dict[str, Any]) -> str:
    lines = [
        f"- {in_markdown(one['breaker'])}, by {in_markdown(one['source'])}: {_states(one['states'])}"
        for row in told["providers"]
        for one in row["breakers"]
    ]
    return "Breakers, and in how many readings each state was told:\n\n" + "\n".join(lines) if lines else ""


def _states(states: dict[str, int]) -> str:
    return ", ".join(f"{in_markdown(state)} {show_count(number)}" for state, number in states.items())


def _memory(told: dict[str, Any]) -> str:
    memory, processes = told["memory"], told["processes"]
    if memory["source"] is None:
        return "The memory of the target is not observable: nobody tells it."
    figures = [_mb(memory[name]) for name in ("first_bytes", "peak_bytes", "last_bytes")]
    whose = "its process" if processes in (None, 1) else f"its {show_count(processes)} processes"
    whose = whose if memory["source"] == "process" else in_markdown(memory["source"])
    words = (
        f"Memory of the target, by {whose}: {figures[0]} at first, {figures[1]} at most, {figures[2]} at last"
    )
    grown = memory["growth_bytes"]
    end = f"growth is not observable ({memory['growth_words']})" if grown is None else f"growth {_mb(grown)}"
    return f"{words}; {end}."


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _wrong(told: dict[str, Any]) -> str:
    lines = [
        f"- at {one['at_s']:.1f}s, {in_markdown(one['source'])} {in_markdown(one['words'], 300)}"
        for one in told["disagreements"]
    ]
    return "What cannot be so:\n\n" + "\n".join(lines) if lines else ""


def _failed(told: dict[str, Any]) -> str:
    lines = list(_failures(told))
    return "Polls that gave nothing:\n\n" + "\n".join(lines) if lines else ""


def _failures(told: dict[str, Any]) -> Iterator[str]:
    for row in told["sources"]:
        if row["failed"] or not row["readings"]:
            yield f"- {in_markdown(row['name'])}: {show_count(row['failed'])}, {in_markdown(row['why'], 200)}"
