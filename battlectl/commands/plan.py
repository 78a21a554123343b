"""`battlectl plan`: what will be sent when. Touches no network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import msgspec
from tabulate import tabulate

from battlectl.commands.masking import Masker
from battlectl.commands.prepare import Prepared, prepare_all
from battlectl.errors import ExitCode
from battlectl.plan.chaos_rows import INJECTION_COLUMNS, injection_rows
from battlectl.plan.frame import Frame, WorkloadFrame
from battlectl.plan.pacing import Users
from battlectl.plan.streams import StreamFrame
from battlectl.plan.workload import Arrival, PlannedWorkload
from battlectl.quantities import format_duration, format_rate
from battlectl.targets import ADAPTERS


def plan(
    paths: Sequence[Path],
    tags: Sequence[str],
    sets: Sequence[str],
    target: str | None,
    seed: int | None,
    arrivals: int,
    as_json: bool,
    out: TextIO,
) -> ExitCode:
    """Print the plan of each scenario with its first `arrivals`; raises `UserError` for bad files."""
    prepared = prepare_all(paths, tags, sets, target, seed)
    if as_json:
        documents = [Masker(one.secrets).mask_tree(plan_json(one, arrivals)) for one in prepared]
        data = msgspec.json.encode(documents[0] if len(documents) == 1 else documents)
        print(msgspec.json.format(data, indent=2).decode(), file=out)
    else:
        texts = [Masker(one.secrets).mask_text(plan_text(one, arrivals)) for one in prepared]
        print("\n\n".join(texts), file=out)
    return ExitCode.PASS


def plan_json(prepared: Prepared, arrivals: int) -> dict[str, Any]:
    """The plan as a document: the same scenario and seed give the same bytes."""
    return {
        "scenario": prepared.plan.frame.name,
        "plan_hash": prepared.plan_hash,
        "frame": msgspec.to_builtins(prepared.frame),
        "arrivals": {
            w.name: [_arrival_json(w, a) for a in first_arrivals(w, arrivals)]
            for w in prepared.plan.workloads
        },
        "not_observable": list(unseen_of(prepared)),
    }


def plan_text(prepared: Prepared, arrivals: int) -> str:
    """The plan for a person."""
    frame = prepared.frame
    phases = [
        [p.name, format_duration(p.start), format_duration(p.end), format_duration(p.length)]
        for p in frame.phases
    ]
    parts = [
        f"{frame.name}  (seed {frame.seed}, plan {prepared.plan_hash[:12]}, target {prepared.target_name})",
        tabulate(phases, headers=["phase", "from", "to", "length"], tablefmt="simple"),
        *_table(WORKLOAD_COLUMNS, [_workload_row(w) for w in frame.workloads]),
        *_table(STREAM_COLUMNS, [_stream_row(s) for s in frame.streams]),
        *_table(INJECTION_COLUMNS, injection_rows(frame.injections)),
        "\n".join(["objectives:", *(f"  {objective.text}" for objective in frame.objectives)]),
        *_listed("asked beside the load:", _watched(prepared)),
        *_listed("asked for by words:", _asked(frame)),
        *_listed("not observable at this target:", unseen_of(prepared)),
    ]
    if arrivals:
        parts += [_arrivals_text(workload, arrivals) for workload in prepared.plan.workloads]
    return "\n\n".join(parts)


def unseen_of(prepared: Prepared) -> Sequence[str]:
    """What the kind of the target keeps to itself, in sentences."""
    return ADAPTERS[prepared.target.kind].unseen(prepared.target)


def _asked(frame: Frame) -> Iterator[str]:
    routes = {workload.name: workload.route for workload in frame.workloads}
    routes |= {streams.name: streams.route for streams in frame.streams}
    for name, words in routes.items():
        if words:
            yield f"{name}: {', '.join(f'{word} {value}' for word, value in words.items())}"


def _watched(prepared: Prepared) -> Iterator[str]:
    watch = prepared.plan.watch
    if watch is not None:
        words = ", ".join(f"{word} {value}" for word, value in watch.route.words.items())
        yield f"{format_rate(watch.rate)} rounds of questions" + (f", by {words}" if words else "")


def _listed(title: str, lines: Iterable[str]) -> list[str]:
    """A list of what there is any of."""
    found = [f"  {line}" for line in lines]
    return ["\n".join([title, *found])] if found else []


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table for what there is any of."""
    return [tabulate(rows, headers=columns, tablefmt="simple")] if rows else []


WORKLOAD_COLUMNS = [
    "workload",
    "model",
    "requests",
    "arrivals",
    "peak",
    "timeout",
    "in flight",
    "connections",
]


def _workload_row(workload: WorkloadFrame) -> list[str]:
    requests = "as answered" if workload.expected_requests is None else f"{workload.expected_requests:,.0f}"
    mean = "about " if workload.model == "poisson" else ""
    return [
        workload.name,
        f"{workload.users} users" if workload.users is not None else workload.model,
        mean + requests,
        "-" if workload.arrivals is None else f"{workload.arrivals:,}",
        "-" if workload.peak_rate is None else format_rate(workload.peak_rate),
        format_duration(workload.timeout),
        f"{workload.max_in_flight:,}",
        f"{workload.connections:,}",
    ]


STREAM_COLUMNS = ["subscribers", "subscription", "from", "to", "clients", "streams each", "come"]


def _stream_row(stream: StreamFrame) -> list[str]:
    settings = stream.settings
    churn = settings["churn_per_s"]
    come = f"over {format_duration(settings['connect_over_s'])}"
    return [
        stream.name,
        stream.kind,
        format_duration(stream.start),
        format_duration(stream.end),
        "come and go" if stream.clients is None else f"{stream.clients:,}",
        str(stream.subscriptions),
        come if churn is None else format_rate(churn),
    ]


def first_arrivals(workload: PlannedWorkload, most: int) -> Iterator[Arrival]:
    """The first arrivals of an open workload, or of the first user of a closed one."""
    stream = workload.arrivals_of_user(0) if isinstance(workload.pacing, Users) else workload.arrivals()
    return islice(stream, most)


def _arrivals_text(workload: PlannedWorkload, most: int) -> str:
    rows = [
        [
            "" if arrival.due != arrival.due else f"{arrival.due:.6f}",
            arrival.first_id,
            _body_text(workload, arrival),
        ]
        for arrival in first_arrivals(workload, most)
    ]
    return tabulate(rows, headers=["due s", "id", workload.name], tablefmt="simple", disable_numparse=True)


def _arrival_json(workload: PlannedWorkload, arrival: Arrival) -> dict[str, Any]:
    due = None if arrival.due != arrival.due else arrival.due
    return {
        "number": arrival.number,
        "due_s": due,
        "id": arrival.first_id,
        "body": _body_text(workload, arrival),
    }


def _body_text(workload: PlannedWorkload, arrival: Arrival) -> str:
    """The body, a block relative to the head as the symbol that it still is."""
    return workload.requests[arrival.request].show(arrival.first_id, arrival.draws)
