"""The client of each workload, by what the scenario asks for."""

from __future__ import annotations

from collections.abc import Callable

from battlectl.plan.workload import PlannedWorkload
from battlectl.targets.site import Site, endpoint_for
from battlectl.transport.base import Client, Endpoint, Exchange, Limits
from battlectl.transport.http1 import Http1Client
from battlectl.transport.httpx_client import HttpxClient
from battlectl.transport.poller import Poller
from battlectl.transport.ws_client import WsClient

REUSE = 25
"""Requests on one connection where it matters who serves them: a target that chooses once for each connection
is to be judged by many choices."""

OnReconnect = Callable[[Exchange], None]

CLIENTS: dict[str, Callable[[Endpoint, Limits, OnReconnect, Poller], Client]] = {
    "http1": Http1Client,
    "httpx": lambda endpoint, limits, *_: HttpxClient(endpoint, limits),
    "ws": lambda endpoint, limits, *_: WsClient(endpoint, limits),
}


def open_client(site: Site, poller: Poller, workload: PlannedWorkload, on_reconnect: OnReconnect) -> Client:
    """The client of a workload, not in service yet."""
    reuse = None if workload.routing is None else REUSE
    limits = Limits(workload.connections, workload.timeout, workload.max_body, reuse)
    return CLIENTS[workload.client](endpoint_for(site, workload), limits, on_reconnect, poller)
