"""Subscribers as they will come and go.

Rule: when a client comes, and for how long, is a pure function of the workload and its number; what happens
to it then is the target's doing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any, NamedTuple

from battlectl.plan.workload import Window


class Visit(NamedTuple):
    """One client's time, in seconds from the start of the run."""

    client: int
    comes: float
    leaves: float


@dataclass(frozen=True, slots=True)
class Return:
    """How a client comes back after its socket ended: never, or after waits that double up to `most`."""

    comes_back: bool
    first: float = 0.0
    most: float = 0.0

    def wait(self, failures: int) -> float:
        """Seconds before the next attempt after so many that failed."""
        return min(self.first * 2.0 ** min(failures, 60), self.most)


@dataclass(frozen=True, slots=True)
class PlannedStreams:
    """One workload of subscriptions with every default filled in. `params` are those of eth_subscribe."""

    name: str
    index: int
    path: str | None
    headers: tuple[tuple[str, str], ...]
    window: Window
    kind: str
    params: tuple[Any, ...]
    clients: int
    subscriptions: int
    connect_over: float
    churn_rate: float | None
    stay: tuple[float, float]
    reconnect: Return
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
            "reconnects": planned.reconnect.comes_back,
            "read_pause_s": planned.read_pause,
            "ping_every_s": planned.ping_every,
            "newest_only": planned.newest_only,
        },
    )
