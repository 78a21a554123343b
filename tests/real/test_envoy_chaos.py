"""Envoy before relayed anvils, killed and flapping: what battlectl derives, and what Envoy says of itself.

battlectl has the relays' counters and what its clients saw; Envoy's statistics are polled from here, and
nothing of them reaches battlectl. Both sides must agree within one second and one request in a hundred. Where
a closed port lets nobody count attempts, battlectl has to say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import pytest

from battlectl.analyse.faults.failover import failovers
from tests.real.anvil import running_anvils
from tests.real.chaos_battle import Fought, fight
from tests.real.envoy import Gateway, running_envoy
from tests.real.envoy_config import QUICK_DETECTION
from tests.real.envoy_stats import EnvoySeen, see_envoy
from tests.real.relays import Relays, running_relays
from tests.real.sides import Row, assert_agree, row, table
from tests.real.watching import Look, by_requests, growth, stretches, watching

pytestmark = pytest.mark.real

KILLED, FLAPPING, WELL = "relay_0", "relay_1", "relay_2"
SECOND = 1.0
GOOD_FOR = 5
IDLE, RATE = 2.5, 90
PHASES = {"idle": f"{IDLE}s", "steady": "5s", "battle": "20s", "recovery": "8s"}
READS = {
    "rate": f"{RATE}/s",
    "timeout": "3s",
    "calls": ["eth_blockNumber", "eth_gasPrice"],
    "phases": ["steady", "battle", "recovery"],
}


@dataclass(frozen=True, slots=True)
class Both:
    """The two sides; Envoy's times count from the start of the run."""

    fought: Fought
    looks: list[Look[EnvoySeen]]
    addresses: dict[str, str]

    @property
    def requests(self) -> dict[str, Any]:
        """What battlectl's clients saw, added up."""
        found: dict[str, Any] = self.fought.document["analysis"]["requests"]
        return found

    @property
    def hundredth(self) -> float:
        """One request in a hundred."""
        return self.requests["total"] / 100

    def ejections(self, relay: str) -> list[tuple[float, float]]:
        """From when to when Envoy had taken it out."""
        return stretches(self.looks, lambda seen: self.addresses[relay] in seen.ejected)

    def last(self) -> EnvoySeen:
        """Envoy when all was over."""
        return self.looks[-1].seen

    def failing_seconds(self) -> set[int]:
        """The seconds of the run in which Envoy answered with a 5xx of its own."""
        return {int(t) for t, _ in growth(self.looks, lambda seen: seen.failures)}


def scenario(mode: str) -> dict[str, Any]:
    """Envoy ejects for 2 s at first and longer each time, so some ejections end while the relay is dead."""
    flap = {"provider": FLAPPING, "mode": mode, "down": "3s", "up": "5s", "times": 2}
    return {
        "version": 1,
        "name": "Envoy",
        "phases": PHASES,
        "load": {"reads": READS},
        "chaos": [
            {"kill": {"provider": KILLED, "mode": mode}, "at": "7.5s", "for": "5s", "name": "kill"},
            {"flap": flap, "at": "18s", "name": "flap"},
        ],
        "objectives": [],
    }


def compare(mode: str, folder: Path, *, retries: bool) -> Both:
    """One run, watched from outside."""
    with staged(folder, retries=retries) as (relays, envoy):
        target = {
            "url": f"{envoy.url}/",
            "attribution": {},
            "providers": [{"id": relay.name, "url": relay.url} for relay in relays.relays],
            "chaos": {"driver": "toxiproxy", "url": str(relays.admin.base_url)},
        }

        with watching(lambda: see_envoy(envoy.admin_url)) as looks:
            fought = fight(scenario(mode), target, folder)
    total = fought.document["analysis"]["requests"]["total"]
    addresses = {relay.name: relay.url.removeprefix("http://") for relay in relays.relays}
    return Both(fought, by_requests(looks, lambda seen: seen.requests, IDLE, RATE, total), addresses)


@contextmanager
def staged(folder: Path, *, retries: bool) -> Iterator[tuple[Relays, Gateway]]:
    """Three nodes, a relay before each, and Envoy before these."""
    with running_anvils(3, folder) as nodes, running_relays(nodes) as relays:
        urls = tuple(relay.url for relay in relays.relays)
        with running_envoy(urls, folder, retries=retries, detection=QUICK_DETECTION) as envoy:
            yield relays, envoy


