"""What the gateway tells of itself and how it is administered, seen by httpx over a real port."""

import base64
import json
from contextlib import asynccontextmanager

import httpx
import pytest
import trio

from battlectl.lab.gateway.app import build_gateway, gateway_handler
from battlectl.lab.gateway.meta import META_LIMIT, meta_headers
from battlectl.lab.gateway.settings import GatewaySettings, ProviderSettings
from battlectl.lab.gateway.status import shown_url
from battlectl.lab.net.http_server import listener_url, open_listener, serve
from battlectl.lab.net.wire import Response
from tests.lab.gateway.parts import Node, ask, probe_all, simulated
from tests.lab.gateway_ws.upstreams import lab

CHAIN = "/api/admin/chains/battlechain"


@asynccontextmanager
async def served(count=3, **settings):
    """(client, gateway, nodes, nursery)."""
    async with simulated(count, **settings) as (gateway, nodes, nursery):
        listener = await open_listener("127.0.0.1", 0)
        nursery.start_soon(serve, listener, gateway_handler(gateway))
        async with httpx.AsyncClient(base_url=listener_url(listener), trust_env=False, timeout=20) as client:
            yield client, gateway, nodes, nursery


async def rpc(client, method="eth_gasPrice", path="/", **options):
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": []}
    return await client.post(path, json=body, **options)


async def document(client, path):
    return (await client.get(path)).json()


def meta(reply):
    text = reply.headers["x-lasso-meta"]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


async def test_health_says_who_is_out_and_why():
    async with served() as (client, _, nodes, _):
        assert (await document(client, "/api/health"))["status"] == "healthy"
        nodes[0].response = Response(500)
        for _ in range(9):
            assert "result" in (await rpc(client)).json()
        health = await document(client, "/api/health")
        assert health["status"] == "degraded"
        assert [provider["state"] for provider in health["providers"]] == ["open", "up", "up"]
        assert health["providers"][0]["last_failure"] == "http 500"
        assert health["providers"][0]["breakers"] == {"http": "open", "ws": "closed"}
        assert health["counters"] == {"requests": 9, "failed_over": 3, "exhausted": 0}
        for node in nodes:
            node.response = Response(500)
        for _ in range(4):
            await rpc(client)
        assert (await document(client, "/api/health"))["status"] == "down"


async def test_metrics_count_what_clients_did_and_no_probes():
    async with served() as (client, gateway, nodes, _):
        await probe_all(gateway)
        nodes[0].response = Response(500)
        for _ in range(3):
            await rpc(client)
        metrics = await document(client, "/api/metrics/battlechain")
        assert metrics == await document(client, "/api/metrics/999") | {
            key: metrics[key] for key in ("timestamp", "last_updated", "system_metrics")
        }
        performance = metrics["chain_performance"]
        assert (performance["total_calls"], performance["failovers_last_minute"]) == (3, 1)
        assert performance["success_rate"] == 100
        assert 0 < performance["p50_latency"] <= performance["p95_latency"]
        races = {
            provider["id"]: (provider["total_races"], provider["win_rate"])
            for provider in metrics["providers"]
        }
        assert races["mock_a"] == (1, 0)
        assert sum(tried for tried, _ in races.values()) == 4
        assert metrics["rpc_performance_by_method"] == [
            {"method": "eth_gasPrice", "attempts": 4, "served": 3}
        ]
        assert (await client.get("/api/metrics/moon")).status_code == 404


