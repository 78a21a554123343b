"""What the admin API adds to Toxiproxy's: faults as toxics, counters, a token, loopback."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
import websockets

from tests.lab.toxiproxy.api import Api, api_of_lab, call, is_refused

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with api_of_lab() as client:
        yield client


@pytest.fixture
def node(api, request) -> str:
    """The name of a node of the test's own."""
    name = request.node.name.replace("/", "_")
    api.node(name)
    return name


def url_of(api: Api, name: str) -> str:
    url: str = api.provider(name)["url"]
    return url


def test_a_fault_is_a_toxic_with_all_its_attributes(api, node):
    made = api.toxic(node, "http_5xx", attributes={"status": 502})
    assert list(made) == ["attributes", "name", "type", "stream", "toxicity", "hits"]
    assert (made["name"], made["stream"], made["toxicity"]) == ("http_5xx", "downstream", 1)
    assert made["attributes"]["status"] == 502
    assert made["attributes"]["probability"] == 1
    assert call(url_of(api, node)).status_code == 502
    assert api.want(200, "GET", f"/proxies/{node}/toxics/http_5xx") == made | {"hits": 1}
    api.toxic(node, "latency")
    assert api.names(node) == ["latency_downstream", "http_5xx"]


def test_a_fault_is_changed_one_attribute_at_a_time_and_healed(api, node):
    path = f"/proxies/{node}/toxics"
    api.toxic(node, "http_5xx", name="broken", attributes={"status": 502, "methods": ["eth_call"]})
    changed = api.want(200, "PATCH", f"{path}/broken", {"attributes": {"methods": []}})
    assert (changed["attributes"]["status"], changed["attributes"]["methods"]) == (502, [])
    assert call(url_of(api, node)).status_code == 502
    assert api.ask("DELETE", f"{path}/broken") == (204, "")
    assert call(url_of(api, node)).status_code == 200
    assert api.want(404, "GET", f"{path}/broken")["error"] == "toxic not found"


def test_reset_heals_faults_and_toxics(api, node):
    api.toxic(node, "http_5xx")
    api.toxic(node, "timeout")
    assert api.ask("POST", "/reset") == (204, "")
    assert api.names(node) == []
    assert call(url_of(api, node)).status_code == 200


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"attributes": {"status": 99}}, "http_5xx: Expected `int` >= 500"),
        ({"attributes": {"statsu": 500}}, "unknown field `statsu`"),
        ({"attributes": []}, "not an object"),
        ({"toxicity": 0.5}, "probability"),
        ({"stream": "sideways"}, "stream was invalid"),
        ({"lease": "x", "ttl_ms": 1000}, "not both"),
        ({"ttl_ms": 99}, "100 to 3600000"),
        ({"ttl_ms": "1s"}, "ttl_ms is a string"),
    ],
)
def test_a_fault_that_does_not_fit_is_refused_in_words(api, fields, text):
    api.ask("POST", "/proxies", {"name": "fit", "upstream": "lab:fit"})
    error = api.want(400, "POST", "/proxies/fit/toxics", {"type": "http_5xx", **fields})
    assert text in error["error"]
    assert api.names("fit") == []
    assert api.want(200, "GET", "/leases") == []


def test_names_are_shared_by_toxics_and_faults(api, node):
    api.toxic(node, "latency", name="same")
    error = api.want(409, "POST", f"/proxies/{node}/toxics", {"type": "http_5xx", "name": "same"})
    assert error["error"] == "toxic already exists"


def test_a_fault_says_where_it_works(api, node):
    api.want(201, "POST", "/proxies", {"name": "plain", "upstream": "127.0.0.1:1"})
    api.want(201, "POST", "/proxies", {"name": "relay", "upstream": "http://127.0.0.1:1"})
    error = api.want(400, "POST", "/proxies/plain/toxics", {"type": "kill"})
    assert error["error"] == "kill works on a simulated node or a relay, and this is a plain TCP proxy"
    error = api.want(400, "POST", "/proxies/relay/toxics", {"type": "reorg"})
    assert error["error"] == "reorg works on a simulated node, and this is a relay"
    api.toxic("plain", "noop")
    for name, kind in (("plain", "tcp"), ("relay", "relay"), (node, "node")):
        assert api.provider(name)["kind"] == kind


def test_faults_move_to_another_upstream_or_keep_it_from_being_changed(api, node):
    api.toxic(node, "http_5xx", ttl_ms=60_000)
    error = api.want(400, "PATCH", f"/proxies/{node}", {"upstream": "127.0.0.1:1"})
    assert "plain TCP" in error["error"]
    before = api.want(200, "GET", f"/proxies/{node}")
    assert before["upstream"] == f"lab:{node}"
    after = api.want(200, "PATCH", f"/proxies/{node}", {"upstream": "lab:other"})
    assert after["toxics"] == before["toxics"]
    assert after["toxics"][0]["lease"] == before["toxics"][0]["lease"]
    assert call(url_of(api, node)).status_code == 503
    api.want(400, "PATCH", f"/proxies/{node}", {"upstream": "http://127.0.0.1:0/\n"})
    assert api.want(200, "GET", f"/proxies/{node}") == after | {"toxics": [after["toxics"][0] | {"hits": 1}]}


