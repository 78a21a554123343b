"""Who served a request, as the reply itself says, and the cells that count it.

Rule: one request is counted once, under the provider that its last reply names. What no reply said is not
observable: it stands under a name in brackets, which no provider can have, and is never guessed. A batch is
one request here, ok when all of it is; a request that was dropped was none.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from battlectl.observe.sketch import Sketch

UNNAMED = "(none named)"
"""A reply came and named no provider: the target answered by itself, or nobody could."""
UNANSWERED = "(no reply)"
"""No reply came that could name one: a timeout, a refusal, a reset."""
OTHERS = "(other)"
"""A name beyond those that are kept apart, or one that is none."""
OWN_NAMES = frozenset({UNNAMED, UNANSWERED, OTHERS})

SKETCHES_GONE = 99
"""In `ServedCell.coarse`: a journal line had room for the counts alone."""


class Served(NamedTuple):
    """What one reply says: its provider, and how many attempts it took, the first included; None: unsaid.

    `hops` are the providers that had to be asked, one after another, where that is said too: a second
    transport of the same one or a hedge is an attempt and no failover. None: each attempt may be a hop.
    `upstream` is how long that provider took, in seconds; None where that is not said. `breaker` is the state
    of its breaker when it was asked, one of `STATES` and "ws:" before it where it was asked over a WebSocket;
    "" where that is not said.
    """

    provider: str = UNNAMED
    attempts: int | None = None
    hops: int | None = None
    upstream: float | None = None
    breaker: str = ""

    @property
    def is_failover(self) -> bool:
        """Whether more than one provider had to be asked, as far as was said."""
        steps = self.attempts if self.hops is None else self.hops
        return steps is not None and steps > 1


STATES = frozenset({"closed", "open", "half_open"})
"""Of breakers, as replies tell them."""
OVER_WS = "ws:"

FIRST = Served("")
"""In place of the reply before on a connection that had none."""

GRAIN = 0.002
"""Seconds by which a told latency may be longer than it was: whole milliseconds, read twice and rounded."""
SKEW = 0.01
"""The part by which it may be, besides: the target's clock is another one."""


def is_longer(upstream: float, took: float) -> bool:
    """Whether a provider cannot have taken so long within an exchange that took us `took` seconds in all."""
    return upstream > took * (1 + SKEW) + GRAIN


class ServedKey(NamedTuple):
    """Where a request that was served is counted."""

    workload: str
    provider: str
    segment: int
    slice: int


class ServedRow(NamedTuple):
    """One slice of one provider's series."""

    requests: int = 0
    ok: int = 0
    failovers: int = 0

    def plus(self, requests: int, ok: int, failovers: int) -> ServedRow:
        """The row with so many more."""
        return ServedRow(self.requests + requests, self.ok + ok, self.failovers + failovers)


class ServedCell:
    """The requests of one provider. Mutable: it is an accumulator.

    `firsts` are the first replies of their connections, `paired` the others, `same` those of them whose
    provider served the one before too; all 0 where connections are not told apart.
    `told` are those whose reply said how many attempts they took, `attempts` the sum of what was said,
    `extra` the attempts beyond the first, `failovers` the requests for which more than one provider had to be
    asked. Without `told` the other three say nothing. `latency` is over answered and timed-out requests,
    `failover_latency` over the failovers among them; `coarse` is the most bits that the sketches lost in a
    journal, or `SKETCHES_GONE`.
    `upstream` are the latencies that replies told of their provider; `longer` of them were more than the
    whole exchange, `longest` is the one furthest beyond it, beside what that exchange took. `states` are the
    states of its breaker, and in how many replies each was told.
    """

    __slots__ = (
        "attempts",
        "coarse",
        "extra",
        "failover_latency",
        "failovers",
        "firsts",
        "latency",
        "longer",
        "longest",
        "ok",
        "paired",
        "requests",
        "same",
        "states",
        "told",
        "upstream",
    )

    def __init__(self) -> None:
        self.requests = 0
        self.ok = 0
        self.told = 0
        self.attempts = 0
        self.extra = 0
        self.failovers = 0
        self.firsts = 0
        self.paired = 0
        self.same = 0
        self.coarse = 0
        self.latency = Sketch()
        self.failover_latency = Sketch()
        self.upstream = Sketch()
        self.longer = 0
        self.longest = (0.0, 0.0)
        self.states: dict[str, int] = {}

    def tell(self, upstream: float, took: float) -> None:
        """A reply told how long its provider took; the exchange took us so long."""
        self.upstream.record(upstream)
        if is_longer(upstream, took):
            self.longer += 1
            self.longest = max(self.longest, (upstream, took), key=_beyond)

    def merge(self, other: ServedCell) -> None:
        """Add all of another cell."""
        self._add_numbers(other)
        self.latency.merge(other.latency)
        self.failover_latency.merge(other.failover_latency)
        self.upstream.merge(other.upstream)

    def _add_numbers(self, other: ServedCell) -> None:
        self.requests += other.requests
        self.ok += other.ok
        self.told += other.told
        self.attempts += other.attempts
        self.extra += other.extra
        self.failovers += other.failovers
        self.firsts += other.firsts
        self.paired += other.paired
        self.same += other.same
        self.longer += other.longer
        self.longest = max(self.longest, other.longest, key=_beyond)
        for state, number in other.states.items():
            self.states[state] = self.states.get(state, 0) + number
        self.coarse = max(self.coarse, other.coarse)

    def coarser(self, bits: int) -> ServedCell:
        """The same with sketches that lost so many bits of mantissa, or with none at `SKETCHES_GONE`."""
        if not bits:
            return self
        result = ServedCell()
        result._add_numbers(self)
        result.coarse = max(self.coarse, bits)
        if bits < SKETCHES_GONE:
            result.latency = self.latency.coarser(bits)
            result.failover_latency = self.failover_latency.coarser(bits)
            result.upstream = self.upstream.coarser(bits)
        return result

    def to_json(self) -> list[Any]:
        """The whole cell: its numbers, then its sketches."""
        numbers = [self.requests, self.ok, self.told, self.attempts, self.extra, self.failovers, self.coarse]
        if self.firsts or self.paired:
            numbers += [self.firsts, self.paired, self.same]
        told = [[self.longer, *self.longest], self.upstream.to_json(), dict(sorted(self.states.items()))]
        is_told = self.upstream.count or self.longer or self.states
        return [numbers, self.latency.to_json(), self.failover_latency.to_json(), *(told if is_told else ())]

    @classmethod
    def from_json(cls, stored: list[Any]) -> ServedCell:
        """The cell that `to_json` wrote."""
        result = cls()
        numbers, latency, failover_latency, *told = stored
        result.requests, result.ok, result.told, result.attempts = numbers[:4]
        result.extra, result.failovers, result.coarse = numbers[4:7]
        result.firsts, result.paired, result.same = numbers[7:] or (0, 0, 0)
        result.latency = Sketch.from_json(latency)
        result.failover_latency = Sketch.from_json(failover_latency)
        if told:
            (result.longer, *longest), upstream, states = told
            result.longest, result.upstream = (longest[0], longest[1]), Sketch.from_json(upstream)
            result.states = dict(states)
        return result


def _beyond(pair: tuple[float, float]) -> tuple[float, ...]:
    """Of two that are as far beyond, the same one whichever comes first."""
    return pair[0] - pair[1], *pair
