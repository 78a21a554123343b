"""HAProxy before relayed anvils, killed by its runtime socket: what battlectl derives, and what HAProxy says.

battlectl has HAProxy's counters of requests for each server and what its clients saw. When servers were out
and for how long, what was retried and what failed, HAProxy says itself; and how many requests arrived, the
relays behind it say as well. All of it must agree within one second and one request in a hundred.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.real.anvil import running_anvils
from tests.real.chaos_battle import Fought, fight
from tests.real.haproxy_balancer import Balancer, running_balancer
from tests.real.haproxy_stats import BACKEND, HaproxySeen, see_haproxy
from tests.real.relays import Relays, running_relays
from tests.real.sides import Row, assert_agree, row, table
from tests.real.watching import Look, by_requests, stretches, watching

pytestmark = pytest.mark.real

FIRST, SECOND = "relay_0", "relay_1"
KILLED = {"first": FIRST, "second": SECOND}
WITHIN = 1.0
IDLE, RATE = 2.5, 90
SCENARIO: dict[str, Any] = {
    "version": 1,
    "name": "HAProxy",
    "phases": {"idle": f"{IDLE}s", "steady": "5s", "battle": "14s", "recovery": "6s"},
    "load": {
        "reads": {
            "rate": f"{RATE}/s",
            "timeout": "3s",
            "calls": ["eth_blockNumber", "eth_gasPrice"],
            "phases": ["steady", "battle", "recovery"],
        }
    },
    "chaos": [
        {"kill": FIRST, "at": "7.5s", "for": "5s", "name": "first"},
        {"kill": SECOND, "at": "15s", "for": "4s", "name": "second"},
    ],
    "objectives": ["success_rate == 100%"],
}


@dataclass(frozen=True, slots=True)
class Both:
    """The two sides; `behind` is what each relay has counted, our own probes of it apart."""

    fought: Fought
    looks: list[Look[HaproxySeen]]
    behind: dict[str, int]

    def out(self, relay: str) -> list[tuple[float, float]]:
        """From when to when HAProxy had it in maintenance."""
        return stretches(self.looks, lambda seen: seen.servers[relay].is_out)

    def last(self) -> HaproxySeen:
        """HAProxy when all was over."""
        return self.looks[-1].seen


@contextmanager
def staged(folder: Path) -> Iterator[tuple[Relays, Balancer]]:
    """Three nodes, a relay before each, and HAProxy before these."""
    with (
        running_anvils(3, folder) as nodes,
        running_relays(nodes) as relays,
        running_balancer({relay.name: relay.url for relay in relays.relays}, folder) as balancer,
    ):
        yield relays, balancer


def compare(folder: Path) -> Both:
    """One run, watched from outside."""
    with staged(folder) as (relays, balancer):
        target = {
            "url": balancer.url,
            "attribution": {},
            "providers": [{"id": relay.name, "url": relay.url} for relay in relays.relays],
            "chaos": {"driver": "haproxy", "socket": balancer.socket, "backend": BACKEND},
        }
        with watching(lambda: see_haproxy(balancer.socket)) as looks:
            fought = fight(SCENARIO, target, folder)
        calls = {relay.name: relays.counters(relay)["requests"] for relay in relays.relays}
    total = fought.document["analysis"]["requests"]["total"]
    mine = by_requests(looks, lambda seen: seen.requests, IDLE, RATE, total)
    asked = [probe.provider for probe in fought.evidence.campaign.probes]
    behind = {name: sum(methods.values()) - asked.count(name) for name, methods in calls.items()}
    return Both(fought, mine, behind)


def time_rows(both: Both, name: str, relay: str) -> Iterator[Row]:
    """When it was out, and for how long."""
    ours, (theirs,) = both.fought.left_alone(relay), both.out(relay)
    yield Row(f"{relay}: times out", len(ours), len(ours), 1, 0)
    for a, b in ours[:1]:
        yield Row(f"{relay}: out from", a, a, theirs[0], WITHIN)
        yield Row(f"{relay}: out until", b, b, theirs[1], WITHIN)
    since = theirs[0] - both.fought.begun(name)
    yield row(f"{name}: detection time", both.fought.fault(name)["detection_time_s"], since, WITHIN)


def count_rows(both: Both) -> Iterator[Row]:
    """What was sent where, sent again, and failed."""
    requests = both.fought.document["analysis"]["requests"]
    hundredth = requests["total"] / 100
    yield Row("failures", requests["failures"], requests["failures"], both.last().failures, 0)
    more = both.fought.more_calls()
    yield Row("calls more than requests", *more, both.last().retries, hundredth)
    counts = both.fought.evidence.campaign.counts
    for relay, server in both.last().servers.items():
        ours = [count.calls - count.probes for count in counts if count.provider == relay]
        yield Row(f"{relay}: requests", ours[-1], ours[-1], server.requests, hundredth)
        yield Row(f"{relay}: requests, by itself", ours[-1], ours[-1], both.behind[relay], hundredth)


def test_what_haproxy_took_out_and_sent_again_is_what_it_says(tmp_path):
    both = compare(tmp_path)
    proofs = {fault["name"]: fault["proof"] for fault in both.fought.document["faults"]}
    assert proofs == dict.fromkeys(KILLED, "confirmed"), both.fought.printed
    rows = [one for name, relay in KILLED.items() for one in time_rows(both, name, relay)]
    rows += count_rows(both)
    rows += [
        row(f"{name}: recovery time", both.fought.fault(name)["recovery_time_s"], 0, 0) for name in KILLED
    ]
    print(table(rows))
    assert_agree(rows)
    for relay in both.behind:
        assert_breaker(both.fought.breaker(relay), both.out(relay))


def assert_breaker(told: dict[str, Any], out: list[tuple[float, float]]) -> None:
    """Its figures hold what HAProxy says; a look that came late makes them wide, never wrong."""
    assert not told["half_opens"]["observable"]
    for figure, theirs, within in (
        ("opens", len(out), 0),
        ("closes", len(out), 0),
        ("time_open_s", sum(end - start for start, end in out), WITHIN),
    ):
        least, most = told[figure]["least"] or 0, told[figure]["most"]
        assert least - within <= theirs, (figure, told)
        assert most is None or theirs <= most + within, (figure, told)
    assert (told["opens"]["least"] or 0) == len(out), told
