"""The real parts do what the integration tests build on: nodes share a genesis, retries hide a dead one."""

import json
import time
from itertools import count
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.real import parts

pytestmark = pytest.mark.real
IDS = count(1)


def post(url, method="eth_blockNumber", *params, call_id=None):
    call_id = next(IDS) if call_id is None else call_id
    call = {"jsonrpc": "2.0", "id": call_id, "method": method, "params": params}
    request = Request(url, json.dumps(call).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=10) as response:
        reply = json.loads(response.read())
    assert reply["id"] == call["id"]
    return reply["result"], response.headers


def status_of(url):
    try:
        post(url)
    except HTTPError as refusal:
        with refusal:
            return refusal.code
    return 200


def test_nodes_share_a_genesis_and_mine(anvils):
    nodes = anvils(3)
    genesis = {post(node.url, "eth_getBlockByNumber", "0x0", False)[0]["hash"] for node in nodes}
    assert len(genesis) == 1
    deadline = time.monotonic() + 10
    while int(post(nodes[0].url)[0], 16) < 1 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert int(post(nodes[0].url)[0], 16) >= 1


def test_a_killed_node_refuses_at_once(anvils):
    (node,) = anvils(1)
    node.kill()
    with pytest.raises(OSError, match="refused"):
        post(node.url)


def test_envoy_with_retries_hides_a_killed_node(anvils, envoy):
    nodes = anvils(3)
    gateway = envoy([node.url for node in nodes], retries=True)
    assert [status_of(gateway.url) for _ in range(9)] == [200] * 9
    nodes[1].kill()
    seen = [post(gateway.url)[1] for _ in range(60)]
    assert {headers["x-upstream"] for headers in seen} == {nodes[0].url[7:], nodes[2].url[7:]}
    assert gateway.counter("cluster.nodes.upstream_rq_retry") >= 1
    assert any(int(headers["x-envoy-attempt-count"]) > 1 for headers in seen)


def test_envoy_without_retries_shows_a_killed_node(anvils, envoy):
    nodes = anvils(3)
    gateway = envoy([node.url for node in nodes], retries=False)
    nodes[1].kill()
    statuses = [status_of(gateway.url) for _ in range(60)]
    assert set(statuses) == {200, 503}
    assert statuses.count(503) == 20
    assert gateway.counter("cluster.nodes.upstream_rq_retry") == 0


@pytest.mark.parametrize("call_id", [7, -1, "run-reads-12", ""])
def test_nginx_answers_with_the_id_of_the_call(nginx, call_id):
    server = nginx()
    result, headers = post(server.url, call_id=call_id)
    assert result == "0x1"
    assert headers["Content-Type"] == "application/json"


def test_a_missing_part_is_skipped_by_name_but_fails_in_ci(monkeypatch):
    monkeypatch.setattr(parts, "find", lambda command: None)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"Envoy is not installed: run make setup"):
        parts.require("envoy")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"anvil is not installed: run \.ci/install-real"):
        parts.require("anvil")


def test_a_wrapper_script_is_not_taken_for_a_node(monkeypatch, tmp_path):
    (tmp_path / "anvil").write_text("#!/usr/bin/env node\n")
    (tmp_path / "anvil").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(parts, "REAL", tmp_path)
    assert parts.find("anvil") is None
