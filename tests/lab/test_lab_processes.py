"""The lab as real processes, spoken to by a client that is not ours (httpx) and killed by pid."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager

import httpx
import psutil
import pytest
import trio
import websockets

from battlectl.lab.control import running_lab
from battlectl.lab.spec import LabError, LabSpec, is_loopback

pytestmark = pytest.mark.real

ONE_NODE = LabSpec(providers=1)
HOLD_A_LAB = """
import sys
from battlectl.commands.lab import run_lab
from battlectl.lab.spec import LabSpec
sys.exit(run_lab(LabSpec(providers=2), sys.stdout, as_json=True))
"""


def call(method="eth_blockNumber", *params, id_=1):
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": list(params)}


def is_running(pid):
    """A zombie has ended: only its parent, who may be dead or busy, has not looked yet."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def all_gone(pids, within):
    deadline = time.monotonic() + within
    while any(is_running(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def pids_of(lab):
    return [lab.gateway_pid, lab.providers_pid]


@asynccontextmanager
async def lab_and_client(spec):
    async with running_lab(spec) as lab, httpx.AsyncClient(trust_env=False, timeout=30) as client:
        yield lab, client


async def test_a_lab_answers_and_leaves_nothing_behind():
    async with lab_and_client(LabSpec(providers=2)) as (lab, client):
        assert [provider.id for provider in lab.providers] == ["provider_a", "provider_b"]
        for url in (lab.url, f"{lab.url}/rpc/battlechain", *(provider.url for provider in lab.providers)):
            reply = await client.post(url, json=call("eth_chainId", id_="x"))
            # On Lasso's route the gateway answers by itself, in upper case as Lasso does.
            wanted = "0x3E7" if "/rpc/" in url else "0x3e7"
            assert reply.json() == {"jsonrpc": "2.0", "id": "x", "result": wanted}
        with trio.fail_after(10):  # on a busy machine the first probes may come late
            while (health := (await client.get(f"{lab.url}/api/health")).json())["status"] != "healthy":  # noqa: ASYNC110
                await trio.sleep(0.05)
        assert len(health["providers"]) == 2
        pids = pids_of(lab)
        assert all(is_running(pid) for pid in pids)
    assert not any(is_running(pid) for pid in pids)


async def test_providers_agree_and_the_head_moves():
    async with lab_and_client(LabSpec(providers=2, block_time=0.05)) as (lab, client):
        blocks = [
            (await client.post(node.url, json=call("eth_getBlockByNumber", "0x3e8", True))).json()["result"]
            for node in lab.providers
        ]
        assert blocks[0] == blocks[1]
        heads = []
        for _ in range(3):
            heads.append(int((await client.post(lab.url, json=call())).json()["result"], 16))
            await trio.sleep(0.2)
        assert 1000 <= heads[0] < heads[1] < heads[2]


async def test_the_gateway_says_who_answered_over_one_kept_connection():
    async with lab_and_client(LabSpec()) as (lab, client):
        replies = [await client.post(lab.url, json=call()) for _ in range(6)]
        connections = {id(reply.extensions["network_stream"]) for reply in replies}
    assert [reply.headers["X-Lab-Provider"] for reply in replies] == [
        "provider_a",
        "provider_b",
        "provider_c",
    ] * 2
    assert {reply.headers["X-Lab-Attempts"] for reply in replies} == {"1"}
    assert len(connections) == 1


async def test_batches_and_errors_pass_through():
    async with lab_and_client(ONE_NODE) as (lab, client):
        batch = await client.post(
            lab.url, json=[call(id_=1), call("eth_nope", id_=2), call("eth_call", id_=3)]
        )
        assert [(item["id"], item.get("error", {}).get("code")) for item in batch.json()] == [
            (1, None),
            (2, -32601),
            (3, -32602),
        ]
        broken = await client.post(lab.url, content=b"{")
        assert (broken.status_code, broken.json()["error"]["code"]) == (400, -32700)
        assert (
            await client.post(lab.url, json={"jsonrpc": "2.0", "method": "eth_chainId"})
        ).status_code == 204


async def test_garbage_on_every_port_harms_nobody():
    async with lab_and_client(ONE_NODE) as (lab, client):
        for url in (lab.url, lab.providers[0].url):
            stream = await trio.open_tcp_stream("127.0.0.1", httpx.URL(url).port)
            async with stream:
                await stream.send_all(b"\x16\x03\x01\x00garbage\r\n\r\n" + os.urandom(4096))
                assert (await stream.receive_some()).startswith(b"HTTP/1.1 400 ")
            assert (await client.post(url, json=call())).status_code == 200


async def test_fifty_at_once_each_get_their_own_answer():
    async with lab_and_client(LabSpec(latency=0.05)) as (lab, client):
        answers = {}

        async def ask(number):
            reply = await client.post(
                lab.url, json=call("eth_getBlockByNumber", hex(number), False, id_=number)
            )
            answers[number] = (reply.json()["id"], reply.json()["result"]["number"])

        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(ask, number)
    assert answers == {number: (number, hex(number)) for number in range(50)}


async def break_it(client, lab, provider, **toxic):
    """Put a fault on one provider; its name."""
    reply = await client.post(f"{lab.admin_url}/proxies/{provider}/toxics", json=toxic)
    assert reply.status_code == 200, reply.text
    return reply.json()["name"]


async def test_a_provider_killed_under_load_costs_no_request():
    async with lab_and_client(LabSpec()) as (lab, client):
        replies, under_way = [], trio.Event()

        async def ask(count):
            for _ in range(count):
                replies.append(await client.post(lab.url, json=call()))
                if len(replies) == 40:
                    under_way.set()

        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(ask, 50)
            await under_way.wait()
            await break_it(client, lab, "provider_b", type="kill")
            before = len(replies)
            with pytest.raises(httpx.ConnectError):
                await client.post(lab.providers[1].url, json=call())
        health = (await client.get(f"{lab.url}/api/health")).json()
        await client.delete(f"{lab.admin_url}/proxies/provider_b/toxics/kill")
        revived = await client.post(lab.providers[1].url, json=call())
    assert before < 200
    assert len(replies) == 200
    assert all("result" in reply.json() for reply in replies)
    assert health["providers"][1]["failures"] >= 1
    assert health["counters"]["exhausted"] == 0
    assert "result" in revived.json()


async def test_all_down_is_an_honest_error_with_the_id():
    async with lab_and_client(LabSpec(providers=2)) as (lab, client):
        for provider in lab.providers:
            await break_it(client, lab, provider.id, type="kill")
        reply = await client.post(lab.url, json=call(id_="mine"))
    assert reply.status_code == 200
    assert (reply.json()["id"], reply.json()["error"]["code"]) == ("mine", -32000)


async def test_a_provider_that_hangs_is_passed_over_in_time():
    async with lab_and_client(LabSpec(providers=2, attempt_timeout=0.2)) as (lab, client):
        await break_it(client, lab, "provider_a", type="hang")
        replies = [await client.post(lab.url, json=call()) for _ in range(4)]
    assert {reply.headers["X-Lab-Provider"] for reply in replies} == {"provider_b"}


@pytest.mark.parametrize("which", ["providers_pid", "gateway_pid"])
async def test_a_frozen_process_is_ended_with_the_lab(which):
    async with running_lab(ONE_NODE) as lab:
        os.kill(getattr(lab, which), signal.SIGSTOP)
    assert not is_running(getattr(lab, which))


async def test_a_lease_heals_what_nobody_holds_any_more():
    async with lab_and_client(ONE_NODE) as (lab, client):
        await break_it(client, lab, "provider_a", type="kill", ttl_ms=500)
        with pytest.raises(httpx.ConnectError):
            await client.post(lab.providers[0].url, json=call())
        with trio.fail_after(10):
            while (await client.get(f"{lab.admin_url}/proxies/provider_a/toxics")).json():  # noqa: ASYNC110
                await trio.sleep(0.05)
        assert "result" in (await client.post(lab.providers[0].url, json=call())).json()


async def test_the_admin_api_wants_its_token_and_no_other():
    spec = LabSpec(providers=1, token="hush-hush")
    async with lab_and_client(spec) as (lab, client):
        codes = [
            (await client.get(f"{lab.admin_url}/proxies", headers=headers)).status_code
            for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer hush-hush"})
        ]
    assert codes == [401, 401, 200]


async def test_no_secret_is_on_a_command_line():
    spec = LabSpec(providers=1, token="hush-hush")
    async with running_lab(spec) as lab:
        for pid in pids_of(lab):
            assert "hush-hush" not in " ".join(psutil.Process(pid).cmdline())
            assert "hush-hush" not in str(psutil.Process(pid).environ())


async def test_the_chain_is_seen_over_websocket_at_provider_and_gateway():
    """With a client that is not ours, in a thread of its own loop."""

    async def first_heads(url):
        async with websockets.connect(url) as socket:
            await socket.send(json.dumps(call("eth_subscribe", "newHeads")))
            frames = [json.loads(await socket.recv()) for _ in range(4)]
        return [frame["params"]["result"]["number"] for frame in frames if "params" in frame]

    def watch(url):
        return asyncio.run(asyncio.wait_for(first_heads(url), 20))

    async with running_lab(LabSpec(providers=2, block_time=0.1)) as lab:
        for url in (lab.providers[1].ws_url, lab.ws_url):
            first, second, third = (int(number, 16) for number in await trio.to_thread.run_sync(watch, url))
            assert (second, third) == (first + 1, first + 2)


async def test_cancelling_ends_the_lab_too():
    with trio.CancelScope() as scope:
        async with running_lab(ONE_NODE) as lab:
            scope.cancel()
            await trio.sleep_forever()
    assert all_gone(pids_of(lab), within=1)


async def test_a_port_in_use_is_a_lab_error_that_says_so():
    async with running_lab(ONE_NODE) as lab:
        with pytest.raises(LabError, match=r"(?s)gateway ended with exit code 4: .*already in use.*try"):
            async with running_lab(LabSpec(providers=1, port=httpx.URL(lab.url).port)):
                pass


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_child_outlives_its_parent(ending):
    parent = subprocess.Popen([sys.executable, "-c", HOLD_A_LAB], stdout=subprocess.PIPE)
    try:
        line = parent.stdout.readline()
        ready = json.loads(line)
        pids = [ready["gateway_pid"], ready["providers_pid"]]
        assert all(is_running(pid) for pid in pids)
        parent.send_signal(ending)
        code = parent.wait(15)
        assert all_gone(pids, within=5)
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
    assert code == (-signal.SIGKILL if ending == signal.SIGKILL else 0)


async def test_a_terminal_s_ctrl_c_does_not_reach_the_children():
    async with lab_and_client(ONE_NODE) as (lab, client):
        for pid in pids_of(lab):
            assert os.getsid(pid) != os.getsid(0)
            os.kill(pid, signal.SIGINT)
        assert (await client.post(lab.url, json=call())).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "::", "localhost", "example.com"])
