"""What each generator is asked to do, and what it is found to have done (values only)."""

from dataclasses import dataclass
from statistics import median

BODY = '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}'


@dataclass(frozen=True, slots=True)
class Load:
    """POST `BODY` to `url` at `rate` a second for `seconds`, over at most `connections`, from one core."""

    url: str
    rate: int
    seconds: int
    connections: int
    core: int


@dataclass(frozen=True, slots=True)
class Result:
    """One run of one generator; latencies are its own word, in milliseconds, None where it has none."""

    requests: int
    seconds: float
    cpu_seconds: float
    p50_ms: float | None
    p99_ms: float | None
    note: str = ""

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    @property
    def cpu_us(self) -> float:
        """Processor time per request of the whole process tree, its start included."""
        return self.cpu_seconds / self.requests * 1e6


class Unavailable(Exception):
    """A generator that cannot run here; the message says how to get it."""


def middle(values: list[float | None]) -> float | None:
    """The median of what there is, None without anything."""
    there = [value for value in values if value is not None]
    return median(there) if there else None
