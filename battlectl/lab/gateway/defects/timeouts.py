"""Defects of deadlines: what is not bounded, or too late."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import trio

from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.defects.wrapping import Asked, Forward, change_forwarding, is_exhausted
from battlectl.lab.gateway.forwarding import Outcome
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.net import upstream
from battlectl.lab.net.upstream import Reply
from battlectl.lab.net.wire import Headers

ENDLESS_SECONDS = 600.0
LONG_SECONDS = 60.0


@dataclass(eq=False)
class Unhurried(trio.abc.Stream):
    """A connection on which no deadline holds once an answer has begun. It knows whether one has."""

    stream: trio.abc.Stream
    has_begun: bool = field(default=False)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """As the stream does."""
        self.has_begun = False
        await self.stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """As the stream does."""
        await self.stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """As the stream does, and whoever has given up waiting waits on."""
        with trio.CancelScope(shield=self.has_begun):
            data = await self.stream.receive_some(max_bytes)
        self.has_begun = True
        return data

    async def aclose(self) -> None:
        """As the stream does."""
        await self.stream.aclose()


def _wait_for_bodies(gateway: Gateway) -> None:
    async def post(provider: Provider, body: bytes, headers: Headers) -> Reply:
        if not provider.pool.idle:
            provider.pool.idle.append(Unhurried(await upstream.connect(provider.pool)))
        return await upstream.post(provider.pool, body, headers)

    gateway.posts["http"] = post


def _wait_long(gateway: Gateway) -> None:
    settings = gateway.settings
    longer = {method: max(LONG_SECONDS, seconds) for method, seconds in settings.deadlines.items()}
    gateway.settings = msgspec.structs.replace(settings, deadlines=longer, request_s=10 * LONG_SECONDS)


def _never_say_no(gateway: Gateway) -> None:
    async def hold(asked: Asked, forward: Forward) -> Outcome:
        outcome = await forward(asked)
        if is_exhausted(outcome):
            await trio.sleep(ENDLESS_SECONDS)
        return outcome

    change_forwarding(gateway, hold)


DEFECTS = (
    Defect(
        name="no-deadline-for-bodies",
        area="timeouts",
        summary="a client waits for as long as a provider takes to send an answer that it has begun",
        when="while a provider trickles its answers",
        finding="latency",
        plant=_wait_for_bodies,
    ),
    Defect(
        name="deadline-beyond-clients",
        area="timeouts",
        summary="a client has given up long before another provider is asked: an attempt may take a minute",
        when="while a provider hangs, until its breaker opens, and at each trial",
        finding="availability",
        plant=_wait_long,
    ),
    Defect(
        name="hangs-when-all-are-dead",
        area="timeouts",
        summary="a client that could be refused at once gets no answer at all",
        when="while no provider can answer",
        finding="latency",
        plant=_never_say_no,
    ),
)
