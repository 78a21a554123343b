"""Somebody changes the target's configuration during a run: that is no pass, now and from what is stored."""

from __future__ import annotations

import shutil
import time

import httpx
import pytest
import trio

from battlectl.lab.control import running_lab
from battlectl.lab.spec import LabSpec
from tests.cli.command import Desk, finish, load_of, read_report

pytestmark = pytest.mark.real
CHAIN = "/api/admin/chains/battlechain"
JOURNAL = "*/*/journal.jsonl"


def take_one_out(url):
    """The last provider of the chain."""
    with httpx.Client(base_url=url, trust_env=False) as client:
        document = client.get(CHAIN).raise_for_status().json()
        del document["chain"]["providers"][-1]
        client.put(CHAIN, json=document).raise_for_status()


def wait_for_load(desk):
    deadline = time.monotonic() + 30
    while not any(path.read_bytes().count(b"\n") > 1 for path in desk.results.glob(JOURNAL)):
        assert time.monotonic() < deadline, "the load did not begin"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def meddled(tmp_path_factory):
    """The folder and the exit code of a run in which a provider was taken out."""
    desk = Desk(tmp_path_factory.mktemp("meddled"))

    async def battle():
        async with running_lab(LabSpec()) as lab:
            desk.target(lab.url, unchanged={"documents": [CHAIN]})
            desk.scenario(phases={"steady": "4s"}, load=load_of(rate="20/s"))
            process = desk.start("run", "reads.yml", "--results", desk.results, "--quiet")
            await trio.to_thread.run_sync(wait_for_load, desk)
            await trio.to_thread.run_sync(take_one_out, lab.url)
            return await trio.to_thread.run_sync(finish, process)

    ran = trio.run(battle)
    return desk, ran.code


def finding_of(run):
    (found,) = [one for one in read_report(run)["findings"] if one["name"] == "configuration"]
    return found["verdict"], found["summary"]


def test_a_change_fails_the_run_and_is_told_by_its_place(meddled):
    desk, code = meddled
    verdict, words = finding_of(desk.runs[0])
    assert (code, verdict) == (99, "fail")
    assert words == f"{CHAIN} is not as it was: /chain/providers (a list of 3, then a list of 2)"
    assert "/chain/providers: a list of 3, then a list of 2" in (desk.runs[0] / "report.md").read_text()


def test_it_is_judged_again_from_what_is_stored(meddled):
    desk, code = meddled
    before = finding_of(desk.runs[0])
    assert desk.battlectl("report", desk.runs[0]).code == code
    assert finding_of(desk.runs[0]) == before


def test_of_a_run_that_was_killed_it_is_said_that_nobody_looked_again(meddled, tmp_path):
    desk, _ = meddled
    run = tmp_path / "run"
    shutil.copytree(desk.runs[0], run)
    (run / "report.json").unlink()
    assert desk.battlectl("report", run).code == 99  # killed while it wrote its report: all was seen
    (run / "report.json").unlink()
    first, *_ = (run / "documents.jsonl").read_text().splitlines(keepends=True)
    (run / "documents.jsonl").write_text(first)
    assert desk.battlectl("report", run).code == 3
    assert finding_of(run) == ("inconclusive", f"{CHAIN} was not read after the run")
