"""`battlectl chaos`: a fault by hand on a real lab, proven while it is in force, healed whatever happens."""

from __future__ import annotations

import io
import json
import signal

import httpx
import pytest

from battlectl.chaos.driver import DriverError
from battlectl.chaos.toxiproxy import Toxiproxy
from battlectl.commands.chaos import Watch, inject
from battlectl.commands.chaos_arm import Wish
from battlectl.commands.chaos_clear import clear, status
from battlectl.commands.chaos_ground import find_ground
from battlectl.commands.chaos_text import Teller
from battlectl.commands.heal import HealOptions, heal
from battlectl.errors import NotReady, Unhealed, UserError
from tests.chaos.test_http import CORDON
from tests.chaos.test_http import api as api
from tests.chaos.test_stale import spelled
from tests.cli.command import Desk, finish
from tests.cli.test_signals import wait_for
from tests.torture.grounds import GROUNDS, Ground, until_calm

pytestmark = pytest.mark.real
PATIENCE = 30
STARTED = []
"""What the test that runs now has started."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A lab that several tests break in turn; each leaves it whole."""
    with GROUNDS["lab"](tmp_path_factory.mktemp("lab")) as ground:
        yield ground


@pytest.fixture(autouse=True)
def whole(lab):
    """See above: a test that fails ends what it has started, so that it alone fails."""
    assert lab.look() == []
    yield
    for process in STARTED:
        if process.returncode is None:
            process.kill()
            finish(process)
            until_calm(lab, 10)
    STARTED.clear()
    assert until_calm(lab, 1.0)[1] == []


def in_process(lab, *words, length="2s", detach=False):
    """(exit code, lines) of `chaos inject`, without a process of its own."""
    kind, provider, *params = words
    ground = find_ground(lab.target, None, None, {})
    out = io.StringIO()
    code = inject(Wish(kind, provider, params, length, detach), ground, lab.desk.results, out)
    return int(code), [line[10:] for line in out.getvalue().splitlines()]


def started(ground, *words, **environ):
    """A process that has put its fault in force."""
    process = ground.desk.start("chaos", *words, "--target", ground.target, **environ)
    STARTED.append(process)

    def is_in_force():
        assert process.poll() is None, process.communicate()
        return ground.look()

    wait_for(is_in_force, "the fault")
    return process


def cleared(ground, provider=None, admin=None):
    """(exit code, what was printed) of `chaos clear`, without a process of its own."""
    where = find_ground(None if admin else ground.target, admin, None, {})
    out = io.StringIO()
    return int(clear(provider, where, ground.desk.results, {}, out)), out.getvalue()


def healed(ground, **environ):
    """The same of `heal`."""
    out = io.StringIO()
    return int(heal(HealOptions(results=ground.desk.results), environ, False, out)), out.getvalue()


def statuses(ground, admin, as_json=False):
    """What `chaos status` prints."""
    out = io.StringIO()
    where = find_ground(None, admin, None, {})
    assert status(where, ground.desk.results, {}, as_json, out) == 0
    return out.getvalue()


def admin_of(lab):
    text = (lab.desk.folder / "target.yml").read_text()
    return next(line.split("url: ")[1] for line in text.split("chaos:")[1].splitlines() if "url: " in line)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("kill", "provider_a"), "new refused"),
        (("latency", "provider_b", "latency=300ms"), "new ok"),
        (("stale_head", "provider_a"), "hits by its own count"),
    ],
)
def test_a_fault_is_proven_and_healed(lab, words, shown):
    code, lines = in_process(lab, *words)
    assert code == 0, lines
    assert lines[0].startswith(f"{words[0]} at {words[1]} of {lab.target}, journal ")
    assert lines[1] == "in force for 2s; Ctrl-C ends it"
    assert lines[2].startswith("it shows: ")
    assert lines[3] == "healed, and seen to be"
    assert shown in lines[4]
    assert lines[5:] == ["proven"]


def test_what_ends_by_itself_needs_no_length(lab):
    code, lines = in_process(lab, "restart", "provider_a", "down=1s", length=None)
    assert (code, lines[-1]) == (0, "proven"), lines
    assert "restarted" in lines[-2]


def test_what_nothing_met_is_not_proven(lab):
    code, lines = in_process(lab, "ws_close", "provider_a")
    assert code == 3
    assert lines[-1].startswith("NOT PROVEN: ")


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]
)
def test_a_signal_ends_it_at_once(lab, signum, code):
    process = started(lab, "kill", "provider_a", "--for", "60s")
    process.send_signal(signum)
    process.send_signal(signum)  # Impatience keeps nobody from healing.
    ran = finish(process, PATIENCE)
    assert lab.look() == []
    assert (ran.code, ran.err) == (code, "")
    assert "healed, and seen to be" in ran.out


