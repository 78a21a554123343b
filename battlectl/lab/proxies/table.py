"""The proxies of a lab, by name: made, replaced and taken away.

Rule: a proxy whose port cannot be had is not kept. What stands behind one is chosen by its upstream's text:
HOST:PORT is plain TCP, "lab:NAME" a simulated node, an http:// or https:// URL a relay to a real one.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import trio

from battlectl.lab.proxies.addresses import SIMULATED, check_listen, check_upstream, is_url, resolve
from battlectl.lab.proxies.behind import Behind
from battlectl.lab.proxies.proxy import Proxy
from battlectl.lab.proxies.tcp import TcpUpstream
from battlectl.lab.toxics.chunks import Budget

MakeBehind = Callable[[str, str], Behind]
"""From a proxy's name and an upstream that is not plain TCP; raises NoSuchUpstream."""


class NoSuchUpstream(Exception):
    """What cannot stand behind a proxy; the message says why."""


def no_providers(name: str, upstream: str) -> Behind:
    """Of a lab that has plain TCP proxies only."""
    raise NoSuchUpstream(f"upstream {upstream}: this lab has plain TCP proxies only")


class ProxyTable:
    """`proxies` in order of creation; `lock` is held while names come and go."""

    def __init__(
        self,
        nursery: trio.Nursery,
        make_behind: MakeBehind = no_providers,
        allow_any_address: bool = False,
        random: Random | None = None,
    ) -> None:
        self.proxies: dict[str, Proxy] = {}
        self.lock = trio.Lock()
        self.allow_any_address = allow_any_address
        self._nursery = nursery
        self._make_behind = make_behind
        self._budget = Budget()
        self._random = random or Random(0)

    def check(self, listen: str, upstream: str) -> None:
        """BeyondLoopback for addresses that this lab must not touch."""
        if not self.allow_any_address:
            check_listen(listen)
            check_upstream(upstream)

    def behind_for(self, name: str, upstream: str) -> Behind:
        """What an upstream's text means; raises NoSuchUpstream."""
        if upstream.startswith(SIMULATED) or is_url(upstream):
            return self._make_behind(name, upstream)
        return TcpUpstream(upstream)

    async def put(self, name: str, listen: str, upstream: str, enabled: bool = True) -> Proxy:
        """A new proxy, in place of one of that name, which is stopped before the new one starts.

        Raises NoSuchUpstream and CannotListen; then the old one is still there, stopped.
        """
        behind = self.behind_for(name, upstream)
        parts = (self._nursery, self._budget, self._random, self.allow_any_address)
        proxy = Proxy(name, listen, upstream, behind, *parts)
        old = self.proxies.get(name)
        try:
            if old is not None:
                old.stop()
            if enabled:
                proxy.start()
        except BaseException:
            await proxy.aclose()
            raise
        self.proxies[name] = proxy
        if old is not None:
            await old.aclose()
        return proxy

    async def remove(self, proxy: Proxy) -> None:
        """Stop it and forget it."""
        del self.proxies[proxy.name]
        await proxy.aclose()

    async def aclose(self) -> None:
        """Stop all."""
        for proxy in list(self.proxies.values()):
            await self.remove(proxy)


def is_same_listen(proxy: Proxy, listen: str) -> bool:
    """Whether a text means the address that a proxy shows; raises BadAddress for one that means nothing.

    No host and port 0 mean another address each time.
    """
    return str(resolve(listen)) == proxy.listen