def counted_out(api, node, least: int) -> dict:
    """The provider once it has counted so many bytes: what it counts as sent may be read by then."""
    end = time.monotonic() + 10
    while (seen := api.provider(node))["bytes_out"] <= least:
        assert time.monotonic() < end, seen
    return seen


def test_a_provider_is_counted(api, node):
    url = url_of(api, node)
    seen = api.provider(node)
    assert (seen["connections"], seen["requests"], seen["last_seen"]) == (0, {}, None)
    start = time.time()
    with httpx.Client() as client:
        for method in ("eth_blockNumber", "eth_blockNumber", "eth_chainId"):
            client.post(url, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": []})
        seen = counted_out(api, node, 300)
        assert seen["open_sockets"] == 1
    assert seen["requests"] == {"eth_blockNumber": 2, "eth_chainId": 1}
    assert (seen["connections"], seen["messages_http"], seen["generation"]) == (1, 3, 1)
    assert (seen["enabled"], seen["up"], seen["faulted_messages"]) == (True, True, 0)
    assert start - 1 < seen["last_seen"] < time.time() + 1
    assert seen["bytes_in"] > 300
    assert api.want(200, "GET", "/providers")[node].keys() == seen.keys()
    assert api.want(404, "GET", "/providers/nobody")["error"] == "proxy not found"


def take(thief: socket.socket, address: tuple[str, int]) -> None:
    thief.bind(address)
    thief.listen()


def test_a_killed_provider_keeps_its_port_and_comes_back(api, node):
    url = url_of(api, node)
    api.toxic(node, "kill")
    seen = api.provider(node)
    assert (seen["up"], seen["enabled"]) == (False, True)
    for _ in range(3):
        assert is_refused(url)
    address = ("127.0.0.1", httpx.URL(url).port or 0)
    for reuse in (0, 1):
        with socket.socket() as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
            with pytest.raises(OSError, match="in use"):
                take(thief, address)
    api.want(204, "DELETE", f"/proxies/{node}/toxics/kill")
    assert call(url).status_code == 200
    assert api.provider(node)["up"] is True


def test_a_killed_provider_can_be_disabled_and_enabled(api, node):
    url = url_of(api, node)
    api.toxic(node, "kill")
    assert api.want(200, "PATCH", f"/proxies/{node}", {"enabled": False})["enabled"] is False
    assert api.want(200, "PATCH", f"/proxies/{node}", {"enabled": True})["enabled"] is True
    assert is_refused(url)
    api.want(204, "DELETE", f"/proxies/{node}/toxics/kill")
    assert call(url).status_code == 200


def test_bytes_of_a_node_pass_through_toxics_on_live_connections(api, node):
    with httpx.Client() as client:
        body = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}
        assert client.post(url_of(api, node), json=body).status_code == 200
        for stream in ("upstream", "downstream"):
            api.toxic(node, "latency", stream=stream, attributes={"latency": 150})
        start = time.monotonic()
        assert client.post(url_of(api, node), json=body).status_code == 200
        assert time.monotonic() - start >= 0.29
        api.want(204, "POST", "/reset")
        assert client.post(url_of(api, node), json=body).status_code == 200
        api.toxic(node, "limit_data", attributes={"bytes": 20})
        with pytest.raises(httpx.TransportError):
            client.post(url_of(api, node), json=body)
        assert api.provider(node)["connections"] == 1


def test_a_websocket_lives_through_toxics_that_come_and_go(api, node):
    async def talk() -> None:
        async with websockets.connect(api.provider(node)["ws_url"]) as socket_:

            async def ask() -> float:
                start = time.monotonic()
                await socket_.send('{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}')
                assert json.loads(await socket_.recv())["id"] == 7
                return time.monotonic() - start

            for _ in range(3):
                await ask()
                await asyncio.to_thread(api.toxic, node, "slicer", name="a", attributes={"average_size": 3})
                await asyncio.to_thread(
                    api.toxic, node, "latency", name="b", stream="upstream", attributes={"latency": 100}
                )
                assert await ask() >= 0.1
                for name in ("a", "b"):
                    await asyncio.to_thread(api.want, 204, "DELETE", f"/proxies/{node}/toxics/{name}")
            await ask()

    asyncio.run(talk())
    assert api.provider(node)["connections"] == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("upstream", "192.0.2.1:80"),
        ("upstream", "example.com:80"),
        ("upstream", "http://example.com/v1"),
        ("upstream", "0.0.0.0:80"),
        ("listen", "192.0.2.1:0"),
        ("listen", "[2001:db8::1]:0"),
        ("listen", "example.com:0"),
    ],
)
def test_addresses_beyond_loopback_are_refused(api, field, value):
    proxy = {"name": "far", "upstream": "127.0.0.1:1"} | {field: value}
    assert "--allow-any-address" in api.want(400, "POST", "/proxies", proxy)["error"]
    assert "--allow-any-address" in api.want(400, "POST", "/populate", [proxy])["error"]
    api.ask("POST", "/proxies", {"name": "near", "upstream": "127.0.0.1:1"})
    before = api.want(200, "GET", "/proxies/near")
    assert "--allow-any-address" in api.want(400, "PATCH", "/proxies/near", {field: value})["error"]
    assert api.want(200, "GET", "/proxies/near") == before
    assert api.want(404, "GET", "/proxies/far")["error"] == "proxy not found"