async def test_status_shows_every_provider():
    async with served(2) as (client, _, nodes, _):
        nodes[1].response = Response(429, ((b"retry-after", b"30"),), b"")
        for _ in range(2):
            await rpc(client)
        chain = (await document(client, "/api/status"))["chains"]["battlechain"]
        assert [provider["availability"] for provider in chain["providers"]] == ["up", "limited"]
        assert chain["providers"][1]["is_in_cooldown"] is True
        assert chain["stats"]["total_requests"] == 2
        assert chain["stats"]["healthy_providers"] == 1
        assert chain["stats"]["last_failover"] > 1_600_000_000_000


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (None, None),
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("https://node.example/", "https://node.example"),
        ("https://node.example/v2/KEY", "https://node.example/..."),
        ("https://node.example:444?token=KEY", "https://node.example:444/..."),
        ("wss://user:KEY@node.example/", "wss://node.example"),
        ("http://[::1]:8545/KEY", "http://[::1]:8545/..."),
    ],
)
def test_a_url_is_shown_without_its_key(url, shown):
    assert shown_url(url) == shown


async def test_no_page_shows_a_key():
    provider = ProviderSettings("p", "http://u:KEY@127.0.0.1:1/KEY?a=KEY", "ws://127.0.0.1:1/KEY")
    gateway = build_gateway(GatewaySettings((provider,)))
    await ask(gateway)
    for page in ("/api/status", "/api/health", "/api/chains", "/api/metrics/battlechain", "/lab/truth"):
        assert b"KEY" not in (await ask(gateway, b"", page, "GET")).body


async def test_the_truth_says_who_served_what():
    async with served() as (client, gateway, nodes, _):
        await probe_all(gateway)
        nodes[0].response = Response(500)
        for _ in range(9):
            await rpc(client)
        await client.post("/", json=[{"jsonrpc": "2.0", "id": n, "method": "eth_chainId"} for n in range(3)])
        for node in nodes:
            node.response = Response(500)
        await rpc(client)
        truth = await document(client, "/lab/truth")
    attempts = {name: counts["http"] for name, counts in truth["attempts"].items()}
    served_ = {name: counts["http"] for name, counts in truth["served"].items()}
    assert attempts["mock_a"]["eth_gasPrice"] == nodes[0].seen.count("eth_gasPrice")
    assert sum(found.get("eth_gasPrice", 0) for found in served_.values()) == 9
    assert sum(found.get("eth_chainId", 0) for found in served_.values()) == 3
    assert "mock_a" not in served_
    assert truth["probes"] == {"mock_a": {"well": 1}, "mock_b": {"well": 1}, "mock_c": {"well": 1}}
    assert truth["totals"]["failover"] == 3
    assert {event["to"] for event in truth["events"]["failover"]} <= {"mock_b", "mock_c"}
    (opened,) = [event for event in truth["events"]["breaker"] if event["provider"] == "mock_a"]
    assert (opened["from"], opened["to"], opened["reason"]) == ("closed", "open", "http 500")
    assert truth["totals"]["rejected"] == 1
    assert abs(truth["at"] - opened["at"]) < 60


@pytest.mark.parametrize("revision", ["current", "2025-10"])
async def test_metadata_tells_of_failovers(revision):
    async with served(strategy="priority", revision=revision) as (client, _, nodes, _):
        nodes[0].response = Response(500)
        path = "/rpc/battlechain?include_meta=headers"
        told = meta(await rpc(client, path=path))
        assert (told["retries"], told["selected_provider"]) == (1, {"id": "mock_b", "protocol": "http"})
        everyone = ["mock_a:http", "mock_b:http", "mock_c:http"]
        assert told["candidate_providers"] == (everyone[:2] if revision == "current" else everyone)
        assert told["circuit_breaker_state"] == "closed"
        assert told["end_to_end_latency_ms"] >= told["upstream_latency_ms"] > 0
        for node in nodes:
            node.response = Response(500)
        told = meta(await rpc(client, path=path))
        assert "selected_provider" not in told
        assert (told["retries"], told["upstream_latency_ms"]) == (2, None)


async def test_metadata_in_the_body_leaves_the_rest_as_it_was():
    async with served() as (client, _, _, _):
        plain = (await rpc(client, "eth_blockNumber")).json()
        told = (await rpc(client, "eth_blockNumber", "/", headers={"X-Lasso-Include-Meta": "body"})).json()
        assert told.pop("lasso_meta")["strategy"] == "load_balanced"
        assert told == plain