def test_only_loopback_addresses_are_bound(host):
    assert not is_loopback(host)
    settings = json.dumps({"host": host})
    command = [sys.executable, "-m", "battlectl.lab", "providers", "--settings", settings]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 2
    assert "loopback" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("role", "settings", "says"),
    [
        ("providers", '{"seed": "x"}', "Expected `int`, got `str` - at `$.seed`"),
        ("providers", "{nope", "malformed"),
        ("providers", '{"provider": []}', "unknown field `provider`"),
        ("gateway", "{}", "missing required field `gateway`"),
        ("providers", '{"providers": [{"id": "x", "upstream": "http://10.0.0.1:1"}]}', "--allow-any-address"),
        ("providers", '{"providers": [{"id": "x", "upstream": "http://127.0.0.1:0"}]}', "port 0"),
        ("gateway", '{"gateway": {"providers": []}, "host": "0.0.0.0"}', "not a loopback address"),
        ("gateway", '{"gateway": {"providers": []}, "port": 99999}', "<= 65535"),
        ("gateway", '{"gateway": {"providers": [], "profiles": []}}', "length >= 1"),
        ("providers", '{"admin_ports": []}', "length >= 1"),
        ("providers", '{"admin_ports": [65536]}', "<= 65535"),
        ("providers", '{"block_time_s": 0}', "> 0.0"),
        ("providers", '{"latency_s": -1}', ">= 0.0"),
        ("providers", '{"providers": [{"id": "x"}, {"id": "x"}]}', 'two providers are called "x"'),
    ],
)
def test_settings_that_cannot_be_are_2_and_nothing_listens(role, settings, says):
    command = [sys.executable, "-m", "battlectl.lab", role, "--settings", settings]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr
