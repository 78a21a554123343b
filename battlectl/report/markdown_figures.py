"""The sections of report.md that are figures: windows, workloads, parts of latency, outcomes, generator.

Rule: what flatters never stands alone: latency of ok answers beside that of all, the success rate beside the
count that it stands on.
"""

from __future__ import annotations

from collections.abc import Iterator

from battlectl.observe.outcome import MEANINGS, outcome_of
from battlectl.report.figures import (
    show_count,
    show_latencies,
    show_ms,
    show_percent,
    show_rate,
    show_ratio,
    show_seconds,
)
from battlectl.report.headline import Document, Stored
from battlectl.report.inert import in_markdown
from battlectl.report.tables import markdown_table
from battlectl.scenario.chaos_times import DURING, RECOVERY

ALL = "(all)"
RUN = "run"
CELL = ("arrivals", "ok", "success", "p50", "p95", "p99", "max", "ok p50", "ok p95", "ok p99")
POPULATIONS = (
    "Latency counts from the due time, over all answered and timed-out arrivals; the columns `ok` count "
    "right answers alone. Success is ok / all arrivals due."
)


MOST_WINDOWS = 24
LEFT_OUT = "The windows of the faults are above, and for each workload in report.json."


def show_windows(document: Document) -> str:
    """One row per workload and window; nothing where nothing was to be sent, like the sections below."""
    names = [workload["name"] for workload in document["frame"]["workloads"]]
    if not names:
        return ""
    shown = [ALL, *names] if len(names) > 1 else names
    windows = [window for window in document["windows"] if not _is_left_out(window, document)]
    rows = [
        [
            in_markdown(name),
            in_markdown(window["name"]),
            show_seconds(window["seen_s"]),
            show_rate(window["workloads"][name]["arrivals_per_s"]),
            *_cell(window["workloads"][name]),
        ]
        for name in shown
        for window in windows
    ]
    table = markdown_table(
        ("workload", "window", "seen", "arrivals/s", *CELL), rows, "llrr" + "r" * len(CELL)
    )
    left_out = f"\n\n{LEFT_OUT}" if len(windows) < len(document["windows"]) else ""
    return f"{POPULATIONS}\n\n{table}{left_out}"


def _is_left_out(window: Stored, document: Document) -> bool:
    """The windows of many faults stand in their own section."""
    is_of_fault = window["name"].startswith((DURING, RECOVERY))
    return is_of_fault and len(document["windows"]) > MOST_WINDOWS


def show_workloads(document: Document) -> str:
    """What each workload sent, then its calls, after warm-up."""
    if not document["workloads"]:
        return ""
    flows = markdown_table(
        ("workload", "model", "requests sent", "reconnects", "retries"),
        [_workload_row(*pair) for pair in _workloads(document)],
        "llrrr",
    )
    calls = markdown_table(("workload", "call", *CELL), _call_rows(document), "ll" + "r" * len(CELL))
    return "\n\n".join(["After warm-up:", flows, *_closed_notes(document), calls])


def _workloads(document: Document) -> Iterator[tuple[Stored, Stored]]:
    """(frame, figures) of each workload."""
    figures = {workload["name"]: workload for workload in document["workloads"]}
    return ((frame, figures[frame["name"]]) for frame in document["frame"]["workloads"])


def _workload_row(frame: Stored, figures: Stored) -> list[str]:
    numbers = (figures[name] for name in ("sent_requests", "reconnects", "retries"))
    return [in_markdown(frame["name"]), _model(frame), *(show_count(number) for number in numbers)]


def _model(frame: Stored) -> str:
    if frame["model"] == "closed":
        return f"closed, {frame['users']} users"
    return f"{frame['model']}, up to {show_rate(frame['peak_rate'])}"


def _closed_notes(document: Document) -> list[str]:
    closed = [in_markdown(w["name"]) for w in document["frame"]["workloads"] if w["model"] == "closed"]
    if not closed:
        return []
    return [
        f"Closed model ({', '.join(closed)}): its users wait for their answers, so latency counts from "
        "sending, and a slow target lowers the load instead of showing the queue that it would have caused."
    ]


def _call_rows(document: Document) -> Iterator[list[str]]:
    run = next(window for window in document["windows"] if window["name"] == RUN)
    for frame, figures in _workloads(document):
        name = in_markdown(frame["name"])
        if len(figures["calls"]) > 1:
            yield [name, ALL, *_cell(run["workloads"][frame["name"]])]
        for label, cell in figures["calls"].items():
            yield [name, in_markdown(label), *_cell(cell)]


