"""Defects of what is kept that should be let go."""

from __future__ import annotations

import itertools

import trio

from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.defects.wrapping import Asked, Forward, change_forwarding
from battlectl.lab.gateway.forwarding import Outcome
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.state import Gateway, post_over_http
from battlectl.lab.net import upstream
from battlectl.lab.net.upstream import Reply
from battlectl.lab.net.wire import Headers

KEPT_BYTES = 32 * 1024  # for each request
LEFT_OPEN = 10  # requests, of which one leaves its connection


def _keep_requests(gateway: Gateway) -> None:
    kept = list[bytearray]()

    async def keep(asked: Asked, forward: Forward) -> Outcome:
        # Written to, or the system would only promise the memory.
        kept.append(bytearray(b"\1") * KEPT_BYTES)
        return await forward(asked)

    change_forwarding(gateway, keep)


def _leave_connections(gateway: Gateway) -> None:
    turns, kept = itertools.count(1), list[trio.abc.Stream]()

    async def post(provider: Provider, body: bytes, headers: Headers) -> Reply:
        if next(turns) % LEFT_OPEN == 0:
            kept.append(await upstream.connect(provider.pool))
        return await post_over_http(provider, body, headers)

    gateway.posts["http"] = post


def _leave_tasks(gateway: Gateway) -> None:
    async def leave(asked: Asked, forward: Forward) -> Outcome:
        trio.lowlevel.spawn_system_task(trio.sleep_forever)
        return await forward(asked)

    change_forwarding(gateway, leave)


DEFECTS = (
    Defect(
        name="memory-leak",
        area="leaks",
        summary="the gateway grows until it dies: 32 KiB of each request are kept",
        when="always; 200 requests a second are 6 MiB a second",
        finding="memory",
        plant=_keep_requests,
    ),
    Defect(
        name="upstream-connections-leak",
        area="leaks",
        summary="one request in ten leaves a connection to its provider open, until there are no more",
        when="always",
        finding="memory",
        plant=_leave_connections,
    ),
    Defect(
        name="tasks-leak",
        area="leaks",
        summary="each request leaves a task that waits for nothing, and the gateway gets slower",
        when="always",
        finding="memory",
        plant=_leave_tasks,
    ),
)
