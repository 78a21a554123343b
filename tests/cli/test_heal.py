"""`battlectl heal`: what a killed process left is undone, what is in the way told, nothing is done twice."""

from __future__ import annotations

import io
import json
import os
import signal

import pytest
import trio

from battlectl.chaos.journal import NAME, FaultJournal, Header, Secrecy
from battlectl.chaos.leftovers import find_left
from battlectl.commands import heal as heal_module
from battlectl.commands.heal import HealOptions, code_of, heal, heal_journal
from battlectl.errors import UserError
from battlectl.observe.faults import Deed
from tests.chaos.test_http import CORDON, DISABLE, DOCUMENT, order
from tests.chaos.test_http import api as api
from tests.chaos.test_stale import BLIND, ENVIRON, broken, spelled
from tests.cli.command import finish
from tests.cli.test_signals import wait_for
from tests.torture.grounds import GROUNDS, LEASELESS, until_calm

pytestmark = pytest.mark.real
HTTP = {"kill": DISABLE, "latency": CORDON}


@pytest.fixture
def impatient(monkeypatch):
    """For what cannot be healed."""
    monkeypatch.setattr(heal_module, "HEAL_WITHIN", 2.0)


def healed(tmp_path, environ=ENVIRON, as_json=False, **options):
    """(exit code, what was printed)"""
    out = io.StringIO()
    code = heal(HealOptions(**{"results": tmp_path, **options}), environ, as_json, out)
    return int(code), out.getvalue()


def leave(folder, shown, *orders):
    """A run that was killed while these were in force."""
    trio.run(broken, folder, shown, *orders)
    return folder / NAME


@pytest.mark.parametrize("name", LEASELESS)
def test_what_a_killed_process_left_without_a_lease_is_undone(name, tmp_path):
    with GROUNDS[name](tmp_path) as ground:
        kind = "http_5xx" if name == "http" else "kill"  # There the one that is a changed document.
        process = ground.desk.start(
            "chaos", "inject", kind, "provider_a", "--target", ground.target, "--for", "60s"
        )
        wait_for(ground.look, f"{kind} by {name}")
        process.send_signal(signal.SIGKILL)
        assert finish(process).code == 137
        assert ground.look()
        ran = ground.desk.battlectl("heal")
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.startswith(f"Healed: {kind}-provider_a at provider_a (")
        assert until_calm(ground, 5)[1] == []


def test_the_newest_fault_is_healed_first_and_all_is_written_down(tmp_path, api):
    path = leave(tmp_path / "one", spelled(api, **HTTP), order("kill"), order("latency"))
    code, out = healed(tmp_path)
    assert code == 0
    assert [line.split(" (")[0] for line in out.splitlines()] == [
        "Healed: latency#1 at a",
        "Healed: kill#1 at a",
    ]
    assert (api.document, api.cordons) == (DOCUMENT, {})
    stages = [(deed["fault"], deed["action"], deed["stage"]) for deed in map(json.loads, lines(path)[1:])]
    assert stages[-2:] == [("latency#1", "heal", "done"), ("kill#1", "heal", "done")]
    assert healed(tmp_path) == (
        0,
        f"Nothing to heal: no journal below {tmp_path} says that a fault is in force.\n",
    )


def lines(path):
    return path.read_bytes().splitlines()


def test_what_was_healed_by_hand_is_seen_and_left_as_it_is(tmp_path, api):
    leave(tmp_path / "one", spelled(api, latency=CORDON), order("latency"))
    api.cordons.clear()
    sent = len(api.seen)
    code, out = healed(tmp_path)
    assert (code, out) == (0, "Healed before: latency#1 at a (the driver sees nothing of it any more)\n")
    assert [method for method, _, _ in api.seen[sent:]] == ["GET"]


def test_a_heal_that_fails_is_exit_6_and_its_first_line_says_what_to_do(tmp_path, api, impatient):
    leave(tmp_path / "one", spelled(api, **HTTP), order("kill"), order("latency"))
    api.lies = True
    code, out = healed(tmp_path)
    assert code == 6
    url = f"http://127.0.0.1:{api.server.server_port}/api"
    first, second = (line for line in out.splitlines() if line[0] != " ")
    assert first == f"latency#1 may still be in force at a. To end it: curl -X DELETE {url}/cordon/a"
    assert second.startswith("kill#1 may still be in force at a. To end it: PUT the document of this fault")
    api.lies = False
    api.cordons.clear()  # As the first line says.
    code, out = healed(tmp_path)
    assert code == 0
    assert [line.split(":")[0] for line in out.splitlines()] == ["Healed before", "Healed"]


def test_an_api_that_is_gone_for_good_can_be_forgotten(tmp_path, api, impatient):
    path = leave(tmp_path / "one", spelled(api, latency=BLIND), order("latency"))
    api.server.shutdown()
    api.server.server_close()
    code, out = healed(tmp_path)
    assert code == 6
    assert "refused" in out or "failed" in out
    assert f"battlectl heal --forget {path}" in out
    code, out = healed(tmp_path, environ={}, forget=True, runs=(path,))
    assert (code, out) == (0, "Forgotten: latency#1 at a (taken for healed, nobody was asked)\n")
    assert healed(tmp_path)[0] == 0


def test_a_missing_variable_is_named_and_keeps_nothing_else_from_being_healed(tmp_path, api):
    shown = spelled(api, latency=CORDON)
    leave(tmp_path / "one", shown, order("latency"))
    code, out = healed(tmp_path, environ={})
    assert (code, api.cordons.keys()) == (2, {"a"})
    assert out.splitlines()[0].startswith(
        "latency#1 at a may still be in force: the variable TOKEN is not set"
    )
    leave(tmp_path / "two", {**shown, "headers": {"X-Token": "letmein"}}, order("latency", "b"))
    code, out = healed(tmp_path, environ={})
    assert (code, api.cordons.keys()) == (6, {"a"})
    assert "Healed: latency#1 at b" in out
    assert healed(tmp_path)[0] == 0
    assert not api.cordons


