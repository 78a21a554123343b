"""The sections of report.md about what the target did meanwhile: its breakers, and who served when.

Rule: what nobody could see says why. Both are empty in a run without faults.
"""

from __future__ import annotations

from battlectl.report.faults_words import UNSEEN, show_number, show_time
from battlectl.report.figures import show_count, show_ms, show_ratio
from battlectl.report.headline import Document, Stored, has_begun
from battlectl.report.inert import code_block, in_markdown
from battlectl.report.tables import markdown_table
from battlectl.report.timeline import render_breakers

MOST_TEXT = 400
MOST_WINDOWS = 80
BREAKER_STATS = ("opens", "closes", "half_opens", "false_trips")
BREAKER_COLUMNS = (
    *("opened", "closed", "half-open", "false trips"),
    *("time open", "to open", "calls while open"),
)


def show_breakers(document: Document) -> str:
    """Lanes, then counts and times of each; why, where nothing can be seen."""
    breakers = document.get("breakers", ())
    if not breakers or not has_begun(document):
        return ""
    lanes = render_breakers(document)
    rows = [_breaker_row(breaker) for breaker in breakers if breaker["observable"]]
    headers = ("provider", *BREAKER_COLUMNS)
    unseen = [
        f"- {in_markdown(breaker['provider'])}: {UNSEEN}: {in_markdown(breaker['words'], MOST_TEXT)}"
        for breaker in breakers
        if not breaker["observable"]
    ]
    parts = [
        code_block(lanes) if lanes else "",
        markdown_table(headers, rows, "lrrrrrrr"),
        _known_from(breakers),
    ]
    return "\n\n".join(part for part in (*parts, "\n".join(unseen)) if part)


def _breaker_row(breaker: Stored) -> list[str]:
    return [
        in_markdown(breaker["provider"]),
        *(show_number(breaker[stat]) for stat in BREAKER_STATS),
        show_time(breaker["time_open_s"]),
        show_time(breaker["time_to_open_s"]),
        show_number(breaker["requests_while_open"]),
    ]


def _known_from(breakers: list[Stored]) -> str:
    words = dict.fromkeys(breaker["words"] for breaker in breakers if breaker["observable"])
    return "\n".join(f"Known {in_markdown(word, MOST_TEXT)}." for word in words)


def show_distribution(document: Document) -> str:
    """Who served in each window of the faults."""
    windows = document.get("distribution", ())
    rows = [
        [
            in_markdown(window["window"]),
            in_markdown(row["provider"]) + (" (a fault there)" if row["was_broken"] else ""),
            _range(row["requests"], row["requests_most"]),
            show_ratio(row["share_ratio"]),
            show_ratio(row["success_ratio"]),
            show_ms(row["mean_ms"]),
            show_ms(row["p95_ms"]),
        ]
        for window in windows[:MOST_WINDOWS]
        for row in window["providers"]
    ]
    headers = ("window", "provider", "requests", "share", "success", "mean", "p95")
    words = dict.fromkeys(window["words"] for window in windows if window["words"])
    told = "\n".join(f"- {in_markdown(word, MOST_TEXT)}" for word in words)
    return "\n\n".join(part for part in (markdown_table(headers, rows, "llrrrrr"), told) if part)


def _range(least: int, most: int | None) -> str:
    if most is None:
        return f"at least {show_count(least)}"
    return show_count(least) if least == most else f"{show_count(least)} to {show_count(most)}"
