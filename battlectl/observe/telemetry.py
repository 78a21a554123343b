"""What a target tells of itself, and what its client had seen at the same moments.

Rule: None is unsaid, and never zero. Counters are kept as they were told; nothing here says whom to believe
(analyse does). What a target makes up fills no memory: names and texts are cut, and so is their number.
Times are in seconds from the start of the run.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

MOST_NAMES = 50
"""Providers and breakers that are kept of one page."""
MOST_NAME = 120
PROCESS = "process"
"""The source of samples, among those of readings."""
LARGEST = 2**62

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProviderTold:
    """Of one provider since the target began to count: requests that were tried there, and what came of it.

    `latency_s` is a mean.
    """

    attempts: int | None = None
    served: int | None = None
    errors: int | None = None
    latency_s: float | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What one page says. Without `providers` it is silent about them; one that is not listed had nothing.

    `breakers` are by provider, or provider and transport with a colon between. Latencies are by statistic.
    """

    requests: int | None = None
    failures: int | None = None
    success_ratio: float | None = None
    latency_s: Mapping[str, float] = field(default_factory=dict)
    providers: Mapping[str, ProviderTold] | None = None
    breakers: Mapping[str, str] = field(default_factory=dict)
    memory_bytes: int | None = None
    processes: int | None = None
    uptime_s: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing that anything could be compared with."""
        return self == Told()


@dataclass(frozen=True, slots=True)
class ClientSeen:
    """The client's own counts since the start: requests, a batch being one.

    `finished` had been sent and ended; `again` are resends and retries; `named` are those that ended ok, by
    the provider that their reply names, `extra` the attempts beyond the first that replies tell of, `untold`
    the requests whose reply says no number of attempts or never came; `unnamed_bad` got an error that names
    no provider. `plain` ended ok where replies name nobody, of calls that a target does not answer itself.
    `closed` are the replies that told the breaker of their provider to be closed, by provider.
    """

    finished: int = 0
    again: int = 0
    named: Mapping[str, int] = field(default_factory=dict)
    extra: int = 0
    untold: int = 0
    unnamed_bad: int = 0
    plain: int = 0
    closed: Mapping[str, int] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        """Requests that some provider answered for certain."""
        return sum(self.named.values()) + self.plain


@dataclass(frozen=True, slots=True)
class Reading:
    """One page at one moment: asked for at `t`, there by `until`.

    `before` is what the client had seen when it asked, `after` when it had the answer; `open` is how many
    arrivals were under way then, and `own` how many calls battlectl itself had made beside the load.
    """

    t: float
    until: float
    source: str
    told: Told
    before: ClientSeen = field(default_factory=ClientSeen)
    after: ClientSeen = field(default_factory=ClientSeen)
    open: int = 0
    own: int = 0

    @property
    def most_sent(self) -> int:
        """Requests that may have reached the target by then."""
        return self.after.finished + self.after.again + self.open


@dataclass(frozen=True, slots=True)
class ProcessSample:
    """The target's processes as the system sees them: the memory of all, and how many they are.

    `files` are those that they have open, connections among them; None where the system does not say.
    """

    t: float
    memory_bytes: int
    processes: int
    files: int | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """Polls of a source that gave nothing, and why the last did not; `is_absent`: there is no such page."""

    times: int
    why: str
    is_absent: bool = False


@dataclass(frozen=True, slots=True)
class FailedPoll:
    """A source gave nothing just now: what is known of its failures with this one."""

    source: str
    failed: Failed


Entry: TypeAlias = Reading | ProcessSample | FailedPoll
"""What is written down as it comes."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """All that was told in a run, in order of time; `every` is the time from poll to poll.

    `is_sole`: nobody else uses the target. `tells_rss`: the memory that it tells is that of its process.
    `asked` are the sources, `optional` those that not every revision of the target has.
    """

    readings: tuple[Reading, ...] = ()
    samples: tuple[ProcessSample, ...] = ()
    failed: Mapping[str, Failed] = field(default_factory=dict)
    every: float = 1.0
    is_sole: bool = False
    tells_rss: bool = False
    asked: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    @property
    def was_asked(self) -> bool:
        """Whether there was anything to ask."""
        return bool(self.readings or self.samples or self.failed or self.asked)


def whole(value: object) -> int | None:
    """A count as it was told: a whole number of zero or more, in digits or as a number; else None."""
    number = real(value)
    return int(number) if number is not None and number == int(number) else None


def real(value: object) -> float | None:
    """A figure as it was told: finite and not negative; else None."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 <= value < LARGEST else None


def few(items: Iterable[tuple[object, T]]) -> dict[str, T]:
    """As many as are kept, under names that are text."""
    kept: dict[str, T] = {}
    for name, value in items:
        if isinstance(name, str) and name and len(kept) < MOST_NAMES:
            kept[name[:MOST_NAME]] = value
    return kept