def test_metadata_that_is_too_large_is_left_out():
    small = {"request_id": "1", "candidate_providers": ["a"]}
    large = {"request_id": "1", "candidate_providers": ["a" * META_LIMIT]}
    assert [name for name, _ in meta_headers(small)] == [b"x-lasso-request-id", b"x-lasso-meta"]
    assert [name for name, _ in meta_headers(large)] == [b"x-lasso-request-id"]


@pytest.mark.parametrize("how", ["path", "header", "query"])
async def test_a_provider_can_be_asked_for_by_name(how):
    async with served() as (client, _, _, _):
        path = {"path": "/rpc/provider/mock_c/999", "query": "/rpc/999?provider_override=mock_c"}.get(
            how, "/rpc/999"
        )
        headers = {"X-Lasso-Provider": "mock_c"} if how == "header" else {}
        replies = [await rpc(client, path=path, headers=headers) for _ in range(3)]
    assert {reply.headers["x-lab-provider"] for reply in replies} == {"mock_c"}


async def test_without_a_websocket_none_is_pretended():
    async with served() as (client, _, _, _):
        reply = (await rpc(client, path="/rpc/battlechain?transport=ws")).json()
    assert reply["error"]["code"] == -32000


async def test_chain_ids_are_answered_here_on_lassos_routes_only():
    async with served() as (client, _, nodes, _):
        assert (await rpc(client, "eth_chainId", "/rpc/battlechain")).json()["result"] == "0x3E7"
        assert not any(node.seen for node in nodes)
        assert (await rpc(client, "eth_chainId", "/")).json()["result"] == "0x3e7"


async def test_a_browser_may_ask_whether_it_may_ask():
    async with served() as (client, _, _, _):
        reply = await client.options("/rpc/battlechain")
        assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (204, "*")
        assert (await rpc(client)).headers["access-control-allow-origin"] == "*"


async def test_a_chain_is_replaced_with_its_providers_and_what_is_under_way_is_finished():
    async with served(2) as (client, gateway, nodes, nursery):
        extra = Node("extra", nodes[0].chain)
        await extra.up(nursery)
        slow = {}
        nodes[0].delay = 0.5

        async def ask_slowly():
            slow["reply"] = await rpc(client, path="/rpc/provider/mock_a/999")

        nursery.start_soon(ask_slowly)
        while not nodes[0].seen:  # noqa: ASYNC110 (the node tells nobody)
            await trio.sleep(0.01)
        chain = (await document(client, CHAIN))["chain"]
        kept = gateway.providers[1]
        chain["providers"] = [chain["providers"][1], {"id": "extra", "url": extra.url, "type": "paid"}]
        changed = await client.put(CHAIN, json={"chain": chain})
        assert changed.status_code == 200
        assert [provider["id"] for provider in changed.json()["chain"]["providers"]] == ["mock_b", "extra"]
        assert gateway.providers[0] is kept
        replies = [await rpc(client) for _ in range(4)]
        assert {reply.headers["x-lab-provider"] for reply in replies} == {"mock_b", "extra"}
        with trio.fail_after(20):
            while "reply" not in slow:  # noqa: ASYNC110
                await trio.sleep(0.02)
        assert slow["reply"].headers["x-lab-provider"] == "mock_a"
        assert "result" in slow["reply"].json()
        assert (await rpc(client, path="/rpc/provider/mock_a/999")).status_code == 400
        assert (await document(client, CHAIN))["chain"]["providers"][1]["type"] == "paid"


async def test_a_removed_provider_keeps_no_connection():
    async with served(2) as (client, gateway, nodes, _):
        for _ in range(4):
            await rpc(client)
        removed = gateway.providers[0]
        assert removed.pool.idle
        chain = (await document(client, CHAIN))["chain"]
        await client.put(CHAIN, json={"chain": chain | {"providers": chain["providers"][1:]}})
        assert not removed.pool.idle
        nodes[0].seen.clear()
        for _ in range(4):
            await rpc(client)
        await probe_all(gateway)
        assert nodes[0].seen == []


