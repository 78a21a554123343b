"""What the client had seen by any moment, added up from the deltas of its recorder.

Rule: a request is counted when it ended, from what was counted already: the path of the load pays nothing.
"""

from __future__ import annotations

from collections import Counter

from battlectl.observe.served import OWN_NAMES, UNNAMED
from battlectl.observe.tally import Delta
from battlectl.observe.telemetry import ClientSeen

CLOSED = "closed"
SELF_ANSWERED = frozenset({"eth_chainId", "net_version", "web3_clientVersion"})
"""Calls that a target may answer without asking a provider, and without counting them."""


class ClientCounts:
    """Mutable: it is an accumulator. Give it every delta before anything else is awaited."""

    def __init__(self) -> None:
        self._past = ClientSeen()

    def add(self, delta: Delta) -> None:
        """A delta that the recorder has handed over."""
        self._past = self.seen(delta)

    def seen(self, pending: Delta) -> ClientSeen:
        """So far, with what the recorder has not handed over yet."""
        past, flows, served = self._past, pending.flows.values(), pending.served
        named, closed = Counter(past.named), Counter(past.closed)
        for key, cell in served.items():
            if key.provider not in OWN_NAMES:
                named[key.provider] += cell.requests
                closed[key.provider] += cell.states.get(CLOSED, 0)
        finished = sum(flow.sent for flow in flows)
        told = sum(cell.told for cell in served.values())
        bad = sum(cell.requests - cell.ok for key, cell in served.items() if key.provider == UNNAMED)
        return ClientSeen(
            finished=past.finished + finished,
            again=past.again + sum(flow.reconnects + flow.retries for flow in flows),
            named=dict(named),
            extra=past.extra + sum(cell.extra for cell in served.values()),
            untold=past.untold + finished - told,
            unnamed_bad=past.unnamed_bad + bad,
            plain=past.plain + _plain(pending),
            closed={provider: number for provider, number in closed.items() if number},
        )


def _plain(delta: Delta) -> int:
    """At least so many: whatever was not ok, or may have been answered without a provider, is taken off."""
    attributed = {key.workload for key in delta.served}
    sent: Counter[str] = Counter()
    for flow_key, flow in delta.flows.items():
        sent[flow_key.workload] += flow.sent
    for key, cell in delta.calls.items():
        sent[key.workload] -= cell.total if key.label in SELF_ANSWERED else cell.total - cell.ok
    return sum(max(0, number) for workload, number in sent.items() if workload not in attributed)
