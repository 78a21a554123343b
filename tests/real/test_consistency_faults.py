"""Every fault of chain state at a node that hides nothing: the check that is about it says so, and no other.

The target is the node itself; the chain is read past every fault, from the lab.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trio

from battlectl.lab.control import running_lab
from battlectl.lab.spec import LabSpec
from tests.cli.command import Desk

pytestmark = pytest.mark.real

AT_ONCE = 3
NODE = "provider_a"
CHECKS = ("head", "chain", "consistency", "errors")


@dataclass(frozen=True, slots=True)
class Case:
    """Check -> the words that its finding must have; what is not named passes, or `may` fail."""

    told: Mapping[str, str]
    may: frozenset[str] = frozenset()
    attributes: tuple[tuple[str, Any], ...] = ()


def case(may: str = "", *, told: Mapping[str, str], **attributes: Any) -> Case:
    return Case(told, frozenset(may.split()), tuple(attributes.items()))


CASES: Mapping[str, Case] = {
    "nothing": case(told={}),
    "head_regress": case("consistency", told={"head": "went back for one client"}, blocks=3),
    "head_jump": case("consistency", told={"head": "ran ahead of the chain"}, blocks=12),
    "stale_head": case(told={"head": "stayed behind the chain"}),
    "inconsistent_views": case("consistency", told={"head": "went back for one client"}),
    "wrong_chain": case("consistency", told={"chain": "of another chain"}),
    "missing_logs": case(told={"consistency": "blocks without logs that they have"}),
    "null_near_tip": case(told={"consistency": "blocks that were shown and then denied"}, blocks=40),
}


def scenario_of(name: str) -> dict[str, Any]:
    """Four seconds of reads, and one fault for two and a half of them."""
    document: dict[str, Any] = {
        "version": 1,
        "name": name,
        "target": "target.yml",
        "phases": {"calm": "1s", "battle": "2500ms", "recovery": "500ms"},
        "load": {"reads": {"rate": "40/s", "calls": ["eth_blockNumber", BAD]}},
        "objectives": ["total > 1"],
        "checks": dict.fromkeys(CHECKS, "fail"),
        "watch": "4/s",
        "generator": {"max_lag": "1s"},
    }
    if name != "nothing":
        fault = {"provider": NODE, **dict(CASES[name].attributes)}
        document["chaos"] = [{name: fault, "name": "it", "for": "2500ms"}]
        document["safety"] = {"max_providers_down": 1}
    return document


BAD = {"method": "eth_getBalance", "params": ["nonsense", "latest"], "expect": {"error": -32602}}


def fought(name: str, folder: Path) -> dict[str, Any]:
    """The report of a run against a node of its own."""
    folder.mkdir()
    return trio.run(_fight, name, folder)


async def _fight(name: str, folder: Path) -> dict[str, Any]:
    desk = Desk(folder)
    async with running_lab(LabSpec(providers=2, block_time=0.2, has_gateway=False)) as lab:
        node, _ = lab.providers  # That there is another means that somebody knew.
        desk.target(
            node.url,
            providers=[{"id": one.id, "url": one.url} for one in lab.providers],
            truth={"url": f"{lab.admin_url}/chain/rpc", "every": "50ms"},
            heads={"behind": 3, "ahead": 4, "within": "300ms", "notice": "0s"},
            chaos={"driver": "toxiproxy", "url": lab.admin_url},
        )
        desk.write("scenario.yml", scenario_of(name))
        ran = await trio.to_thread.run_sync(desk.battlectl, "run", "scenario.yml", "--results", desk.results)
    assert len(desk.runs) == 1, ran.err
    return desk.report


@pytest.fixture(scope="module")
def battles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[dict[str, Any]]]]:
    """All of them, a few at a time."""
    folder = tmp_path_factory.mktemp("consistency")
    with ThreadPoolExecutor(AT_ONCE) as room:
        yield {name: room.submit(fought, name, folder / name) for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_what_was_done_is_found_by_the_check_that_is_about_it(name, battles, tmp_path):
    """One that is tried again is fought anew."""
    report = battles.pop(name).result() if name in battles else fought(name, tmp_path / name)
    wanted = CASES[name]
    found = {one["name"]: one for one in report["findings"] if one["name"] in CHECKS}
    told = "\n".join(f"{one['name']}: {one['verdict']}: {one['summary']}" for one in found.values())
    assert set(found) == set(CHECKS), told
    for check, finding in found.items():
        if check in wanted.told:
            assert finding["verdict"] == "fail", told
            assert wanted.told[check] in finding["summary"], told
            assert finding["first"] is not None, told
        elif check not in wanted.may:
            assert finding["verdict"] == "pass" or "rounds of questions" in finding["summary"], told
    late = any("rounds of questions" in one["summary"] for one in found.values())
    assert report["verdict"] == ("fail" if wanted.told else "inconclusive" if late else "pass"), told
