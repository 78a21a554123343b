"""The lab's gateway as a Lasso, in both revisions: addressed, told apart, and who served is known."""

from __future__ import annotations

import pytest

from battlectl.lab.control import running_lab
from battlectl.lab.spec import LabSpec
from tests.cli.command import Desk, read_report

pytestmark = pytest.mark.real
CALLS = ["eth_gasPrice"]


def workload(**more):
    return {"rate": "20/s", "calls": CALLS, **more}


def target_of(desk, lab, **fields):
    config = {"version": 1, "kind": "lasso", "url": lab.url, "chain": "battlechain"}
    providers = [{"id": provider.id, "url": provider.url} for provider in lab.providers]
    return desk.write("lasso.yml", {**config, "providers": providers, **fields})


def served(run):
    """Provider -> requests."""
    rows = read_report(run)["analysis"]["providers"]
    return {row["provider"]: row["requests"] for row in rows}


async def test_words_reach_the_provider_that_they_name(tmp_path):
    desk = Desk(tmp_path)
    load = {
        "pinned": workload(http={"provider": "provider_b"}),
        "fast": workload(http={"strategy": "fastest", "chain": 999}),
        "by_ws": workload(ws={"provider": "provider_b"}),
    }
    scenario = desk.scenario(phases={"battle": "1s"}, load=load, objectives=["success_rate >= 100%"])
    async with running_lab(LabSpec(providers=2, latency=0.001)) as lab:
        ran = desk.run(scenario, target=target_of(desk, lab))
    assert ran.code == 0, ran
    (run,) = desk.runs
    document = read_report(run)
    assert served(run)["provider_b"] >= 20
    assert sum(served(run).values()) == 40
    assert "the target says that it is Lasso 0.2.0: revision current" in document["meta"]["notes"]
    assert any("who served a call over WebSocket" in note for note in document["meta"]["notes"])


async def test_the_older_revision_is_told_by_its_answer_and_refuses_words_that_it_ignores(tmp_path):
    desk = Desk(tmp_path)
    async with running_lab(LabSpec(providers=2, revision="2025-10")) as lab:
        good = desk.scenario(load={"reads": workload(http={"strategy": "cheapest"})})
        fine = desk.run(good, target=target_of(desk, lab))
        pinned = desk.scenario("pinned.yml", load={"reads": workload(http={"provider": "provider_b"})})
        refused = desk.run(pinned, target=target_of(desk, lab))
        other = desk.run(desk.scenario("plain.yml"), target=target_of(desk, lab, revision="current"))
    assert fine.code == 0, fine
    assert refused.code == 2
    assert (
        "load.reads: provider: the target is Lasso 0.1.0, revision 2025-10 takes no notice of" in refused.err
    )
    assert other.code == 4
    assert "the target is Lasso 0.1.0, which is revision 2025-10, and its config says current" in other.out
