"""The driver `toxiproxy` against a real lab, and against what a real Toxiproxy knows of its API."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
import trio
import trio_websocket

from battlectl.chaos.driver import DriverError, Impossible, Order
from battlectl.chaos.journal import NAME, FaultJournal, Header, Secrecy, read_journal, unhealed
from battlectl.chaos.probe import Answer, HttpProber
from battlectl.chaos.toxiproxy import open_toxiproxy
from battlectl.lab.control import running_lab
from battlectl.lab.spec import LabSpec
from battlectl.run.campaign import CampaignRun, Weapons
from battlectl.scenario.chaos_kinds import FAULTS
from battlectl.scenario.target_chaos import ToxiproxyChaos
from tests.chaos.plain_toxiproxy import plain_toxiproxy
from tests.run.campaigns import injection

pytestmark = pytest.mark.real

PATIENCE = 20.0
A, B = "provider_a", "provider_b"


def order(kind: str, provider: str = A, *, name: str = "", **attributes: Any) -> Order:
    return Order(name or f"{kind}-{provider}#1", kind, FAULTS[kind].toxic, provider, attributes)


@asynccontextmanager
async def lab_of(**changes: Any):
    """A lab without a gateway, a prober of its providers, and a driver."""
    async with running_lab(LabSpec(providers=2, block_time=0.1, has_gateway=False, **changes)) as lab:
        config = ToxiproxyChaos(driver="toxiproxy", url=lab.admin_url, token=changes.get("token"))
        urls = {provider.id: provider.url for provider in lab.providers}
        async with (
            open_toxiproxy(config, "run1") as driver,
            HttpProber(urls) as prober,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(keep, driver)
            yield lab, driver, prober
            nursery.cancel_scope.cancel()


def open_as(lab, holder: str):
    """Another driver, which nobody renews."""
    return open_toxiproxy(ToxiproxyChaos(driver="toxiproxy", url=lab.admin_url), holder)


async def keep(driver) -> None:
    """As a campaign does."""
    while True:
        await trio.sleep(1)
        await driver.renew()


async def until(check):
    """What `check` returns as soon as it is true."""
    with trio.fail_after(PATIENCE):
        while True:
            if found := await check():
                return found
            await trio.sleep(0.05)


async def look(prober, provider, kind, new, kept) -> None:
    """Ask on both connections at once."""
    answers: dict[str, Answer] = {}

    async def ask(line: str) -> None:
        answers[line] = await prober.ask(provider, line, "eth_blockNumber")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, "")
        nursery.start_soon(ask, "line")
    assert new(answers[""]), (kind, answers)
    assert kept(answers["line"]), (kind, answers)


def calls_of(counts, provider=A):
    return next(count for count in counts if count.provider == provider)


def is_error(label):
    return lambda answer: answer.outcome == label


def is_late(answer: Answer) -> bool:
    return answer.outcome == "ok" and answer.seconds >= 0.5


def is_cut_off(answer: Answer) -> bool:
    return answer.outcome in ("closed", "reset", "refused")


LOOKS = [
    ("kill", {}, is_error("refused"), is_cut_off),
    ("kill", {"mode": "reset"}, is_cut_off, is_cut_off),
    ("flap", {"down_ms": 20_000, "up_ms": 5}, is_error("refused"), is_cut_off),
    ("hang", {}, is_error("timeout"), is_error("timeout")),
    ("partition", {}, is_error("timeout"), is_error("timeout")),
    ("latency", {"latency_ms": 500}, is_late, is_late),
    ("bandwidth", {"rate": 1}, is_error("ok"), is_error("ok")),
    ("http_5xx", {"status": 503, "probability": 1.0}, is_error("http_error(503)"), None),
    ("http_429", {"retry_after_s": None}, is_error("http_error(429)"), None),
    ("rate_limit_in_body", {}, is_error("rpc_error(-32005)"), None),
    ("truncated_json", {}, is_error("malformed"), None),
    ("method_error", {"methods": ["eth_blockNumber"]}, lambda a: a.outcome.startswith("rpc_error"), None),
]


async def test_faults_are_put_in_force_seen_counted_and_taken_back():
    async with lab_of() as (_, driver, prober):
        assert driver.is_lab
        for kind, attributes, new, kept in LOOKS:
            one = order(kind, **attributes)
            await driver.check([one])
            assert await driver.in_force() == (), kind
            for _ in range(2):
                assert (await prober.ask(A, "line", "eth_blockNumber")).outcome == "ok", kind
            undo = await driver.prepare(one)
            assert json.loads(json.dumps(undo)) == undo
            assert await driver.is_healed(undo), kind
            await driver.inject(one, undo)
            assert not await driver.is_healed(undo), kind
            [found] = await driver.in_force()
            assert (found.provider, found.undo) == (A, undo)
            assert one.toxic in found.what
            await look(prober, A, kind, new, kept or new)
            assert (await prober.ask(B, "", "eth_blockNumber")).outcome == "ok"
            if kind not in ("kill", "flap", "partition", "bandwidth"):
                assert calls_of(await driver.count()).hits == {one.fault: 2}, kind
            await driver.heal(undo)
            await driver.heal(undo)  # Once more is no error.
            assert await driver.is_healed(undo), kind
            assert (await prober.ask(A, "", "eth_blockNumber")).outcome == "ok", kind
            await prober.let_go(A, "line")


async def test_a_head_that_stands_still_is_seen_by_asking_twice():
    async with lab_of() as (_, driver, prober):
        one = order("stale_head")
        undo = await driver.prepare(one)
        await driver.inject(one, undo)
        first = await prober.ask(A, "", "eth_blockNumber")
        before = await prober.ask(B, "", "eth_blockNumber")

        async def has_moved():
            return (await prober.ask(B, "", "eth_blockNumber")).seen != before.seen

        await until(has_moved)
        assert (await prober.ask(A, "", "eth_blockNumber")).seen == first.seen
        assert calls_of(await driver.count()).hits[one.fault] >= 1
        await driver.heal(undo)
        assert (await prober.ask(A, "", "eth_blockNumber")).seen != first.seen


async def test_a_websocket_that_falls_silent_is_counted():
    async with lab_of() as (lab, driver, prober):
        url = next(provider.ws_url for provider in lab.providers if provider.id == A)
        async with trio_websocket.open_websocket_url(url) as socket:
            wish = {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}
            await socket.send_message(json.dumps(wish))
            for _ in range(3):
                await socket.get_message()
            one = order("ws_stall")
            undo = await driver.prepare(one)
            await driver.inject(one, undo)

            async def is_hit():
                return calls_of(await driver.count()).hits[one.fault] == 1

            await until(is_hit)
            assert (await prober.ask(A, "", "eth_blockNumber")).outcome == "ok"
            await driver.heal(undo)


async def test_a_restart_begins_a_new_generation():
    async with lab_of() as (_, driver, _prober):
        before = calls_of(await driver.count())
        one = order("restart", down_ms=200)
        undo = await driver.prepare(one)
        await driver.inject(one, undo)

        async def is_new():
            return calls_of(await driver.count()).generation == before.generation + 1

        await until(is_new)
        await driver.heal(undo)
        assert await driver.in_force() == ()


async def test_calls_are_counted_and_faults_of_others_are_not_ours():
    async with lab_of() as (lab, driver, prober):
        for _ in range(3):
            await prober.ask(A, "", "eth_blockNumber")
        assert calls_of(await driver.count()).calls == 3
        async with open_as(lab, "run2") as other:
            one = order("http_5xx")
            theirs, ours = await other.prepare(one), await driver.prepare(one)
            await other.inject(one, theirs)
            await driver.heal(ours)
            assert not await other.is_healed(theirs)
            assert calls_of(await driver.count()).hits == {}
        assert await driver.in_force() == ()  # Whoever closes gives its lease back.


async def test_what_cannot_be_is_found_before_anything_is_done():
    async with lab_of() as (_, driver, _prober):
        with pytest.raises(Impossible, match='no proxy "nobody"'):
            await driver.check([order("kill", "nobody")])
        await driver.check([order(kind, **needed(kind)) for kind in FAULTS])
        bad = order("rpc_latency", latency_ms="long")
        undo = await driver.prepare(bad)
        with pytest.raises(DriverError, match="400"):
            await driver.inject(bad, undo)


def needed(kind: str) -> dict[str, Any]:
    return {"methods": ["eth_call"]} if kind == "method_error" else {}


async def test_a_lease_that_somebody_ended_is_told_and_the_next_fault_has_a_new_one():
    async with lab_of() as (lab, _, _prober), open_as(lab, "run3") as driver:
        assert await driver.renew() is None  # None was granted yet.
        one = order("kill")
        undo = await driver.prepare(one)
        await driver.inject(one, undo)
        assert await driver.renew() is None
        async with httpx.AsyncClient(base_url=lab.admin_url, trust_env=False) as client:
            [lease] = (await client.get("/leases")).json()
            assert "run3" in lease["holder"]
            await client.delete(f"/leases/{lease['id']}")
        assert await driver.is_healed(undo)
        assert "no such lease" in (await driver.renew() or "")
        assert await driver.renew() is None
        await driver.inject(one, undo)
        assert not await driver.is_healed(undo)


async def test_a_lab_that_is_gone_and_a_token_that_is_wrong_are_driver_errors():
    async with lab_of(token="letmein") as (lab, driver, _prober):
        await driver.check([order("kill")])
        assert "$TOKEN" in driver.by_hand(await driver.prepare(order("kill")))
        wrong = ToxiproxyChaos(driver="toxiproxy", url=lab.admin_url, token="guessed")
        with pytest.raises(DriverError, match="401"):
            async with open_toxiproxy(wrong, "run2"):
                pass
    config = ToxiproxyChaos(driver="toxiproxy", url=lab.admin_url)
    with pytest.raises(DriverError, match="ConnectError"):
        async with open_toxiproxy(config, "run2"):
            pass


async def test_a_lab_that_dies_is_a_driver_error_in_everything():
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(
            running_lab(LabSpec(providers=1, block_time=0.1, has_gateway=False))
        )
        config = ToxiproxyChaos(driver="toxiproxy", url=lab.admin_url, lease="2s")
        async with open_toxiproxy(config, "run1") as driver:
            one = order("kill")
            undo = await driver.prepare(one)
            await driver.inject(one, undo)
            await stack.aclose()
            acts = [
                lambda: driver.check([one]),
                driver.in_force,
                lambda: driver.prepare(one),
                lambda: driver.inject(one, undo),
                lambda: driver.heal(undo),
                lambda: driver.is_healed(undo),
                driver.count,
            ]
            for act in acts:
                with pytest.raises(DriverError, match="ConnectError"):
                    await act()
            assert await driver.renew() is None  # It may live yet ...
            await trio.sleep(2)
            with pytest.raises(DriverError):
                await driver.renew()  # ... and now it may not.


HOLDER = """
    import sys, trio
    from battlectl.chaos.driver import Order
    from battlectl.chaos.toxiproxy import open_toxiproxy
    from battlectl.scenario.target_chaos import ToxiproxyChaos

    async def main():
        config = ToxiproxyChaos(driver="toxiproxy", url=sys.argv[1], lease="2s")
        async with open_toxiproxy(config, "doomed") as driver:
            for kind, provider in (("kill", "provider_a"), ("http_5xx", "provider_b")):
                order = Order(kind, kind, kind, provider, {})
                await driver.inject(order, await driver.prepare(order))
            print("broken", flush=True)
            while True:
                await trio.sleep(0.5)
                assert await driver.renew() is None

    trio.run(main)
