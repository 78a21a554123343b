"""The driver `toxiproxy`: the lab, and a real Toxiproxy, by the HTTP API that both have.

Rule: a toxic carries the run's id in its name, so nobody heals what another run does. On the lab, which is
known by its leases, every fault is held by one lease that is granted with the first of them; a real Toxiproxy
has only its own toxics, no lease and no counters.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import trio

from battlectl.chaos.admin import AdminAnswer, AdminApi, T
from battlectl.chaos.driver import Driver, DriverError, Impossible, InForce, Order, Undo
from battlectl.chaos.toxiproxy_documents import LeaseDocument, ProviderDocument, ProxyDocument
from battlectl.chaos.toxiproxy_toxics import RealToxics, translate
from battlectl.observe.faults import Count
from battlectl.plan.once import is_once
from battlectl.scenario.chaos_kinds import FAULTS
from battlectl.scenario.target_chaos import ToxiproxyChaos

END_WITHIN = 1.0
PLACES = {"node": "a simulated node", "relay": "a relay", "tcp": "a plain TCP proxy"}


@asynccontextmanager
async def open_toxiproxy(config: ToxiproxyChaos, holder: str) -> AsyncIterator[Driver]:
    """The driver, once the API has answered; at the end the lease is given back. DriverError."""
    async with _api_of(config) as api:
        driver = Toxiproxy(api, config, holder, await _is_lab(api))
        try:
            yield driver
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + END_WITHIN):
                await driver.end_lease()


@asynccontextmanager
async def open_to_heal(config: ToxiproxyChaos, holder: str) -> AsyncIterator[Driver]:
    """For healing alone: nothing is asked first, so that `by_hand` is to be had of an API that is gone."""
    async with _api_of(config) as api:
        yield Toxiproxy(api, config, holder, is_lab=False)


def _api_of(config: ToxiproxyChaos) -> AdminApi:
    return AdminApi(config.url, {} if config.token is None else {"Authorization": f"Bearer {config.token}"})


async def _is_lab(api: AdminApi) -> bool:
    version = await api.ask("GET", "/version")
    if not version.is_success or b'"version"' not in version.body:
        raise DriverError(f"{api.origin} is no Toxiproxy: GET /version answered {version.shown}")
    leases = await api.ask("GET", "/leases")
    if leases.status not in (200, 404):
        raise DriverError(f"{api.origin}: GET /leases answered {leases.shown}")
    return leases.status == 200


class Toxiproxy:
    """Mutable: it holds a lease."""

    name = "toxiproxy"
    counts_probes = True

    def __init__(self, api: AdminApi, config: ToxiproxyChaos, holder: str, is_lab: bool) -> None:
        self.is_lab = is_lab
        self._api = api
        self._holder = holder
        self._needs_token = config.token is not None
        self._ttl = config.lease
        self._proxies = config.proxies
        self._providers = {proxy: provider for provider, proxy in config.proxies.items()}
        self._lease: str | None = None
        self._granting = trio.Lock()
        self._renewed_at = 0.0

    def resource(self, order: Order) -> str:
        """Toxics stack; only one fault can have a real Toxiproxy's proxy disabled."""
        disables = not self.is_lab and translate(order).disables
        return f"proxy {self._proxy(order.provider)}" if disables else ""

    async def check(self, orders: Sequence[Order]) -> None:
        """That the proxies are there, and of a sort to which these faults can be done."""
        known = await self._kinds()
        for order in orders:
            proxy = self._proxy(order.provider)
            if proxy not in known:
                there = ", ".join(known) or "none"
                raise Impossible(
                    f'{order.kind} at {order.provider}: there is no proxy "{proxy}" (there are: {there}); '
                    f"say which one it is with `proxies: {{{order.provider}: NAME}}`"
                )
            if not self.is_lab:
                translate(order)
            elif known[proxy] not in (where := FAULTS[order.kind].where):
                works = " or ".join(PLACES[place] for place in sorted(where))
                is_now = PLACES.get(known[proxy], known[proxy])
                raise Impossible(
                    f"{order.kind} at {order.provider}: that works on {works}, and this is {is_now}"
                )

    async def _kinds(self) -> dict[str, str]:
        """The proxies there are, and at the lab what each of them is."""
        if self.is_lab:
            return {name: document.kind for name, document in (await self._providers_now()).items()}
        return dict.fromkeys(await self._get("/proxies", dict[str, ProxyDocument]), "tcp")

    async def in_force(self) -> tuple[InForce, ...]:
        """Every toxic, and every proxy that is disabled."""
        found = []
        for proxy, document in (await self._get("/proxies", dict[str, ProxyDocument])).items():
            provider = self._providers.get(proxy, proxy)
            if not document.enabled:
                undo = {"proxy": proxy, "toxics": [], "enabled": True}
                found.append(InForce(provider, f"its proxy {proxy} is disabled", undo))
            for toxic in document.toxics:
                undo = {"proxy": proxy, "toxics": [toxic.name]}
                what = f'{toxic.type} (toxic "{toxic.name}" of proxy {proxy})'
                found.append(InForce(provider, what, undo))
        return tuple(found)

    async def prepare(self, order: Order) -> Undo:
        """The names that the toxics will have, and whether the proxy is to be enabled again."""
        proxy = self._proxy(order.provider)
        document = await self._get(_path(proxy), ProxyDocument)
        made = self._real(order)
        count = 1 if made is None else len(made.toxics)
        names = [f"{order.fault}@{self._holder}" + (f".{i}" if i else "") for i in range(count)]
        taken = {toxic.name for toxic in document.toxics} & set(names)
        if taken:
            raise DriverError(f'proxy {proxy} already has a toxic "{min(taken)}"')
        if made is None or not made.disables:
            return {"proxy": proxy, "toxics": names}
        if not document.enabled:
            raise DriverError(f"proxy {proxy} is disabled already, and not by this run")
        return {"proxy": proxy, "toxics": names, "enabled": True}

    async def inject(self, order: Order, undo: Undo) -> str:
        """Add the toxics, or disable the proxy."""
        proxy, made = undo["proxy"], self._real(order)
        if made is None:
            toxic = {"type": order.toxic, "name": undo["toxics"][0], "attributes": dict(order.attributes)}
            return (await self._post_leased(proxy, toxic)).shown
        if made.disables:
            return (await self._change(proxy, enabled=False)).shown
        answers = []
        for name, (type_, stream, attributes) in zip(undo["toxics"], made.toxics, strict=True):
            toxic = {"type": type_, "name": name, "stream": stream, "attributes": dict(attributes)}
            answers.append(_done(await self._api.ask("POST", f"{_path(proxy)}/toxics", toxic)).shown)
        return "; ".join([*answers, *([made.note] if made.note else [])])

    async def heal(self, undo: Undo) -> str:
        """Remove what is still there."""
        answers = []
        for name in undo["toxics"]:
            answer = await self._api.ask("DELETE", f"{_path(undo['proxy'])}/toxics/{quote(name, safe='')}")
            answers.append("gone before" if answer.status == 404 else _done(answer).shown)
        if undo.get("enabled"):
            answer = await self._api.ask("POST", _path(undo["proxy"]), {"enabled": True})
            answers.append("no such proxy" if answer.status == 404 else _done(answer).shown)
        return "; ".join(answers)

    async def is_healed(self, undo: Undo) -> bool:
        """None of its toxics is there, and the proxy is enabled where that was ours to undo.

        A proxy that is gone has taken them along.
        """
        answer = await self._api.ask("GET", _path(undo["proxy"]))
        if answer.status == 404 and b"proxy not found" in answer.body:
            return True
        document = _done(answer).read(ProxyDocument)
        left = {toxic.name for toxic in document.toxics} & set(undo["toxics"])
        return not left and (document.enabled or not undo.get("enabled"))

    async def count(self) -> tuple[Count, ...]:
        """The lab's counters; a real Toxiproxy has none that are of use."""
        if not self.is_lab:
            return ()
        return tuple(self._read_count(document) for document in (await self._providers_now()).values())

    def _read_count(self, document: ProviderDocument) -> Count:
        ending = f"@{self._holder}"
        hits = {n.removesuffix(ending): hit for n, hit in document.faults.items() if n.endswith(ending)}
        return Count(
            t=0.0,
            provider=self._providers.get(document.name, document.name),
            generation=document.generation,
            connections=document.connections,
            calls=sum(document.requests.values()),
            probes=0,
            hits=hits,
            refused=document.refused_by_fault,
            events=document.events,
            once=sum(number for method, number in document.requests.items() if is_once(method)),
        )

    async def renew(self) -> str | None:
        """A heartbeat that is missed is no loss while the lease can still live."""
        if self._lease is None:
            return None
        try:
            answer = await self._api.ask("PUT", f"/leases/{self._lease}")
        except DriverError:
            if trio.current_time() < self._renewed_at + self._ttl:
                return None
            raise
        if answer.status == 404:
            self._lease = None
            return "the lab has no such lease any more: its faults have healed"
        _done(answer)
        self._renewed_at = trio.current_time()
        return None

    def by_hand(self, undo: Undo) -> str:
        """With curl."""
        token = ' -H "Authorization: Bearer $TOKEN"' if self._needs_token else ""
        url = f"{self._api.origin}{_path(undo['proxy'])}"
        removals = [f"curl -X DELETE{token} {url}/toxics/{quote(name, safe='')}" for name in undo["toxics"]]
        enable = [f"curl -X POST{token} -d '{{\"enabled\": true}}' {url}"] if undo.get("enabled") else []
        return "; ".join([*removals, *enable])

    async def addresses(self) -> dict[str, str]:
        """Where each provider itself is asked: what the lab says, or where a plain proxy listens."""
        if self.is_lab:
            found = {name: document.url or "" for name, document in (await self._providers_now()).items()}
        else:
            proxies = await self._get("/proxies", dict[str, ProxyDocument])
            found = {name: self._api.beside(proxy.listen) for name, proxy in proxies.items()}
        return {self._providers.get(proxy, proxy): url for proxy, url in found.items() if url}

    def leave(self) -> bool:
        """Leave what is in force to its lease, which then ends it; False where there is none."""
        has_lease, self._lease = self._lease is not None, None
        return has_lease

    async def end_lease(self) -> None:
        """Give it back: what it still holds is healed. It ends by itself when this fails."""
        if self._lease is not None:
            lease, self._lease = self._lease, None
            try:
                await self._api.ask("DELETE", f"/leases/{lease}")
            except DriverError:
                return

    def _real(self, order: Order) -> RealToxics | None:
        """What it is on a real Toxiproxy; None on the lab, which knows it by its own name."""
        return None if self.is_lab else translate(order)

    async def _post_leased(self, proxy: str, toxic: dict[str, Any]) -> AdminAnswer:
        async with self._granting:
            if self._lease is None:
                wish = {"ttl_ms": round(self._ttl * 1e3), "holder": f"battlectl run {self._holder}"}
                self._lease = _done(await self._api.ask("POST", "/leases", wish)).read(LeaseDocument).id
                self._renewed_at = trio.current_time()
        lease = self._lease
        answer = await self._api.ask("POST", f"{_path(proxy)}/toxics", {**toxic, "lease": lease})
        if answer.status == 409 and b"lease not found" in answer.body and self._lease == lease:
            self._lease = None
        return _done(answer)

    async def _change(self, proxy: str, *, enabled: bool) -> AdminAnswer:
        return _done(await self._api.ask("POST", _path(proxy), {"enabled": enabled}))

    async def _providers_now(self) -> dict[str, ProviderDocument]:
        return await self._get("/providers", dict[str, ProviderDocument])

    async def _get(self, path: str, kind: type[T]) -> T:
        return _done(await self._api.ask("GET", path)).read(kind)

    def _proxy(self, provider: str) -> str:
        return self._proxies.get(provider, provider)


def _path(proxy: str) -> str:
    return f"/proxies/{quote(proxy, safe='')}"


def _done(answer: AdminAnswer) -> AdminAnswer:
    """DriverError when the API refused; the status 401 says what is missing."""
    if answer.is_success:
        return answer
    hint = " (is `token` right?)" if answer.status == 401 else ""
    raise DriverError(f"the admin API answered {answer.shown}{hint}")
