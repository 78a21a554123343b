"""What answers behind a provider's port: a simulated node, or the real node that a relay stands for.

Rule: a backend knows nothing of faults. What passes between it and the client is bytes of JSON-RPC; the
provider takes them apart only where a fault in force has to touch them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from battlectl.lab.chain.chain import View
from battlectl.lab.faults.kind import Where
from battlectl.lab.net.wire import Request, Response
from battlectl.lab.net.ws_server import Ended as Ended  # one side of a WebSocket is over

See = Callable[[View], View]
"""What the faults in force make of a node's view of the chain; a relay has no use for it."""


class Unreachable(Exception):
    """The real node gave no answer: the client's connection is reset, as if it had asked the node itself.

    `refusal` is what the node said in place of a WebSocket handshake, and is said to the client.
    """

    def __init__(self, reason: str, refusal: Response | None = None) -> None:
        super().__init__(reason)
        self.refusal = refusal


class Session(Protocol):
    """The node's end of one WebSocket. Leaving its block cuts the socket off if it is still open."""

    async def send(self, text: bytes, see: See) -> None:
        """One message of the client; its answer, as `see` lets it be, comes out of `receive`."""

    async def receive(self) -> bytes | Ended:
        """The next message for the client: replies and notifications in the order in which they leave."""

    async def client_ended(self, how: Ended) -> None:
        """The client's side is over: a real node is told so with the same code, or cut off without one."""


class Backend(Protocol):
    """A node, simulated or real."""

    @property
    def where(self) -> Where:
        """Which faults it can have."""

    async def head(self) -> int:
        """The number of the newest block; raises Unreachable."""

    async def fork_start(self, depth: int, salt: int) -> int:
        """The first block of a branch that replaces the newest `depth`; Unreachable where none can be."""

    async def respond(self, request: Request, body: bytes, see: See) -> Response:
        """The answer to one HTTP request, whose body is `body` in place of its own; raises Unreachable."""

    def session(self, request: Request, see: See) -> AbstractAsyncContextManager[Session]:
        """One WebSocket, for the length of the block; raises Unreachable on entering."""

    def look_again(self) -> None:
        """The faults in force have changed, and with them what `see` makes of a view."""

    def forget(self) -> None:
        """Begin anew as a fresh process would; a real node behind a relay knows nothing of it."""

    async def close(self) -> None:
        """The provider is gone: let go of what is held."""
