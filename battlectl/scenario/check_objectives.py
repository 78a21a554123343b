"""Rules between the objectives and the rest: their windows, their scopes, and whether they mean anything."""

from __future__ import annotations

from collections.abc import Iterator

from battlectl.quantities import format_duration
from battlectl.scenario.chaos_names import fault_names, fault_windows, is_fault_window
from battlectl.scenario.check_load import calls_of
from battlectl.scenario.draft import Draft, Promise
from battlectl.scenario.metrics import scope_kind
from battlectl.scenario.model import ObjectiveOptions, RequestWorkload
from battlectl.scenario.objectives import ORIGINAL_NAMES, Objective, original_objective
from battlectl.scenario.places import Mistake
from battlectl.scenario.salvage import UNREADABLE
from battlectl.scenario.streams import SubscribeWorkload
from battlectl.scenario.wording import nearest

AnyWorkload = RequestWorkload | SubscribeWorkload
MEASURED = ("duration", "rate")
BOUNDED_BY_TIMEOUT = ("latency", "ok_latency", "service", "backlog")


def check_objectives(draft: Draft) -> Iterator[Mistake]:
    """Every mistake of the objectives that can be read, and of the original names."""
    yield from _check_originals(draft)
    for promise in draft.promises:
        yield from _check_window(promise, draft)
        yield from _check_scope(promise, draft)
        yield from _check_value(promise)
        yield from _check_timeout(promise, draft)
        yield from _check_grace(promise, draft)
    yield from _check_repeats(draft)


def _check_originals(draft: Draft) -> Iterator[Mistake]:
    for name, number in draft.originals.items():
        is_number = isinstance(number, int | float) and not isinstance(number, bool) and number >= 0
        try:
            original_objective(name, number if is_number else 0)
        except ValueError as error:
            yield Mistake(("objectives", name), str(error), at_key=name not in ORIGINAL_NAMES)


def _check_window(promise: Promise, draft: Draft) -> Iterator[Mistake]:
    window, of_faults = promise.objective.window, fault_windows(draft)
    known = dict.fromkeys(["run", *draft.phases, *(of_faults or {})])
    if of_faults is None and is_fault_window(window):
        return
    if window not in known:
        yield Mistake(promise.path, f'there is no window "{window}"{nearest(window, known)}')
    elif (of_faults or {}).get(window) == ():
        message = f'"{window}" has no time, the next fault or the end follows at once: choose another window'
        yield Mistake(promise.path, message)
    elif not any(_sends_in(workload, window, draft) for workload in _meant(promise.objective, draft)):
        who = promise.objective.scope or "any workload"
        yield Mistake(promise.path, f"nothing of {who} is sent in {window}: choose another window")


def _meant(objective: Objective, draft: Draft) -> list[AnyWorkload | None]:
    """The workloads that an objective is about, None for what cannot be said."""
    kind = scope_kind(objective.metric)
    scope = (objective.scope or "").split("/", 1)[0] if kind in ("workload", "stream") else ""
    meant: list[AnyWorkload | None] = [
        workload
        for name, workload in draft.load.items()
        if (not scope or name == scope) and (workload is None or _subscribes(workload) == (kind == "stream"))
    ]
    return meant or [None]


def _subscribes(workload: AnyWorkload) -> bool:
    return isinstance(workload, SubscribeWorkload)


def _sends_in(workload: AnyWorkload | None, window: str, draft: Draft) -> bool:
    if workload is None or workload.phases is None:
        return True
    if is_fault_window(window):
        return _overlaps(workload.phases, window, draft)
    return window in workload.phases if window != "run" else set(workload.phases) != {"warmup"}


def _overlaps(phases: tuple[str, ...], window: str, draft: Draft) -> bool:
    stretches, edges = (fault_windows(draft) or {}).get(window), draft.edges
    if stretches is None or edges is None:
        return True
    sent = [edges[name] for name in phases if name in edges]
    return any(start < to and begin < end for start, end in stretches for begin, to in sent)


def _check_scope(promise: Promise, draft: Draft) -> Iterator[Mistake]:
    if scope_kind(promise.objective.metric) in ("workload", "stream"):
        yield from _check_workload(promise, draft)
    elif scope_kind(promise.objective.metric) == "fault":
        yield from _check_fault(promise, draft)


