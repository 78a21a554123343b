"""Leases: what is broken heals by itself when nobody renews, however the holder ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.lab.toxiproxy.api import Api, api_of_lab, call, eventually, is_refused

pytestmark = pytest.mark.real

HOLDER = """
import json, sys, time, urllib.request
def post(path, body, method="POST"):
    request = urllib.request.Request(sys.argv[1] + path, json.dumps(body).encode(), method=method)
    return json.load(urllib.request.urlopen(request))
lease = post("/leases", {"ttl_ms": 2000, "holder": "a test"})["id"]
post("/proxies/held/toxics", {"type": "kill", "lease": lease})
print("broken", flush=True)
while True:
    time.sleep(0.2)
    post("/leases/" + lease, {}, "PUT")
"""


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with api_of_lab() as client:
        yield client


@pytest.fixture
def node(api, request) -> str:
    name: str = request.node.name
    api.node(name)
    return name


def lease(api: Api, ttl_ms: int) -> str:
    made = api.want(201, "POST", "/leases", {"ttl_ms": ttl_ms, "holder": "a test"})
    assert made.keys() == {"id", "holder", "ttl_ms", "remaining_ms", "faults"}
    assert (made["holder"], made["ttl_ms"], made["faults"]) == ("a test", ttl_ms, [])
    assert 0 < made["remaining_ms"] <= ttl_ms
    return str(made["id"])


def ends_soon(api: Api, id_: str) -> None:
    """Renew it for the last time: a lease that is short from the beginning ends where the machine is slow."""
    assert api.want(200, "PUT", f"/leases/{id_}", {"ttl_ms": 100})["ttl_ms"] == 100


def test_a_lease_that_is_not_renewed_heals_everything_it_holds(api, node):
    id_ = lease(api, 60_000)
    url = api.provider(node)["url"]
    assert api.toxic(node, "http_5xx", lease=id_)["lease"] == id_
    assert api.toxic(node, "latency", lease=id_)["lease"] == id_
    api.toxic(node, "bandwidth", name="mine", attributes={"rate": 10_000})
    off = api.node(f"{node}-off")
    assert api.want(200, "PATCH", f"/proxies/{node}-off", {"enabled": False, "lease": id_})["lease"] == id_
    assert api.want(200, "GET", f"/leases/{id_}")["faults"] == [
        {"proxy": node, "toxic": "latency_downstream"},
        {"proxy": node, "toxic": "http_5xx"},
        {"proxy": f"{node}-off", "toxic": None},
    ]
    assert call(url).status_code == 503
    assert is_refused(off)
    ends_soon(api, id_)
    assert eventually(lambda: api.names(node) == ["mine"]) < 5
    eventually(lambda: not is_refused(off))
    assert call(url).status_code == 200
    assert "lease" not in api.want(200, "GET", f"/proxies/{node}-off")
    assert api.want(404, "GET", f"/leases/{id_}")["error"] == "lease not found"


def test_a_heartbeat_keeps_it(api, node):
    id_ = lease(api, 2_000)
    api.toxic(node, "http_5xx", lease=id_)
    for _ in range(6):
        time.sleep(0.4)
        assert api.want(200, "PUT", f"/leases/{id_}")["remaining_ms"] > 1_000
        assert api.names(node) == ["http_5xx"]
    ends_soon(api, id_)
    eventually(lambda: api.names(node) == [])


def test_deleting_it_heals_at_once(api, node):
    id_ = lease(api, 60_000)
    api.toxic(node, "http_5xx", lease=id_)
    api.want(200, "PATCH", f"/proxies/{node}", {"enabled": False, "lease": id_})
    assert api.ask("DELETE", f"/leases/{id_}") == (204, "")
    document = api.want(200, "GET", f"/proxies/{node}")
    assert (document["enabled"], document["toxics"]) == (True, [])


@pytest.mark.parametrize("type_", ["http_5xx", "latency"])
def test_a_toxic_may_have_a_time_of_its_own(api, node, type_):
    made = api.toxic(node, type_, ttl_ms=1_500)
    held = api.want(200, "GET", f"/leases/{made['lease']}")
    assert held["faults"] == [{"proxy": node, "toxic": made["name"]}]
    eventually(lambda: api.names(node) == [])
    made = api.toxic(node, type_, ttl_ms=60_000)
    api.want(204, "DELETE", f"/proxies/{node}/toxics/{made['name']}")
    api.want(404, "GET", f"/leases/{made['lease']}")


def test_an_unknown_or_expired_lease_breaks_nothing(api, node):
    id_ = lease(api, 100)
    eventually(lambda: api.ask("GET", f"/leases/{id_}")[0] == 404)
    for gone in (id_, "nonsense"):
        for type_ in ("http_5xx", "latency"):
            body = {"type": type_, "lease": gone}
            assert api.want(409, "POST", f"/proxies/{node}/toxics", body)["error"] == "lease not found"
        api.want(409, "PATCH", f"/proxies/{node}", {"enabled": False, "lease": gone})
        for method in ("GET", "PUT", "DELETE"):
            assert api.want(404, method, f"/leases/{gone}")["error"] == "lease not found"
    document = api.want(200, "GET", f"/proxies/{node}")
    assert (document["enabled"], document["toxics"]) == (True, [])


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "missing required field: ttl_ms"),
        ({"ttl_ms": 99}, "100 to 3600000"),
        ({"ttl_ms": 3_600_001}, "100 to 3600000"),
        ({"ttl_ms": 1.5}, "whole number"),
        ([], "not an object"),
        ({"ttl_ms": 100, "holder": 5}, "holder is the number 5"),
    ],
)
def test_a_lease_that_cannot_be_is_refused(api, body, text):
    assert text in api.want(400, "POST", "/leases", body)["error"]


def test_a_lease_is_for_harm_only(api, node):
    id_ = lease(api, 60_000)
    for fields in ({"enabled": True}, {}):
        assert (
            "enabled must be false"
            in api.want(400, "PATCH", f"/proxies/{node}", {"lease": id_, **fields})["error"]
        )


def test_what_is_healed_by_hand_is_no_longer_held(api, node):
    id_ = lease(api, 60_000)
    path = f"/proxies/{node}"
    api.want(200, "PATCH", path, {"enabled": False, "lease": id_})
    assert "lease" not in api.want(200, "PATCH", path, {"enabled": True})
    assert "lease" not in api.want(200, "PATCH", path, {"enabled": False})
    api.want(200, "PATCH", path, {"enabled": True})
    api.toxic(node, "http_5xx", name="t", lease=id_)
    api.want(204, "DELETE", f"{path}/toxics/t")
    api.toxic(node, "http_5xx", name="t")
    api.want(200, "PATCH", path, {"enabled": False})
    ends_soon(api, id_)
    eventually(lambda: api.ask("GET", f"/leases/{id_}")[0] == 404)
    time.sleep(0.2)
    document = api.want(200, "GET", path)
    assert document["enabled"] is False
    assert [toxic["name"] for toxic in document["toxics"]] == ["t"]


def test_a_changed_fault_keeps_its_lease_or_takes_another(api, node):
    short, long = lease(api, 50_000), lease(api, 60_000)
    path = f"/proxies/{node}/toxics"
    for name, type_ in (("a", "http_5xx"), ("b", "latency"), ("c", "http_5xx")):
        api.toxic(node, type_, name=name, lease=short)
    assert api.want(200, "PATCH", f"{path}/a", {"attributes": {"status": 500}})["lease"] == short
    assert api.want(200, "PATCH", f"{path}/b", {"lease": long})["lease"] == long
    assert api.want(200, "PATCH", f"{path}/c", {"ttl_ms": 50_000})["lease"] not in (short, long)
    ends_soon(api, short)
    eventually(lambda: api.names(node) == ["b", "c"])
    api.want(204, "DELETE", f"/leases/{long}")
    assert api.names(node) == ["c"]


def test_a_port_that_is_taken_is_healed_when_it_is_free():
    with api_of_lab(complaint="one cannot be healed yet: listen tcp") as api:
        url = api.node("one")
        address = ("127.0.0.1", httpx.URL(url).port or 0)
        api.want(200, "PATCH", "/proxies/one", {"enabled": False, "ttl_ms": 1_500})
        with socket.create_server(address):
            eventually(lambda: api.want(200, "GET", "/leases") == [])
            time.sleep(0.3)
            assert api.want(200, "GET", "/proxies/one")["enabled"] is False
        eventually(lambda: bool(api.want(200, "GET", "/proxies/one")["enabled"]))
        assert call(url).status_code == 200


def test_a_holder_that_is_killed_lets_go_within_its_lease(api):
    url = api.node("held")
    command = [sys.executable, "-c", HOLDER, f"http://127.0.0.1:{api.port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "broken\n"
        for _ in range(9):
            time.sleep(0.3)
            assert is_refused(url)
        os.kill(holder.pid, signal.SIGKILL)
        assert eventually(lambda: not is_refused(url)) <= 4
    assert call(url).status_code == 200
    assert api.names("held") == []


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"type": "kill", "ttl": 30_000}, "ttl_ms"),
        ({"type": "latency", "ttl-ms": 30_000}, "ttl_ms"),
        ({"type": "latency", "attributes": {"latency": 1}, "leases": "x"}, "lease"),
        ({"type": "kill", "for": "30s"}, "known are"),
    ],
)
def test_a_misspelt_lease_breaks_nothing(api, body, word):
    """It would have been ignored, and the provider broken for ever."""
    name = f"misspelt_{body['type']}_{word.replace(' ', '_')}_{len(body)}"
    api.node(name)
    assert word in api.want(400, "POST", f"/proxies/{name}/toxics", body)["error"]
    assert api.names(name) == []
    assert "ttl_ms" in api.want(400, "PATCH", f"/proxies/{name}", {"enabled": False, "ttl": 1_000})["error"]
    assert call(api.provider(name)["url"]).status_code == 200


def test_a_fault_can_be_sent_back_as_it_was_shown(api, node):
    shown = api.toxic(node, "http_5xx", attributes={"status": 502})
    assert api.want(200, "PATCH", f"/proxies/{node}/toxics/http_5xx", shown)["attributes"]["status"] == 502