"""


async def test_what_a_killed_process_left_behind_heals_within_its_lease():
    async with lab_of() as (lab, driver, prober):
        command = [sys.executable, "-c", textwrap.dedent(HOLDER), lab.admin_url]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: ASYNC220 (killed below)
            assert process.stdout is not None
            assert await trio.to_thread.run_sync(process.stdout.readline) == b"broken\n"
            await trio.sleep(2.5)  # Longer than the lease: it is renewed.
            assert len(await driver.in_force()) == 2
            process.kill()
        killed = trio.current_time()

        async def is_well():
            return not await driver.in_force()

        await until(is_well)
        assert trio.current_time() - killed < 10
        assert (await prober.ask(A, "", "eth_blockNumber")).outcome == "ok"


async def test_a_whole_campaign_on_a_lab(tmp_path):
    async with lab_of() as (_, driver, prober):
        journal = FaultJournal(
            tmp_path / NAME, Header(run_id="run1", target="lab", config={"driver": "toxiproxy"}), Secrecy()
        )
        faults = [
            injection("kill-a", 0.5, 2.5),
            injection("slow-b", 1.0, 3.0, B, kind="rpc_latency", latency_ms=300),
            injection("bad-b", 1.5, 2.0, B, kind="http_5xx"),
        ]
        run = CampaignRun(faults, 4.0, Weapons(driver, prober, journal.add))
        await run.make_ready()
        with trio.move_on_after(4.0):
            await run.serve(trio.current_time())
        campaign = run.campaign()
        assert await driver.in_force() == ()
        journal.close()
    assert campaign.leftovers == ()
    assert campaign.lost == ()
    during = [probe for probe in campaign.probes if probe.provider == A and 0.8 < probe.t < 2.3]
    assert {probe.outcome for probe in during} == {"refused"}
    late = [probe for probe in campaign.probes if probe.provider == B and 2.2 < probe.t < 2.9]
    assert {probe.outcome for probe in late} <= {"ok", "timeout"}
    assert all(probe.seconds >= 0.09 for probe in late)
    assert [probe.outcome for probe in campaign.probes if probe.t > 3.6] == []
    hits = [count.hits.get("slow-b", 0) for count in campaign.counts if count.provider == B]
    assert max(hits) >= 4
    last = {count.provider: count for count in campaign.counts}
    assert {(c.calls - c.probes) for c in last.values()} == {0}  # There was no load: all calls were ours.
    header, deeds = read_journal((tmp_path / NAME).read_bytes())
    assert header is not None
    assert unhealed(deeds) == ()
    assert sorted(deeds, key=lambda d: d.t) == sorted(campaign.deeds, key=lambda d: d.t)
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


@asynccontextmanager
async def plain_of():
    """The same with an API that has only what a real Toxiproxy has."""
    async with running_lab(LabSpec(providers=2, block_time=0.1, has_gateway=False)) as lab:
        with plain_toxiproxy(lab.admin_url) as url:
            urls = {"node_a" if p.id == A else p.id: p.url for p in lab.providers}
            config = ToxiproxyChaos(driver="toxiproxy", url=url, proxies={"node_a": A})
            async with open_toxiproxy(config, "run1") as driver, HttpProber(urls) as prober:
                yield driver, prober


PLAIN = [
    ("kill", {}, is_error("refused"), is_cut_off),
    ("kill", {"mode": "reset"}, is_cut_off, is_cut_off),
    ("hang", {}, is_error("timeout"), is_error("timeout")),
    ("partition", {}, is_error("timeout"), is_error("timeout")),
    ("latency", {"latency_ms": 500, "jitter_ms": 0, "seed": 7}, is_late, is_late),
    ("bandwidth", {"rate": 1}, is_error("ok"), is_error("ok")),
]


async def test_a_real_toxiproxy_has_its_own_toxics_and_nothing_else():
    async with plain_of() as (driver, prober):
        assert not driver.is_lab
        for kind, attributes, new, kept in PLAIN:
            one = order(kind, "node_a", **attributes)
            await driver.check([one])
            for _ in range(2):
                assert (await prober.ask("node_a", "line", "eth_blockNumber")).outcome == "ok"
            undo = await driver.prepare(one)
            await driver.inject(one, undo)
            assert not await driver.is_healed(undo), kind
            assert {found.provider for found in await driver.in_force()} == {"node_a"}
            await look(prober, "node_a", kind, new, kept)
            await driver.heal(undo)
            await driver.heal(undo)
            assert await driver.is_healed(undo), kind
            assert (await prober.ask("node_a", "", "eth_blockNumber")).outcome == "ok", kind
            await prober.let_go("node_a", "line")
        assert await driver.count() == ()
        assert await driver.renew() is None


async def test_what_a_real_toxiproxy_cannot_do_is_impossible_and_never_dropped():
    async with plain_of() as (driver, _prober):
        for kind in set(FAULTS) - {
            "kill",
            "hang",
            "partition",
            "rpc_latency",
            "latency",
            "degrade",
            "bandwidth",
        }:
            with pytest.raises(Impossible, match="knows no such fault"):
                await driver.check([order(kind, "node_a")])
        for kind, attributes in [
            ("kill", {"connections": "new"}),
            ("hang", {"methods": ["eth_call"]}),
            ("hang", {"probability": 0.5}),
            ("latency", {"transport": "ws"}),
            ("latency", {"latency_ms": 0.5}),
        ]:
            with pytest.raises(Impossible):
                await driver.check([order(kind, "node_a", **attributes)])
        kills = [order("kill", "node_a"), order("kill", "node_a", name="again"), order("hang", "node_a")]
        assert [driver.resource(one) for one in kills] == ["proxy provider_a", "proxy provider_a", ""]
        undo = await driver.prepare(kills[0])
        await driver.inject(kills[0], undo)
        with pytest.raises(DriverError, match="disabled already"):
            await driver.prepare(kills[1])
        await driver.heal(undo)
