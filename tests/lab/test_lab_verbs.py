"""`battlectl lab up`, `relay` and `status` as people use them: ports, pasted commands, mistakes."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from battlectl.lab.chain.chain import Chain, block_hash
from tests.cli.command import Desk, crashed, finish
from tests.cli.test_signals import wait_for
from tests.lab.test_lab_processes import all_gone, call

pytestmark = pytest.mark.real
BIN = Path(sys.executable).parent
KILL = {"type": "kill", "ttl_ms": 60_000}


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """The ready line of a lab that no test breaks for good."""
    words = ["--providers", "2", "--block-time", "100ms", "--seed", "9", "--admin-port", "0"]
    with lab(Desk(tmp_path_factory.mktemp("nodes")), "up", *words) as ready:
        yield ready


@contextmanager
def lab(desk, *words, **environ):
    """A lab at a free admin port, and its ready line; ended by SIGTERM, after which nothing is left."""
    process = desk.start("lab", *words, "--json", **environ)
    ready = {}
    try:
        line = process.stdout.readline()
        assert line, process.communicate(timeout=20)[1]
        ready = json.loads(line)
        yield ready
    finally:
        process.terminate()
        ran = finish(process)
        assert all_gone([ready[pid] for pid in ("providers_pid", "gateway_pid") if ready.get(pid)], 5)
    assert (ran.code, ran.out, ran.err) == (0, "", "")


@contextmanager
def taken_port():
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free_port():
    with taken_port() as port:
        return port


def head_at(url):
    return httpx.post(url, json=call(), trust_env=False, timeout=10).json()


def test_up_starts_what_was_asked_for(nodes):
    assert [provider["id"] for provider in nodes["providers"]] == ["provider_a", "provider_b"]
    assert {provider["kind"] for provider in nodes["providers"]} == {"node"}
    head = int(head_at(nodes["url"])["result"], 16)
    wait_for(lambda: int(head_at(nodes["url"])["result"], 16) > head, "a block")
    assert set(httpx.get(f"{nodes['admin_url']}/proxies").json()) == {"provider_a", "provider_b"}
    genesis = httpx.post(nodes["url"], json=call("eth_getBlockByNumber", "0x0", False)).json()["result"]
    assert genesis["hash"] == block_hash(Chain(9, 0.0, 1.0), 0) != block_hash(Chain(1, 0.0, 1.0), 0)


def test_without_a_verb_it_is_up(desk):
    with lab(desk, "--providers", "1", "--admin-port", "0") as ready:
        assert head_at(ready["url"])["result"].startswith("0x")


def test_the_gateway_s_strategy_and_revision_are_what_was_asked_for(desk):
    words = ["--strategy", "priority", "--revision", "2025-10", "--admin-port", "0"]
    with lab(desk, "up", *words) as ready:
        served = {httpx.post(ready["url"], json=call()).headers["x-lab-provider"] for _ in range(5)}
        assert served == {"provider_a"}
        assert httpx.get(f"{ready['url']}/api/admin/chains").status_code == 200


def test_an_admin_port_that_was_asked_for_and_is_taken_is_4(desk):
    with taken_port() as port:
        ran = desk.battlectl("lab", "up", "--admin-port", port)
    assert (ran.code, ran.out) == (4, "")
    assert f"cannot listen on 127.0.0.1:{port}" in ran.err
    assert not crashed(ran)


def test_a_gateway_port_that_is_taken_is_4_and_nothing_is_left(desk):
    with taken_port() as port:
        ran = desk.battlectl("lab", "up", "--port", port, "--admin-port", "0")
    assert (ran.code, ran.out) == (4, "")
    assert "the lab's gateway ended with exit code 4" in ran.err
    assert not crashed(ran)


def test_where_toxiproxy_s_port_is_taken_another_is_and_that_is_said(desk):
    with socket.socket() as other:
        try:
            other.bind(("127.0.0.1", 8474))
            other.listen()
        except OSError:
            pass  # somebody else has it: all the better
        process = desk.start("lab", "up", "--providers", "1")
        text = read_until(process, "Ctrl-C ends it.")
        process.send_signal(signal.SIGINT)
        ran = finish(process)
    assert ran.code == 0
    address = re.search(r"admin API +http://127\.0\.0\.1:(\d+) +\(8474 is taken\)", text)
    assert address
    assert address[1] != "8474"


def read_until(process, last):
    """The lines of a process up to one."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if last in line:
            return "".join(lines)
    raise AssertionError(f"{last} never came: {''.join(lines)}{process.stderr.read()}")


