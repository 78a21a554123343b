"""The part of a report that shows what the lab itself recorded, where the target was a lab."""

from __future__ import annotations

from typing import Any

from battlectl.quantities import format_times
from battlectl.report.figures import show_count
from battlectl.report.headline import Document
from battlectl.report.inert import in_markdown
from battlectl.report.tables import markdown_table

TRUTH = (
    "The lab knows what it did and need not conclude it: compare this with what was measured. It covers the "
    "whole run, warm-up and the questions before it included, and judges nothing."
)


def show_truth(document: Document) -> str:
    """Attempts and answers by provider, and what the breakers did; nothing where the target was no lab."""
    truth = document["meta"].get("ground_truth")
    if not truth:
        return ""
    if "missing" in truth:
        return f"The lab's own record could not be had: {in_markdown(truth['missing'])}"
    rows = [
        [in_markdown(row["provider"]), *(show_count(row[name]) for name in ("attempts", "served", "probes"))]
        for row in truth["providers"]
    ]
    table = markdown_table(("provider", "attempts", "served", "health probes"), rows, "lrrr")
    failovers, rejected = show_count(truth["failovers"]), show_count(truth["rejected"])
    totals = f"Requests that needed another provider: {failovers}; that no provider answered: {rejected}."
    return "\n\n".join([TRUTH, table, totals, _breakers(truth["breakers"], truth["breaker_changes"])])


def _breakers(changes: list[dict[str, Any]], in_all: int) -> str:
    if not in_all:
        return "No breaker changed."
    lines = [
        f"- the breaker of {in_markdown(change['provider'])} ({in_markdown(change['transport'])}) became "
        f"{in_markdown(change['state'])} {format_times(change['times'])}"
        for change in changes
    ]
    forgotten = in_all - sum(change["times"] for change in changes)
    if forgotten:
        lines.append(f"- {show_count(forgotten)} earlier changes are no longer known one by one")
    return "\n".join(lines)
