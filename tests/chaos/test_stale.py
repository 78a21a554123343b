"""What earlier runs left in force at a target: asked of the driver itself, before another run begins."""

from __future__ import annotations

import json
import os
from contextlib import closing

import pytest

from battlectl.chaos.http import open_http
from battlectl.chaos.journal import NAME, FaultJournal, Header, Secrecy
from battlectl.chaos.leftovers import find_left
from battlectl.chaos.stale import is_same_target, runs_going_on, stale_journals
from battlectl.observe.faults import Deed
from battlectl.scenario.target_chaos import read_again
from tests.chaos.test_http import CORDON, DISABLE, AdminApi, order
from tests.chaos.test_http import api as api

pytestmark = pytest.mark.real
ENVIRON = {"TOKEN": "letmein"}
BLIND = {name: CORDON[name] for name in ("inject", "heal")}


def spelled(api: AdminApi, **faults) -> dict:
    return {
        "driver": "http",
        "url": f"http://127.0.0.1:{api.server.server_port}/api",
        "headers": {"X-Token": "${TOKEN}"},
        "faults": faults,
    }


async def broken(folder, shown, *orders) -> None:
    """A run that was killed with these in force."""
    folder.mkdir(parents=True)
    config, names = read_again(shown, ENVIRON)
    header = Header(run_id=folder.name, target="ours", config=shown)
    journal = FaultJournal(folder / NAME, header, Secrecy(names))
    async with open_http(config, folder.name) as driver:
        for one in orders:
            undo = await driver.prepare(one)
            journal.write(Deed(2.5, one.fault, one.provider, "inject", "begin", undo))
            await driver.inject(one, undo)
    journal.close()


async def test_what_is_still_in_force_is_named_and_what_is_healed_is_never_asked_again(tmp_path, api):
    shown = spelled(api, kill=DISABLE, latency=CORDON)
    await broken(tmp_path / "s" / "one", shown, order("kill"), order("latency"))
    kill, late = await stale_journals(tmp_path, shown, ENVIRON)
    path = tmp_path / "s" / "one" / NAME
    assert [(s.path, s.provider, s.why) for s in (kill, late)] == [(path, "a", "still in force")] * 2
    assert str(kill) == f"kill#1 at a: still in force ({path}); `battlectl heal {path.parent}`"
    api.cordons.clear()  # By hand.
    assert [stale.fault for stale in await stale_journals(tmp_path, shown, ENVIRON)] == ["kill#1"]
    [left] = find_left(tmp_path)
    assert [deed.fault for deed in left.deeds] == ["kill#1"]
    assert left.now >= 2.5
    api.cordons["a"] = "somebody else's"
    assert [stale.fault for stale in await stale_journals(tmp_path, shown, ENVIRON)] == ["kill#1"]
    assert api.cordons == {"a": "somebody else's"}


async def test_other_targets_are_not_asked(tmp_path, api):
    shown = spelled(api, kill=DISABLE)
    await broken(tmp_path / "one", shown, order("kill"))
    before = len(api.seen)
    elsewhere = {**shown, "url": shown["url"].replace("127.0.0.1", "127.0.0.9")}
    assert await stale_journals(tmp_path, elsewhere, ENVIRON) == ()
    assert await stale_journals(tmp_path / "nowhere", shown, ENVIRON) == ()
    assert len(api.seen) == before
    through_localhost = {**shown, "url": shown["url"].replace("127.0.0.1", "localhost") + "/"}
    assert len(await stale_journals(tmp_path, through_localhost, ENVIRON)) == 1


async def test_what_nobody_can_look_at_counts_as_in_force(tmp_path, api):
    shown = spelled(api, kill=DISABLE, latency=BLIND)
    await broken(tmp_path / "one", shown, order("latency"))
    [stale] = await stale_journals(tmp_path, shown, ENVIRON)
    assert stale.why == "still in force"  # Nothing can see it, so only a heal that was taken ends it.
    [stale] = await stale_journals(tmp_path, shown, {})
    assert "TOKEN is not set" in stale.why
    [stale] = await stale_journals(tmp_path, shown, {"TOKEN": "wrong"})
    assert stale.why == "still in force"
    api.server.shutdown()
    api.server.server_close()
    await broken_document(tmp_path / "two", shown)
    whys = {stale.path.parent.name: stale.why for stale in await stale_journals(tmp_path, shown, ENVIRON)}
    assert whys["two"].startswith("nobody can look, ")


async def broken_document(folder, shown) -> None:
    folder.mkdir()
    journal = FaultJournal(folder / NAME, Header(run_id="x", target="t", config=shown), Secrecy())
    undo = {"kind": "kill", "values": {"provider": "a", "fault": "kill#1"}, "document": "{}"}
    journal.write(Deed(1.0, "kill#1", "a", "inject", "begin", undo))
    journal.close()