def test_every_command_that_is_printed_works_when_it_is_pasted(desk):
    desk.scenario("scenarios/first.yml", target="lab")
    environ = {"LAB_TOKEN": "hush-hush", "PATH": f"{BIN}:{os.environ['PATH']}", "COLUMNS": "40"}
    words = ["--providers", "2", "--admin-port", "0", "--token-env", "LAB_TOKEN"]
    process = desk.start("lab", "up", *words, **environ)
    try:
        text = read_until(process, "Ctrl-C ends it.")
        commands = [line.strip() for line in text.splitlines() if line.startswith("    ")]
        assert len(commands) == 6

        def paste(command, stdin=""):
            environment = {**os.environ, **environ}
            done = subprocess.run(
                ["bash", "-c", command],
                input=stdin,
                capture_output=True,
                text=True,
                cwd=desk.folder,
                env=environment,
                timeout=60,
            )
            assert done.returncode == 0, (command, done)
            return done.stdout

        one_call, kill, by_hand, status, run, websocket = commands
        assert int(json.loads(paste(one_call))["result"], 16) >= 1000
        assert "  proven\n" in paste(by_hand.replace("--for 10s", "--for 2s"))
        assert json.loads(paste(kill))["type"] == "kill"
        shown = paste(status)
        assert re.search(r"provider_a\n.*\n +up: no", shown)
        assert re.search(r"faults in force: kill \(\d", shown)
        assert "PASS" in paste(run)
        assert '"result":"0x' in paste(f"(echo {shlex.quote(json.dumps(call()))}; sleep 2) | {websocket}")
    finally:
        process.terminate()
        finish(process)


def test_status_of_a_lab(desk, nodes):
    admin = nodes["admin_url"]
    for _ in range(3):
        head_at(nodes["providers"][1]["url"])
    httpx.post(f"{admin}/proxies/provider_a/toxics", json=KILL).raise_for_status()
    ran = desk.battlectl("lab", "status", "--admin", admin, COLUMNS="200")
    told = json.loads(desk.battlectl("lab", "status", "--admin", admin, "--json").out)
    httpx.post(f"{admin}/reset").raise_for_status()
    assert (ran.code, ran.err) == (0, "")
    _, first, second = ran.out.splitlines()
    assert re.search(rf"provider_a +{nodes['providers'][0]['url']} +no +1 .*kill \([0-9.]+s left\)", first)
    assert re.search(rf"provider_b +{nodes['providers'][1]['url']} +yes +1 .*none$", second)
    assert set(told) == {"providers", "proxies", "leases"}
    assert sum(told["providers"]["provider_b"]["requests"].values()) >= 3


def test_status_of_a_lab_with_a_token(desk):
    with lab(desk, "up", "--providers", "1", "--admin-port", "0", "--token-env", "T", T="hush-hush") as ready:
        asked = ("lab", "status", "--admin", ready["admin_url"])
        without = desk.battlectl(*asked)
        wrong = desk.battlectl(*asked, "--token-env", "T", T="wrong-one")
        right = desk.battlectl(*asked, "--token-env", "T", T="hush-hush")
    for ran in (without, wrong):
        assert (ran.code, ran.out) == (4, "")
        assert "--token-env" in ran.err
    assert (right.code, right.err) == (0, "")
    assert "hush-hush" not in json.dumps(ready)


def test_status_where_nothing_answers_is_4(desk):
    ran = desk.battlectl("lab", "status", "--admin", f"http://127.0.0.1:{free_port()}")
    assert (ran.code, ran.out) == (4, "")
    assert "no lab answers at http://127.0.0.1:" in ran.err
    assert not crashed(ran)


