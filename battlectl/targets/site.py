"""A site: a target that is there, addressed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from battlectl.plan.workload import PlannedWorkload
from battlectl.scenario.target import Target
from battlectl.transport.base import Endpoint, parse_endpoint


@dataclass(frozen=True, slots=True)
class Site:
    """Where the load goes, and what stands behind it. `providers` and `notes` are for the report."""

    kind: str
    endpoint: Endpoint
    providers: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()


def endpoint_of(target: Target, url: str) -> Endpoint:
    """The endpoint of a target's URL with everything its config says about connecting."""
    endpoint = parse_endpoint(url)
    return replace(
        endpoint,
        headers=(*endpoint.headers, *target.headers.items()),
        verify_tls=target.tls.verify,
        ca_file=target.tls.ca,
        allow_public=target.allow_public,
    )


def endpoint_for(site: Site, workload: PlannedWorkload) -> Endpoint:
    """The endpoint of one workload: its own path and headers win over the target's."""
    own = {name.lower() for name, _ in workload.headers}
    kept: Sequence[tuple[str, str]] = [h for h in site.endpoint.headers if h[0].lower() not in own]
    path = workload.path if workload.path is not None else site.endpoint.path
    return replace(site.endpoint, path=path, headers=(*kept, *workload.headers))
