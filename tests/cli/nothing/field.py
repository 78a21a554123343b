"""The field on which a fault that does nothing is tried: one short battle, and what was said of it.

Rule: a way is a battle that ends in `confirmed` and a pass without its trick, and is refuted with it: the
exit code that README.md promises, and the reason, in the report and on the terminal, in words that fit no
other way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.cli.command import Desk, Ran, crashed, finish_started, read_report
from tests.cli.test_signals import journal_lines, wait_for

A, B, C = "provider_a", "provider_b", "provider_c"
ATTRIBUTION = {"attribution": {"provider": "X-Lab-Provider", "attempts": "X-Lab-Attempts"}}
SCENARIO: dict[str, Any] = {
    "version": 1,
    "name": "nothing",
    "target": "target.yml",
    "phases": {"steady": "1500ms", "battle": "2s", "recovery": "500ms"},
    "load": {"reads": {"rate": "120/s", "timeout": "3s", "calls": ["eth_blockNumber"]}},
    "chaos": [{"kill": A}],
    "objectives": ["success_rate >= 5%"],  # what a fault does to the target is not what these tests are about
    "generator": {"max_lag": "2s"},
}
Meddle = Callable[["Battle"], None]


@dataclass(frozen=True, slots=True)
class Battle:
    """A run that goes on."""

    desk: Desk
    pid: int

    def wait_for_deed(self, action: str, stage: str) -> None:
        """Until the journal of its faults has that."""
        wait_for(lambda: (action, stage) in set(self._deeds()), f"{action} {stage}")

    def wait_for_load(self) -> None:
        """Until the first second of load is in its journal."""
        wait_for(lambda: journal_lines(self.desk) >= 2, "the first second of load")

    def _deeds(self) -> list[tuple[str, str]]:
        lines = [
            line for path in self.desk.results.glob("*/*/faults.jsonl") for line in _lines(path.read_bytes())
        ]
        return [(deed["action"], deed["stage"]) for deed in lines if "action" in deed]


def _lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines(keepends=True) if line.endswith(b"\n")]


@dataclass(frozen=True, slots=True)
class Fought:
    """What came of a battle; `report` is None where nothing was begun."""

    ran: Ran
    report: dict[str, Any]

    @property
    def proof(self) -> str:
        """What the report says of the proof of its faults."""
        found = [finding for finding in self.report["findings"] if finding["name"] == "proof"]
        return str(found[0]["summary"]) if found else "no proof was asked for"

    @property
    def shown(self) -> str:
        """What stood on the terminal, without the breaks of its lines."""
        return " ".join((self.ran.out + self.ran.err).split())


def fight(desk: Desk, meddle: Meddle | None = None, **fields: Any) -> Fought:
    """One run of SCENARIO with some of its fields replaced; `meddle` is called while it goes on."""
    scenario = desk.write("nothing.yml", {**SCENARIO, **fields})
    started = desk.start_warm("run", scenario, "--results", desk.results)
    try:
        if meddle is not None:
            meddle(Battle(desk, started.pid))
    finally:
        ran = finish_started(started)
    runs = desk.runs
    assert not crashed(ran), ran.err
    return Fought(ran, read_report(runs[-1]) if runs else {})


def reasons_of(fought: Fought, provider: str) -> list[str]:
    """Why the report does not take the faults at a provider for proven."""
    places = [place for fault in fought.report["faults"] for place in fault["providers"]]
    return [reason for place in places if place["provider"] == provider for reason in place["reasons"]]


def check_confirmed(fought: Fought) -> None:
    """That the same battle without a trick is a pass, so that the trick is what refutes it."""
    assert fought.ran.code == 0, fought.proof + fought.ran.out
    assert fought.report["verdict"] == "pass"
    assert fought.proof.endswith("confirmed from both sides")


def check_refuted(fought: Fought, *reasons: str, code: int = 3) -> None:
    """No pass, and each reason wherever somebody may look for it."""
    assert fought.ran.code == code, fought.proof + fought.ran.out + fought.ran.err
    assert fought.report["verdict"] == ("fail" if code == 99 else "inconclusive")
    for reason in reasons:
        assert reason in fought.proof, fought.proof
        assert reason in fought.shown, fought.shown


def target_of(lab: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The config file of a lab that runs by itself, broken through its admin API."""
    return {
        "version": 1,
        "kind": "generic",
        "url": lab["url"],
        "ready": {"within": "5s"},
        "providers": [{"id": p["id"], "url": p["url"]} for p in lab["providers"]],
        "chaos": {"driver": "toxiproxy", "url": lab["admin_url"]},
        **changes,
    }


def settle(lab: Mapping[str, Any]) -> None:
    """Wait until the gateway asks all providers in turn again: breakers stay open for a while."""
    names = {provider["id"] for provider in lab["providers"]}
    wait_for(lambda: {_served(lab["url"]) for _ in range(2 * len(names))} == names, "each provider's turn")


def _served(url: str) -> str | None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}
    return httpx.post(url, json=message, trust_env=False, timeout=10).headers.get("X-Lab-Provider")


def clear(lab: Mapping[str, Any]) -> None:
    """Take all that is in force from a lab, so that the next battle finds it well."""
    httpx.post(f"{lab['admin_url']}/reset", trust_env=False, timeout=10).raise_for_status()
