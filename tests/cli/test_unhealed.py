"""A heal that fails: exit code 6, and the first line says what a person must do; done, everybody agrees.

Rule: the person of these tests types what the first line says and nothing else.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import httpx
import psutil
import pytest

from tests.chaos.plain_toxiproxy import plain_toxiproxy
from tests.cli.command import crashed, finish, read_report
from tests.cli.test_crash import crash
from tests.cli.test_signals import GONE_WITHIN, wait_for
from tests.real.processes import free_port, running, wait_ready
from tests.torture.grounds import NODE
from tests.torture.labs import running_lab, target_file, urls_of

pytestmark = pytest.mark.real
KILL = {"kill": "provider_a", "name": "the-kill", "at": "500ms", "for": "2s"}
FIRST = "the-kill (kill) may still be in force at provider_a. To end it: "


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


def battle(desk, target, chaos, seconds=4):
    return desk.scenario(
        target=target,
        phases={"battle": f"{seconds}s"},
        load={"reads": {"rate": "20/s", "timeout": "1s", "calls": ["eth_blockNumber"]}},
        chaos=chaos,
        safety={"max_providers_down": 1},
        objectives=["success_rate >= 1%"],
    )


def begin(desk, scenario, faults):
    """A run, as soon as so many faults are in force."""
    before = set(desk.results.glob("*/*/faults.jsonl"))
    process = desk.start("run", scenario, "--results", desk.results)

    def injected():
        journals = set(desk.results.glob("*/*/faults.jsonl")) - before
        return sum(path.read_text().count('"inject","stage":"done"') for path in journals) >= faults

    wait_for(lambda: injected() or process.poll() is not None, "the fault")
    assert process.poll() is None, finish(process)
    return process


def type_it(command):
    """What a person copies from the first line, typed."""
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, (command, done)


def check_unhealed(desk, ran, first=FIRST):
    """The exit code and the first lines; returns what they say to type."""
    run = desk.runs[-1]
    assert (ran.code, crashed(ran)) == (6, False), ran
    assert read_report(run)["exit_code"] == 6
    told, written = ran.out.splitlines()[0], (run / "report.md").read_text().splitlines()[0]
    assert told.startswith(f"ACT NOW: {first}"), told
    assert written.startswith(f"**A person must act:** {first}"), written
    assert "exit code 6: a fault could not be healed, a person must act" in ran.out
    return told.partition("To end it: ")[2]


def heal(desk):
    return desk.battlectl("heal", "--results", desk.results)


def check_agrees(desk, scenario):
    """Nothing is in force any more: heal says so, and the next run begins, and heals what it breaks."""
    healed = heal(desk)
    assert healed.code == 0, healed
    ran = desk.run(scenario)
    assert ran.code in (0, 3), ran
    report = read_report(desk.runs[-1])
    assert (report["ending"]["how"], report["chaos"]["leftovers"]) == ("completed", [])
    assert heal(desk).out.startswith("Nothing to heal")


def test_an_admin_api_that_is_gone(desk, stack):
    lab = stack.enter_context(running_lab(desk))
    front = plain_toxiproxy(lab["admin_url"])
    url = front.__enter__()
    target = target_file(desk, lab["url"], urls_of(lab), {"driver": "toxiproxy", "url": url})
    scenario = battle(desk, target, [KILL])
    process = begin(desk, scenario, 1)
    front.__exit__(None, None, None)
    command = check_unhealed(desk, finish(process))

    refused = desk.run(scenario, COLUMNS="300")
    words = " ".join(refused.out.split())
    assert refused.code == 4, refused
    assert f"end them first: battlectl heal --results {desk.results}" in words
    assert "the-kill at provider_a: nobody can look" in words
    unhealed = heal(desk)
    assert unhealed.code == 6, unhealed
    assert unhealed.out.splitlines()[0].endswith(f"may still be in force at provider_a. To end it: {command}")

    stack.enter_context(plain_toxiproxy(lab["admin_url"], int(url.rpartition(":")[2])))
    still = desk.run(scenario, COLUMNS="300")
    assert (still.code, "the-kill at provider_a: still in force" in " ".join(still.out.split())) == (4, True)
    type_it(command)
    assert httpx.get(f"{url}/proxies/provider_a").json()["enabled"] is True
    check_agrees(desk, scenario)


def test_a_restart_command_that_does_not_work(desk, stack):
    port, pid_file = free_port(), desk.folder / "a.pid"
    start = desk.write(
        "start-it",
        f"#!/bin/sh\ntest -e {desk.folder}/mended || exit 7\nsetsid "
        f"{sys.executable} {NODE} {port} {pid_file} </dev/null >/dev/null 2>&1 &\n",
    )
    start.chmod(0o755)
    url, log = f"http://127.0.0.1:{port}", desk.folder / "node.log"
    stack.callback(end_node, pid_file)
    node = stack.enter_context(running([sys.executable, NODE, port, pid_file], log))
    wait_ready(node, log, lambda: httpx.post(url, json=CALL).status_code if listens(port) else None)
    entry = {"pid_file": str(pid_file), "restart": [str(start)]}
    driver = {"driver": "process", "processes": {"provider_a": entry}}
    scenario = battle(desk, target_file(desk, url, {"provider_a": url}, driver), [KILL])
    process = begin(desk, scenario, 1)
    command = check_unhealed(desk, finish(process))
    assert command == f"run the restart command of provider_a ({start} ...)"
    assert "the restart command of provider_a ended with 7" in desk.report["chaos"]["leftovers"][0]
    unhealed = heal(desk)
    assert unhealed.code == 6, unhealed
    (desk.folder / "mended").touch()
    type_it(str(start))
    wait_for(lambda: listens(port), "the node")
    check_agrees(desk, scenario)


CALL = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def end_node(pid_file):
    """One that was started by hand, or by battlectl, is nobody's child."""
    pid = int(pid_file.read_text())
    if psutil.pid_exists(pid) and str(pid_file) in psutil.Process(pid).cmdline():
        os.kill(pid, signal.SIGKILL)