@pytest.mark.parametrize("listen", ["", ":0", "0.0.0.0:0", "[::]:0", "localhost:0"])
def test_every_address_means_loopback(api, listen):
    made = api.want(201, "POST", "/proxies", {"name": f"on {listen}", "upstream": "lab:x", "listen": listen})
    assert made["listen"].startswith("127.0.0.1:")
    assert call(f"http://{made['listen']}").status_code == 200


def test_an_upstream_that_cannot_be_is_refused(api):
    error = api.want(400, "POST", "/proxies", {"name": "odd", "upstream": "http://127.0.0.1:99999999"})
    assert error["status"] == 400
    api.want(404, "GET", "/proxies/odd")


def test_a_token_is_asked_for_everything_but_the_version():
    with api_of_lab(token="s3cret") as api:
        stranger = httpx.Client(base_url=f"http://127.0.0.1:{api.port}")
        with stranger:
            assert stranger.get("/version").json() == {"version": "2.12.0"}
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "s3cret"}):
                for method, path in (("GET", "/proxies"), ("POST", "/reset"), ("GET", "/nowhere")):
                    refused = stranger.request(method, path, headers=headers)
                    assert refused.status_code == 401
                    assert refused.headers["content-type"] == "application/json"
                    assert refused.json()["status"] == 401
                    assert "s3cret" not in refused.text
            assert stranger.get("/proxies", headers={"Authorization": "Bearer s3cret"}).json() == {}


def test_browsers_are_turned_away_where_toxiproxy_does_it(api):
    browser = {"User-Agent": "Mozilla/5.0"}
    assert api.http.get("/proxies", headers=browser).status_code == 403
    assert api.http.get("/leases", headers=browser).text == "User agent not allowed\n"
    assert api.http.get("/nowhere", headers=browser).status_code == 404
    assert api.http.put("/proxies", headers=browser).status_code == 405
    for agent in ("Mozilla", "mozilla/5.0", "curl Mozilla/5.0"):
        assert api.http.get("/proxies", headers={"User-Agent": agent}).status_code == 200


@pytest.mark.parametrize(
    ("path", "location"),
    [("//proxies", "/proxies"), ("/proxies/../version?x=1", "/version?x=1"), ("/./version", "/version")],
)
def test_paths_are_cleaned_by_a_redirect(api, path, location):
    request = b"GET %s HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n" % path.encode()
    with socket.create_connection(("127.0.0.1", api.port), timeout=10) as client:
        client.sendall(request)
        answer = b""
        while data := client.recv(4096):
            answer += data
    assert answer.startswith(b"HTTP/1.1 301 ")
    assert b"location: %s\r\n" % location.encode() in answer
    assert b"x-toxiproxy-request-id" not in answer


def test_a_bad_attribute_keeps_the_good_ones_before_it(api, node):
    api.toxic(node, "latency", name="t", toxicity=0.25, attributes={"latency": 1, "jitter": 2})
    body = '{"toxicity": 1, "attributes": {"latency": 7, "jitter": "x"}}'
    assert api.http.patch(f"/proxies/{node}/toxics/t", content=body).status_code == 400
    kept = api.want(200, "GET", f"/proxies/{node}/toxics/t")
    assert (kept["attributes"], kept["toxicity"]) == ({"latency": 7, "jitter": 2}, 0.25)


@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe", b"[" * 100_000, b'{"name":' * 50_000, b"1" * 10_000, b'{"name": NaN}', b'"\\ud800"', b"-"],
)
def test_no_body_is_too_strange(api, body):
    response = api.http.post("/proxies", content=body)
    assert response.status_code == 400
    assert response.json()["error"].startswith("bad request body: ")


def test_half_a_character_in_a_name_is_answered_as_one_that_cannot_be_read(api):
    body = b'{"name": "half \\ud800", "upstream": "127.0.0.1:1", "enabled": false}'
    assert api.http.post("/proxies", content=body).json()["name"] == "half \ufffd"
    assert api.ask("DELETE", "/proxies/half%20%EF%BF%BD") == (204, "")
