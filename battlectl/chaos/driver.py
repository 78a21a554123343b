"""How faults reach providers: what every driver offers.

Rule: preparing reads and changes nothing; what it returns is written down before anything is changed, and is
all that healing needs, in another process too. Healing what is healed is no error. A driver never retries and
never waits beyond its caller's deadline: who calls it decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from battlectl.observe.faults import Count

Undo = Mapping[str, Any]


class DriverError(Exception):
    """The driver could not do it; the message says what answered, and where that helps what to try."""


class Impossible(Exception):
    """This driver can never do this to this provider: bad usage (exit 2), found before any load."""


@dataclass(frozen=True, slots=True)
class Order:
    """One fault to put in force at one provider; `toxic` and `attributes` as in plan.injection.Injection."""

    fault: str
    kind: str
    toxic: str
    provider: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class InForce:
    """A fault that is in force at a provider, whoever put it there; `what` is in words for a person."""

    provider: str
    what: str
    undo: Undo


class Driver(Protocol):
    """One way of breaking providers. It is open while it is used."""

    name: str
    counts_probes: bool
    """Whether what is asked of a provider itself, past the target, is among what `count` tells of it."""

    def resource(self, order: Order) -> str:
        """What this fault needs for itself alone: two that need the same cannot be in force at once.

        "" for one that stands beside any other. Impossible as for `check`.
        """

    async def check(self, orders: Sequence[Order]) -> None:
        """That it answers and could do all of these; Impossible where it never could, else DriverError."""

    async def in_force(self) -> tuple[InForce, ...]:
        """What is broken now, before we break anything: a stale fault (exit 4)."""

    async def prepare(self, order: Order) -> Undo:
        """What healing will need, read from the world as it is."""

    async def inject(self, order: Order, undo: Undo) -> str:
        """Put it in force; returns what was answered, for the report."""

    async def heal(self, undo: Undo) -> str:
        """Put back what `prepare` found; returns what was answered."""

    async def is_healed(self, undo: Undo) -> bool:
        """Whether, as far as the driver can see, nothing of it is left."""

    async def count(self) -> tuple[Count, ...]:
        """The providers' own counters, at time 0.0 (the caller knows when); () where nothing counts."""

    async def renew(self) -> str | None:
        """Renew the lease; the reason when it is lost, None when all is well or there is no lease.

        A DriverError means that nobody knows: it counts as lost.
        """

    def by_hand(self, undo: Undo) -> str:
        """What a person can type where healing failed; no secret is in it."""