@contextmanager
def paused(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


UNHEALABLE = """
import errno, sys
import battlectl.commands.engage as engage
import battlectl.commands.run as verb
from battlectl.chaos.driver import DriverError
from battlectl.chaos.toxiproxy import Toxiproxy
async def heal(self, undo):
    raise DriverError("no such luck")
def crash(*_):
    raise RuntimeError("a bug of ours")
def run_full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")
class Journal(engage.Journal):
    def add_in_steps(self, line):
        return crash() if line.t > 1.5 else super().add_in_steps(line)
Toxiproxy.heal = heal
{bug}
from battlectl.cli import main
sys.argv = ["battlectl", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize(
    ("bug", "told"),
    [
        ("engage.Journal = Journal", "RuntimeError('a bug of ours')"),
        ("verb.judge = crash", "RuntimeError('a bug of ours')"),
        ("verb.write_results = run_full", "the report cannot be written (No space left on device)"),
    ],
    ids=["during the run", "while judging", "disk full"],
)
def test_what_must_be_ended_by_hand_is_told_although_no_report_is(desk, bug, told):
    scenario = battle(desk, "lab", [{**KILL, "for": "1s"}], seconds=3)
    ran = crash(desk, "run", str(scenario), program=UNHEALABLE.format(bug=bug))
    assert ran.code == 6
    [first] = [number for number, line in enumerate(ran.err.splitlines()) if line.startswith(FIRST)]
    assert told in "\n".join(ran.err.splitlines()[first + 1 :])
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=lambda signum: signum.name)
def test_an_admin_api_that_hangs_holds_up_nobody_who_presses_ctrl_c(desk, stack, signum):
    """6 wins over the signal; then the lab lives again, its lease has ended the fault, and heal sees that."""
    lab = stack.enter_context(running_lab(desk))
    driver = {"driver": "toxiproxy", "url": lab["admin_url"]}
    long = {**KILL, "for": "60s"}
    scenario = battle(desk, target_file(desk, lab["url"], urls_of(lab), driver), [long], 30)
    process = begin(desk, scenario, 1)
    with paused(lab["providers_pid"]):
        process.send_signal(signum)
        ran = finish(process, GONE_WITHIN)
    command = check_unhealed(desk, ran)
    assert re.match(r"curl -X DELETE http://127\.0\.0\.1:\d+/proxies/provider_a/toxics/the-kill%40", command)
    assert desk.report["ending"]["reason"] == f"signal {signum.name}"
    admin = httpx.Client(base_url=lab["admin_url"], trust_env=False)
    wait_for(lambda: not admin.get("/proxies/provider_a").json()["toxics"], "the end of the lease")
    admin.close()
    check_agrees(desk, battle(desk, str(desk.folder / "target.yml"), [KILL]))


def test_providers_that_are_gone_with_their_admin_api(desk, stack):
    port = free_port()
    with ExitStack() as first:
        lab = first.enter_context(running_lab(desk, "up", "--port", str(port), ends_itself=True))
        admin = lab["admin_url"]
        driver = {"driver": "toxiproxy", "url": admin}
        target = target_file(desk, lab["url"], {"provider_a": None}, driver)
        scenario = battle(desk, target, [KILL])
        process = begin(desk, scenario, 1)
        os.kill(lab["providers_pid"], signal.SIGKILL)
        command = check_unhealed(desk, finish(process))
    assert command.startswith(f"curl -X DELETE {admin}/proxies/provider_a/toxics/the-kill")
    assert heal(desk).code == 6
    words = ("up", "--port", str(port))
    stack.enter_context(running_lab(desk, *words, admin_port=int(admin.rpartition(":")[2])))
    check_agrees(desk, scenario)
