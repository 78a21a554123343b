"""Ends of arrivals as literal tuples, and recorders that were told them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from battlectl.observe.journal import Line
from battlectl.observe.recorder import Recorder
from battlectl.observe.tally import Delta, Tally

CUTS = (0.0, 2.5, 5.0, 10.0)

OUTCOMES = ("ok", "rpc_error(-32000)", "rpc_error(3)", "http_error(502)", "timeout", "refused", "dropped")

ends = st.lists(
    st.tuples(
        st.sampled_from(["reads", "writes"]),
        st.sampled_from(["a", "b"]),
        st.integers(0, 99).map(lambda tenth: tenth / 10),
        st.integers(0, 3_000).map(lambda ms: ms / 1000),
        st.sampled_from(OUTCOMES),
    ),
    max_size=25,
)
"""(workload, label, due, latency, outcome)."""


def tell(recorder: Recorder, end: tuple[Any, ...], id_: int = 1) -> None:
    """One arrival that ended so, sent as soon as it was due."""
    workload, label, due, latency, ended = end
    recorder.issue(workload, 1)
    recorder.end(workload, label, id_, due, due + latency, ended, None if ended == "ok" else f"seen {id_}")
    if ended != "dropped":
        recorder.flow(workload, due, due, due, due + latency)


def deltas_of(ends: Iterable[tuple[Any, ...]], cuts: Iterable[int] = (), edges: Any = CUTS) -> list[Delta]:
    """The deltas of a recorder that was emptied before the ends with these numbers, and at the end."""
    recorder = Recorder(edges, 1)
    found = []
    for id_, end in enumerate(ends):
        if id_ in set(cuts):
            found.append(recorder.take())
        tell(recorder, end, id_)
    return [*found, recorder.take()]


def tally_of(deltas: Iterable[Delta]) -> Tally:
    """The fold."""
    tally = Tally()
    for delta in deltas:
        tally.merge(delta)
    return tally


def state(tally: Tally) -> dict[str, Any]:
    """All that a tally says, as plain values that can be compared."""
    return {
        "calls": {
            key: (cell.outcomes, cell.ok_latency.to_json(), cell.other_latency.to_json())
            for key, cell in tally.calls.items()
        },
        "flows": {
            key: (f.sent, f.reconnects, f.retries, *(s.to_json() for s in (f.lag, f.backlog, f.service)))
            for key, f in tally.flows.items()
        },
        "served": {key: cell.to_json() for key, cell in tally.by_provider.items()},
        "provider_rows": dict(tally.provider_rows),
        "series": tally.series(),
        "examples": list(tally.examples()),
    }


def line(delta: Delta, t: float = 1.0, **more: Any) -> Line:
    """A journal line of a delta."""
    return Line(t, delta, more.pop("issued", {"reads": 1}), more.pop("health", {"stall_ms": 0.5}), **more)
