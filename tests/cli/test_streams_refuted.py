"""Each scenario of subscribers refutes the aggregator that it was written against.

Rule: the short form is run at the lab whose gateway has one defect, and what fails is the objective that is
about the defect, while one that is about another does not. Several run at once, for most of the time they
wait for blocks: so faults may be late here, and whether they are proven is no matter of these tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest
import trio

from battlectl.lab.control import running_lab
from battlectl.lab.spec import LabSpec
from tests.cli.command import Desk, Ran
from tests.cli.in_short import read, run_in_short

pytestmark = pytest.mark.real
AT_ONCE = 4
GAPS, DOUBLES = "subscription.gaps == 0", "subscription.duplicates == 0"
UPTIME = "subscription(heads).uptime >= 99%"
FORKED = "provider_b"


class Worse(NamedTuple):
    """A defect, the objectives that must fail, and one that must not."""

    defect: str
    broken: set[str]
    kept: str


WORSE: Mapping[str, Worse] = {
    "subscription-failover": Worse("gap-not-filled", {GAPS}, DOUBLES),
    "subscription-flapping": Worse("silent-after-failover", {GAPS}, DOUBLES),
    "subscription-forward-gap": Worse("duplicates-after-resume", {DOUBLES}, GAPS),
    "subscription-mixed": Worse("cut-without-close", {UPTIME}, "success_rate(reads) == 100%"),
    "subscription-silent-stall": Worse("stall-not-noticed", {"subscription.stalls == 0"}, DOUBLES),
    "subscription-churn": Worse(
        "subscribe-refused-after-failover",
        {"subscription.never_opened == 0"},
        "subscription(residents).gaps == 0 in during:kill-provider_a",
    ),
    "soak-failover": Worse("duplicates-after-resume", {DOUBLES}, GAPS),
}


def fought(desk: Desk, name: str) -> tuple[Ran, dict[str, Any]]:
    """Its short form at the target it names, but for the defect."""
    lab = {"providers": 3, "block_time": "1s", "defect": WORSE[name].defect}
    by_priority = {"strategy": "priority"} if read(name)["target"] == "lab-by-priority" else {}
    target = desk.write("config/worse.yml", {"version": 1, "kind": "lab", "lab": {**lab, **by_priority}})
    return run_in_short(desk, name, target)


@pytest.fixture(scope="module")
def battles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Future[tuple[Ran, Any]]]]:
    ways = {**dict.fromkeys(WORSE, fought), "subscription-reorg": fought_at_the_forked}
    with ThreadPoolExecutor(AT_ONCE) as room:
        yield {
            name: room.submit(way, Desk(tmp_path_factory.mktemp(name)), name) for name, way in ways.items()
        }


def fought_at_the_forked(desk: Desk, name: str) -> tuple[Ran, dict[str, Any]]:
    """At somebody who asks one provider and believes it: that provider itself will do."""
    return trio.run(_fight_at_the_forked, desk, name)


async def _fight_at_the_forked(desk: Desk, name: str) -> tuple[Ran, dict[str, Any]]:
    async with running_lab(LabSpec(providers=3, has_gateway=False)) as lab:
        (forked,) = (node for node in lab.providers if node.id == FORKED)
        target = desk.target(
            forked.url,
            ws_url=forked.ws_url,
            providers=[{"id": one.id, "url": one.url, "ws_url": one.ws_url} for one in lab.providers],
            truth={"url": f"{lab.admin_url}/chain/rpc"},
            chaos={"driver": "toxiproxy", "url": lab.admin_url},
        )
        at_root = ("--set", "load.reads.http.path=/")
        return await trio.to_thread.run_sync(run_in_short, desk, name, target, *at_root)


@pytest.mark.parametrize("name", WORSE)
def test_it_refutes_one_that_is_worse(name, battles):
    ran, report = battles[name].result()
    verdicts = {f["name"]: f["verdict"] for f in report["findings"] if f["kind"] == "objective"}
    assert (ran.code, report["verdict"]) == (99, "fail"), f"{ran.out}\n{ran.err}"
    assert {one for one in WORSE[name].broken if verdicts[one] != "fail"} == set(), ran.out
    assert verdicts[WORSE[name].kept] != "fail", ran.out


def test_a_reorg_refutes_one_that_believes_whom_it_asks(battles):
    ran, report = battles["subscription-reorg"].result()
    assert (ran.code, report["verdict"]) == (99, "fail"), f"{ran.out}\n{ran.err}"
    verdicts = {f["name"]: f["verdict"] for f in report["findings"] if f["kind"] == "objective"}
    assert verdicts["subscription.wrong_fork == 0"] == "fail", ran.out
    proofs = {fault["name"]: fault["proof"] for fault in report["faults"]}
    assert proofs["kill-provider_a"] != "confirmed", ran.out  # Nobody asked it.