@pytest.mark.parametrize(
    ("admin", "code"),
    [("127.0.0.1:8474", 2), ("http://", 4), ("nonsense", 2), ("ftp://127.0.0.1", 2), ("", 2)],
)
def test_status_of_what_is_no_url_is_bad_usage_or_no_lab_and_no_crash(desk, admin, code):
    ran = desk.battlectl("lab", "status", "--admin", admin)
    assert (ran.code, ran.out) == (code, "")
    assert ("try http://127.0.0.1:8474" in ran.err) == (code == 2)
    assert not crashed(ran)


def test_a_relay_stands_before_a_node(desk, nodes):
    near, far = (provider["url"] for provider in nodes["providers"])
    with lab(desk, "relay", "--upstream", near, "--upstream", f"far={far}", "--admin-port", "0") as ready:
        assert [(p["id"], p["kind"], p["trouble"]) for p in ready["providers"]] == [
            ("provider_a", "relay", None),
            ("far", "relay", None),
        ]
        assert (ready["url"], ready["ws_url"], ready["gateway_pid"]) == (None, None, None)
        relayed = ready["providers"][1]["url"]
        assert head_at(relayed)["result"].startswith("0x")
        httpx.post(f"{ready['admin_url']}/proxies/far/toxics", json=KILL).raise_for_status()
        with pytest.raises(httpx.ConnectError):
            head_at(relayed)
        assert head_at(far)["result"].startswith("0x")


@pytest.mark.parametrize(("said", "chain"), [((), "999"), (("--chain-id", "5"), "5")])
def test_relays_behind_the_gateway_have_the_chain_id_of_their_nodes_or_what_was_said(
    desk, nodes, said, chain
):
    words = ["--gateway", "--upstream", nodes["providers"][0]["url"], "--admin-port", "0", *said]
    with lab(desk, "relay", *words) as ready:
        wait_for(lambda: "result" in head_at(ready["url"]), "an answer through gateway and relay")
        answer = httpx.post(f"{ready['url']}/rpc/{chain}", json=call("eth_chainId")).json()
        assert int(answer["result"], 16) == int(chain)


def test_a_node_that_does_not_answer_is_said_and_relayed_anyway(desk):
    dead = f"http://127.0.0.1:{free_port()}/v3/0123456789abcdef0123456789abcdef"
    with lab(desk, "relay", "--upstream", dead, "--admin-port", "0") as ready:
        (provider,) = ready["providers"]
        assert "refused" in provider["trouble"].lower()
        assert set(httpx.get(f"{ready['admin_url']}/proxies").json()) == {"provider_a"}
    process = desk.start("lab", "relay", "--upstream", dead, "--admin-port", "0")
    text = read_until(process, "Ctrl-C ends it.")
    process.terminate()
    finish(process)
    assert "Warning: the node behind provider_a did not answer" in text
    assert "0123456789abcdef" not in text


def test_a_gateway_before_relays_that_nobody_answers_needs_a_chain_id(desk):
    dead = f"http://127.0.0.1:{free_port()}"
    words = ("lab", "relay", "--gateway", "--upstream", dead, "--admin-port", "0")
    ran = desk.battlectl(*words)
    assert (ran.code, ran.out) == (4, "")
    assert "--chain-id" in ran.err
    with lab(desk, *words[1:], "--chain-id", "1") as ready:
        assert httpx.get(f"{ready['url']}/api/health").status_code in (200, 503)


def test_an_address_for_everybody_is_listened_on_when_that_is_allowed(desk):
    words = ["--host", "0.0.0.0", "--allow-any-address", "--providers", "1", "--admin-port", "0"]
    with lab(desk, "up", *words) as ready:
        assert ready["url"].startswith("http://0.0.0.0:")
        port = httpx.URL(ready["url"]).port
        assert head_at(f"http://127.0.0.1:{port}")["result"].startswith("0x")


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("after", [0.4, 0.8, 1.2])
def test_a_signal_while_it_starts_leaves_nothing(desk, signum, after):
    process = desk.start("lab", "up", "--admin-port", "0")
    time.sleep(after)
    children = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
    process.send_signal(signum)
    ran = finish(process)
    assert ran.code in (0, 128 + signum)  # before it listened, a signal ends it as any other program
    assert not crashed(ran), ran.err
    assert all_gone(children, 5)
