"""A gateway that is worse in one respect fails the scenario and the check that are about it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cli.command import Desk
from tests.cli.in_short import run_in_short

pytestmark = pytest.mark.real

CASES = {
    "head-goes-back": ("consistency", "head"),
    "wrong-chain-accepted": ("wrong-chain", "chain"),
    "error-shape-varies": ("error-normalisation", "errors"),
    "cache-ignores-block": ("consistency", "equality"),
}
"""Defect of the lab's gateway -> (scenario, check)."""


def fight(folder, defect):
    folder.mkdir()
    desk = Desk(folder)
    lab = {"version": 1, "kind": "lab", "lab": {"providers": 3, "block_time": "1s", "defect": defect}}
    return run_in_short(desk, CASES[defect][0], desk.write("worse.yml", lab))


@pytest.fixture(scope="module")
def fights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refuted")
    with ThreadPoolExecutor(2) as room:
        yield {defect: room.submit(fight, folder / defect, defect) for defect in CASES}


@pytest.mark.parametrize("defect", CASES)
def test_the_check_that_is_about_it_names_it(defect, fights):
    ran, report = fights[defect].result()
    check = CASES[defect][1]
    found = {one["name"]: one for one in report["findings"]}
    assert (ran.code, report["verdict"]) == (99, "fail"), f"{ran.out}\n{ran.err}"
    assert found[check]["verdict"] == "fail", ran.out
    assert found[check]["first"] is not None
