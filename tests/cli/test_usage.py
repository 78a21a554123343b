"""Bad usage is exit code 2, a line that says what to do, and not one byte to the target."""

import pytest

from tests.cli.command import READS, crashed

pytestmark = pytest.mark.real

BAD_USAGE = {
    "an unknown flag": (["run", "reads.yml", "--fast"], "--fast"),
    "an unknown verb": (["fight"], "fight"),
    "no path": (["run"], "paths"),
    "no such file": (["run", "no-such.yml"], "no-such.yml"),
    "a folder without scenarios": (["run", "empty"], "no scenario files"),
    "a tag that nothing has": (["run", "reads.yml", "--tag", "slow"], "has the tag slow"),
    "--set without a value": (["run", "reads.yml", "--set", "seed"], "seed"),
    "--set that leads nowhere": (
        ["run", "reads.yml", "--set", "load.raeds.rate=1/s"],
        'mean "reads"',
    ),
    "--set of what it cannot be": (["run", "reads.yml", "--set", "load.reads.rate=300"], '"300/s"'),
    "an unknown target": (["run", "reads.yml", "--target", "nowhere"], 'no target "nowhere"'),
    "a target file that is none": (["run", "reads.yml", "--target", "reads.yml"], "reads.yml:"),
    "an empty target": (["run", "reads.yml", "--target", ""], "the target is empty"),
    "an address that is no URL": (["run", "reads.yml", "--target", "127.0.0.1:1"], "try http://127.0.0.1:1"),
    "an empty results folder": (["run", "reads.yml", "--results", ""], "--results is empty"),
    "a lab without time between blocks": (["lab", "--block-time", "0s"], "try 1s"),
    "a seed that is no number": (["run", "reads.yml", "--seed", "x"], "--seed"),
    "a negative seed": (["run", "reads.yml", "--seed", "-1"], "--seed"),
    "a public host": (["run", "reads.yml", "--target", "public.yml"], "allow_public: true"),
    "a bad scenario": (["run", "bad.yml"], 'bad.yml:11:11: load.reads.rate: "200" needs a unit, try "200/s"'),
    "a bad file among good ones": (["run", "reads.yml", "bad.yml", "reads.yml"], "bad.yml:11:11"),
    "a folder with a bad file in it": (["run", "mixed"], "bad.yml:11:11"),
    "a bad file that no tag can be read of": (["run", "mixed", "--tag", "fast"], "bad.yml:11:11"),
    "report of nothing": (["report", "no-such-folder"], "neither report.json nor journal.jsonl"),
    "report of a folder without a run": (["report", "empty"], "neither report.json nor journal.jsonl"),
    "an unknown schema": (["schema", "report"], "scenario, target"),
    "validate of a bad file": (["validate", "reads.yml", "bad.yml"], "bad.yml:11:11"),
    "plan of a bad file": (["plan", "bad.yml"], "bad.yml:11:11"),
    "init over files": (["init", "taken"], "already has"),
    "a lab of no providers": (["lab", "--providers", "0"], "--providers"),
    "a lab with a time that is none": (["lab", "--block-time", "soon"], "soon"),
    "a flag that the lab has not": (["lab", "up", "--fast"], "--fast"),
    "the same without a verb": (["lab", "--fast"], "--fast"),
    "a verb that the lab has not": (["lab", "fight"], "fight"),
    "a strategy that there is not": (["lab", "up", "--strategy", "luck"], "known are fastest"),
    "a revision that there is not": (["lab", "up", "--revision", "1"], "known are current, 2025-10"),
    "a lab for everybody": (["lab", "up", "--host", "0.0.0.0"], "--allow-any-address"),
    "a token that is not there": (["lab", "up", "--token-env", "NOT_SET"], "NOT_SET is not set"),
    "a relay to nothing": (["lab", "relay"], "--upstream"),
    "a relay to what is no URL": (["lab", "relay", "--upstream", "localhost:8545"], "http://127.0.0.1:8545"),
    "a relay far away": (["lab", "relay", "--upstream", "http://10.0.0.1:1"], "--allow-any-address"),
    "two relays of one name": (
        ["lab", "relay", *("--upstream", "x=http://127.0.0.1:1") * 2],
        'two relays are called "x"',
    ),
    "a gateway's option without a gateway": (
        ["lab", "relay", "--upstream", "http://127.0.0.1:1", "--strategy", "fastest"],
        "--strategy is the gateway's",
    ),
    "status with a token that is not there": (["lab", "status", "--token-env", "NOT_SET"], "NOT_SET"),
    "a fault that there is not": (["faults", "kil"], 'did you mean "kill"?'),
}
BAD = """\
version: 1
name: Bad
tags: [fast]
target: target.yml

phases: {steady: 1s}

load:
  reads:
    # Two hundred what?
    rate: 200
    calls: [eth_blockNumber]
"""


@pytest.mark.parametrize("case", BAD_USAGE)
def test_bad_usage_is_2_and_nothing_is_sent(desk, echo, case):
    words, expected = BAD_USAGE[case]
    desk.target(echo.url)
    desk.scenario(tags=["fast"])
    desk.scenario("mixed/good.yml", tags=["fast"], target="../target.yml")
    desk.write("bad.yml", BAD)
    desk.write("mixed/sub/bad.yml", BAD)
    desk.write("public.yml", {"version": 1, "kind": "generic", "url": "http://rpc.example.com/"})
    desk.write("taken/config/lab.yml", "version: 1\n")
    (desk.folder / "empty").mkdir()
    ran = desk.battlectl(*words)
    assert ran.code == 2, ran.err
    assert expected in ran.err
    assert not crashed(ran)
    assert echo.seen.connections == 0
    assert not desk.results.exists()


def test_every_bad_file_is_reported_at_once(desk, echo):
    desk.target(echo.url)
    desk.write("a.yml", {**READS, "phases": {"steady": 5}})
    desk.write("b.yml", {**READS, "versoin": 1})
    ran = desk.battlectl("run", "a.yml", "b.yml")
    assert ran.code == 2
    assert [line.partition(":")[0] for line in ran.err.splitlines()] == ["a.yml", "b.yml"]
    assert ran.out == ""
