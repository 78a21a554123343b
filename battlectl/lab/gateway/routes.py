"""Which path means what, in the two revisions of Lasso's contract; pure.

Rule: a path names a chain, and perhaps a strategy, a provider and a profile; header and query may name a
provider and a transport too. 2025-10 has no profiles and takes no notice of providers. `/` is the gateway's
own: its one chain, every body taken as JSON whatever its type, nothing answered in a provider's place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from battlectl.lab.gateway.settings import GatewaySettings, Revision, Strategy, Transport
from battlectl.lab.net.wire import Request
from battlectl.lab.rpc.envelope import INVALID_PARAMS, SERVER_ERROR, RpcError

ROUTED: dict[Revision, dict[str, Strategy]] = {
    "current": {
        "fastest": "fastest",
        "load-balanced": "load-balanced",
        "round-robin": "load-balanced",
        "latency-weighted": "latency-weighted",
    },
    "2025-10": {
        "fastest": "fastest",
        "cheapest": "cheapest",
        "priority": "priority",
        "round-robin": "round-robin",
    },
}
"""The strategies that a path may name, and what each means."""


@dataclass(frozen=True, slots=True)
class Route:
    """What a request asks for beside its body; None where it leaves the choice to the gateway."""

    chain: str | None = None
    strategy: Strategy | None = None
    provider: str | None = None
    profile: str | None = None
    transport: Transport = "http"
    include_meta: str | None = None

    @property
    def is_own(self) -> bool:
        """Whether it is the gateway's own `/`."""
        return self.chain is None


class RouteError(Exception):
    """There is no such thing behind this path; `status` and `error` are the answer."""

    def __init__(self, status: int, error: RpcError) -> None:
        super().__init__(error.message)
        self.status, self.error = status, error


def read_route(request: Request, revision: Revision, prefix: str = "/rpc/") -> Route | None:
    """The route of a request whose path begins with `prefix` or is `/`; None when it has no meaning."""
    path, _, query = request.target.partition("?")
    route = Route() if path == "/" else _read_path(path, revision, prefix)
    if route is None:
        return None
    asked = dict(parse_qsl(query)) if query else {}
    transport = _header(request, b"x-lasso-transport") or asked.get("transport")
    provider = route.provider or _header(request, b"x-lasso-provider") or asked.get("provider_override")
    return replace(
        route,
        transport="ws" if transport == "ws" else "http",
        provider=provider if revision == "current" else None,
        include_meta=asked.get("include_meta") or _header(request, b"x-lasso-include-meta"),
    )


def check_route(route: Route, settings: GatewaySettings, is_serving: bool = True) -> None:
    """RouteError for a chain, a profile or a provider that this gateway does not have."""
    profile = route.profile or settings.profiles[0]
    if profile not in settings.profiles:
        error = RpcError(SERVER_ERROR, f"Profile '{profile}' not found", {"error_type": "profile_not_found"})
        raise RouteError(404, error)
    chain = settings.chain_name if route.chain is None else route.chain
    if not is_serving or chain not in (settings.chain_name, str(settings.chain_id)):
        raise RouteError(400, RpcError(INVALID_PARAMS, _unknown_chain(chain, profile, settings.revision)))
    if route.provider is not None and route.provider not in {p.id for p in settings.providers}:
        said = f"Unsupported chain: Provider '{route.provider}' is not configured for this chain"
        raise RouteError(400, RpcError(INVALID_PARAMS, said))


def _unknown_chain(chain: str, profile: str, revision: Revision) -> str:
    if revision == "current":
        return f"Unsupported chain: Unknown chain '{chain}' in profile '{profile}'"
    return f'Unsupported chain: Invalid chain identifier: "{chain}"'


def _read_path(path: str, revision: Revision, prefix: str) -> Route | None:
    if not path.startswith(prefix):
        return None
    parts = path.removeprefix(prefix).split("/")
    profile = None
    if revision == "current" and len(parts) > 2 and parts[0] == "profile":
        profile, parts = parts[1], parts[2:]
    match parts:
        case [chain] if chain:
            return Route(chain, profile=profile)
        case [name, chain] if name in ROUTED[revision]:
            return Route(chain, ROUTED[revision][name], profile=profile)
        case [chain, provider]:
            return Route(chain, provider=provider, profile=profile)
        case ["provider", provider, chain]:
            return Route(chain, provider=provider, profile=profile)
        case _:
            return None


def _header(request: Request, name: bytes) -> str | None:
    value = request.header(name)
    return None if value is None else value.decode("latin-1")