async def test_what_was_fetched_can_be_put_back_exactly():
    async with served() as (client, gateway, _, _):
        before, first = await document(client, CHAIN), gateway.providers[0]
        kept = before["chain"] | {"providers": before["chain"]["providers"][:1]}
        assert (await client.put(CHAIN, json={"chain": kept})).status_code == 200
        assert (await client.put(CHAIN, json=before)).status_code == 200
        assert await document(client, CHAIN) == before
        assert gateway.providers[0] is first  # breakers, latencies and all


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "invalid chain"),
        (b"{}", "chain"),
        (b'{"chain": {"name": "x", "chain_id": 1, "providers": []}}', "providers"),
        (
            b'{"chain": {"name": "x", "chain_id": "1", "providers": [{"id": "a", "url": "http://x"}]}}',
            "chain_id",
        ),
        (b'{"chain": {"name": "x", "chain_id": 1, "providers": [{"id": "a", "url": "x"}]}}', "URL"),
    ],
)
async def test_a_wrong_document_changes_nothing_and_says_where(body, says):
    async with served() as (client, gateway, _, _):
        before = gateway.providers
        reply = await client.put(CHAIN, content=body)
        assert reply.status_code == 400
        assert says in reply.json()["error"]
        checked = await client.post("/api/admin/chains/validate", content=body)
        assert (checked.status_code, checked.json()["valid"]) == (400, False)
        assert gateway.providers is before


async def test_a_chain_can_be_taken_away_and_put_back():
    async with served() as (client, _, _, _):
        before = await document(client, CHAIN)
        assert (await client.delete(CHAIN)).status_code == 200
        assert (await document(client, "/api/chains")) == {"chains": []}
        assert (await client.get(CHAIN)).status_code == 404
        assert (await client.put(CHAIN, json=before)).status_code == 404
        refused = await rpc(client, path="/rpc/battlechain")
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, -32602)
        assert (await client.post("/api/admin/chains", json=before)).status_code == 201
        assert await document(client, CHAIN) == before
        assert "result" in (await rpc(client, path="/rpc/battlechain")).json()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/admin/chains/nope", 404),
        ("PUT", "/api/admin/chains/nope", 404),
        ("DELETE", "/api/admin/chains/nope", 404),
        ("PATCH", CHAIN, 404),
        ("POST", f"{CHAIN}/test", 404),
        ("GET", "/api/admin/nope", 404),
        ("POST", "/api/health", 404),
    ],
)
async def test_what_is_not_there_changes_nothing(method, path, status):
    async with served() as (client, gateway, _, _):
        before = gateway.providers
        assert (await client.request(method, path)).status_code == status
        assert gateway.providers is before


async def test_a_backup_can_be_put_back():
    async with served() as (client, _, _, _):
        (chain,) = (await client.post("/api/admin/chains/backup", json={})).json()["chains"]
        await client.delete(CHAIN)
        assert (await client.post("/api/admin/chains", json={"chain": chain})).status_code == 201
        assert (await document(client, CHAIN))["chain"] == chain


async def test_status_shows_the_websockets_to_the_providers():
    async with lab() as running, httpx.AsyncClient(base_url=running.url, trust_env=False) as client:
        before = (await document(client, "/api/status"))["connections"]
        assert (before["active"], before["total"]) == (0, 3)
        asked = await rpc(client, path="/rpc/provider/mock_b/battlechain?transport=ws&include_meta=headers")
        assert meta(asked)["selected_provider"] == {"id": "mock_b", "protocol": "ws"}
        now = (await document(client, "/api/status"))["connections"]
        assert [connection["connected"] for connection in now["details"]] == [False, True, False]
