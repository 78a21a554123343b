"""Faults in the terminal's summary: what must be ended by hand, then a line for each fault.

Rule: what is not confirmed is shown before what is, and what has no room is counted.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from battlectl.report.faults_words import faults_of, leftovers_of, names_of, tell_recovery
from battlectl.report.headline import Document, Stored
from battlectl.report.inert import clip, one_line
from battlectl.report.streams_words import NO_HARM, tell_streams_under

MOST_FAULTS = 6
MOST_LEFTOVERS = 2
MOST_LEFTOVER = 1_000
MOST_WRAPPED = 2
CONFIRMED = "confirmed"


def summarise_leftovers(document: Document, width: int) -> list[str]:
    """What a person must do, with nothing before it, on a line that can be copied; empty where nothing is."""
    leftovers, lines = leftovers_of(document), list[str]()
    for what, why in leftovers[:MOST_LEFTOVERS]:
        lines.append(f"ACT NOW: {one_line(what, MOST_LEFTOVER)}")
        lines += [clip(line, width) for line in wrapped(one_line(why, MOST_LEFTOVER), width, "  ")]
    if len(leftovers) > MOST_LEFTOVERS:
        lines.append(f"... and {len(leftovers) - MOST_LEFTOVERS} more, in the report")
    return [*lines, "battlectl heal tries again.", ""] if lines else []


def summarise_faults(document: Document) -> Iterator[str]:
    """Name, proof and recovery of each, the doubtful ones first."""
    faults = sorted(faults_of(document), key=lambda fault: bool(fault["proof"] == CONFIRMED))
    if faults:
        yield ""
    for fault in faults[:MOST_FAULTS]:
        told = _told(fault, document)
        yield f"fault {one_line(fault['name'], 40)} at {one_line(names_of(fault), 40)}: {told}"
    if hidden := faults[MOST_FAULTS:]:
        doubtful = sum(fault["proof"] != CONFIRMED for fault in hidden)
        yield f"+{len(hidden)} more, {doubtful or 'none'} of them not confirmed"


def _told(fault: Stored, document: Document) -> str:
    if fault["proof"] == CONFIRMED:
        streams = tell_streams_under(document, fault["name"])
        if streams is None:
            return f"confirmed, {tell_recovery(fault)}"
        requests = f"requests: {tell_recovery(fault)}; " if document["workloads"] else ""
        return f"confirmed; {requests}subscribers: {_told_of_streams(fault, streams)}"
    doubtful = next(part for part in fault["providers"] if part["proof"] == fault["proof"])
    return f"{fault['proof']}: {one_line(doubtful['reasons'][0])}"


def _told_of_streams(fault: Stored, found: str) -> str:
    """That nothing was found says something only where one provider at least is known to have fed them."""
    doubts = [part.get("subscribers") for part in fault["providers"]]
    return f"not known to be touched: {one_line(doubts[0])}" if found == NO_HARM and all(doubts) else found


def wrapped(text: str, width: int, indent: str, most: int = MOST_WRAPPED) -> list[str]:
    """On two lines at most, or `most`; a longer text ends in dots."""
    return textwrap.wrap(
        text,
        max(width, 2 * len(indent) + 8),
        initial_indent=indent,
        subsequent_indent=indent,
        max_lines=most,
        placeholder="...",
        break_on_hyphens=False,
    )
