"""What a campaign has seen so far: deeds, probes, counts, in seconds from the start of the run.

Rule: a probe counts as one of the provider's calls from the moment it is sent, until it is known that it was
never read: what is said to have touched the load must not be a question of ours.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import trio

from battlectl.chaos.driver import Driver
from battlectl.chaos.probe import Answer, Prober
from battlectl.observe import outcome
from battlectl.observe.faults import Campaign, Count, Deed, LeaseLost, Probe
from battlectl.plan.once import is_once

UNREAD = frozenset({"kill", "flap", "restart", "partition"})
"""Kinds under which a question without an answer was not read by the provider."""
NEVER_SENT = frozenset({outcome.REFUSED, outcome.UNRESOLVED, outcome.TLS})
PROBE_METHOD = "eth_blockNumber"
TELLING_METHODS = {
    "missing_logs": "eth_getLogs",
    "inconsistent_views": "eth_getLogs",
    "null_near_tip": "eth_getBlockByNumber",
    "reorg": "eth_getBlockByNumber",
}
"""Kinds that are not seen in the answer to `PROBE_METHOD`."""

Key = tuple[str, str]
"""(fault, provider)"""
Record = Callable[[Deed], Awaitable[None]]
"""Returns when the disk has the deed; OSError when it cannot be had there."""


def method_for(kind: str, attributes: object) -> str:
    """The method whose answer shows such a fault; never one that does something each time."""
    methods = attributes.get("methods") if isinstance(attributes, dict) else None
    harmless = [str(method) for method in methods or () if not is_once(method)]
    return harmless[0] if harmless else TELLING_METHODS.get(kind, PROBE_METHOD)


class _Tally(NamedTuple):
    """Of one provider at its last count: its generation, what was asked before that began, and so far."""

    generation: int
    before: int
    sent: int


class CampaignRecord:
    """Mutable: it is an accumulator. Before the start is known times are kept on trio's clock."""

    def __init__(self, driver: Driver, prober: Prober) -> None:
        self._driver = driver.name
        self._counts_probes = driver.counts_probes
        self._prober = prober
        self.start = math.nan
        self.deeds: list[Deed] = []
        self.in_force: dict[Key, str] = {}
        """Kinds, from the beginning of an injection until its driver says that it is healed."""
        self.leftovers: dict[Key, str] = {}
        self.well: dict[str, bool] = {}
        """Whether a provider answered when it was last asked while no fault of ours was in force there."""
        self._probes: list[Probe] = []
        self._counts: list[Count] = []
        self._lost: list[LeaseLost] = []
        self._sent: Counter[str] = Counter()
        self._answers: dict[tuple[str, str], bool] = {}
        self._tallies: dict[str, _Tally] = {}

    def begin(self, start: float) -> None:
        """The run starts then, on trio's clock: what was seen before it gets its time too."""
        self.start = start
        self._probes = [replace(probe, t=round(probe.t - start, 6)) for probe in self._probes]
        self._counts = [replace(count, t=round(count.t - start, 6)) for count in self._counts]

    def now(self) -> float:
        """Seconds from the start of the run."""
        return trio.current_time() - self.start

    async def ask(self, provider: str, line: str, method: str, deadline: float = math.inf) -> Answer | None:
        """One probe, kept in the record, given up at `deadline` on trio's clock; None without an address."""
        if not self._prober.knows(provider):
            return None
        began = trio.current_time()
        self._sent[provider] += 1
        answer = Answer(outcome.TIMEOUT, 0.0, "no answer until it was given up")
        with trio.CancelScope(deadline=deadline) as patience:
            answer = await self._prober.ask(provider, line, method)
        if patience.cancelled_caught:
            answer = replace(answer, seconds=trio.current_time() - began)
        self._sent[provider] -= not self._was_read(provider, answer.outcome)
        connection: Literal["new", "kept"] = "kept" if line else "new"
        label, seconds = answer.outcome, round(answer.seconds, 6)
        self._probes.append(Probe(self._moment(began), provider, connection, label, seconds, answer.seen))
        if line:
            self._answers[provider, line] = outcome.outcome_of(label) in outcome.ANSWERED
        elif not self.is_broken(provider):
            self.well[provider] = label == outcome.OK
        return answer

    def _was_read(self, provider: str, label: str) -> bool:
        plain = outcome.outcome_of(label)
        if plain in outcome.ANSWERED:
            return True
        kinds = {kind for (_, where), kind in self.in_force.items() if where == provider}
        return plain not in NEVER_SENT and not kinds & UNREAD and plain != outcome.CLOSED

    def is_kept(self, provider: str, line: str) -> bool:
        """Whether that connection is open: the last question on it was answered."""
        return self._answers.get((provider, line), False)

    def is_broken(self, provider: str) -> bool:
        """Whether a fault of ours is in force there."""
        return any(where == provider for _, where in self.in_force)

    async def let_go(self, provider: str, line: str) -> None:
        """Close a kept connection."""
        await self._prober.let_go(provider, line)

    def add_counts(self, counts: Sequence[Count]) -> None:
        """What providers counted just now. After a restart, which begins anew, what was asked since the
        count before is taken for ours."""
        for count in counts:
            sent = self._sent[count.provider] if self._counts_probes else 0
            tally = self._tallies.get(count.provider, _Tally(count.generation, 0, sent))
            before = tally.before if tally.generation == count.generation else tally.sent
            self._tallies[count.provider] = _Tally(count.generation, before, sent)
            self._counts.append(replace(count, t=self._moment(trio.current_time()), probes=sent - before))

    def add_loss(self, note: str) -> None:
        """The lease is gone."""
        self._lost.append(LeaseLost(round(self.now(), 6), note))

    def campaign(self) -> Campaign:
        """Everything, in order of time; of a run that never started, from now."""
        if math.isnan(self.start):
            self.begin(trio.current_time())
        return Campaign(
            driver=self._driver,
            deeds=tuple(self.deeds),
            probes=tuple(sorted(self._probes, key=lambda probe: probe.t)),
            counts=tuple(self._counts),
            lost=tuple(self._lost),
            leftovers=tuple(self.leftovers.values()),
        )

    def _moment(self, at: float) -> float:
        """In seconds from the start once that is known; `begin` sets right what came before."""
        return at if math.isnan(self.start) else round(at - self.start, 6)
