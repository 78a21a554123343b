"""One battle on a lab of its own, and what both sides say of it afterwards: battlectl and the gateway.

Rule: battlectl runs as a user runs it, in a process of its own, against a target that it knows by its config
file alone; nothing of the gateway's record reaches it.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import trio
import yaml

from battlectl.analyse.evidence import Evidence
from battlectl.commands.prepare import Prepared, prepare
from battlectl.lab.control import Lab, running_lab
from battlectl.lab.spec import LabSpec
from battlectl.report.document import read_evidence
from tests.real.truth_chaos import Chaos

ENDS_WITHIN = 90.0
SETTLE = 0.5
RECORD = "record.json"
"""The gateway's, beside battlectl's own files: what is wrong can be looked at afterwards."""
HEADERS = {"provider": "X-Lab-Provider", "attempts": "X-Lab-Attempts"}


@dataclass(frozen=True, slots=True)
class Battle:
    """`events` are those of GET /lab/truth, `requests` those of GET /lab/truth/requests."""

    chaos: Chaos
    is_attributed: bool
    evidence: Evidence
    prepared: Prepared
    events: dict[str, list[dict[str, Any]]]
    requests: list[dict[str, Any]]


async def fight(chaos: Chaos, is_attributed: bool, folder: Path) -> Battle:
    """Fight it; `folder` is for its files."""
    async with running_lab(LabSpec(strategy=chaos.strategy, seed=chaos.seed)) as lab:
        _write(folder, chaos, lab, is_attributed)
        command = [sys.executable, "-m", "battlectl", "run", "scenario.yml", "--target", "target.yml"]
        run = partial(trio.run_process, check=False, capture_stdout=True, stderr=subprocess.STDOUT)
        with trio.fail_after(ENDS_WITHIN):
            ended = await run(command, cwd=folder)
        await trio.sleep(SETTLE)
        async with httpx.AsyncClient(base_url=lab.url or "", trust_env=False, timeout=20) as client:
            truth = (await client.get("/lab/truth")).json()
            ledger = (await client.get("/lab/truth/requests")).json()
    assert ledger["total"] == len(ledger["requests"]), "the gateway has forgotten some of its requests"
    _store(folder, {"events": truth["events"], "requests": ledger["requests"]})
    if not _report(folder).is_file():
        raise AssertionError(f"no report ({ended.returncode}):\n{ended.stdout.decode(errors='replace')}")
    return read_battle(chaos, is_attributed, folder)


def read_battle(chaos: Chaos, is_attributed: bool, folder: Path) -> Battle:
    """A battle that was fought, from its files."""
    record = msgspec.json.decode((folder / RECORD).read_bytes())
    return Battle(
        chaos=chaos,
        is_attributed=is_attributed,
        evidence=read_evidence(msgspec.json.decode(_report(folder).read_bytes())),
        prepared=prepare(folder / "scenario.yml", [], str(folder / "target.yml")),
        events=record["events"],
        requests=record["requests"],
    )


def _report(folder: Path) -> Path:
    return folder / "results" / "latest" / "report.json"


def _store(folder: Path, record: dict[str, Any]) -> None:
    (folder / RECORD).write_bytes(msgspec.json.encode(record))


def _write(folder: Path, chaos: Chaos, lab: Lab, is_attributed: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.yml").write_text(yaml.safe_dump(chaos.scenario))
    (folder / "target.yml").write_text(yaml.safe_dump(_target(lab, is_attributed)))


def _target(lab: Lab, is_attributed: bool) -> dict[str, Any]:
    return {
        "version": 1,
        "kind": "generic",
        "url": lab.url,
        "attribution": HEADERS if is_attributed else {},
        "providers": [{"id": provider.id, "url": provider.url} for provider in lab.providers],
        "chaos": {"driver": "toxiproxy", "url": lab.admin_url},
    }
