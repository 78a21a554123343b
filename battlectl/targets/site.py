"""A site: a target that is there, addressed."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import trio

from battlectl.plan.route import Route
from battlectl.plan.workload import WS, PlannedWorkload
from battlectl.scenario.target import AttributionHeaders, Target
from battlectl.targets.adapter import Address, AddressOf, Headers, addresses_of, plain_address
from battlectl.transport.attribution import Attribution, BodyAttribution, Reader, Steps
from battlectl.transport.base import Endpoint, parse_endpoint

Ended = Callable[[], Awaitable[str]]
"""Waits until what was started for the run ends by itself, and says how."""


WS_SCHEMES = {"http": "ws", "https": "wss"}
"""What an endpoint of WebSockets is called: its scheme is that of its handshake."""

Truth = Callable[[], Awaitable[dict[str, Any] | None]]
"""What the target's own record says of the run, for the report; None where there is no such record."""


async def no_truth() -> None:
    """Of a site that keeps no record of its own."""


async def never_ends() -> str:
    """Of a site that battlectl did not start: whether it lives is the target's to show."""
    await trio.sleep_forever()


@dataclass(frozen=True, slots=True)
class Witnessed:
    """Where the chain is read to judge subscriptions; `what` is in words, for the report."""

    endpoint: Endpoint
    every: float
    what: str


@dataclass(frozen=True, slots=True)
class Site:
    """Where the load goes, and what stands behind it. `providers` and `notes` are for the report.

    `admin` is the URL where its providers can be broken, None where battlectl knows of no such place.
    `pid` is that of its process, where battlectl started it.
    `address` makes path and headers of a route's words, from the path of the endpoint.
    """

    kind: str
    endpoint: Endpoint
    ws_endpoint: Endpoint | None = None
    witness: Witnessed | None = None
    providers: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    admin: str | None = None
    ended: Ended = never_ends
    truth: Truth = no_truth
    pid: int | None = None
    address: AddressOf = plain_address


def describe_site(site: Site) -> dict[str, Any]:
    """What a report says of it."""
    address = f"{site.endpoint.scheme}://{site.endpoint.authority}"
    ws = site.ws_endpoint
    ws_address = {} if ws is None else {"ws_address": f"{WS_SCHEMES[ws.scheme]}://{ws.authority}"}
    admin = {} if site.admin is None else {"admin": site.admin}
    return {"address": address, **ws_address, **admin, "providers": list(site.providers)}


def endpoint_of(target: Target, url: str, own: Reader | None = None) -> Endpoint:
    """The endpoint of a target's URL with everything its config says about connecting.

    `own` reads who served where the config does not say how.
    """
    endpoint = parse_endpoint(url)
    return replace(
        endpoint,
        headers=(*endpoint.headers, *target.headers.items()),
        verify_tls=target.tls.verify,
        ca_file=target.tls.ca,
        allow_public=target.allow_public,
        attribution=own if target.attribution is None else _attribution(target, target.attribution),
    )


def endpoint_beside(target: Target, site: Site, url: str | None) -> Endpoint:
    """Where the target tells of itself: at `url`, or where it is.

    Headers may hold a key: they go to the target's own host and to no other.
    """
    if url is None:
        return site.endpoint
    endpoint = replace(endpoint_of(target, url), attribution=None)
    return endpoint if endpoint.host == site.endpoint.host else replace(endpoint, headers=())


def ws_endpoint_of(target: Target, url: str | None) -> Endpoint | None:
    """The same of a ws or wss URL."""
    return None if url is None else endpoint_of(target, f"http{url.removeprefix('ws')}")


def _attribution(target: Target, named: AttributionHeaders) -> Reader | None:
    if not named.tells:
        return None
    names, body = addresses_of(target), named.body
    if body is None:
        told = (named.provider, named.attempts, named.retries)
        return Attribution(*told, names=names, upstream_ms=named.upstream_ms, breaker=named.breaker)
    steps = (_steps(body.provider), _steps(body.attempts), _steps(body.retries))
    more = {"upstream_ms": _steps(body.upstream_ms), "breaker": _steps(body.breaker)}
    return BodyAttribution(*steps, names=names, **more)


def _steps(place: str | None) -> Steps | None:
    """Numbers are elements of a list."""
    if place is None:
        return None
    return tuple(int(part) if re.fullmatch("[0-9]{1,6}", part) else part for part in place.split("."))


def plain_endpoint(site: Site) -> Endpoint:
    """Where calls go that ask for nothing in particular: those of battlectl itself."""
    return replace(site.endpoint, path=site.address(Route(), site.endpoint.path, False).path)


def http_endpoint_for(site: Site, route: Route) -> Endpoint:
    """The endpoint of requests where a route leads."""
    return _lead(site.endpoint, route, site.address(route, site.endpoint.path, False))


def ws_endpoint_for(site: Site, route: Route) -> Endpoint:
    """The endpoint of WebSockets where a route leads: its own path and headers win over the target's."""
    assert site.ws_endpoint is not None, "a plan with WebSockets has a target that takes them"
    return _lead(site.ws_endpoint, route, site.address(route, site.ws_endpoint.path, True))


def endpoint_for(site: Site, workload: PlannedWorkload) -> Endpoint:
    """The endpoint of one workload."""
    if workload.node is not None:
        return node_endpoint(site, workload.node)
    if workload.client == WS:
        return ws_endpoint_for(site, workload.route)
    return http_endpoint_for(site, workload.route)


def node_endpoint(site: Site, node: str) -> Endpoint:
    """A provider itself, past the target: nothing that is the target's goes there."""
    url = next(str(one["url"]) for one in site.providers if one["id"] == node and one.get("url"))
    return replace(
        parse_endpoint(url),
        verify_tls=site.endpoint.verify_tls,
        ca_file=site.endpoint.ca_file,
        allow_public=site.endpoint.allow_public,
    )


def _lead(to: Endpoint, route: Route, address: Address) -> Endpoint:
    """What the scenario wrote wins over what the adapter makes, and that over the target's config."""
    headers = _merge(_merge(to.headers, address.headers), route.headers)
    return replace(to, path=address.path if route.path is None else route.path, headers=headers)


def _merge(headers: Headers, own: Headers) -> Headers:
    names = {name.lower() for name, _ in own}
    return (*(header for header in headers if header[0].lower() not in names), *own)