def test_a_secret_of_the_undo_that_is_not_there_is_named(tmp_path, api):
    shown = {**spelled(api, kill=DISABLE), "headers": {"X-Token": "letmein"}}
    journal = FaultJournal(tmp_path / NAME, Header(run_id="x", target="t", config=shown), Secrecy())
    undo = {"kind": "kill", "values": {"provider": "a", "fault": "kill#1"}, "document": "${GONE}"}
    journal._append(
        {"t": 1, "fault": "f", "provider": "a", "action": "inject", "stage": "begin", "undo": undo}
    )
    journal.close()
    code, out = healed(tmp_path)
    assert code == 2
    assert "the variable GONE is not set" in out


def test_a_damaged_journal_is_named_and_others_are_healed(tmp_path, api):
    shown = spelled(api, latency=CORDON)
    leave(tmp_path / "one", shown, order("latency"))
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / NAME).write_bytes(b"nonsense\n")
    code, out = healed(tmp_path)
    assert code == 6
    assert out.splitlines()[0].startswith(f"{tmp_path / 'two' / NAME} is damaged (line 1")
    assert "Healed: latency#1 at a" in out


def test_a_journal_that_says_too_little_keeps_no_other_from_being_healed(tmp_path, api, impatient):
    shown = spelled(api, latency=CORDON)
    leave(tmp_path / "one", shown, order("latency"))
    journal = FaultJournal(tmp_path / NAME, Header(run_id="x", target="t", config=shown), Secrecy())
    journal.write(Deed(1.0, "odd", "b", "inject", "begin", {}))
    journal.close()
    code, out = healed(tmp_path)
    assert code == 6
    assert out.startswith("odd may still be in force at b. To end it: look at the provider itself")
    assert "Healed: latency#1 at a" in out


def test_a_journal_that_is_damaged_while_it_is_waited_for_is_not_healed(tmp_path, api):
    path = leave(tmp_path / "one", spelled(api, latency=CORDON), order("latency"))
    [left] = find_left(tmp_path)
    path.write_bytes(path.read_bytes() + b"nonsense\n")
    told = trio.run(heal_journal, left, False, ENVIRON)
    assert (told.state, code_of([told])) == ("damaged", 6)
    assert api.cordons


def test_what_to_type_shows_no_secret(tmp_path, api, impatient):
    heal = {**CORDON["heal"], "path": "/uncordon?key=${TOKEN}", "body": {"token": "${TOKEN}"}}
    leave(tmp_path / "one", spelled(api, latency={**CORDON, "heal": heal}), order("latency"))
    api.lies = True
    for as_json in (False, True):
        code, out = healed(tmp_path, as_json=as_json)
        assert (code, "letmein" in out) == (6, False)
        assert "/api/uncordon?key=***" in out


def test_a_run_that_goes_on_is_left_alone(tmp_path, api):
    path = leave(tmp_path / "one", spelled(api, latency=CORDON), order("latency"))
    journal = FaultJournal(path, None, Secrecy())
    code, out = healed(tmp_path)
    journal.close()
    assert code == 0
    assert f"the run of {path} is still going on (pid {os.getpid()})" in out
    assert api.cordons
    assert healed(tmp_path)[0] == 0
    assert not api.cordons


def test_one_run_or_one_target_alone(tmp_path, api):
    shown = spelled(api, latency=CORDON)
    for name, provider in (("one", "a"), ("two", "b")):
        leave(tmp_path / name, shown, order("latency", provider))
    assert "Healed: latency#1 at a" in healed(tmp_path, runs=(tmp_path / "one",))[1]
    assert api.cordons.keys() == {"b"}
    assert healed(tmp_path, target="other")[1].startswith("Nothing to heal: no journal of target other")
    assert "Healed: latency#1 at b" in healed(tmp_path, target="config/ours.yml")[1]
    with pytest.raises(UserError, match="there is no such folder"):
        healed(tmp_path, results=tmp_path / "nowhere")


def test_as_json(tmp_path, api, impatient):
    path = leave(tmp_path / "one", spelled(api, latency=CORDON), order("latency"))
    api.lies = True
    code, out = healed(tmp_path, as_json=True)
    [journal] = json.loads(out)["journals"]
    assert (code, json.loads(out)["exit_code"]) == (6, 6)
    assert {key: journal[key] for key in ("path", "run_id", "target", "driver", "state")} == {
        "path": str(path),
        "run_id": "one",
        "target": "ours",
        "driver": "http",
        "state": "in force",
    }
    [fault] = journal["faults"]
    assert (fault["fault"], fault["provider"], fault["state"]) == ("latency#1", "a", "in force")
    assert fault["by_hand"].startswith("curl -X DELETE http://127.0.0.1:")


def test_names_steer_no_terminal_and_notes_show_no_secret(tmp_path, api, impatient):
    shown = spelled(api, latency=CORDON)
    leave(tmp_path / "one", shown, order("latency"))
    path = tmp_path / "one" / NAME
    path.write_bytes(
        path.read_bytes().replace(b'"fault":"latency#1","provider"', b'"fault":"\\u001b[2J","provider"', 1)
    )
    out = healed(tmp_path, environ={"TOKEN": "hush-hush-hush"})[1]
    assert "\x1b" not in out
    assert "hush" not in out
