"""The public incidents: which defect makes each of them fail, and the two that are about battlectl itself.

Rule: an incident is fought as it is written, and fails by a finding of the kind that its defect declared. Of
the other two, one is refused before any load (exit code 4), and one must not pass: what was to be broken went
on working.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.cli.command import Desk
from tests.matrix.rows import LONGEST_SUMMARY, Row, tell
from tests.matrix.trial import Trial, run_trial
from tests.torture.labs import running_lab, target_file, urls_of

INCIDENTS: Mapping[str, str] = {
    "infura-2019-frozen-head": "stall-not-noticed",
    "infura-2020-split": "fork-not-noticed",
    "infura-2026-method-error": "failover-by-http-status",
    "walletconnect-2023-rate-limit-in-200": "failover-by-http-status",
    "walletconnect-2023-wrong-content-type": "body-not-read",
    "reown-free-tier": "retry-after-ignored",
    "erpc-1130-hang": "timeouts-not-retried",
    "erpc-449-refusals": "breaker-ignores-refusals",
    "erpc-276-head-goes-back": "head-goes-back",
    "proxyd-reorg-bans-all": "reorg-bans-everybody",
    "viem-3680-rate-limit-in-batch": "failover-by-http-status",
    "viem-3957-duplicates": "duplicates-after-resume",
    "maxx-833-amplification": "retry-storm",
    "lasso-8-forward-gap": "duplicates-after-resume",
    "lasso-11-inconsistent-logs": "logs-from-one-witness",
    "lasso-36-idle-socket": "silent-after-failover",
    "ethers-2969-silent-stall": "stall-not-noticed",
    "geth-31323-newest-only": "events-to-another-client",
}
"""Incident -> the defect with which it fails."""

LEFTOVER, KEPT_ALIVE = "toxiproxy-leftover", "chaos-mesh-keep-alive"
REFUSED = 4
ENDS_WITHIN = 120.0  # seconds


def leftover(folder: Path) -> Row:
    """A toxic that somebody left behind: nothing is begun, and it is named."""
    scenario = Trial(f"incidents/{LEFTOVER}")
    folder.mkdir(parents=True)
    desk = Desk(folder)
    with running_lab(desk) as lab:
        left = {"name": "left", "type": "latency", "attributes": {"latency": 400}}
        url = f"{lab['admin_url']}/proxies/provider_b/toxics"
        request = urllib.request.Request(url, json.dumps(left).encode(), method="POST")
        urllib.request.urlopen(request, timeout=10).close()
        driver = {"driver": "toxiproxy", "url": lab["admin_url"]}
        target = target_file(desk, lab["url"], urls_of(lab), driver)
        ran = desk.battlectl_within(ENDS_WITHIN, "run", scenario.path, "--target", target, *scenario.words)
    said = " ".join(ran.out.split()).rpartition(f"exit code {REFUSED}: ")[2]
    is_named = ran.code == REFUSED and "left" in said and "provider_b" in said
    wanted = f"exit code {REFUSED}"
    return Row(
        LEFTOVER, scenario.scenario, wanted, "caught" if is_named else "missed", said[:LONGEST_SUMMARY]
    )


def kept_alive(folder: Path) -> Row:
    """A fault that connections from before do not feel is no fault for who keeps its own: not proven."""
    trial = Trial(f"incidents/{KEPT_ALIVE}", ("chaos.0.http_5xx.connections=new",))
    ran = run_trial(trial, folder)
    wanted = "inconclusive"
    if ran.report is None:
        return Row(KEPT_ALIVE, trial.scenario, wanted, "broken", _short(ran.said))
    doubts = [one for one in ran.report["findings"] if one["weighs"] == "inconclusive"]
    unproven = [one for one in doubts if one["name"] == "proof"]
    is_told = ran.report["verdict"] == "inconclusive" and bool(unproven)
    by = tell(unproven[0]) if unproven else ran.report["verdict"]
    return Row(KEPT_ALIVE, trial.scenario, wanted, "caught" if is_told else "missed", by)


OF_THE_TOOL: Mapping[str, Callable[[Path], Row]] = {LEFTOVER: leftover, KEPT_ALIVE: kept_alive}


def _short(text: str) -> str:
    return text.strip()[-LONGEST_SUMMARY:]
