"""The driver `process` against children of its own: Python programs that answer HTTP, or only sleep."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import trio

from battlectl.chaos.driver import DriverError, Impossible, Order
from battlectl.chaos.healing import heal_surely, still_in_force
from battlectl.chaos.process import open_process
from battlectl.observe.faults import Deed
from battlectl.scenario.chaos_kinds import FAULTS
from battlectl.scenario.target_chaos import ProcessChaos

pytestmark = pytest.mark.real

PATIENCE = 20.0
SLEEPER = """
    import os, sys, time
    with open(sys.argv[1] + ".new", "w") as file:
        file.write(f"{os.getpid()}\\n")
    os.replace(sys.argv[1] + ".new", sys.argv[1])
    time.sleep(120)
"""


LINGERER = """
    import os, signal, sys, time
    def linger(*_):
        while not os.path.exists(sys.argv[1] + ".go"):
            time.sleep(0.02)
        os._exit(0)
    signal.signal(signal.SIGTERM, linger)
"""


def sleeper(pid_file: Path, before: str = "") -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(before) + textwrap.dedent(SLEEPER), str(pid_file)]


@contextmanager
def running(pid_file: Path, before: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """A child that has written its pid file; whatever stands in that file at the end is ended."""
    with subprocess.Popen(sleeper(pid_file, before)) as process:
        try:
            while not pid_file.exists():
                assert process.poll() is None
            yield process
        finally:
            pid = int(pid_file.read_text())
            for number in {process.pid, pid}:
                if psutil.pid_exists(number) and str(pid_file) in " ".join(psutil.Process(number).cmdline()):
                    os.kill(number, signal.SIGKILL)
            process.wait()
            if pid != process.pid:
                _reap(pid)


def _reap(pid: int) -> None:
    """One that the driver has started is a child of ours."""
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        return


def order(kind: str, provider: str = "node_a", **attributes) -> Order:
    return Order(f"{kind}-{provider}", kind, FAULTS[kind].toxic, provider, attributes)


def config(**node) -> ProcessChaos:
    return ProcessChaos(driver="process", processes={"node_a": node})


async def test_a_process_is_stopped_and_goes_on(tmp_path):
    pid_file = tmp_path / "pid"
    with running(pid_file) as child:
        for entry in (
            {"pid": child.pid},
            {"pid_file": str(pid_file)},
            {"pid_command": ["cat", str(pid_file)]},
        ):
            async with open_process(config(**entry), "run1") as driver:
                await driver.check([order("hang")])
                assert await driver.in_force() == ()
                undo = await driver.prepare(order("hang"))
                assert await driver.is_healed(undo)
                assert await driver.inject(order("hang"), undo) == f"SIGSTOP to process {child.pid}"
                assert psutil.Process(child.pid).status() == psutil.STATUS_STOPPED
                assert not await driver.is_healed(undo)
                [found] = await driver.in_force()
                assert (found.provider, found.undo) == ("node_a", undo)
                with pytest.raises(DriverError, match="stopped already"):
                    await driver.prepare(order("hang"))
                assert driver.by_hand(undo) == f"kill -CONT {child.pid}"
                for _ in range(2):
                    healing = await heal_surely(driver, undo, 5)
                    assert healing.is_healed
                assert psutil.Process(child.pid).status() != psutil.STATUS_STOPPED


async def test_what_another_process_wrote_down_is_enough_to_heal(tmp_path):
    """The journal is read by a battlectl that has seen nothing of it."""
    pid_file = tmp_path / "pid"
    with running(pid_file) as child:
        entry = {"pid_file": str(pid_file), "restart": sleeper(pid_file)}
        async with open_process(config(**entry), "run1") as driver:
            hang, kill = order("hang"), order("kill")
            undo = await driver.prepare(hang)
            await driver.inject(hang, undo)
        async with open_process(config(**entry), "run2") as later:
            deed = Deed(1.0, hang.fault, "node_a", "inject", "begin", undo)
            assert [left.provider for left in await still_in_force(later, [deed])] == ["node_a"]
            assert (await heal_surely(later, undo, 5)).is_healed
            assert await still_in_force(later, [deed]) == ()
            undo = await later.prepare(kill)
            await later.inject(kill, undo)
        assert child.wait(PATIENCE) == -signal.SIGKILL
        async with open_process(config(**entry), "run3") as last:
            assert [found.what for found in await last.in_force()] == ["its process does not run"]
            assert (await heal_surely(last, undo, 10)).is_healed
            assert int(pid_file.read_text()) != child.pid


@pytest.mark.parametrize("name", ["KILL", "TERM"])
async def test_a_process_is_killed_and_started_again(tmp_path, name):
    pid_file = tmp_path / "pid"
    with running(pid_file) as child:
        entry = {"pid_file": str(pid_file), "restart": sleeper(pid_file), "signal": name}
        async with open_process(config(**entry), "run1") as driver:
            await driver.check([order("kill"), order("restart", down_ms=500)])
            undo = await driver.prepare(order("kill"))
            await driver.inject(order("kill"), undo)
            assert child.wait(PATIENCE) == -signal.Signals[f"SIG{name}"]
            assert not await driver.is_healed(undo)
            with pytest.raises(DriverError, match="does not run"):
                await driver.prepare(order("hang"))
            healing = await heal_surely(driver, undo, 10)
            assert healing.is_healed
            new = int(pid_file.read_text())
            assert new != child.pid
            assert healing.note == f"process {new} runs"
            assert await driver.heal(undo) == healing.note  # Once more starts no second one.
            assert int(pid_file.read_text()) == new
            assert os.getsid(new) == new  # It outlives us.
            assert await driver.in_force() == ()


async def test_one_that_takes_its_time_to_end_is_not_healed_because_it_still_runs(tmp_path):
    pid_file = tmp_path / "pid"
    with running(pid_file, LINGERER) as child:
        entry = {"pid_file": str(pid_file), "restart": sleeper(pid_file), "signal": "TERM"}
        async with open_process(config(**entry), "run1") as driver:
            undo = await driver.prepare(order("kill"))
            with trio.move_on_after(0.3) as patience:
                await driver.inject(order("kill"), undo)
            assert patience.cancelled_caught
            assert not await driver.is_healed(undo)
            healing = await heal_surely(driver, undo, 0.6)
            assert not healing.is_healed
            assert healing.note == f"process {child.pid} was told to end, and has not yet"
            (tmp_path / "pid.go").touch()
            assert (await heal_surely(driver, undo, 10)).is_healed
            assert child.wait(PATIENCE) == 0
            assert int(pid_file.read_text()) != child.pid


async def test_a_supervisor_is_waited_for(tmp_path):
    pid_file = tmp_path / "pid"
    with running(pid_file) as child:
        entry = {"pid_file": str(pid_file), "expect_restart": "10s"}
        async with open_process(config(**entry), "run1") as driver:
            undo = await driver.prepare(order("kill"))
            await driver.inject(order("kill"), undo)
            child.wait(PATIENCE)
            alone = await heal_surely(driver, undo, 0.5)
            assert not alone.is_healed
            assert "supervisor" in driver.by_hand(undo)
            with subprocess.Popen(sleeper(pid_file)) as second:  # noqa: ASYNC220 (the supervisor)
                assert (await heal_surely(driver, undo, 10)).is_healed
                second.kill()


async def test_a_restart_command_that_fails_is_told(tmp_path):
    pid_file = tmp_path / "pid"
    with running(pid_file) as child:
        for command, words in (
            ([sys.executable, "-c", "raise SystemExit(3)"], "ended with 3"),
            (["/nowhere/at-all"], "cannot be run"),
        ):
            async with open_process(config(pid_file=str(pid_file), restart=command), "run1") as driver:
                undo = {"provider": "node_a", "does": "end", "pid": child.pid, "started": 0, "command": ""}
                child.kill()
                child.wait()
                healing = await heal_surely(driver, undo, 1.5)
                assert not healing.is_healed
                assert words in healing.note


async def test_a_process_that_is_another_one_now_is_never_signalled(tmp_path):
    pid_file = tmp_path / "pid"
    with running(pid_file) as child:
        async with open_process(config(pid_file=str(pid_file), restart=["true"]), "run1") as driver:
            undo = dict(await driver.prepare(order("hang")))
            for changed in ({"started": undo["started"] - 60}, {"command": "0" * 64}, {"pid": 2**22 + 1}):
                other = {**undo, **changed}
                with pytest.raises(DriverError, match="gone, or is another one"):
                    await driver.inject(order("hang"), other)
                with pytest.raises(DriverError, match="gone, or is another one"):
                    await driver.inject(order("kill"), {**other, "does": "end"})
            assert psutil.Process(child.pid).status() != psutil.STATUS_STOPPED
            os.kill(child.pid, signal.SIGSTOP)
            with trio.fail_after(PATIENCE):
                while psutil.Process(child.pid).status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110
                    await trio.sleep(0.01)
            assert await driver.heal({**undo, "command": "0" * 64}) == "it is not stopped any more"
            assert psutil.Process(child.pid).status() == psutil.STATUS_STOPPED
            os.kill(child.pid, signal.SIGCONT)


async def test_a_pid_file_that_is_older_than_its_process_is_stale(tmp_path):
    pid_file = tmp_path / "pid"
    with running(pid_file):
        long_ago = pid_file.stat().st_mtime - 3600
        os.utime(pid_file, (long_ago, long_ago))
        async with open_process(config(pid_file=str(pid_file)), "run1") as driver:
            with pytest.raises(DriverError, match="does not run"):
                await driver.prepare(order("hang"))


async def test_what_signals_cannot_do_is_impossible(tmp_path):
    pid_file = tmp_path / "pid"
    with running(pid_file):
        async with open_process(config(pid_file=str(pid_file)), "run1") as driver:
            for one, words in [
                (order("http_5xx"), "a signal cannot do that"),
                (order("kill"), "nobody would start it again"),
                (order("hang", methods=["eth_call"]), "cannot do methods"),
                (order("hang", "node_b"), "no process of node_b is known"),
            ]:
                with pytest.raises(Impossible, match=words):
                    await driver.check([one])
            await driver.check([order("hang", seed=4, probability=1.0), order("partition")])
            assert driver.resource(order("hang")) == driver.resource(order("partition")) != ""


@pytest.mark.parametrize("text", ["", "none\n", "-1", "1", "99999999999999"])
async def test_a_pid_file_that_says_nothing_is_a_process_that_does_not_run(tmp_path, text):
    (tmp_path / "pid").write_text(text)
    async with open_process(config(pid_file=str(tmp_path / "pid")), "run1") as driver:
        with pytest.raises(DriverError, match="does not run"):
            await driver.check([order("hang")])


async def test_a_pid_command_that_hangs_or_is_not_there_is_a_driver_error():
    async with open_process(config(pid_command=["/nowhere/at-all"]), "run1") as driver:
        with pytest.raises(DriverError, match="cannot be run"):
            await driver.in_force()
    async with open_process(config(pid_command=["sleep", "60"]), "run1") as driver:
        with trio.move_on_after(0.3) as scope:
            await driver.in_force()
        assert scope.cancelled_caught
