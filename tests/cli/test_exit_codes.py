"""Each row of the exit-code table, from the outside: what a shell sees, and what the report says."""

import os
from contextlib import closing

import pytest

from battlectl.chaos.journal import NAME, FaultJournal, Header, Secrecy
from tests.cli.command import crashed, load_of, read_report
from tests.servers import serving

pytestmark = pytest.mark.real
BROKEN_LAB = """
import os, sys
if "battlectl.lab" in sys.orig_argv:
    os.write(2, b"no room for a lab here")
    os._exit(7)
"""


def run(desk, server, **fields):
    """One run of a small scenario against a server: the command's end, and the report's."""
    ran = desk.run(desk.scenario(**fields), target=desk.target(server.url))
    assert not crashed(ran), ran.err
    assert desk.report["exit_code"] == ran.code
    return ran, desk.report


def findings(report, name):
    return [finding for finding in report["findings"] if finding["name"] == name]


def test_0_when_every_objective_holds(desk, echo):
    ran, report = run(desk, echo)
    assert (ran.code, report["verdict"], report["passed"]) == (0, "pass", True)
    assert report["windows"][-1]["workloads"]["(all)"]["outcomes"] == {"ok": 20}
    assert echo.seen.requests == 20 + 1  # and the question whether it is ready


def test_99_when_an_objective_fails(desk, echo):
    ran, report = run(desk, echo, load=load_of(expect={"result": "0x2"}))
    assert (ran.code, report["verdict"], report["passed"]) == (99, "fail", False)
    assert report["windows"][-1]["workloads"]["(all)"]["outcomes"] == {"wrong": 20}
    assert "0x1" in report["findings"][0]["worst"]["seen"]


def test_3_without_objectives(desk, echo):
    ran, report = run(desk, echo, objectives=[])
    assert (ran.code, report["verdict"]) == (3, "inconclusive")


def test_3_when_arrivals_were_dropped(desk):
    """The objective holds for what was sent; the generator did not send what was asked."""
    with serving("echo", delay=0.2) as server:
        ran, report = run(desk, server, load=load_of(max_in_flight=1), objectives=["outcomes.timeout == 0"])
    assert (ran.code, report["verdict"]) == (3, "inconclusive")
    outcomes = report["windows"][-1]["workloads"]["(all)"]["outcomes"]
    assert set(outcomes) == {"ok", "dropped"}
    assert sum(outcomes.values()) == 20
    assert server.seen.requests == outcomes["ok"] + 1
    assert report["generator"]["dropped"] == outcomes["dropped"]


def test_3_when_there_are_too_few_samples(desk, echo):
    ran, report = run(desk, echo, objectives=[{"objective": "success_rate >= 99%", "min_samples": 21}])
    assert (ran.code, report["verdict"]) == (3, "inconclusive")
    assert findings(report, "success_rate >= 99%")[0]["summary"] == "20 samples, 21 needed"


def test_3_when_a_percentile_stands_on_too_few_samples(desk, echo):
    ran, report = run(desk, echo, objectives=["latency.p99.9 < 900ms"])
    assert (ran.code, report["verdict"]) == (3, "inconclusive")
    assert findings(report, "latency.p99.9 < 900ms")[0]["summary"] == "20 samples, 1000 needed"


def test_3_when_an_objective_has_nothing_to_look_at(desk, echo):
    """A call so rare that it was never drawn."""
    objective = "success_rate(reads/eth_gasPrice) >= 99%"
    load = load_of(calls={"eth_blockNumber": 1_000_000, "eth_gasPrice": 1})
    ran, report = run(desk, echo, load=load, objectives=["success_rate >= 99%", objective])
    assert (ran.code, report["verdict"]) == (3, "inconclusive")
    assert findings(report, objective)[0]["summary"] == "no samples"
    assert report["slo_results"][objective]["passed"] is None


def test_3_when_nothing_measures_what_was_promised(desk, echo):
    ran, report = run(desk, echo, objectives={"success_rate": 0.99, "subscription_uptime": 0.99})
    assert (ran.code, report["verdict"]) == (3, "inconclusive")