async def test_a_run_that_goes_on_is_said_to(tmp_path, api):
    shown = spelled(api, latency=CORDON)
    await broken(tmp_path / "one", shown, order("latency"))
    journal = FaultJournal(tmp_path / "one" / NAME, None, Secrecy())
    [stale] = await stale_journals(tmp_path, shown, ENVIRON)
    assert stale.why == f"still in force, of a run that goes on (pid {os.getpid()})"
    assert str(stale).endswith("; it heals its own when it ends"), "heal would leave it alone"
    api.cordons.clear()
    assert await stale_journals(tmp_path, shown, ENVIRON) == ()
    journal.close()
    assert len(list(find_left(tmp_path))) == 1, "its own run is to write that down"


async def test_a_damaged_journal_of_the_same_target_is_in_the_way(tmp_path, api):
    shown = spelled(api, kill=DISABLE)
    await broken(tmp_path / "one", shown, order("kill"))
    path = tmp_path / "one" / NAME
    path.write_bytes(path.read_bytes() + b"nonsense\n")
    [stale] = await stale_journals(tmp_path, shown, ENVIRON)
    assert "line 3" in stale.why
    assert str(stale).startswith(f"{path} is damaged (line 3")
    assert await stale_journals(tmp_path, {**shown, "url": "http://127.0.0.1:1"}, ENVIRON) == ()
    path.write_bytes(b"nonsense\n")
    assert len(await stale_journals(tmp_path, {**shown, "url": "http://127.0.0.1:1"}, ENVIRON)) == 1


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ({"driver": "haproxy", "socket": "/run/a", "backend": "x"}, {"socket": "/run/b/../a"}, True),
        ({"driver": "haproxy", "socket": "/run/a", "backend": "x"}, {"socket": "/run/b"}, False),
        ({"driver": "toxiproxy", "url": "${URL}"}, {"url": "http://10.0.0.1:8474"}, True),
        ({"driver": "toxiproxy", "url": "${GONE}"}, {"url": "http://10.0.0.1:8474"}, True),
        ({"driver": "toxiproxy", "url": "http://h:8474"}, {"url": "http://h:8475"}, False),
        ({"driver": "http", "url": "http://h"}, {"driver": "toxiproxy", "url": "http://h"}, False),
        (
            {"driver": "process", "processes": {"a": {"pid_file": "x.pid"}, "b": {"pid": 77}}},
            {"processes": {"z": {"pid": 77}}},
            True,
        ),
        (
            {"driver": "process", "processes": {"a": {"pid_file": "x.pid"}}},
            {"processes": {"a": {"pid_file": "y.pid"}}},
            False,
        ),
        (
            {"driver": "process", "processes": {"a": {"pid_command": ["pgrep", "x"]}}},
            {"processes": {"b": {"pid_command": ["pgrep", "x"], "signal": "TERM"}}},
            True,
        ),
    ],
)
def test_which_targets_are_the_same(one, other, is_same):
    other = {**one, **other}
    environ = {"URL": "http://10.0.0.1:8474/"}
    assert is_same_target(json.loads(json.dumps(one)), other, environ) is is_same
    assert is_same_target(other, one, environ) is is_same


@pytest.mark.parametrize("url", ["${WHERE}", "http://127.0.0.1:${PORT}/api"])
async def test_a_journal_of_which_nobody_can_tell_the_target_is_in_the_way(tmp_path, api, url):
    """The variable with its address is not set: it may be this one."""
    shown = spelled(api, kill=DISABLE)
    await broken(tmp_path / "one", shown, order("kill"))
    path = tmp_path / "one" / NAME
    path.write_text(path.read_text().replace(shown["url"], url))
    [stale] = await stale_journals(tmp_path, shown, ENVIRON)
    assert "nobody can look" in stale.why
    found = {"WHERE": shown["url"], "PORT": str(api.server.server_port)}
    [stale] = await stale_journals(tmp_path, shown, ENVIRON | found)
    assert stale.why == "still in force"
    elsewhere = {"WHERE": "http://127.0.0.9:1/api", "PORT": "1"}
    assert await stale_journals(tmp_path, shown, ENVIRON | elsewhere) == ()


async def test_a_run_that_has_broken_nothing_just_now_goes_on_nevertheless(tmp_path, api):
    shown = spelled(api, latency=CORDON)
    await broken(tmp_path / "one", shown, order("latency"))
    assert runs_going_on(tmp_path, shown, ENVIRON) == ()
    api.cordons.clear()
    path = tmp_path / "one" / NAME
    with closing(FaultJournal(path, None, Secrecy())):
        assert runs_going_on(tmp_path, shown, ENVIRON) == ((path, os.getpid()),)
        elsewhere = {**shown, "url": "http://127.0.0.1:1"}
        assert runs_going_on(tmp_path, elsewhere, ENVIRON) == ()
        assert runs_going_on(tmp_path / "nowhere", shown, ENVIRON) == ()
    assert runs_going_on(tmp_path, shown, ENVIRON) == ()
