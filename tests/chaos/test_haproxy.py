"""The driver `haproxy` against a real HAProxy with two servers behind it."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from battlectl.chaos.driver import DriverError, Impossible, Order
from battlectl.chaos.haproxy import open_haproxy
from battlectl.scenario.chaos_kinds import FAULTS
from battlectl.scenario.target_chaos import HaproxyChaos
from tests.real.parts import require
from tests.real.processes import free_port, running, wait_ready

pytestmark = pytest.mark.real

CONFIG = """
global
    nbthread 1
    stats socket {socket} mode 600 level {level}
defaults
    mode http
    timeout client 10s
    timeout server 10s
    timeout connect 5s
frontend rpc
    bind 127.0.0.1:{port}
    default_backend nodes
backend nodes
    balance roundrobin
    server one 127.0.0.1:{one}
    server two 127.0.0.1:{two}
frontend one
    bind 127.0.0.1:{one}
    http-request return status 200 content-type text/plain string one
frontend two
    bind 127.0.0.1:{two}
    http-request return status 200 content-type text/plain string two
"""


class Balancer:
    """One HAProxy in front of itself."""

    def __init__(self, folder, stack: ExitStack, level: str) -> None:
        self.socket = str(folder / "s")
        self.port = free_port()
        config, log = folder / "haproxy.cfg", folder / "log"
        one, two = free_port(), free_port()
        config.write_text(CONFIG.format(socket=self.socket, level=level, port=self.port, one=one, two=two))
        process = stack.enter_context(running([require("haproxy"), "-db", "-f", config], log))
        wait_ready(process, log, self.ask)

    def ask(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as answer:
            return answer.read().decode()

    def config(self, **changes) -> HaproxyChaos:
        return HaproxyChaos(
            **{"driver": "haproxy", "socket": self.socket, "backend": "nodes", "servers": {"node_a": "one"}}
            | changes
        )


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def order(kind: str, provider: str = "node_a", **attributes) -> Order:
    return Order(f"{kind}-{provider}", kind, FAULTS[kind].toxic, provider, attributes)


async def test_a_server_is_taken_out_and_put_back(stack, tmp_path):
    balancer = Balancer(tmp_path, stack, "admin")
    async with open_haproxy(balancer.config(), "run1") as driver:
        kill = order("kill")
        await driver.check([kill, order("kill", "two")])
        assert await driver.in_force() == ()
        assert {balancer.ask() for _ in range(8)} == {"one", "two"}
        undo = await driver.prepare(kill)
        assert await driver.is_healed(undo)
        await driver.inject(kill, undo)
        assert not await driver.is_healed(undo)
        [found] = await driver.in_force()
        assert (found.provider, found.undo) == ("node_a", undo)
        before = {count.provider: count for count in await driver.count()}
        assert [balancer.ask() for _ in range(8)] == ["two"] * 8
        after = {count.provider: count for count in await driver.count()}
        assert after["node_a"].calls == before["node_a"].calls > 0
        assert after["two"].calls == before["two"].calls + 8
        assert after["two"].generation == before["two"].generation
        with pytest.raises(DriverError, match="not ready"):
            await driver.prepare(kill)
        assert driver.by_hand(undo).startswith("echo 'set server nodes/one state ready' | socat - ")
        await driver.heal(undo)
        await driver.heal(undo)
        assert await driver.is_healed(undo)
        assert {balancer.ask() for _ in range(8)} == {"one", "two"}


async def test_what_haproxy_cannot_do_is_impossible_or_a_driver_error(stack, tmp_path):
    balancer = Balancer(tmp_path, stack, "operator")
    async with open_haproxy(balancer.config(), "run1") as driver:
        for one, words in [
            (order("hang"), "nothing else"),
            (order("kill", mode="reset"), "cannot do mode"),
            (order("kill", "three"), 'no server "three"'),
        ]:
            with pytest.raises(Impossible, match=words):
                await driver.check([one])
        undo = await driver.prepare(order("kill"))
        with pytest.raises(DriverError, match="Permission denied"):
            await driver.inject(order("kill"), undo)
    async with open_haproxy(balancer.config(backend="nobody"), "run1") as driver:
        with pytest.raises(DriverError, match=r"no backend nobody|Can't find backend"):
            await driver.check([order("kill")])


async def test_a_socket_that_nobody_serves_is_a_driver_error(tmp_path):
    config = HaproxyChaos(driver="haproxy", socket=str(tmp_path / "s"), backend="nodes")
    async with open_haproxy(config, "run1") as driver:
        for act in (driver.in_force, driver.count, lambda: driver.check([order("kill")])):
            with pytest.raises(DriverError, match="HAProxy's socket"):
                await act()