def test_killed_it_leaves_nothing_beyond_its_lease(lab):
    process = started(lab, "kill", "provider_a", "--for", "60s")
    process.kill()
    finish(process)
    assert lab.look()
    assert until_calm(lab, 10)[1] == []
    code, out = healed(lab)
    assert (code, out.startswith("Healed before: kill-provider_a at provider_a")) == (0, True)


def test_clear_from_another_terminal_ends_it_and_who_waits_says_so(lab):
    process = started(lab, "kill", "provider_a", "--for", "60s")
    assert cleared(lab, "provider_b") == (
        0,
        "Nothing was in force at provider_b, as far as the driver toxiproxy can see.\n",
    )
    assert lab.look()
    other = lab.desk.battlectl("chaos", "clear", "--target", lab.target)
    assert (other.code, lab.look()) == (0, [])
    assert other.out.startswith("Healed: kill-provider_a at provider_a (")
    ran = finish(process, PATIENCE)
    assert ran.code == 3
    assert "NOT PROVEN: somebody else ended it after" in ran.out
    assert healed(lab)[1].startswith("Nothing to heal")


def test_clear_ends_what_others_put_there(lab):
    admin = admin_of(lab)
    httpx.post(f"{admin}/proxies/provider_c/toxics", json={"type": "hang", "name": "mine"}).raise_for_status()
    what = 'hang (toxic "mine" of proxy provider_c)'
    ran = lab.desk.battlectl("chaos", "status", "--admin", admin)
    assert (ran.code, ran.out.splitlines()[1].split(maxsplit=1)) == (0, ["provider_c", what])
    assert json.loads(statuses(lab, admin, as_json=True)) == {
        "in_force": [{"provider": "provider_c", "what": what}],
        "journals": [],
    }
    assert cleared(lab, "provider_c", admin) == (0, f"Healed: {what} at provider_c (204)\n")
    assert statuses(lab, admin).startswith("Nothing is in force")
    with pytest.raises(UserError, match='did you mean "provider_'):
        cleared(lab, "provider_x", admin)


def test_detached_it_outlives_us_and_ends_by_itself(lab):
    code, lines = in_process(lab, "kill", "provider_b", length="4s", detach=True)
    assert code == 0, lines
    assert lines[2].startswith("it shows: ")
    assert lines[3] == "it ends by itself; before that: battlectl chaos clear provider_b"
    assert lab.look()
    assert until_calm(lab, 10)[1] == []
    assert healed(lab)[1].startswith("Healed before: ")


def test_detached_it_can_be_cleared(lab):
    assert in_process(lab, "kill", "provider_b", length="60s", detach=True)[0] == 0
    code, out = cleared(lab, "provider_b")
    assert (code, lab.look()) == (0, [])
    assert out.startswith("Healed: kill-provider_b at provider_b")


def test_a_second_one_stands_beside_the_first_and_not_on_top_of_it(lab):
    first = started(lab, "kill", "provider_a", "--for", "60s")
    code, lines = in_process(lab, "latency", "provider_b", "latency=200ms")
    assert (code, lines[-1]) == (0, "proven")
    assert lab.look()
    with pytest.raises(NotReady, match=r"provider_a does not answer as it is \(refused"):
        in_process(lab, "kill", "provider_a")
    first.send_signal(signal.SIGINT)
    assert finish(first, PATIENCE).code == 130


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("kill", "provider_x"), 'no provider "provider_x", did you mean "provider_'),
        (("kil", "provider_a"), 'no fault "kil", did you mean "kill"'),
        (("kill", "provider_a", "mod=reset"), 'unknown key "mod", did you mean "mode"'),
        (("kill", "provider_a", "mode"), "--param mode: is not NAME=VALUE"),
        (("latency", "provider_a", "latency=300"), '"300" needs a unit'),
        (("kill", "any"), "by hand one provider is broken at a time"),
        (("latency", "provider_a", "latency=1s", "latency=2s"), "latency: is there twice"),
        (("restart", "provider_a"), "restart ends by itself after 1s: leave --for away"),
        (("kill", "provider_a", "mode=[1"), "--param mode: "),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_nearest_name(lab, words, said):
    with pytest.raises(UserError) as refused:
        in_process(lab, *words)
    assert said in str(refused.value)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("length", ["0s", "5", "2h", "x"])
def test_a_length_that_is_none_is_refused(lab, length):
    with pytest.raises(UserError):
        in_process(lab, "kill", "provider_a", length=length)


