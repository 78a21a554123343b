"""From injections to proofs, on a real lab under real load: what a campaign sees is enough to confirm."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from battlectl.analyse.faults.proof import prove_faults
from battlectl.chaos.probe import HttpProber
from battlectl.chaos.toxiproxy import open_toxiproxy
from battlectl.lab.control import running_lab
from battlectl.lab.spec import LabSpec
from battlectl.plan.build import build_plan
from battlectl.report.fold import Chronicle
from battlectl.run.battle import Forces, fight
from battlectl.run.campaign import CampaignRun, Weapons
from battlectl.run.stop import Stop
from battlectl.scenario.target_chaos import ToxiproxyChaos
from battlectl.targets.clients import open_client
from battlectl.targets.site import Site
from battlectl.transport.base import Head, parse_endpoint
from battlectl.transport.poller import Poller
from tests.battle import scenario_of
from tests.run.campaigns import injection

pytestmark = pytest.mark.real

A, B, C = "provider_a", "provider_b", "provider_c"
FAULTS = [
    injection("kill-a", 3, 5),
    replace(injection("slow-b", 3.5, 5.5, B, kind="rpc_latency", latency_ms=300), takes_down=False),
    replace(injection("bad-c", 5.5, 7.5, C, kind="http_5xx", status=503), takes_down=False),
]


async def fought(lie_about: str):
    """The proofs of a battle with FAULTS; that one is only said to have been injected."""
    load = {"reads": {"rate": "90/s", "calls": ["eth_blockNumber"], "timeout": "3s"}}
    plan = build_plan(
        scenario_of(phases={"steady": "4s", "battle": "6s", "recovery": "2s"}, load=load), {}, FAULTS
    )
    chronicle, poller = Chronicle(plan.frame), Poller()

    async def keep(line):
        chronicle.add(line)

    async def written(_deed):
        return

    async with running_lab(LabSpec(providers=3, strategy="round-robin")) as lab:
        assert lab.url is not None
        urls = {provider.id: provider.url for provider in lab.providers}
        config = ToxiproxyChaos(driver="toxiproxy", url=lab.admin_url)
        async with open_toxiproxy(config, "run1") as driver, HttpProber(urls) as prober:
            inject = driver.inject

            async def lie(order, undo):
                return "200" if order.fault == lie_about else await inject(order, undo)

            driver.inject = lie  # type: ignore[method-assign]
            run = CampaignRun(FAULTS, plan.frame.duration, Weapons(driver, prober, written))
            await run.make_ready()
            forces = Forces(
                partial(open_client, Site("lab", parse_endpoint(lab.url)), poller),
                keep,
                services=(poller.serve,),
                chaos=run.serve,
            )
            ending = await fight(plan, forces, "run1", Stop(), Head(None))
            assert await driver.in_force() == ()
    campaign = run.campaign()
    assert campaign.leftovers == ()
    evidence = replace(chronicle.evidence(ending.how, ending.reason, ending.at), campaign=campaign)
    return {proof.fault: proof for proof in prove_faults(evidence)}


async def test_faults_that_struck_are_confirmed_and_one_that_was_only_said_to_have_is_not():
    proofs = await fought(lie_about="bad-c")
    assert [(proofs[name].verdict, proofs[name].reasons) for name in ("kill-a", "slow-b")] == [
        ("confirmed", ()),
        ("confirmed", ()),
    ]
    assert proofs["bad-c"].verdict == "mismatch"
    assert "had no effect" in proofs["bad-c"].reasons[0]
