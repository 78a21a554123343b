"""What each subscriber client is asked to do, and what it is found to have done (values only)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WsLoad:
    """Hold `connections` to a node for `seconds`, each subscribed to newHeads, and decode what comes.

    `truth` is where the chain can be asked for by HTTP, for who checks what comes.
    """

    ws_url: str
    url: str
    truth: str
    seconds: int
    connections: int
    core: int


@dataclass(frozen=True, slots=True)
class Heard:
    """One run of one client: of its whole process, its start included."""

    messages: int
    cpu_seconds: float
    peak_bytes: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """The same client for as long with one connection and with many."""

    alone: Heard
    crowd: Heard
    connections: int
    seconds: int

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.crowd.messages / self.seconds

    @property
    def whole_us(self) -> float:
        """Processor time for each message, start and all."""
        return self.crowd.cpu_seconds / self.crowd.messages * 1e6

    @property
    def more_us(self) -> float:
        """Processor time for each message beyond those of the run with one connection; with connecting."""
        more = self.crowd.messages - self.alone.messages
        return (self.crowd.cpu_seconds - self.alone.cpu_seconds) / more * 1e6

    @property
    def core_rate(self) -> float:
        """Messages a second that one core could take at that price."""
        return 1e6 / self.more_us

    @property
    def kib_each(self) -> float:
        """Memory for each connection beyond the first."""
        return (self.crowd.peak_bytes - self.alone.peak_bytes) / (self.connections - 1) / 1024
