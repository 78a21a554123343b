"""What the lab's gateway says of who served, against its own record of what it did."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import httpx
import pytest
import trio

from battlectl.lab.control import Lab, running_lab
from battlectl.lab.spec import LabSpec
from battlectl.observe.served import ServedCell
from battlectl.scenario.target import AttributionHeaders, Target
from battlectl.targets.lab import ATTRIBUTION
from battlectl.targets.site import endpoint_of
from battlectl.transport.attribution import Attribution
from tests.cli.command import Desk, read_report
from tests.live import fight_live, reads

pytestmark = pytest.mark.real
FIVE_HUNDREDS = {"type": "http_5xx", "name": "trouble", "attributes": {"methods": ["eth_gasPrice"]}}
"""Of what the load asks alone: a gateway whose own questions fail leaves the provider alone by itself."""


def by_provider(document: dict[str, Any]) -> Counter[str]:
    """Provider -> its count over HTTP, of a part of /lab/truth."""
    return Counter({provider: sum(found.get("http", {}).values()) for provider, found in document.items()})


async def fight_lab(lab: Lab, **workload: Any) -> dict[str, ServedCell]:
    """Who served, as the replies said."""
    # Whoever waits for a busy machine must not be given up: the gateway would count one more than we do.
    fields = reads("1500ms", "100/s", calls=["eth_gasPrice"], timeout="20s", **workload)
    fight = partial(fight_live, fields, lab.url, attribution=ATTRIBUTION)
    fought = await trio.to_thread.run_sync(fight)
    return fought.evidence.tally.served(fought.evidence.frame.all_segments)


@pytest.mark.parametrize("client", ["http1", "httpx"])
async def test_what_replies_say_agrees_with_what_the_gateway_did(client):
    spec = LabSpec(providers=3, block_time=0.5, latency=0.002, seed=3, strategy="round-robin")
    async with running_lab(spec) as lab, httpx.AsyncClient(trust_env=False, timeout=10) as asking:
        url = f"{lab.admin_url}/proxies/{lab.providers[0].id}/toxics"
        (await asking.post(url, json=FIVE_HUNDREDS)).raise_for_status()
        before = (await asking.get(f"{lab.url}/lab/truth")).json()
        served = await fight_lab(lab, client=client)
        after = (await asking.get(f"{lab.url}/lab/truth")).json()
    given = by_provider(after["served"]) - by_provider(before["served"])
    asked = by_provider(after["attempts"]) - by_provider(before["attempts"])
    failovers = after["totals"].get("failover", 0) - before["totals"].get("failover", 0)
    assert {provider: cell.requests for provider, cell in served.items()} == dict(given)
    assert sum(cell.requests for cell in served.values()) == 150
    assert sum(cell.attempts for cell in served.values()) == asked.total()
    assert sum(cell.failovers for cell in served.values()) == failovers > 0
    assert lab.providers[0].id not in served


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (None, ATTRIBUTION),
        (AttributionHeaders(), None),
        (AttributionHeaders(attempts="X-Attempts"), Attribution(None, "X-Attempts")),
    ],
)
def test_the_labs_own_headers_are_read_unless_the_config_says_otherwise(named, expected):
    target = Target(version=1, kind="lab", attribution=named)
    assert endpoint_of(target, "http://127.0.0.1:1/", ATTRIBUTION).attribution == expected


def test_a_run_on_the_lab_names_the_providers_and_one_told_nothing_does_not(tmp_path):
    desk = Desk(tmp_path)
    scenario = desk.scenario()
    told = desk.write("told.yml", {"version": 1, "kind": "lab"})
    untold = desk.write("untold.yml", {"version": 1, "kind": "lab", "attribution": {}})
    assert desk.run(scenario, target=told).code == 0
    (run,) = desk.runs
    rows = read_report(run)["analysis"]["providers"]
    assert sum(row["requests"] for row in rows) == 20
    assert {row["provider"] for row in rows} <= {"provider_a", "provider_b", "provider_c"}
    assert "## Who served the requests" in (run / "report.md").read_text()
    assert desk.run(scenario, target=untold).code == 0
    (second,) = set(desk.runs) - {run}
    assert read_report(second)["analysis"]["providers"] is None
    assert "Who served" not in (second / "report.md").read_text()
