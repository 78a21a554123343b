"""The embedded lab dies during a run: the run stops and says so, and blames no target for it."""

import signal

import psutil
import pytest

from tests.cli.command import crashed, finish
from tests.cli.test_signals import journal_lines, wait_for

pytestmark = pytest.mark.real


def process_of(role, parent):
    """The process of the lab that `parent` started in this role."""
    children = psutil.Process(parent).children()
    (found,) = [child for child in children if child.cmdline()[2:4] == ["battlectl.lab", role]]
    return found


@pytest.mark.parametrize("role", ["gateway", "providers"])
def test_a_run_whose_lab_dies_stops_with_5_and_the_reason(desk, role):
    scenario = desk.scenario(target="lab", phases={"steady": "60s"})
    process = desk.start("run", scenario, "--results", desk.results)
    wait_for(lambda: journal_lines(desk) >= 2, "the first second")
    process_of(role, process.pid).send_signal(signal.SIGKILL)
    ran = finish(process)
    ending = desk.report["ending"]
    assert not crashed(ran), ran.err
    assert (ran.code, ending["how"], desk.report["verdict"] == "pass") == (5, "safety", False)
    assert f"the lab's {role} was killed by SIGKILL" in ending["reason"]
    assert ending["at_s"] < 30
    assert f"the lab's {role} was killed by SIGKILL" in " ".join(ran.out.split())


def test_the_report_says_where_the_lab_s_providers_could_be_broken(desk):
    ran = desk.run(desk.scenario(target="lab", phases={"steady": "1s"}))
    target = desk.report["meta"]["target"]
    assert not crashed(ran)
    assert target["admin"].startswith("http://127.0.0.1:")
    assert [provider["id"] for provider in target["providers"]] == ["provider_a", "provider_b", "provider_c"]
    for provider in target["providers"]:
        assert provider["url"].partition("://")[2] == provider["ws_url"].partition("://")[2]
