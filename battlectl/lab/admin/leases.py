"""Leases: harm that heals itself when whoever did it stops renewing.

Rule: a lease ends `ttl_ms` after it was made or last renewed. Then everything it holds is healed: toxics
removed, disabled proxies enabled. What was healed by hand is no longer held. A lease that was made for one
toxic alone ends with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import trio

from battlectl.lab.faults.scope import Fault
from battlectl.lab.proxies.proxy import Proxy
from battlectl.lab.toxics.toxic import Toxic

Held = Toxic | Fault | Proxy
"""A proxy is held while a lease has disabled it."""


@dataclass(slots=True, eq=False)
class Lease:
    """`deadline` is on trio's clock; `holder` is for people to read."""

    id: str
    holder: str
    ttl_ms: int
    deadline: float
    is_for_one: bool = False


class Leases:
    """Those in force, and what each thing is held by; `heal` is called with one that has expired."""

    def __init__(self) -> None:
        self.by_id: dict[str, Lease] = {}
        self.held: dict[Held, Lease] = {}
        self._changed = trio.Event()

    def grant(self, ttl_ms: int, holder: str, is_for_one: bool = False) -> Lease:
        """A new lease, which begins now."""
        deadline = trio.current_time() + ttl_ms / 1000
        lease = Lease(secrets.token_hex(8), holder, ttl_ms, deadline, is_for_one)
        self.by_id[lease.id] = lease
        self._wake()
        return lease

    def renew(self, lease: Lease, ttl_ms: int) -> None:
        """It ends `ttl_ms` from now."""
        lease.ttl_ms = ttl_ms
        lease.deadline = trio.current_time() + ttl_ms / 1000
        self._wake()

    def hold(self, item: Held, lease: Lease | None) -> None:
        """From now on the item is held by this lease, or by none."""
        self.release(item)
        if lease is not None:
            self.held[item] = lease
            if lease.is_for_one:
                self.by_id[lease.id] = lease
                self._wake()

    def release(self, item: Held) -> None:
        """The item is healed, or gone."""
        lease = self.held.pop(item, None)
        if lease is not None and lease.is_for_one:
            self.by_id.pop(lease.id, None)

    def drop(self, lease: Lease) -> None:
        """It is no longer in force; what it holds is still to be healed."""
        self.by_id.pop(lease.id, None)

    async def watch(self, nursery: trio.Nursery, heal: Callable[[Lease], Awaitable[None]]) -> None:
        """End leases as they expire, and have them healed in `nursery`; until cancelled."""
        while True:
            self._changed = trio.Event()
            now = trio.current_time()
            for lease in [lease for lease in self.by_id.values() if lease.deadline <= now]:
                self.drop(lease)
                nursery.start_soon(heal, lease)
            with trio.CancelScope() as patience:
                patience.deadline = min(
                    (lease.deadline for lease in self.by_id.values()), default=float("inf")
                )
                await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
