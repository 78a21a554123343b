"""Rules inside a workload and between a workload and the phases."""

from __future__ import annotations

import re
from collections.abc import Iterator

from battlectl.quantities import format_duration, format_rate
from battlectl.scenario.calls import BatchCall, Call, Expect
from battlectl.scenario.check_equal import check_equal
from battlectl.scenario.draft import Draft
from battlectl.scenario.model import RequestWorkload
from battlectl.scenario.params import check_params
from battlectl.scenario.phases import WARMUP
from battlectl.scenario.places import Mistake, Path
from battlectl.scenario.rates import (
    BurstRate,
    ClosedUsers,
    ConstantRate,
    PoissonRate,
    RampRate,
    Rate,
    StepsRate,
)
from battlectl.scenario.routing import check_routing
from battlectl.scenario.streams import SubscribeWorkload
from battlectl.scenario.wording import nearest

HIGHEST_RATE = 1_000_000.0
LARGEST_BODY = 2**30


def check_load(draft: Draft) -> Iterator[Mistake]:
    """Every mistake of the workloads that are right by themselves."""
    for name, workload in draft.load.items():
        if isinstance(workload, SubscribeWorkload):
            yield from _check_subscribers(("load", name), workload, draft)
        elif workload is not None:
            yield from _check_requests(("load", name), workload, draft)


def _check_subscribers(path: Path, workload: SubscribeWorkload, draft: Draft) -> Iterator[Mistake]:
    yield from _check_phases(path, workload, draft)
    seconds = span(workload, draft)
    if seconds is not None and workload.connect_over >= seconds:
        message = f"the last would come when all is over ({format_duration(seconds)}): shorten it"
        yield Mistake((*path, "connect_over"), message)
    for key in ("clients", "connect_over"):
        if workload.churn is not None and key in workload.model_fields_set:
            yield Mistake((*path, key), "is for clients that hold: leave it away, or `churn`", True)
    if not 0 < workload.max_body <= LARGEST_BODY:
        yield Mistake((*path, "max_body"), 'must be between 1B and 1GiB, try "8MiB"')


def _check_requests(path: Path, workload: RequestWorkload, draft: Draft) -> Iterator[Mistake]:
    yield from _check_phases(path, workload, draft)
    yield from _check_rate((*path, "rate"), workload.rate, span(workload, draft))
    yield from _check_limits(path, workload)
    yield from _check_ways(path, workload)
    yield from check_equal(path, workload, draft.load)
    if workload.routing is not None:
        route = workload.route
        yield from check_routing(workload.routing, route.strategy, route.provider, (*path, "routing"))
    yield from _check_expect((*path, "expect"), workload.expect)
    for call_path, call in calls_of(path, workload):
        for mistake in check_params(call.params, (*call_path, "params")):
            yield Mistake(mistake.path, mistake.message)
        yield from _check_expect((*call_path, "expect"), call.expect)


def calls_of(path: Path, workload: RequestWorkload) -> Iterator[tuple[Path, Call]]:
    """Each call of a workload, those in batches included, with its path."""
    for i, item in enumerate(workload.calls):
        if isinstance(item, BatchCall):
            for j, call in enumerate(item.batch):
                yield (*path, "calls", i, "batch", j), call
        else:
            yield (*path, "calls", i), item


def span(workload: RequestWorkload | SubscribeWorkload, draft: Draft) -> float | None:
    """How long a workload sends, in seconds; None while one of its phases is wrong or unknown."""
    names = workload.phases or tuple(draft.phases)
    lengths = [draft.phases.get(name) for name in names]
    known = [seconds for seconds in lengths if seconds is not None]
    return sum(known) if len(known) == len(names) else None


def _check_phases(
    path: Path, workload: RequestWorkload | SubscribeWorkload, draft: Draft
) -> Iterator[Mistake]:
    order = list(draft.phases)
    unknown = [(i, name) for i, name in enumerate(workload.phases or ()) if name not in order]
    for i, name in unknown:
        yield Mistake((*path, "phases", i), f'there is no phase "{name}"{nearest(name, order)}')
    if workload.phases is None or unknown:
        return
    places = [order.index(name) for name in workload.phases]
    if places != list(range(places[0], places[0] + len(places))):
        message = f"phases follow one another without a gap: keep to neighbours of {', '.join(order)}"
        yield Mistake((*path, "phases"), message)
    elif order[0] == WARMUP and places == [0] and len(order) > 1:
        yield from _check_priming(path, workload, draft)