def test_4_when_nobody_listens(desk):
    with serving("refuse") as server:
        target = desk.target(server.url, ready={"within": "300ms"})
        ran = desk.run(desk.scenario(), target=target)
    report = desk.report
    assert (ran.code, report["exit_code"], report["ending"]["how"]) == (4, 4, "not ready")
    assert report["verdict"] != "pass"
    assert "is it running" in report["ending"]["reason"]
    assert report["workloads"][0]["issued"] == 0
    assert (desk.runs[0] / "report.md").stat().st_size > 0
    assert (desk.runs[0] / "junit.xml").stat().st_size > 0


@pytest.mark.parametrize("name", ["html", "error_object", "hang", "close_each"])
def test_4_when_the_readiness_question_is_not_answered(desk, name):
    with serving(name) as server:
        ran = desk.run(desk.scenario(), target=desk.target(server.url, ready={"within": "300ms"}))
    assert (ran.code, desk.report["ending"]["how"]) == (4, "not ready")
    assert "eth_blockNumber" in desk.report["ending"]["reason"]


def test_4_when_a_name_leads_to_a_public_address(desk):
    """Nothing is sent: the address is refused before the first connection."""
    target = desk.target("http://no-such-host.invalid", allow_public=True, ready={"within": "300ms"})
    ran = desk.run(desk.scenario(), target=target)
    assert (ran.code, desk.report["ending"]["how"]) == (4, "not ready")
    assert "no-such-host.invalid" in desk.report["ending"]["reason"]


def test_4_when_the_lab_cannot_start(desk):
    desk.write("broken/sitecustomize.py", BROKEN_LAB)
    ran = desk.run(desk.scenario(target="lab"), PYTHONPATH=str(desk.folder / "broken"))
    assert not crashed(ran), ran.err
    assert (ran.code, desk.report["ending"]["how"]) == (4, "not ready")
    assert "the lab did not start" in desk.report["ending"]["reason"]
    assert "no room for a lab here" in desk.report["ending"]["reason"]


def test_5_when_a_safety_limit_is_reached(desk, echo):
    ran, report = run(
        desk,
        echo,
        phases={"steady": "20s"},
        load=load_of(expect={"result": "0x2"}),
        safety={"min_success_rate": "50%", "over": "1s"},
    )
    assert (ran.code, report["ending"]["how"]) == (5, "safety")
    assert report["ending"]["at_s"] < 10
    assert "the limit is 50%" in report["ending"]["reason"]


def test_99_ends_early_with_abort_on_fail(desk, echo):
    ran, report = run(
        desk,
        echo,
        phases={"steady": "20s"},
        load=load_of(expect={"result": "0x2"}),
        objectives=[{"objective": "success_rate >= 50%", "abort_on_fail": True}],
    )
    assert (ran.code, report["ending"]["how"], report["verdict"]) == (99, "objective", "fail")
    assert report["ending"]["at_s"] < 10
    assert report["ending"]["reason"] == "success_rate >= 50% failed with 0%"


def test_4_while_another_run_goes_on_at_the_same_providers(desk, echo):
    """It has broken nothing yet; what it will break would be measured here."""
    chaos = {"driver": "toxiproxy", "url": "http://127.0.0.1:9"}
    header = Header(run_id="other", target="target", config=chaos)
    other = desk.results / "other" / "now"
    other.mkdir(parents=True)
    with closing(FaultJournal(other / NAME, header, Secrecy())):
        ran = desk.run(desk.scenario(), target=desk.target(echo.url, chaos=chaos))
    assert ran.code == 4
    own = next(run for run in desk.runs if run != other)
    (ending,) = findings(read_report(own), "completion")
    assert "another run goes on at the same providers, wait for its end or end it" in ending["summary"]
    assert f"{other} (pid {os.getpid()})" in ending["summary"]
    assert echo.seen.requests == 0