def _check_workload(promise: Promise, draft: Draft) -> Iterator[Mistake]:
    """That there is such a workload, and that it is of the sort that the metric is about.

    An original name asks for what its framework had, whatever is sent: it is judged inconclusive instead.
    """
    metric, scope = promise.objective.metric, promise.objective.scope
    is_of_streams = scope_kind(metric) == "stream"
    loads: dict[str, AnyWorkload | None] = {**draft.load}
    fitting = [name for name, w in loads.items() if w is None or _subscribes(w) == is_of_streams]
    name = (scope or "").partition("/")[0]
    if loads and not fitting and promise.path[1] in ORIGINAL_NAMES:
        return
    if loads and not fitting:
        yield Mistake(promise.path, f'"{metric}" is about {_WHAT[is_of_streams]}')
    elif scope is not None and name not in loads:
        yield Mistake(promise.path, f'there is no workload "{name}"{nearest(name, fitting)}')
    elif scope is not None and name not in fitting:
        other = nearest(name, fitting)
        yield Mistake(promise.path, f'"{metric}" cannot be about "{name}"{other}')
    elif scope is not None and "/" in scope:
        yield from _check_call(promise, scope, loads[name])


_WHAT = {
    True: "subscribers, and none are in `load`: add `heads: {subscribe: newHeads}`, or leave it away",
    False: "requests, and `load` sends none: add `reads: {rate: 50/s, calls: [eth_blockNumber]}`",
}


def _check_call(promise: Promise, scope: str, workload: AnyWorkload | None) -> Iterator[Mistake]:
    name, _, label = scope.partition("/")
    if not isinstance(workload, RequestWorkload):
        return
    labels = dict.fromkeys(call.label for _, call in calls_of((), workload))
    if label not in labels and UNREADABLE not in labels:
        yield Mistake(promise.path, f'"{name}" has no call "{label}"{nearest(label, labels)}')


def _check_fault(promise: Promise, draft: Draft) -> Iterator[Mistake]:
    name, known = promise.objective.scope or "", fault_names(draft)
    if known is not None and name not in known:
        way_out = nearest(name, known) if known else ", and none at all: leave it away"
        yield Mistake(promise.path, f'there is no fault "{name}"{way_out}')


def _check_value(promise: Promise) -> Iterator[Mistake]:
    objective = promise.objective
    highest = 1.0 if objective.unit == "ratio" else float("inf")
    op, value = objective.op, objective.value
    if (op == "<" and value == 0) or (op == ">" and value >= highest):
        yield Mistake(promise.path, f'"{objective.text}" can never hold: choose another value')
    elif (op == ">=" and value == 0) or (op == "<=" and value >= highest):
        yield Mistake(
            promise.path, f'"{objective.text}" always holds and proves nothing: choose another value'
        )
    elif op in ("==", "!=") and objective.unit in MEASURED:
        yield Mistake(
            promise.path, f'a measured value is never exactly equal: write "<=" or ">=", not "{op}"'
        )


def _check_timeout(promise: Promise, draft: Draft) -> Iterator[Mistake]:
    """A timed-out arrival took as long as the timeout: beyond it a limit on latency cannot fail."""
    objective = promise.objective
    timeouts = [workload.timeout for workload in _meant(objective, draft) if workload is not None]
    if objective.metric not in BOUNDED_BY_TIMEOUT or objective.op not in ("<", "<=") or not timeouts:
        return
    longest = max(timeouts)
    if objective.value > longest or (objective.value == longest and objective.op == "<="):
        shown = format_duration(longest)
        message = (
            f'"{objective.text}" always holds, as what times out counts as {shown}: try a limit below that'
        )
        yield Mistake(promise.path, message)


def _check_grace(promise: Promise, draft: Draft) -> Iterator[Mistake]:
    if "grace" not in promise.options or not promise.options <= ObjectiveOptions.model_fields.keys():
        return  # a misspelt abort_on_fail is reported by itself
    objective, path = promise.objective, (*promise.path[:-1], "grace")
    if not objective.abort_on_fail:
        yield Mistake(path, "delays only an abort: add `abort_on_fail: true`, or leave it away")
    length = _length_of(objective.window, draft)
    if length is not None and objective.grace >= length:
        message = f"is as long as its window ({format_duration(length)}), it would never abort: shorten it"
        yield Mistake(path, message)


def _length_of(window: str, draft: Draft) -> float | None:
    """From the start of a window to its end, in seconds; None when that cannot be said."""
    if is_fault_window(window):
        stretches = (fault_windows(draft) or {}).get(window)
        return stretches[-1][1] - stretches[0][0] if stretches else None
    return draft.duration if window == "run" else draft.phases.get(window)


def _check_repeats(draft: Draft) -> Iterator[Mistake]:
    seen: set[tuple[object, ...]] = set()
    for promise in draft.promises:
        o = promise.objective
        same = (o.metric, o.scope, o.stat, o.op, o.value, o.window)
        if same in seen:
            yield Mistake(promise.path, f'"{o.text}" is there twice: remove one')
        seen.add(same)
