"""A whole battle on a real server, in real time and in this process: the judged record, without files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import trio

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.judge import Judgement, judge
from battlectl.observe.journal import Line
from battlectl.plan.build import build_plan
from battlectl.report.fold import Chronicle
from battlectl.run.battle import Forces, fight
from battlectl.run.stop import Stop
from battlectl.targets.clients import open_client
from battlectl.targets.site import Site
from battlectl.transport.base import Client, Head, parse_endpoint
from battlectl.transport.poller import Poller
from tests.battle import scenario_of


@dataclass
class Fought:
    """What came of it."""

    evidence: Evidence
    judgement: Judgement
    clients: dict[str, Client]

    @property
    def outcomes(self) -> dict[str, int]:
        """All outcomes of the whole run."""
        return dict(self.evidence.tally.cell(self.evidence.frame.all_segments).outcomes)


def fight_live(fields: Mapping[str, Any], url: str, **endpoint: Any) -> Fought:
    """Fight a scenario against `url`; `endpoint` overrides fields of the endpoint."""
    plan = build_plan(scenario_of(**fields), {})
    chronicle = Chronicle(plan.frame)
    at = replace(parse_endpoint(url), **endpoint)
    site = Site("generic", at, ws_endpoint=at)
    clients: dict[str, Client] = {}
    poller = Poller()

    async def keep(line: Line) -> None:
        chronicle.add(line)

    def open_kept(workload: Any, on_reconnect: Any) -> Client:
        clients[workload.name] = open_client(site, poller, workload, on_reconnect)
        return clients[workload.name]

    async def main() -> Evidence:
        ending = await fight(
            plan, Forces(open_kept, keep, (poller.serve,), poller.linger), "live", Stop(), Head(100)
        )
        return chronicle.evidence(ending.how, ending.reason, ending.at)

    evidence = trio.run(main)
    return Fought(evidence, judge(evidence), clients)


def reads(length: str = "1s", rate: Any = "20/s", **workload: Any) -> dict[str, Any]:
    """The fields of a scenario with one workload."""
    load = {"rate": rate, "calls": ["eth_blockNumber"], "timeout": "1s", **workload}
    return {"phases": {"steady": length}, "load": {"reads": load}, "objectives": ["success_rate >= 99%"]}
