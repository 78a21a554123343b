"""What a test holds of a running server: where it is, and what it has seen so far."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.servers.wire import Request


@dataclass(frozen=True, slots=True)
class Seen:
    """Counts at one moment; `recent` are the last requests read (10,000 at most; none from a child)."""

    connections: int = 0
    requests: int = 0
    bytes_sent: int = 0
    recent: tuple[Request, ...] = ()


@dataclass(frozen=True, slots=True)
class Handle:
    """One running server."""

    url: str
    port: int
    count: Callable[[], Seen]
    ca_file: Path | None = None  # PEM of the authority behind a TLS server's certificate

    @property
    def seen(self) -> Seen:
        """What the server has seen until now."""
        return self.count()