@pytest.mark.parametrize(
    ("target", "admin", "token_env", "said"),
    [
        (None, "ftp://x", None, "is no http URL, try http://127.0.0.1:8474"),
        (None, "http://8.8.8.8:8474", None, "is a public host"),
        (None, "http://me:secret@127.0.0.1:1", None, "a login does not belong in a URL"),
        (None, "http://127.0.0.1:1", "NOT_SET", "NOT_SET is not set"),
        ("lab", "http://127.0.0.1:1", None, "leave --admin and --token-env away"),
        ("lab", None, None, "lives only as long as a run"),
        ("nowhere", None, None, 'there is no target "nowhere"'),
        ("http://127.0.0.1:1", None, None, "has no way to be broken"),
    ],
)
def test_where_it_cannot_be_done_is_told(target, admin, token_env, said):
    with pytest.raises(UserError) as refused:
        find_ground(target, admin, token_env, {})
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_driver_that_is_down_is_exit_4_and_nothing_is_written(tmp_path):
    ran = Desk(tmp_path).battlectl("chaos", "kill", "provider_a", "--admin", "http://127.0.0.1:1")
    assert (ran.code, ran.out) == (4, "")
    assert "`battlectl lab up` starts a lab" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_driver_that_repeats_a_secret_shows_none(tmp_path, api, monkeypatch):
    monkeypatch.setattr(api, "answer", lambda *_: (401, b"no such token: letmein-please"))
    environ = {"TOKEN": "letmein-please"}
    ground = find_ground(None, f"http://127.0.0.1:{api.server.server_port}", "TOKEN", environ)
    wish = Wish("kill", "provider_a", (), "2s")
    for ask in (
        lambda: status(ground, tmp_path, environ, False, io.StringIO()),
        lambda: clear(None, ground, tmp_path, environ, io.StringIO()),
        lambda: inject(wish, ground, tmp_path, io.StringIO()),
    ):
        with pytest.raises(NotReady) as refused:
            ask()
        assert "no such token: ***" in str(refused.value)


@pytest.mark.parametrize("name", ["haproxy", "http", "process"])
def test_other_drivers_do_it_too_and_have_no_lease_to_leave_it_to(name, tmp_path):
    with GROUNDS[name](tmp_path) as ground:
        with pytest.raises(UserError, match="only a lab has leases"):
            in_process(ground, "kill", "provider_a", detach=True)
        code, lines = in_process(ground, "kill", "provider_a")
        assert (code, lines[-1]) == (0, "proven"), lines
        assert lines[-2].startswith("before: " if name == "process" else f"seen by {name} itself")
        assert ground.look() == []
        if name == "http":
            code, lines = in_process(ground, "rpc_latency", "provider_a")
            assert (code, lines[-1][:10]) == (3, "NOT PROVEN")
            return
        process = started(ground, "kill", "provider_b")
        assert cleared(ground)[0] == 0
        assert until_calm(ground, 3)[1] == []
        assert finish(process, PATIENCE).code == 3


def test_healing_that_fails_is_exit_6_and_healed_by_hand_heal_agrees(tmp_path, api):
    desk, admin = Desk(tmp_path), f"http://127.0.0.1:{api.server.server_port}"
    target = desk.target("http://127.0.0.1:1", chaos=spelled(api, latency=CORDON))
    ground = Ground("http", desk, str(target), (), lambda: list(api.cordons))
    process = started(ground, "inject", "latency", "a", TOKEN="letmein")
    api.lies = True
    process.send_signal(signal.SIGINT)
    ran = finish(process, PATIENCE)
    assert ran.code == 6
    first = "latency-a (latency) may still be in force at a. To end it: curl -X DELETE"
    assert f"\n\n{first} {admin}/api/cordon/a\n  " in ran.out
    assert "letmein" not in ran.out + ran.err
    assert "letmein" not in next(desk.results.rglob("faults.jsonl")).read_text()
    api.lies = False
    api.cordons.clear()
    code, out = healed(ground, TOKEN="letmein")
    assert (code, out.split(" (")[0]) == (0, "Healed before: latency-a at a")


def test_a_crash_over_a_fault_that_cannot_be_healed_says_what_to_do(lab, monkeypatch):
    def crash(_watch):
        raise RuntimeError("a bug of ours")

    async def fail(*_):
        raise DriverError("no such luck")

    monkeypatch.setattr(Watch, "_tell_begin", crash)
    monkeypatch.setattr(Toxiproxy, "heal", fail)
    with pytest.raises(
        Unhealed, match=r"^kill-provider_a \(kill\) may still be in force(?s:.*)a bug of ours"
    ):
        in_process(lab, "kill", "provider_a")
    assert until_calm(lab, PATIENCE)[1] == []  # By its lease.


async def test_a_reader_that_is_gone_keeps_nobody_from_healing():
    class Closed(io.StringIO):
        def write(self, _):
            raise BrokenPipeError

    tell = Teller(Closed(), ["hush-hush"])
    tell("one")
    tell.loudly(["two"])
    shown = io.StringIO()
    Teller(shown, ["hush-hush"])("a hush-hush \x1b[2J")
    assert shown.getvalue().endswith("a *** \\x1b[2J\n")
