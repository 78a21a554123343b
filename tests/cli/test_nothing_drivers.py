"""Ways for a fault of the drivers without a lease to do nothing: none ends in a pass, each is told."""

import os
import signal
import subprocess
import time
from contextlib import ExitStack

import pytest
import trio

from tests.cli.command import Desk
from tests.cli.nothing.balanced import balanced, started_again
from tests.cli.nothing.field import (
    ATTRIBUTION,
    A,
    B,
    C,
    check_confirmed,
    check_refuted,
    fight,
    settle,
    target_of,
)
from tests.cli.nothing.switchboard import switchboard
from tests.lab.test_lab_verbs import lab as lab_of

pytestmark = pytest.mark.real


# An admin API by templates: a document that switches providers off


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    words = ["--strategy", "round-robin", "--admin-port", "0"]
    with lab_of(Desk(tmp_path_factory.mktemp("lab")), "up", *words) as ready:
        yield ready


@pytest.fixture
def lab(shared):
    settle(shared)
    return shared


@pytest.fixture
def board(lab):
    with switchboard(lab["admin_url"], [A, B, C]) as (front, switches):
        yield front, switches


def switched(desk, lab, front, path="/switches"):
    kill = {"document": {"path": path, "at": "/{provider}", "value": False}}
    chaos = {"driver": "http", "url": front.url, "faults": {"kill": kill}}
    desk.write("target.yml", target_of(lab, chaos=chaos, **ATTRIBUTION))


def test_without_a_trick_a_switch_breaks_a_provider(desk, lab, board):
    switched(desk, lab, board[0])
    check_confirmed(fight(desk))


def test_a_document_that_nobody_obeys(desk, lab, board):
    switched(desk, lab, board[0], "/switches-of-yesterday")
    reason = "nothing shows that the target left it alone"
    check_refuted(fight(desk), reason, 'healing was answered "the document was put back to the byte"')


def test_a_document_that_somebody_puts_back_at_once(desk, lab, board):
    front, switches = board
    switches.is_disputed = True
    switched(desk, lab, front)
    reason = "nothing shows that the target left it alone"
    check_refuted(fight(desk), reason, 'healing was answered "the document is as it was"')


def test_a_document_that_somebody_puts_back_half_way(desk, lab, board):
    front, switches = board
    on = switches.documents["/switches"]

    def meddle(battle):
        battle.wait_for_deed("inject", "done")
        time.sleep(0.5)
        switches.store("/switches", on)

    switched(desk, lab, front)
    check_refuted(fight(desk, meddle), "nothing shows that it lasted until 3.5s")


# Signals to processes


@pytest.fixture
def field(tmp_path):
    folder = tmp_path / "field"
    folder.mkdir()
    with balanced(folder) as field:
        yield field


def signalled(desk, field, **process):
    desk.write("target.yml", field.target({"driver": "process", "processes": {A: process}}))


def test_without_a_trick_a_signal_stops_a_provider(desk, field):
    signalled(desk, field, pid=field.nodes[A].process.pid)
    check_confirmed(fight(desk, chaos=[{"hang": A}]))


def test_a_signal_to_another_process(desk, field):
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            signalled(desk, field, pid=other.pid)
            fought = fight(desk, chaos=[{"hang": A}])
        finally:
            other.kill()
    check_refuted(fought, "mismatch: had no effect", "no answer in time was expected")


def test_a_process_that_somebody_lets_go_on_at_once(desk, field):
    pid = field.nodes[A].process.pid

    def meddle(battle):
        battle.wait_for_deed("inject", "done")
        os.kill(pid, signal.SIGCONT)

    signalled(desk, field, pid=pid)
    check_refuted(fight(desk, meddle, chaos=[{"hang": A}]), "mismatch: had no effect")


def test_a_supervisor_that_is_faster_than_the_plan(desk, field, tmp_path):
    pid_file = tmp_path / "pid"
    pid_file.write_text(f"{field.nodes[A].process.pid}\n")
    signalled(desk, field, pid_file=str(pid_file), expect_restart="2s")
    with ExitStack() as stack:

        def meddle(battle):
            battle.wait_for_deed("inject", "done")
            field.nodes[A].process.wait()
            time.sleep(0.3)  # A probe sees it down, so that it is seen to come back.
            stack.enter_context(started_again(field, "a", pid_file))

        check_refuted(fight(desk, meddle), "mismatch: was gone at")


def test_a_process_that_does_not_run(desk, field, tmp_path):
    (tmp_path / "pid").write_text("")
    signalled(desk, field, pid_file=str(tmp_path / "pid"), expect_restart="2s")
    fought = fight(desk)
    assert fought.ran.code == 4
    assert "the process of provider_a does not run" in fought.shown
    assert fought.report["verdict"] == "inconclusive"


# HAProxy's runtime socket


def maintained(desk, field, backend="nodes"):
    desk.write("target.yml", field.target({"driver": "haproxy", "socket": field.socket, "backend": backend}))


def test_without_a_trick_a_server_is_taken_out(desk, field):
    maintained(desk, field)
    check_confirmed(fight(desk))


def test_a_server_of_a_backend_that_is_not_used(desk, field):
    maintained(desk, field, "spare")
    reason = "nothing shows that the target left it alone"
    check_refuted(fight(desk), reason, "it had no calls before the fault either")


def test_a_server_that_has_no_weight(desk, field):
    maintained(desk, field)
    reason = "nothing shows that the target left it alone"
    check_refuted(fight(desk, chaos=[{"kill": C}]), reason, "it had no calls before the fault either")


def test_a_server_that_somebody_makes_ready_at_once(desk, field):
    def meddle(battle):
        battle.wait_for_deed("inject", "done")
        say(field.socket, f"set server nodes/{A} state ready")

    maintained(desk, field)
    check_refuted(fight(desk, meddle), "nothing shows that the target left it alone", "calls came in")


def test_a_server_whose_node_was_dead_before(desk, field):
    field.nodes[B].process.kill()
    field.nodes[B].process.wait()
    maintained(desk, field)
    check_refuted(fight(desk, chaos=[{"kill": B}]), "was already down before the fault (refused at")


def say(path, command):
    """One command to HAProxy's socket."""

    async def main():
        async with await trio.open_unix_socket(path) as stream:
            await stream.send_all(command.encode() + b"\n")
            return b"".join([part async for part in stream])

    assert trio.run(main).strip() == b""