def ejection_rows(both: Both, relay: str) -> Iterator[Row]:
    """Each ejection, one by one and in order: both must have as many."""
    theirs, ours = both.ejections(relay), both.fought.left_alone(relay)
    yield Row(f"{relay}: ejections", len(ours), len(ours), len(theirs), 0)
    for number, (a, b) in enumerate(zip(theirs, ours, strict=False), 1):
        yield Row(f"{relay}: ejection {number} begins", b[0], b[0], a[0], SECOND)
        yield Row(f"{relay}: ejection {number} ends", b[1], b[1], a[1], SECOND)


def harm_rows(both: Both) -> Iterator[Row]:
    """By the same seconds, from Envoy's own failures: for how long each fault harmed."""
    bad = both.failing_seconds()
    for name, end in (("kill", 18.0), ("flap", 35.5)):
        fault = both.fought.fault(name)
        own = sorted(second for second in bad if int(fault["at_s"]) <= second < end)
        yield row(f"{name}: recovery time", fault["recovery_time_s"], longest_harm(own), SECOND)
        yield row(f"{name}: unavailable", fault["unavailability_s"], len(own), SECOND)


def longest_harm(bad: list[int]) -> int:
    """From a bad second to the first of five good ones."""
    harms: list[list[int]] = []
    for second in bad:
        if harms and second - harms[-1][-1] <= GOOD_FOR:
            harms[-1].append(second)
        else:
            harms.append([second])
    return max((harm[-1] + 1 - harm[0] for harm in harms), default=0)


def assert_confirmed(both: Both) -> None:
    """The faults themselves are proven."""
    proofs = {fault["name"]: fault["proof"] for fault in both.fought.document["faults"]}
    assert proofs == {"kill": "confirmed", "flap": "confirmed"}, both.fought.printed


def test_ejections_and_failovers_are_those_that_envoy_counts(tmp_path):
    both = compare("reset", tmp_path, retries=True)
    assert_confirmed(both)
    rows = [one for relay in (KILLED, FLAPPING, WELL) for one in ejection_rows(both, relay)]
    for name, relay in (("kill", KILLED), ("flap", FLAPPING)):
        theirs = both.ejections(relay)[0][0] - both.fought.begun(name)
        rows.append(
            row(f"{name}: detection time", both.fought.fault(name)["detection_time_s"], theirs, SECOND)
        )
    least, most = both.fought.more_calls()
    rows.append(Row("calls more than requests", least, most, both.last().retries, both.hundredth))
    rows += harm_rows(both)
    print(table(rows))
    assert_agree(rows)
    assert least <= both.last().retries <= most
    assert both.last().ejections == sum(len(both.ejections(relay)) for relay in both.addresses) >= 4
    assert (both.last().failures, both.requests["failures"]) == (0, 0)
    extra = failovers(both.fought.evidence, both.fought.evidence.frame.run)
    assert (extra.least, extra.most) == (1, most)  # One request may have been retried again and again.
    assert_no_half_open(both)


def test_the_harm_is_what_envoy_answered_and_what_a_closed_port_hides_is_not_observable(tmp_path):
    both = compare("refuse", tmp_path, retries=False)
    assert_confirmed(both)
    failures = both.requests["failures"]
    rows = [Row("failures", failures, failures, both.last().failures, 1), *harm_rows(both)]
    print(table(rows))
    assert_agree(rows)
    assert min(len(both.ejections(relay)) for relay in (KILLED, FLAPPING)) >= 2
    for name in ("kill", "flap"):
        fault = both.fought.fault(name)
        assert not fault["detection_time_s"]["observable"]
        assert not fault["windows"]["during"]["failovers"]["observable"]
        assert fault["windows"]["during"]["amplification_ratio"]["most"] is None
    for relay in (KILLED, FLAPPING):
        told = both.fought.breaker(relay)
        seen = {"opens": len(both.ejections(relay)), "time_open_s": time_ejected(both, relay)}
        for figure, theirs in seen.items():
            least, most = told[figure]["least"] or 0, told[figure]["most"]
            assert least - SECOND <= theirs <= (inf if most is None else most + SECOND), (relay, told)
        assert told["opens"]["most"] is None
    assert_no_half_open(both)


def time_ejected(both: Both, relay: str) -> float:
    """All of it together."""
    return sum(end - start for start, end in both.ejections(relay))


def assert_no_half_open(both: Both) -> None:
    """Envoy has no such state, and attempts cannot tell one from a short return."""
    found = [both.fought.breaker(relay)["half_opens"] for relay in both.addresses]
    assert [one["observable"] for one in found] == [False] * 3
