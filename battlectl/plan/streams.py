"""Subscribers as they will come and go.

Rule: when a client comes, and for how long, is a pure function of the workload and its number; what happens
to it then is the target's doing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, NamedTuple

from battlectl.plan.route import Route, plan_route
from battlectl.plan.workload import Window
from battlectl.scenario.streams import Backoff, SubscribeWorkload, Subscription


class Visit(NamedTuple):
    """One client's time, in seconds from the start of the run."""

    client: int
    comes: float
    leaves: float


@dataclass(frozen=True, slots=True)
class Return:
    """How long a client waits before it comes back: `first` seconds, doubled by each failure up to `most`."""

    first: float = 0.0
    most: float = 0.0

    def wait(self, failures: int) -> float:
        """Seconds before the next attempt, after so many that failed in a row."""
        return min(self.first * 2.0 ** min(failures, 60), self.most)


@dataclass(frozen=True, slots=True)
class PlannedStreams:
    """One workload of subscribers with every default filled in; times in seconds from the start of the run.

    `params` are those of eth_subscribe after the kind; without `reconnect` nobody comes back.
    """

    name: str
    route: Route
    window: Window
    kind: str
    params: tuple[Any, ...]
    clients: int
    subscriptions: int
    connect_over: float
    churn_rate: float | None
    stay: tuple[float, float]
    reconnect: Return | None
    read_pause: float
    ping_every: float
    timeout: float
    stall_after: float
    newest_only: bool
    max_body: int
    seed: str

    def visits(self) -> Iterator[Visit]:
        """Every client in the order in which they come."""
        return self._steady() if self.churn_rate is None else self._churning(self.churn_rate)

    def _steady(self) -> Iterator[Visit]:
        for client in range(self.clients):
            comes = self.window.start + self.connect_over * client / self.clients
            yield Visit(client, comes, self.window.end)

    def _churning(self, rate: float) -> Iterator[Visit]:
        draw = Random(f"{self.seed}/stay")
        for client in count():
            comes = self.window.start + client / rate
            if comes >= self.window.end:
                return
            yield Visit(client, comes, min(comes + draw.uniform(*self.stay), self.window.end))


def plan_streams(name: str, workload: SubscribeWorkload, seed: str, window: Window) -> PlannedStreams:
    """The plan of a workload of subscribers; `window` is when they are wanted."""
    churn, reconnect = workload.churn, workload.reconnect
    return PlannedStreams(
        name=name,
        route=plan_route(workload.ws),
        window=window,
        kind=workload.subscribe.kind,
        params=_params(workload.subscribe),
        clients=workload.clients,
        subscriptions=workload.subscriptions,
        connect_over=workload.connect_over,
        churn_rate=None if churn is None else churn.rate,
        stay=(0.0, 0.0) if churn is None else churn.stay,
        reconnect=Return(reconnect.first, reconnect.most)
        if isinstance(reconnect, Backoff)
        else Return()
        if reconnect == "immediate"
        else None,
        read_pause=workload.read_pause,
        ping_every=workload.ping_every,
        timeout=workload.timeout,
        stall_after=workload.stall_after,
        newest_only=workload.newest_only,
        max_body=workload.max_body,
        seed=seed,
    )


def _params(subscription: Subscription) -> tuple[Any, ...]:
    logs = subscription.logs
    if logs is None:
        return ()
    return ({name: value for name, value in logs.model_dump(mode="json").items() if value is not None},)


@dataclass(frozen=True, slots=True)
class StreamFrame:
    """What the analysis needs of such a workload; times in seconds."""

    name: str
    kind: str
    start: float
    end: float
    clients: int | None
    subscriptions: int
    stall_after: float
    settings: Mapping[str, Any]
    route: Mapping[str, str] = field(default_factory=dict)


def frame_streams(planned: PlannedStreams) -> StreamFrame:
    """The frame of a workload; `clients` is None for those who come and go."""
    return StreamFrame(
        name=planned.name,
        kind=planned.kind,
        start=planned.window.start,
        end=planned.window.end,
        clients=planned.clients if planned.churn_rate is None else None,
        subscriptions=planned.subscriptions,
        stall_after=planned.stall_after,
        settings={
            "params": list(planned.params),
            "connect_over_s": planned.connect_over,
            "churn_per_s": planned.churn_rate,
            "stay_s": list(planned.stay),
            "reconnects": planned.reconnect is not None,
            "read_pause_s": planned.read_pause,
            "ping_every_s": planned.ping_every,
            "newest_only": planned.newest_only,
        },
        route=planned.route.words,
    )
