"""What one proxy has seen: the provider's side of the evidence.

Rule: counters only ever grow within a generation; a restart of the provider begins a new generation with
counters at zero. They are touched by the code that does the thing counted, nowhere else.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Counters:
    """Of one generation. `messages_*` are HTTP requests or WebSocket texts; `calls` is by JSON-RPC method.

    The `open_*` are of this moment, and `subscriptions` are those that were made.

    `last_seen` is the Unix time in seconds of the last byte from a client, None before the first.
    """

    generation: int = 1
    connections: int = 0
    refused_by_fault: int = 0
    open_sockets: int = 0
    open_websockets: int = 0
    messages_http: int = 0
    messages_ws: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    faulted_messages: int = 0
    subscriptions: int = 0
    open_subscriptions: int = 0
    events: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    last_seen: float | None = None

    def count_call(self, method: str) -> None:
        """One JSON-RPC call, alone or in a batch."""
        self.calls[method] = self.calls.get(method, 0) + 1

    def count_received(self, size: int) -> None:
        """`size` bytes from a client."""
        self.bytes_in += size
        self.last_seen = time.time()