def _check_priming(
    path: Path, workload: RequestWorkload | SubscribeWorkload, draft: Draft
) -> Iterator[Mistake]:
    """Load of the warm-up alone can show a target how late its providers are, and nothing else."""
    if not draft.warmup_latencies or isinstance(workload, SubscribeWorkload):
        yield Mistake((*path, "phases"), "warmup alone measures nothing: add the phase that follows it")
    elif workload.routing is not None:
        yield Mistake((*path, "routing"), "nothing of a warm-up is judged: leave it away", True)


def _check_rate(path: Path, rate: Rate, seconds: float | None) -> Iterator[Mistake]:
    if isinstance(rate, StepsRate):
        yield from _check_steps((*path, "steps"), rate, seconds)
    elif isinstance(rate, RampRate) and max(rate.ramp) == 0:
        yield Mistake((*path, "ramp"), "a ramp from 0 to 0 sends nothing: raise one end")
    elif isinstance(rate, BurstRate) and seconds is not None and rate.burst.at + rate.burst.for_ > seconds:
        message = f"the burst ends after the workload ({format_duration(seconds)}): start it earlier"
        yield Mistake((*path, "burst"), message, True)
    for place, value in _rates_in(path, rate):
        if value > HIGHEST_RATE:
            yield Mistake(place, f"more than {format_rate(HIGHEST_RATE)} is beyond any one host: lower it")


def _check_steps(path: Path, rate: StepsRate, seconds: float | None) -> Iterator[Mistake]:
    for i, step in enumerate(rate.steps[:-1]):
        if step.for_ is None:
            yield Mistake((*path, i), "only the last step may lack `for`: add e.g. `for: 10s`")
    if max(step.rate for step in rate.steps) == 0:
        yield Mistake(path, "every step is 0/s, nothing is sent: raise one")
    total = sum(step.for_ or 0 for step in rate.steps)
    is_open = rate.steps[-1].for_ is None
    if seconds is None or total < seconds or (total == seconds and not is_open):
        return
    room = f"the steps take {format_duration(total)}, the workload has {format_duration(seconds)}"
    yield Mistake(path, f"{room}{', and the last one needs some' if is_open else ''}: shorten a step", True)


def _rates_in(path: Path, rate: Rate) -> Iterator[tuple[Path, float]]:
    if isinstance(rate, ConstantRate):
        yield path, rate.constant
    elif isinstance(rate, PoissonRate):
        yield (*path, "poisson"), rate.poisson
    elif isinstance(rate, RampRate):
        yield from (((*path, "ramp", i), value) for i, value in enumerate(rate.ramp))
    elif isinstance(rate, StepsRate):
        yield from (((*path, "steps", i, "rate"), step.rate) for i, step in enumerate(rate.steps))
    elif isinstance(rate, BurstRate):
        yield (*path, "burst", "base"), rate.burst.base
        yield (*path, "burst", "peak"), rate.burst.peak


def _check_limits(path: Path, workload: RequestWorkload) -> Iterator[Mistake]:
    flight, connections = workload.max_in_flight, workload.connections
    if isinstance(workload.rate, ClosedUsers) and flight is not None:
        message = "users never have more in flight than there are users: leave it away"
        yield Mistake((*path, "max_in_flight"), message)
    elif flight is not None and connections is not None and connections > flight:
        message = f"more connections than max_in_flight ({flight}) are never used: lower it"
        yield Mistake((*path, "connections"), message)
    if not 0 < workload.max_body <= LARGEST_BODY:
        yield Mistake((*path, "max_body"), 'must be between 1B and 1GiB, try "8MiB"')


def _check_ways(path: Path, workload: RequestWorkload) -> Iterator[Mistake]:
    """Over WebSockets there is one way to send, and it is not HTTP's."""
    if workload.ws is not None:
        for key in ("http", "client", "retries", "ids"):
            if key in workload.model_fields_set:
                yield Mistake((*path, key), "is for requests over HTTP: leave it away, or `ws`", True)


def _check_expect(path: Path, expect: Expect | None) -> Iterator[Mistake]:
    if expect is None:
        return
    about_result = [key for key in ("result", "pattern", "kind") if key in expect.model_fields_set]
    if "error" in expect.model_fields_set and about_result:
        message = f'an answer has an error or a result: keep "error" or "{about_result[0]}"'
        yield Mistake(path, message, True)
    if not expect.model_fields_set:
        yield Mistake(path, "expects nothing: add one such as `kind: quantity`", True)
    yield from _check_pattern((*path, "pattern"), expect.pattern)


def _check_pattern(path: Path, pattern: str | None) -> Iterator[Mistake]:
    try:
        re.compile(pattern or "")
    except (re.error, RecursionError, OverflowError) as error:
        yield Mistake(path, f'no regular expression ({error}): mend it, e.g. "0x[0-9a-f]+"')
