"""The sections of report.md on where a run came from: how to reproduce it, environment, notes.

Rule: `meta` is what the shell knew; any of its keys may be missing, and nothing is made up for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from battlectl.report.headline import Document
from battlectl.report.inert import code_block, in_markdown, one_line
from battlectl.report.tables import markdown_table

MOST_COMMAND = 1_000
MOST_VALUE = 300
ENVIRONMENT = (
    "run_id",
    "started_at",
    "finished_at",
    "tool_version",
    "scenario_file",
    "target",
    "engine",
    "environment",
)


def show_origin(document: Document) -> str:
    """Seed, plan, fingerprints of the arrivals, command."""
    frame, meta = document["frame"], document["meta"]
    lines = [f"seed: {frame['seed']}"]
    if meta.get("plan_hash"):
        lines.append(f"plan: {one_line(meta['plan_hash'])}")
    lines += [f"arrivals of {one_line(w['name'])}: {w['digest'][:16]}" for w in frame["workloads"]]
    if meta.get("command"):
        lines.append(f"command: {one_line(show_value(meta['command']), MOST_COMMAND)}")
    return (
        "The same scenario and seed give the same arrivals, byte for byte; the fingerprints tell whether "
        f"they did.\n\n{code_block(chr(10).join(lines))}"
    )


def show_environment(document: Document) -> str:
    """What the shell knew, one row each."""
    meta = document["meta"]
    rows = [
        [in_markdown(name), in_markdown(show_value(value), MOST_VALUE)]
        for name in ENVIRONMENT
        for name, value in _flattened(name, meta.get(name))
    ]
    return markdown_table(("what", "value"), rows, "ll")


def show_notes(document: Document) -> str:
    """What a reader must know beside the figures."""
    meta = document["meta"]
    notes = [in_markdown(note, MOST_VALUE) for note in meta.get("notes") or ()]
    if meta.get("rebuilt"):
        notes.insert(0, "This report was rebuilt from the journal of a run that did not end by itself.")
    if document["record"]["coarse"]:
        notes.append(f"Stored sketches lost {document['record']['coarse']} bits: percentiles are coarser.")
    return "\n".join(f"- Note: {note}" for note in notes)


def show_value(value: Any) -> str:
    """A value of `meta` as text."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {show_value(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        between = "; " if any(isinstance(inner, Mapping) for inner in value) else " "
        return between.join(show_value(inner) for inner in value)
    return "yes" if value is True else "no" if value is False else str(value)


def _flattened(name: str, value: Any) -> list[tuple[str, Any]]:
    """A mapping gives a row for each key."""
    if isinstance(value, Mapping):
        return [(f"{name}.{key}", inner) for key, inner in value.items() if inner not in (None, [], {})]
    return [] if value is None else [(name, value)]
