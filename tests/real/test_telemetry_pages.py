"""What Envoy and HAProxy really tell is read as what was really sent through them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request, urlopen

import pytest
import trio

from battlectl.observe.telemetry import Told
from battlectl.scenario.target_telemetry import TargetTelemetry
from battlectl.targets.telemetry import FORMATS
from battlectl.targets.telemetry.fetching import PollError, open_fetch
from battlectl.targets.telemetry.poller import names_of
from battlectl.transport.base import parse_endpoint
from tests.real.envoy import running_envoy
from tests.real.haproxy_balancer import running_balancer

pytestmark = pytest.mark.real
REQUESTS = 60
BODY = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}).encode()
ANSWER = json.dumps({"jsonrpc": "2.0", "id": 1, "result": "0x1"}).encode()


class Node(BaseHTTPRequestHandler):
    """Always the same answer, on a connection that is kept."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: object) -> None:
        """Silent."""


@contextmanager
def node() -> Iterator[str]:
    """Its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Node) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def send(url: str) -> None:
    for _ in range(REQUESTS):
        request = Request(url, BODY, {"content-type": "application/json"})
        with urlopen(request, timeout=5) as response:
            assert response.status == 200


def pages(config: TargetTelemetry) -> dict[str, Told]:
    """Every page of a config, as it is now."""

    async def poll() -> dict[str, Told]:
        endpoint = parse_endpoint(config.url or "http://127.0.0.1:1")
        found = {}
        async with open_fetch(endpoint, config.socket) as fetch:
            for page in FORMATS[str(config.format)](config):
                body = await fetch(page.path)
                found |= {source: read(body) for source, read in page.readers.items()}
        return found

    return trio.run(poll)


def test_envoy_tells_requests_hosts_and_memory(tmp_path):
    with ExitStack() as stack:
        urls = tuple(stack.enter_context(node()) for _ in range(2))
        envoy = stack.enter_context(running_envoy(urls, tmp_path, retries=True))
        config = TargetTelemetry(format="envoy", url=envoy.admin_url)
        before = pages(config)
        send(envoy.url)
        after = pages(config)
    assert after["/stats"].requests == REQUESTS == after["/stats"].requests - (before["/stats"].requests or 0)
    assert after["/stats"].failures == 0
    assert after["/stats"].memory_bytes > 2**20
    names = names_of([{"id": f"node_{i}", "url": url} for i, url in enumerate(urls)], {})
    told = {names[name]: one.attempts for name, one in after["/clusters"].providers.items()}
    assert set(told) == {"node_0", "node_1"}
    assert sum(told.values()) == REQUESTS
    assert set(after["/clusters"].breakers.values()) == {"closed"}


def test_haproxy_tells_requests_servers_and_who_is_down(tmp_path):
    with ExitStack() as stack:
        kept = stack.enter_context(node())
        gone = stack.enter_context(ExitStack())
        urls = {"node_0": kept, "node_1": gone.enter_context(node())}
        balancer = stack.enter_context(running_balancer(urls, tmp_path))
        config = TargetTelemetry(format="haproxy", socket=balancer.socket)
        before = pages(config)["show stat"]
        send(balancer.url)
        after = pages(config)["show stat"]
        gone.close()
        ends = time.monotonic() + 15
        while pages(config)["show stat"].breakers["node_1"] != "open":
            assert time.monotonic() < ends, "HAProxy never found out"
            time.sleep(0.1)
    assert after.requests - before.requests == REQUESTS
    gained = {name: one.attempts - before.providers[name].attempts for name, one in after.providers.items()}
    assert sum(gained.values()) == REQUESTS
    assert after.breakers == {"node_0": "closed", "node_1": "closed"}


def test_a_place_where_nobody_is_says_so(tmp_path):
    with pytest.raises(PollError, match="connect"):
        pages(TargetTelemetry(format="envoy", url="http://127.0.0.1:1"))
    with pytest.raises(PollError, match="nowhere"):
        pages(TargetTelemetry(format="haproxy", socket=str(tmp_path / "nowhere")))
