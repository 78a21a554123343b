"""Every file in scenarios/ is valid and can be planned; those tagged `fast` pass on the embedded lab."""

from pathlib import Path

import pytest
import yaml

from tests.cli.command import read_report

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted((ROOT / "scenarios").glob("*.yml"))
PHASE = "1500ms"
SHORT = {"steady-reads": ["objectives.2=latency(reads/eth_call).p50 < 500ms"]}  # few samples have no p99


def read(path):
    return yaml.safe_load(path.read_text())


FAST = [path for path in SCENARIOS if "fast" in read(path).get("tags", ())]


def test_there_are_some():
    assert FAST
    assert len(SCENARIOS) > len(FAST)


@pytest.mark.real
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_it_is_valid_and_can_be_planned(desk, path):
    validated = desk.battlectl("validate", path)
    assert (validated.code, validated.err) == (0, "")
    planned = desk.battlectl("plan", path, "--arrivals", "3")
    assert (planned.code, planned.err) == (0, "")
    assert read(path)["name"] in planned.out
    assert ("asked beside the load:" in planned.out) is ("watch" in read(path))
    assert list(desk.folder.iterdir()) == []


@pytest.mark.real
def test_the_fast_ones_pass_on_the_lab_one_after_another(desk):
    for path in FAST:
        phases = [f"phases.{phase}={PHASE}" for phase in read(path)["phases"]]
        changed = [*phases, *SHORT.get(path.stem, []), "generator.max_lag=1s"]
        sets = [word for one in changed for word in ("--set", one)]
        ran = desk.run(path, *sets, target="lab")
        assert ran.code == 0, f"{path.name}: {ran.out}\n{ran.err}"
    assert len(desk.runs) == len(FAST)
    for run in desk.runs:
        report = read_report(run)
        assert report["verdict"] == "pass"
        assert report["meta"]["target"]["kind"] == "lab"
