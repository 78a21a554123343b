"""The test twin of a driver: providers in memory, in trio's time, and told to lie where a test says so.

Rule: without a script it does what it says. `script(action, n, subject)` is asked before each action, n
counting the calls of that action from 1, and answers with a `Turn`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import trio

from battlectl.chaos.driver import DriverError, Impossible, InForce, Order, Undo
from battlectl.observe.faults import Count


@dataclass(frozen=True, slots=True)
class Turn:
    """How one call goes: first `seconds` (inf: for ever), then the error, then what it does or only says."""

    seconds: float = 0.0
    error: Exception | None = None
    lies: bool = False


AS_TOLD = Turn()
LIE = Turn(lies=True)
HANG = Turn(seconds=float("inf"))


def fail(reason: str = "no such thing") -> Turn:
    """A turn that ends in a DriverError."""
    return Turn(error=DriverError(reason))


Script = Callable[[str, int, Any], Turn]


@dataclass
class ScriptedDriver:
    """Mutable: it is a small world. `told` has every call in order, as (time, action, subject)."""

    providers: Sequence[str] = ("provider_a", "provider_b", "provider_c")
    script: Script = lambda action, n, subject: AS_TOLD
    stacks: bool = True
    impossible: Mapping[str, str] = field(default_factory=dict)
    name: str = "scripted"
    counts_probes: bool = True
    lost: str | None = None
    generation: int = 1
    faults: dict[tuple[str, str], str] = field(default_factory=dict)
    """(provider, fault) -> kind, of what is in force."""
    calls: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    told: list[tuple[float, str, Any]] = field(default_factory=list)
    _turns: Counter[str] = field(default_factory=Counter)

    def resource(self, order: Order) -> str:
        """Nothing, or the provider when it does not stack."""
        return "" if self.stacks else order.provider

    async def check(self, orders: Sequence[Order]) -> None:
        """As `impossible` says, by kind."""
        await self._turn("check", tuple(orders))
        for order in orders:
            if order.provider not in self.providers:
                raise Impossible(f'there is no provider "{order.provider}"')
            if order.kind in self.impossible:
                raise Impossible(self.impossible[order.kind])

    async def in_force(self) -> tuple[InForce, ...]:
        """Everything that is."""
        await self._turn("in_force", None)
        return tuple(
            InForce(provider, f"{kind} ({fault})", {"provider": provider, "fault": fault})
            for (provider, fault), kind in self.faults.items()
        )

    async def prepare(self, order: Order) -> Undo:
        """The fault's name and place."""
        await self._turn("prepare", order)
        return {"provider": order.provider, "fault": order.fault}

    async def inject(self, order: Order, undo: Undo) -> str:
        """In force from the end of the turn on."""
        turn = await self._turn("inject", order)
        if not turn.lies:
            self.faults[order.provider, order.fault] = order.kind
        return "ok"

    async def heal(self, undo: Undo) -> str:
        """Gone from the end of the turn on."""
        turn = await self._turn("heal", undo)
        if not turn.lies:
            self.faults.pop((undo["provider"], undo["fault"]), None)
        return "ok"

    async def is_healed(self, undo: Undo) -> bool:
        """Whether it is not in force; a lie says that it is healed."""
        turn = await self._turn("is_healed", undo)
        return turn.lies or (undo["provider"], undo["fault"]) not in self.faults

    async def count(self) -> tuple[Count, ...]:
        """`calls`, and `hits` of the faults in force."""
        await self._turn("count", None)
        return tuple(
            Count(
                0.0,
                provider,
                self.generation,
                connections=self.calls[provider],
                calls=self.calls[provider],
                probes=0,
                hits={fault: self.hits[fault] for where, fault in self.faults if where == provider},
            )
            for provider in self.providers
        )

    async def renew(self) -> str | None:
        """`lost`, when it is set."""
        await self._turn("renew", None)
        return self.lost

    def by_hand(self, undo: Undo) -> str:
        """There is nothing to type."""
        return f"end {undo['fault']} at {undo['provider']}"

    async def _turn(self, action: str, subject: Any) -> Turn:
        self.told.append((trio.current_time(), action, subject))
        self._turns[action] += 1
        turn = self.script(action, self._turns[action], subject)
        await trio.sleep(turn.seconds)
        if turn.error is not None:
            raise turn.error
        return turn