def _cell(cell: Stored) -> list[str]:
    return [
        show_count(cell["total"]),
        show_count(cell["ok"]),
        show_ratio(cell["success_ratio"]),
        *show_latencies(cell["latency"], "p50", "p95", "p99", "max"),
        *show_latencies(cell["ok_latency"], "p50", "p95", "p99"),
    ]


SERVED = (
    "As the headers of replies say, after warm-up; a batch is one request. The share is of all requests that "
    "ended, whether or not a reply named a provider; latency is over those answered or timed out."
)


def show_providers(document: Document) -> str:
    """One row per provider, and what none was named for; nothing where replies do not say."""
    served = document["analysis"].get("providers")
    if not served:
        return ""
    rows = [
        [
            in_markdown(row["provider"]),
            show_count(row["requests"]),
            show_ratio(row["share_ratio"]),
            show_ratio(row["success_ratio"]),
            *show_latencies(row["latency"], "mean", "p95"),
        ]
        for row in served
    ]
    headers = ("provider", "requests", "share", "success", "mean", "p95")
    coarse = "\n\nThe journal had no room for some of these latencies: they are coarser, or missing."
    lost = coarse if any(row["coarse_bits"] for row in served) else ""
    return f"{SERVED}\n\n{markdown_table(headers, rows, 'lrrrrr')}{lost}"


PARTS = {
    "lag": "ours: the due arrival was noticed late",
    "backlog": "waiting for a free connection",
    "service": "the target's: from sending to the end",
}


def show_latency_parts(document: Document) -> str:
    """Lag, backlog and service of each workload's requests."""
    if not document["workloads"]:
        return ""
    rows = [
        [in_markdown(w["name"]), part, *show_latencies(w[part], "p50", "p99", "max"), meaning]
        for w in document["workloads"]
        for part, meaning in PARTS.items()
    ]
    headers = ("workload", "part", "p50", "p99", "max", "what it is")
    return "latency = lag + backlog + service, per request, after warm-up:\n\n" + markdown_table(
        headers, rows, "llrrrl"
    )


def show_outcomes(document: Document) -> str:
    """How arrivals ended, warm-up included, and what each outcome means."""
    counts = count_outcomes(document)
    total = sum(counts.values())
    rows = [
        [in_markdown(label), show_count(number), show_ratio(number / total), _meaning(label)]
        for label, number in sorted(counts.items(), key=lambda item: (item[0] != "ok", -item[1], item[0]))
    ]
    if not rows:
        return "No arrival came due." if document["workloads"] else ""
    table = markdown_table(("outcome", "arrivals", "share", "meaning"), rows, "lrrl")
    return f"Each arrival is exactly one of these, warm-up included:\n\n{table}"


def count_outcomes(document: Document) -> dict[str, int]:
    """Outcome -> arrivals, over all phases."""
    phases = {phase["name"] for phase in document["frame"]["phases"]}
    counts: dict[str, int] = {}
    for window in document["windows"]:
        if window["name"] in phases:
            for label, number in window["workloads"][ALL]["outcomes"].items():
                counts[label] = counts.get(label, 0) + number
    return counts


def _meaning(label: str) -> str:
    return MEANINGS.get(outcome_of(label), "")


def _stream_lag(document: Document) -> list[list[str]]:
    """How late we connected and read streams ourselves, where there were any."""
    lag = document["generator"].get("stream_lag")
    if not lag:
        return []
    allowed = document["frame"].get("max_stream_lag")
    rows = [["lag of streams p99 / max", " / ".join(show_latencies(lag, "p99", "max"))]]
    return rows if allowed is None else [*rows, ["allowed lag p99 of streams", show_seconds(allowed)]]


def show_generator(document: Document) -> str:
    """Whether what was measured is the target or us."""
    own = document["generator"]
    rows = [
        ["lag p99 / max", " / ".join(show_latencies(own["lag"], "p99", "max"))],
        *_stream_lag(document),
        ["allowed lag p99", show_seconds(document["frame"]["max_lag"])],
        ["longest stall of the loop", show_ms(own["longest_stall_ms"])],
        ["arrivals dropped", show_count(own["dropped"])],
        ["arrivals abandoned", show_count(own["abandoned"])],
        [
            "processor, mean / worst second",
            f"{show_percent(own['cpu_mean_ratio'])} / {show_percent(own['cpu_max_ratio'])}",
        ],
        ["seconds with the processor used up", show_count(own["busy_seconds"])],
        ["highest rate held", show_rate(own["held_per_s"])],
    ]
    return markdown_table(("figure", "value"), rows, "lr")
