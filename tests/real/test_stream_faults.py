"""Every fault of a stream at a node that hides nothing: what was done to it is what is found, and no more.

Rule: the target is the node itself; the chain is read past every fault, from the lab. A battle that a late
machine has spoilt is fought again: that it can tell less then is right, and no matter of these tests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from battlectl.lab.control import running_lab
from battlectl.lab.spec import LabSpec
from battlectl.observe.streams.cell import MISSING
from tests.cli.command import COMMAND, Desk, read_report

pytestmark = pytest.mark.real

AT_ONCE = 3
SUBSCRIPTIONS = 3
SPOILT = {"ws_duplicate": (("duplicates",), 1), "ws_skip": (MISSING, 3)}
"""Faults that count each event -> as what it is found, and which share of the events it can be."""
DEAD = ("ws_stall", "ws_half_open")
"""A stream that dies silently is no pass."""
ENDS_WITHIN = 60.0  # seconds
NODE = "provider_a"
LOST = {"gaps", *MISSING}
DARK = {"stalls", "resumes", "unresumed", "dead_at_end", "dead_ns"}
UNSURE = {"unproven"}
"""Where the truth is late, or the run ends before it has looked again: a doubt, and no finding."""
LATE = {"caught_up"}
"""It is no loss: all came, in order, after the truth had newer ones."""
FINDINGS = LOST | {
    "duplicates",
    "out_of_order",
    "back_filled",
    "wrong_fork",
    "invented",
    "unproven",
    "false_links",
    "reemitted",
    "removed",
    "unremoved",
    "unexpected",
    "never_opened",
    "ends_visible",
    "ends_silent",
    "stalls",
}


@dataclass(frozen=True, slots=True)
class Case:
    """What must be found, and what else may be: nothing but these and what every stream has."""

    heads: frozenset[str]
    logs: frozenset[str]
    may: frozenset[str] = frozenset()
    attributes: tuple[tuple[str, Any], ...] = ()
    passers: frozenset[str] | None = None


def case(heads: str, logs: str, *may: set[str], passers: str | None = None, **attributes: Any) -> Case:
    allowed = frozenset[str]().union(*may)
    coming = None if passers is None else frozenset(passers.split())
    return Case(frozenset(heads.split()), frozenset(logs.split()), allowed, tuple(attributes.items()), coming)


CASES: Mapping[str, Case] = {
    "nothing": case("", ""),
    "ws_close": case("ends_visible missing_forward", "ends_visible missing_forward", LOST, {"resumes"}, LATE),
    "ws_refuse": case("", "", passers="never_opened"),
    "ws_stall": case("stalls missing_forward", "stalls missing_forward", LOST, DARK),
    "ws_half_open": case(
        "ends_silent missing_forward", "ends_silent missing_forward", LOST, DARK, {"ends_visible"}
    ),
    "ws_duplicate": case("duplicates", "duplicates"),
    "ws_skip": case("missing_middle", "missing_middle", LOST),
    "ws_reorder": case("out_of_order", "out_of_order", {"back_filled"}, LATE),
    "sub_lost": case("", "", passers="never_opened"),
    "stale_head": case("stalls caught_up", "stalls", DARK),
    "lag": case("caught_up", "", LATE, blocks=3),
    "reorg": case("wrong_fork reemitted", "wrong_fork removed reemitted", DARK, LATE, UNSURE, {"invented"}),
    "head_regress": case("caught_up", "", LATE),
    "head_jump": case("", "", UNSURE, blocks=4),
    "wrong_chain": case("wrong_fork", "wrong_fork", DARK, LATE, UNSURE, {"invented"}),
    "missing_logs": case("", "stalls missing_forward", LOST, DARK),
}


def scenario_of(name: str) -> dict[str, Any]:
    """Five seconds of subscribers and reads, and one fault for two of them."""
    back = {"first": "500ms", "most": "500ms"}  # Long enough that a block is lost.
    stream = {"ping_every": "1s", "stall_after": "1200ms", "reconnect": back}
    load: dict[str, Any] = {
        "heads": {"subscribe": "newHeads", "clients": 2, **stream},
        "logs": {"subscribe": "logs", **stream},
        "reads": {"rate": "20/s", "calls": ["eth_blockNumber", LOGS]},
    }
    if CASES[name].passers is not None:
        load["passers"] = {"subscribe": "newHeads", "churn": {"rate": "5/s", "stay": ["300ms", "400ms"]}}
    lasts = (
        "3500ms" if name == "ws_half_open" else "2200ms"
    )  # A pong is waited for until the next ping is due.
    document: dict[str, Any] = {
        "version": 1,
        "name": name,
        "target": "target.yml",
        "phases": {"calm": "1s", "battle": lasts, "recovery": "2s"},
        "load": load,
        "objectives": ["subscription.gaps == 0", "subscription.stalls == 0"],
        "generator": {"max_lag": "1s"},
    }
    if name != "nothing":
        fault = {"provider": NODE, **dict(CASES[name].attributes)}
        document["chaos"] = [{name: fault, "name": "it", "for": lasts}]
        document["safety"] = {"max_providers_down": 1}
    return document


LOGS = {"method": "eth_getLogs", "params": [{"fromBlock": "latest", "toBlock": "latest"}]}


def fought(name: str, folder: Path) -> dict[str, Any]:
    """The report of a run against a node of its own."""
    folder.mkdir()
    return trio.run(_fight, name, folder)


async def _fight(name: str, folder: Path) -> dict[str, Any]:
    desk = Desk(folder)
    async with running_lab(LabSpec(providers=1, block_time=0.2, has_gateway=False)) as lab:
        (node,) = lab.providers
        desk.target(
            node.url,
            ws_url=node.ws_url,
            providers=[{"id": node.id, "url": node.url, "ws_url": node.ws_url}],
            truth={"url": f"{lab.admin_url}/chain/rpc", "every": "50ms"},
            chaos={"driver": "toxiproxy", "url": lab.admin_url},
        )
        desk.write("scenario.yml", scenario_of(name))
        return await _run(desk)


async def _run(desk: Desk) -> dict[str, Any]:
    words = [*COMMAND, "run", "scenario.yml", "--results", str(desk.results)]
    with trio.fail_after(ENDS_WITHIN):
        ran = await trio.run_process(
            words, cwd=desk.folder, check=False, capture_stdout=True, capture_stderr=True
        )
    assert len(desk.runs) == 1, (ran.stdout + ran.stderr).decode()
    return read_report(desk.runs[0])


def counts_of(report: Mapping[str, Any], workload: str) -> Counter[str]:
    """Of a whole run."""
    (streams,) = (streams for streams in report["streams"] if streams["name"] == workload)
    (whole,) = (window for window in streams["windows"] if window["name"] == "run")
    return Counter(whole["counts"])


def examine(name: str, report: Mapping[str, Any]) -> None:
    """What was done is found, and nothing else."""
    wanted = CASES[name]
    told = f"{[finding['summary'] for finding in report['findings']]}"
    for workload, must in (("heads", wanted.heads), ("logs", wanted.logs)):
        found = counts_of(report, workload)
        assert found["events"] > 0
        assert {one for one in must if not found[one]} == set(), (workload, found, told)
        seen = {one for one in found if found[one]} & FINDINGS
        assert seen <= must | wanted.may | UNSURE, (workload, found, told)
    if wanted.passers is not None:
        assert all(counts_of(report, "passers")[one] for one in wanted.passers)
    if name in SPOILT:
        examine_spoilt(name, report)
    if name in DEAD:
        assert report["verdict"] == "fail", told
    if name == "nothing":
        assert verdict_of(report, "continuity") == "pass", told
        return
    (fault,) = report["faults"]
    late = ["late" in reason for provider in fault["providers"] for reason in provider["reasons"]]
    assert fault["proof"] == "confirmed" or (late and all(late)), fault["providers"]


def examine_spoilt(name: str, report: Mapping[str, Any]) -> None:
    """The node counts by itself what it doubled or dropped; what it did after the last look at its counter
    and before it was healed is not in there, and one event in so many is all that it can have been."""
    kinds, one_in = SPOILT[name]
    (provider,) = report["faults"][0]["providers"]
    found = counts_of(report, "heads") + counts_of(report, "logs")
    spoilt = sum(found[kind] for kind in kinds)
    sent = found["observed"] + sum(found[kind] for kind in MISSING)
    assert 0 < provider["hits"] <= spoilt <= sent / one_in + SUBSCRIPTIONS, found


@pytest.fixture(scope="module")
def battles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[dict[str, Any]]]]:
    """All of them, a few at a time."""
    folder = tmp_path_factory.mktemp("streams")
    with ThreadPoolExecutor(AT_ONCE) as room:
        yield {name: room.submit(fought, name, folder / name) for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_what_was_done_is_found_and_nothing_else(name, battles, tmp_path):
    """One that is tried again is fought anew."""
    report = battles.pop(name).result() if name in battles else fought(name, tmp_path / name)
    examine(name, report)


def verdict_of(report: Mapping[str, Any], check: str) -> str:
    """Of one check."""
    (verdict,) = (finding["verdict"] for finding in report["findings"] if finding["name"] == check)
    return str(verdict)


FAILOVERS = 4
TURNS = [("provider_a", "1s"), ("provider_b", "3250ms"), ("provider_c", "5500ms"), ("provider_a", "7750ms")]


def test_the_reference_gateway_shows_nothing_of_forced_failovers(tmp_path):
    """Whoever feeds the subscriptions is killed, one after the other; the gateway counts its moves."""
    load = {
        "heads": {"subscribe": "newHeads", "clients": 5, "stall_after": "3s"},
        "logs": {"subscribe": "logs", "clients": 3, "stall_after": "3s"},
        "reads": {"rate": "20/s", "calls": ["eth_blockNumber"]},
    }
    counts = ("gaps", "duplicates", "out_of_order", "wrong_fork", "unremoved", "unexpected", "unproven")
    scenario = {
        "version": 1,
        "name": "failovers",
        "target": "target.yml",
        "phases": {"battle": "11s"},
        "load": load,
        "chaos": [{"kill": id_, "name": f"k{n}", "at": at, "for": "1s"} for n, (id_, at) in enumerate(TURNS)],
        "objectives": [f"subscription.{one} == 0" for one in counts],
        "generator": {"max_lag": "1s"},
    }

    Desk(tmp_path).write("scenario.yml", scenario)
    report, moves = trio.run(_fail_over, tmp_path)
    assert moves >= FAILOVERS - 1, moves
    assert verdict_of(report, "continuity") == "pass", report["findings"]
    for workload in ("heads", "logs"):
        found = counts_of(report, workload)
        assert found["observed"] > 0
        assert {one for one in found if found[one]} & FINDINGS == set(), found


async def _fail_over(folder: Path) -> tuple[dict[str, Any], int]:
    desk = Desk(folder)
    async with running_lab(LabSpec(providers=3, block_time=0.25, strategy="priority")) as lab:
        assert lab.url is not None
        desk.target(
            lab.url,
            ws_url=lab.ws_url,
            providers=[{"id": one.id, "url": one.url, "ws_url": one.ws_url} for one in lab.providers],
            truth={"url": f"{lab.admin_url}/chain/rpc", "every": "50ms"},
            chaos={"driver": "toxiproxy", "url": lab.admin_url},
        )
        report = await _run(desk)
        async with httpx.AsyncClient(trust_env=False) as client:
            told = (await client.get(f"{lab.url}/lab/truth")).json()
    return report, len(told["events"].get("replacement", []))
