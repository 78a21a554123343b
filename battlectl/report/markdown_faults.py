"""The sections of report.md about faults: what must be ended by hand, what was injected, and what it did.

Rule: whether a fault is proven stands before what it did, because nothing follows from one that is not. All
sections are empty in a run without faults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from battlectl.quantities import format_duration
from battlectl.report.faults_words import (
    UNSEEN,
    faults_of,
    leftovers_of,
    show_latency,
    show_number,
    show_recovery,
    show_time,
    show_times,
)
from battlectl.report.figures import NOTHING, show_count, show_latencies, show_rate, show_ratio
from battlectl.report.headline import Document, Stored, has_begun
from battlectl.report.inert import code_block, in_markdown, one_line
from battlectl.report.tables import markdown_table

MOST_TEXT = 400
MOST_LEFTOVER = 2_000
MOST_FAULTS = 40
"""Faults that are told one by one; report.json has them all."""


def show_leftovers(document: Document) -> str:
    """What a person must do, before anything else is said; "" where nothing is left in force."""
    leftovers = leftovers_of(document)
    if not leftovers:
        return ""
    more = f" (and {len(leftovers) - 1} more, below)" if len(leftovers) > 1 else ""
    first = f"**A person must act:** {in_markdown(leftovers[0][0], MOST_LEFTOVER)}{more}"
    lines = "\n".join(
        f"{one_line(what, MOST_LEFTOVER)}\n  {one_line(why, MOST_LEFTOVER)}" for what, why in leftovers
    )
    return f"{first}\n\n{code_block(lines)}\n\n`battlectl heal` tries again, and sees what was ended by hand."


def show_faults(document: Document) -> str:
    """Every fault with its proof, then the two sides of it in words."""
    parts = [_crashed(document), _lease(document)]
    faults = faults_of(document)
    if faults:
        rows = [_fault_row(fault, part) for fault, part in _parts(faults)]
        headers = ("fault", "provider", "planned", "injected", "healed", "proof", "why not")
        parts += [markdown_table(headers, rows, "llrrrll"), *_more(faults), PROOF, _sides(faults)]
    return "\n\n".join(part for part in parts if part)


PROOF = (
    "Confirmed takes both sides: the provider broke as asked, for as long as asked, and came back; and the "
    "load had depended on it and was touched. Anything else makes the run inconclusive. Times are from the "
    "start of the run."
)


def _crashed(document: Document) -> str:
    crashed = document.get("chaos", {}).get("crashed", ())
    return "\n".join(f"- Figures could not be made: {in_markdown(what, MOST_TEXT)}" for what in crashed)


def _lease(document: Document) -> str:
    lost = document.get("chaos", {}).get("lease_lost", ())
    return "\n".join(
        f"- The lease was lost at {_at(one['at_s'])}: {in_markdown(one['note'], MOST_TEXT)}" for one in lost
    )


def _parts(faults: list[Stored]) -> Iterator[tuple[Stored, Stored]]:
    return ((fault, part) for fault in faults[:MOST_FAULTS] for part in fault["providers"])


def _more(faults: list[Stored]) -> list[str]:
    hidden = faults[MOST_FAULTS:]
    doubtful = sum(fault["proof"] != "confirmed" for fault in hidden)
    if not hidden:
        return []
    return [f"{len(hidden)} more faults, {doubtful} of them not confirmed, are in report.json."]


def _fault_row(fault: Stored, part: Stored) -> list[str]:
    return [
        in_markdown(fault["name"]),
        in_markdown(part["provider"]),
        f"{_at(fault['at_s'])} to {_at(fault['until_s'])}",
        _at(part["injected_s"]),
        _at(part["healed_s"]),
        part["proof"] if part["proof"] == "confirmed" else f"**{part['proof']}**",
        in_markdown("; ".join(part["reasons"]), MOST_TEXT),
    ]


def _sides(faults: list[Stored]) -> str:
    lines = []
    for fault, part in _parts(faults):
        name, provider = in_markdown(fault["name"]), in_markdown(part["provider"])
        lines.append(f"- {name} ({_what(fault)}) at {provider}")
        lines.append(f"  - the provider: {in_markdown(part['provider_side'], MOST_TEXT)}")
        lines.append(f"  - the load: {in_markdown(part['client_side'], MOST_TEXT)}")
        if doubt := part.get("subscribers"):
            lines.append(f"  - subscribers: {in_markdown(doubt, MOST_TEXT)}")
    return "\n".join(lines)


def _what(fault: Stored) -> str:
    """Its kind and what it was told."""
    told = [f"{name}={value}" for name, value in fault["attributes"].items()]
    return in_markdown(" ".join([fault["kind"], *told]))


def _at(seconds: float | None) -> str:
    return NOTHING if seconds is None else f"{seconds:.1f}s"


EFFECTS = (
    "Recovery runs from the first bad second to the first of five good ones in a row, and apart from that "
    'from the healing; "unavailable" counts the bad seconds, those of the fault itself included. '
    '"Turned to others" is the time from the injection to the first success elsewhere, "left alone" the time '
    "until the target sent the provider nothing more."
)
OF_REQUESTS = 'All of it is of requests: what subscribers felt is in "Continuity".'


def show_effects(document: Document) -> str:
    """What each fault did, and its windows side by side."""
    faults = faults_of(document)
    if not faults or not has_begun(document):
        return ""
    headers = ("fault", "recovery", "from healing", "unavailable", "turned to others", "left alone")
    table = markdown_table(headers, [_effect_row(fault) for fault in faults[:MOST_FAULTS]], "lrrrrr")
    windows = markdown_table(WINDOW_HEADERS, _window_rows(faults[:MOST_FAULTS]), "ll" + "r" * 9)
    told = [text for text in (_sources_of(faults), _why_unseen(faults)) if text]
    effects = f"{EFFECTS} {OF_REQUESTS}" if document.get("streams") else EFFECTS
    return "\n\n".join([effects, table, *told, SIDE_BY_SIDE, windows])


def _effect_row(fault: Stored) -> list[str]:
    times = (fault[f"{name}_s"] for name in ("unavailability", "failover_time", "detection_time"))
    healed = fault["recovery_from_heal_s"]
    doubt = "" if fault["proof"] == "confirmed" else f" (**{fault['proof']}**)"
    return [
        in_markdown(fault["name"]) + doubt,
        show_recovery(fault),
        show_time(healed),
        *(show_time(time) for time in times),
    ]


FIGURES = {
    "recovery_time_s": "recovery",
    "unavailability_s": "unavailable",
    "failover_time_s": "turned to others",
    "detection_time_s": "left alone",
}


SOURCES = {
    "metadata": "the target's replies",
    "telemetry": "the target's telemetry",
    "counters": "the providers' counters",
    "client": "what the clients saw",
}


def _sources_of(faults: list[Stored]) -> str:
    """Where each column comes from."""
    figures = {name: [fault[key] for fault in faults] for key, name in FIGURES.items()}
    figures["failovers"] = [window["failovers"] for fault in faults for window in fault["windows"].values()]
    told = [f"{name} from {from_}" for name, own in figures.items() if (from_ := _sources(own))]
    return f"Known: {'; '.join(told)}." if told else ""


def _sources(figures: list[Stored]) -> str:
    return " and ".join(dict.fromkeys(SOURCES[one["source"]] for one in figures if one["source"]))


def _why_unseen(faults: list[Stored]) -> str:
    """Each reason once, with the figures that it keeps from being seen."""
    reasons: dict[str, dict[str, None]] = {}
    for fault in faults[:MOST_FAULTS]:
        for key, name in FIGURES.items():
            if not fault[key]["observable"]:
                reasons.setdefault(fault[key]["words"], {})[name] = None
    lines = [
        f"- {UNSEEN} ({', '.join(names)}): {in_markdown(words, MOST_TEXT)}"
        for words, names in reasons.items()
    ]
    return "\n".join(lines)


SIDE_BY_SIDE = (
    "The time before all faults, during each and after it, all workloads together. A failover is a request "
    "that needed more than one attempt; amplification is attempts for each request."
)
WINDOW_HEADERS = (
    *("fault", "window", "seen", "arrivals", "rate", "success", "p50", "p95", "p99"),
    *("failovers", "amplification"),
)


def _window_rows(faults: list[Stored]) -> Iterator[list[str]]:
    for number, fault in enumerate(faults):
        for role, window in fault["windows"].items():
            if role != "baseline" or not number:
                yield _window_row(role, fault, window)


def _window_row(role: str, fault: Stored, window: Stored) -> list[str]:
    name = "" if role == "baseline" else in_markdown(fault["name"])
    seen = window["seen"]
    if seen is None:
        return [name, role, *([NOTHING] * 9)]
    return [
        name,
        role,
        format_duration(seen["seen_s"]),
        show_count(seen["total"]),
        show_rate(seen["arrivals_per_s"]),
        show_ratio(seen["success_ratio"]),
        *show_latencies(seen, "p50", "p95", "p99"),
        _failovers(window),
        show_times(window["amplification_ratio"]),
    ]


def _failovers(window: Mapping[str, Any]) -> str:
    """How many, and how slow where replies tell which they were."""
    slowest = window["failover_latency_max_ms"]
    slow = f", up to {show_latency(slowest)}" if slowest["observable"] else ""
    return show_number(window["failovers"]) + slow
