"""What reading Lasso's metadata adds to a request: `python -m tests.bench.metadata`.

Rule: what it adds is all that a reply with metadata costs more than the same one without: a longer head, one
that was never seen before (it has a request id of its own), base64, JSON, and the judgement of it. It is held
against the processor time of a whole request over HTTP, at a server whose heads repeat: the cheapest that is.
"""

import base64
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from battlectl.targets.lasso_meta import LassoMeta
from battlectl.transport.attribution import Reader
from battlectl.transport.known_heads import KnownHeads
from battlectl.transport.reply_parser import ReplyParser
from tests.bench.load import Unavailable
from tests.live import fight_live
from tests.real.nginx import running_nginx
from tests.real.parts import find, missing

MOST_SHARE = 0.25
"""Of the processor time of a request."""
REPLIES = 20_000
ROUNDS = 5
BODY = b'{"jsonrpc":"2.0","id":1,"result":"0x426"}'
META = {
    "version": "1.0",
    "strategy": "load_balanced",
    "transport": "http",
    "chain_id": 999,
    "circuit_breaker_state": "closed",
    "selected_provider": {"id": "provider_b", "protocol": "http"},
    "retries": 1,
    "candidate_providers": ["provider_a:http", "provider_b:http"],
    "upstream_latency_ms": 0.956,
    "selection_latency_ms": 0.122,
    "end_to_end_latency_ms": 1.76,
    "lasso_overhead_ms": 0.804,
}
LOAD = {
    "phases": {"steady": "4s"},
    "load": {"reads": {"rate": "2000/s", "calls": ["eth_blockNumber"], "connections": 20}},
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of processor time: what metadata adds to a reply, and what a whole request costs."""

    added_us: float
    request_us: float

    @property
    def share(self) -> float:
        return self.added_us / self.request_us


def measure() -> Cost:
    """Both, in turn; raises Unavailable without nginx."""
    if find("nginx") is None:
        raise Unavailable(missing("nginx"))
    return Cost(added_us(), request_us())


def added_us() -> float:
    """The median over the rounds of what a reply with metadata costs more than one without."""
    plain, told = [_reply(())] * REPLIES, [_reply(_meta_headers(number)) for number in range(REPLIES)]
    return median(_feed_all(told, LassoMeta()) - _feed_all(plain, None) for _ in range(ROUNDS))


def request_us() -> float:
    """Processor time of this process for each request of a battle, everything included."""
    with tempfile.TemporaryDirectory() as folder, running_nginx(Path(folder)) as server:
        start = time.process_time()
        fought = fight_live(LOAD, server.url)
        seconds = time.process_time() - start
    return seconds / sum(fought.outcomes.values()) * 1e6


def _feed_all(replies: Sequence[bytes], reader: Reader | None) -> float:
    feed: Callable[[bytes], object] = ReplyParser(2**20, KnownHeads(), reader).feed
    start = time.process_time()
    for reply in replies:
        feed(reply)
    return (time.process_time() - start) / len(replies) * 1e6


def _meta_headers(number: int) -> tuple[str, ...]:
    id_ = f"{number:020d}"
    meta = base64.urlsafe_b64encode(json.dumps({**META, "request_id": id_}).encode()).rstrip(b"=").decode()
    return (f"x-lasso-meta: {meta}", f"x-lasso-request-id: {id_}", f"x-request-id: {id_}")


def _reply(headers: tuple[str, ...]) -> bytes:
    own = ("content-type: application/json; charset=utf-8", "server: Cowboy", f"content-length: {len(BODY)}")
    return "\r\n".join(["HTTP/1.1 200 OK", *own, *headers, "", ""]).encode() + BODY


def line(cost: Cost) -> str:
    """For the table of `make bench`."""
    held = "held" if cost.share <= MOST_SHARE else "BROKEN"
    return (
        f"Lasso's metadata adds {cost.added_us:.1f} us to a request of {cost.request_us:.1f} us: "
        f"{cost.share:.0%}, at most {MOST_SHARE:.0%} is promised ({held})"
    )


if __name__ == "__main__":
    try:
        print(line(measure()))
    except Unavailable as reason:
        sys.exit(str(reason))
