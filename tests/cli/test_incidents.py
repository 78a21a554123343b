"""The public incidents: one file for each, valid, planned, and naming where it is told."""

from pathlib import Path

import pytest
import yaml

INCIDENTS = sorted((Path(__file__).parents[2] / "scenarios" / "incidents").glob("*.yml"))
WANTED = {
    *("infura-2019-frozen-head", "infura-2020-split", "infura-2026-method-error"),
    *("walletconnect-2023-rate-limit-in-200", "walletconnect-2023-wrong-content-type", "reown-free-tier"),
    *("erpc-1130-hang", "erpc-449-refusals", "erpc-276-head-goes-back", "proxyd-reorg-bans-all"),
    *("viem-3680-rate-limit-in-batch", "viem-3957-duplicates", "maxx-833-amplification"),
    *("lasso-8-forward-gap", "lasso-11-inconsistent-logs", "lasso-36-idle-socket"),
    *("ethers-2969-silent-stall", "geth-31323-newest-only", "toxiproxy-leftover", "chaos-mesh-keep-alive"),
}
LONGEST = 20.0  # seconds: the matrix runs all of them
pytestmark = pytest.mark.real


def test_each_of_them_is_there():
    assert {path.stem for path in INCIDENTS} == WANTED


@pytest.mark.parametrize("path", INCIDENTS, ids=lambda path: path.stem)
def test_it_says_what_happened_and_who_tells(path):
    document = yaml.safe_load(path.read_text())
    assert "Source: " in document["description"]
    assert len(document["description"].split()) >= 40
    assert "incident" in document["tags"]
    assert document["chaos"]
    assert document["objectives"]


def test_all_of_them_are_valid_short_and_can_be_planned(desk):
    validated = desk.battlectl("validate", *INCIDENTS)
    assert (validated.code, validated.err) == (0, "")
    planned = desk.battlectl("plan", *INCIDENTS)
    assert (planned.code, planned.err) == (0, "")
    for path in INCIDENTS:
        document = yaml.safe_load(path.read_text())
        assert document["name"] in planned.out
        seconds = [float(length.removesuffix("s")) for length in document["phases"].values()]
        assert sum(seconds) <= LONGEST
