"""The scenario on even shares holds on a sound gateway, and names who got too much on one that is skewed.

The scenarios about routing and breakers that break providers are run in `test_chaos_scenarios`.
"""

from __future__ import annotations

import pytest

from tests.cli.in_short import run_in_short

pytestmark = pytest.mark.real
LAB = "version: 1\nkind: lab\nlab: {providers: 3%s}\n"


def found(desk, more: str = "") -> tuple[int, dict]:
    target = desk.folder / "lab.yml"
    target.write_text(LAB % more)
    ran, report = run_in_short(desk, "routing-even", target)
    (finding,) = (f for f in report["findings"] if f["name"] == "routing")
    return ran.code, {**finding, "claims": [c for s in report["routing"] for c in s["claims"]]}


def test_a_sound_gateway_gives_everybody_a_part(desk):
    code, finding = found(desk)
    assert (code, finding["verdict"]) == (0, "pass"), finding
    assert all(claim["holds"] for claim in finding["claims"])
    assert finding["samples"] >= 1_000


def test_a_client_that_is_stuck_to_one_provider_is_told_of_it(desk):
    code, finding = found(desk, ", defect: sticky-to-first")
    assert (code, finding["verdict"]) == (99, "fail"), finding
    assert "got 0% of" in finding["summary"]
    assert "wanted at least 32.67%" in finding["summary"]
