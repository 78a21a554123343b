"""What the handlers share: the proxies, the leases, and how something is found, leased and healed.

Rule: whatever was done is undone in one place here, whether a client, a reset or an expired lease asks.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import trio

from battlectl.lab.admin.errors import (
    LEASE_NOT_FOUND,
    ONE_LEASE,
    PROXY_NOT_FOUND,
    TOXIC_NOT_FOUND,
    ApiError,
    bad_request,
    cannot_listen,
)
from battlectl.lab.admin.leases import Lease, Leases
from battlectl.lab.faults.scope import Fault
from battlectl.lab.provider.shared_chain import SharedChain
from battlectl.lab.proxies.proxy import CannotListen, Proxy
from battlectl.lab.proxies.table import ProxyTable
from battlectl.lab.toxics.stage import Stage
from battlectl.lab.toxics.toxic import Toxic

TTL_MS = range(100, 3_600_001)
LEASE_FIELDS: dict[str, type] = {"lease": str, "ttl_ms": int}
TRY_AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Admin:
    """The state behind the API; `chain` is that of the simulated nodes, None in a lab that can have none."""

    table: ProxyTable
    chain: SharedChain | None = None
    leases: Leases = field(default_factory=Leases)

    def proxy(self, name: str) -> Proxy:
        """The proxy of that name; ApiError 404 without one."""
        proxy = self.table.proxies.get(name)
        if proxy is None:
            raise ApiError(*PROXY_NOT_FOUND)
        return proxy

    def toxic(self, proxy: Proxy, name: str) -> Toxic | Fault:
        """The toxic or fault of that name; ApiError 404 without one."""
        item = proxy.find(name)
        if item is None:
            raise ApiError(*TOXIC_NOT_FOUND)
        return item

    def lease_for(self, fields: Mapping[str, Any], holder: str) -> Lease | None:
        """The lease that a request names or asks for; ApiError 409 when it is over."""
        if "lease" in fields and "ttl_ms" in fields:
            raise ApiError(*ONE_LEASE)
        if "ttl_ms" in fields:
            return self.leases.grant(check_ttl(fields["ttl_ms"]), holder, is_for_one=True)
        if "lease" not in fields:
            return None
        lease = self.leases.by_id.get(fields["lease"])
        if lease is None:
            raise ApiError(*LEASE_NOT_FOUND)
        return lease

    async def heal(self, proxy: Proxy, item: Toxic | Fault) -> list[Stage]:
        """Remove it; what is given back are stages that cannot be stopped. `proxy.lock` must be held."""
        self.leases.release(item)
        if isinstance(item, Toxic):
            return proxy.remove_toxic(item)
        await proxy.behind.remove_fault(item)
        return []

    async def end_lease(self, lease: Lease) -> None:
        """Heal everything it holds, each thing without waiting for the others."""
        self.leases.drop(lease)
        async with trio.open_nursery() as nursery:
            for proxy in list(self.table.proxies.values()):
                nursery.start_soon(self._heal_proxy, proxy, lease)

    async def _heal_proxy(self, proxy: Proxy, lease: Lease) -> None:
        async with proxy.lock:
            for item in [item for item in proxy.injected if self.leases.held.get(item) is lease]:
                await self.heal(proxy, item)
        while self._is_held_disabled(proxy, lease):
            async with proxy.lock:
                if self._is_held_disabled(proxy, lease) and self._start(proxy):
                    self.leases.release(proxy)
                    return
            await trio.sleep(TRY_AGAIN_SECONDS)

    def _is_held_disabled(self, proxy: Proxy, lease: Lease) -> bool:
        return self.leases.held.get(proxy) is lease and self.table.proxies.get(proxy.name) is proxy

    def _start(self, proxy: Proxy) -> bool:
        try:
            proxy.start()
        except CannotListen as error:
            print(f"{proxy.name} cannot be healed yet: {error}", file=sys.stderr)
            return False
        return True

    def forget(self, proxy: Proxy) -> None:
        """A proxy is gone, and what was done to it."""
        self.leases.release(proxy)
        for item in proxy.injected:
            self.leases.release(item)


def check_ttl(ttl_ms: int) -> int:
    """A time that a lease can live; ApiError 400 for another."""
    if ttl_ms not in TTL_MS:
        raise bad_request(f"ttl_ms is {ttl_ms} and not {TTL_MS[0]} to {TTL_MS[-1]}")
    return ttl_ms


def start(proxy: Proxy) -> None:
    """Enable a proxy; ApiError 500 when its port cannot be had."""
    try:
        proxy.start()
    except CannotListen as error:
        raise cannot_listen(str(error)) from None
