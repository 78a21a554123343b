"""The frame of a run: what the analysis needs of a plan, small enough to be stored with every result.

Rule: verdicts are drawn from the frame and the counts alone, so a stored run can be judged again without the
scenario, its feeds or its secrets.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from battlectl.plan.injection import Injection
from battlectl.plan.once import is_once
from battlectl.plan.pacing import Poisson, Users
from battlectl.plan.routing import BreakerFrame, Expectation, ProviderFrame
from battlectl.plan.streams import StreamFrame
from battlectl.plan.workload import PlannedWorkload, Window, arrivals_digest, count_arrivals
from battlectl.scenario.objectives import Objective

RUN = "run"
"""The window of whole-run objectives."""


@dataclass(frozen=True, slots=True)
class WorkloadFrame:
    """One workload: times in seconds, rates per second. `arrivals` is None where they cannot be known.

    `route` are the words by which it says where it goes: `plan.route.Route`. `once` are the labels of calls
    that must be done once.
    """

    name: str
    labels: tuple[str, ...]
    model: str
    start: float
    end: float
    expected_requests: float | None
    peak_rate: float | None
    users: int | None
    arrivals: int | None
    timeout: float
    max_in_flight: int
    connections: int
    retries: int
    client: str
    digest: str
    route: Mapping[str, str] = field(default_factory=dict)
    twin_of: str | None = None
    routing: Expectation | None = None
    once: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """See the rule. `cuts` are the edges of segments, `slice_width` the grain of the series in seconds.

    `providers` and `breaker` are what the target's config says of them.
    """

    name: str
    description: str
    tags: tuple[str, ...]
    seed: int
    phases: tuple[Window, ...]
    windows: Mapping[str, Window]
    cuts: tuple[float, ...]
    slice_width: int
    workloads: tuple[WorkloadFrame, ...]
    objectives: tuple[Objective, ...]
    checks: Mapping[str, str]
    max_lag: float
    safety: str
    injections: tuple[Injection, ...] = ()
    streams: tuple[StreamFrame, ...] = ()
    max_stream_lag: float = 0.1
    providers: tuple[ProviderFrame, ...] = ()
    breaker: BreakerFrame | None = None

    @property
    def run(self) -> Window:
        """The window of whole-run objectives: everything after warm-up."""
        return self.windows[RUN]

    @property
    def duration(self) -> float:
        """Planned seconds from the start to the end of the last phase."""
        return self.phases[-1].end

    @property
    def all_segments(self) -> range:
        """Every segment, warm-up included."""
        return range(len(self.cuts) - 1)

    def segments(self, window: Window) -> Sequence[int]:
        """The segments that make up a window, in order; its edges are among the cuts."""
        parts = [self._between(start, end) for start, end in window.stretches]
        return parts[0] if len(parts) == 1 else tuple(chain.from_iterable(parts))

    def _between(self, start: float, end: float) -> range:
        return range(bisect_left(self.cuts, start), min(bisect_left(self.cuts, end), len(self.cuts) - 1))


def frame_workload(workload: PlannedWorkload) -> WorkloadFrame:
    """The frame of a workload; counts its arrivals, which takes about a microsecond each."""
    pacing = workload.pacing
    closed = isinstance(pacing, Users)
    items = [item for request in workload.requests for item in request.items]
    labels = dict.fromkeys(item.label for item in items)
    return WorkloadFrame(
        name=workload.name,
        labels=tuple(labels),
        model="closed" if closed else "poisson" if isinstance(pacing, Poisson) else "open",
        start=workload.window.start,
        end=workload.window.end,
        expected_requests=None if isinstance(pacing, Users) else pacing.expected,
        peak_rate=None if isinstance(pacing, Users) else pacing.peak,
        users=pacing.users if isinstance(pacing, Users) else None,
        arrivals=count_arrivals(workload),
        timeout=workload.timeout,
        max_in_flight=workload.max_in_flight,
        connections=workload.connections,
        retries=workload.retries,
        client=workload.client,
        digest=arrivals_digest(workload),
        route=workload.route.words,
        twin_of=workload.twin_of,
        routing=workload.routing,
        once=tuple(dict.fromkeys(item.label for item in items if is_once(item.method))),
    )
