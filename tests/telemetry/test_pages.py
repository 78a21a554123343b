"""Every page is read to say what a reader would say it means; what it does not say is unsaid."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battlectl.observe.telemetry import MOST_NAME, MOST_NAMES, ProviderTold, Told
from battlectl.targets.telemetry.envoy_stats import read_clusters, read_stats
from battlectl.targets.telemetry.haproxy_stat import read_stat
from battlectl.targets.telemetry.lasso_metrics import (
    read_by_provider,
    read_health,
    read_metrics,
    read_status,
)
from battlectl.targets.telemetry.prometheus import Names, read_text

WIRE = Path(__file__).parents[1] / "lab" / "gateway" / "wire"
LASSO = {"/api/metrics/battlechain": read_metrics, "/api/status": read_status, "/api/health": read_health}
JSON_READERS = (read_metrics, read_by_provider, read_health, read_status, read_stats, read_clusters)
NAMES = Names(
    requests="rpc_requests_total",
    failures="rpc_failures_total",
    attempts="upstream_requests_total",
    errors="upstream_errors_total",
    provider="upstream",
)
READERS = (*JSON_READERS, read_stat, partial(read_text, names=NAMES))


def recorded(file: str, path: str) -> Told:
    """What a recorded page of a real Lasso says."""
    exchanges = json.loads((WIRE / file).read_text())
    (body,) = [e["response"]["body"] for e in exchanges if e["request"]["path"] == path]
    return LASSO[path](json.dumps(body).encode())


def test_a_fresh_lasso_of_today_counts_nothing():
    told = recorded("00-api-fresh.json", "/api/metrics/battlechain")
    assert (told.requests, told.providers, told.processes) == (0, {}, 456)
    assert told.memory_bytes == round(68.8 * 2**20)


def test_a_lasso_of_today_that_has_served_says_that_it_has_not():
    """It was recorded after some thirty requests: a real lie, and the reason for this check."""
    told = recorded("08-api-after.json", "/api/metrics/battlechain")
    assert (told.requests, told.providers) == (0, {})


def test_a_lasso_of_2025_10_counts_by_provider():
    told = recorded("2025-10/08-api-after.json", "/api/metrics/battlechain")
    assert told.requests == 29
    assert {name: one.attempts for name, one in told.providers.items()} == {
        "mock_a": 26,
        "mock_b": 1,
        "mock_c": 2,
    }
    assert told.providers["mock_c"] == ProviderTold(2, 2, 0, 0.0005)


def test_its_status_has_breakers_and_memory():
    told = recorded("2025-10/08-api-after.json", "/api/status")
    assert (told.requests, told.failures, told.processes, told.memory_bytes) == (32, 0, 409, 67_905_176)
    assert told.breakers == dict.fromkeys(("mock_a", "mock_b", "mock_c"), "closed")
    assert told.uptime_s is None  # It said that it had been up for -576460714 s.


def test_its_health_has_an_uptime_alone():
    assert recorded("08-api-after.json", "/api/health") == Told(uptime_s=58.0)


def test_prometheus_is_read_by_the_names_of_the_config():
    page = b"""# HELP rpc_requests_total Requests.
# TYPE rpc_requests_total counter
rpc_requests_total{method="eth_call"} 7
rpc_requests_total{method="eth_getLogs"} 5
rpc_requests_total_created 1.7e9
rpc_failures_total 2
upstream_requests_total{upstream="a",transport="http"} 8
upstream_requests_total{upstream="a",transport="ws"} 1
upstream_requests_total{upstream="b \\"quoted\\""} 3
upstream_errors_total{upstream="a"} 2
go_gc_duration_seconds{quantile="0.5"} 0.1
process_resident_memory_bytes 5.2428800e+07
"""
    told = read_text(page, NAMES)
    assert (told.requests, told.failures, told.memory_bytes) == (12, 2, 52_428_800)
    assert told.providers == {
        "a": ProviderTold(attempts=9, errors=2),
        'b "quoted"': ProviderTold(attempts=3, errors=None),
    }
    assert read_text(page, Names()) == Told(memory_bytes=52_428_800)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("UP", "closed"),
        ("UP 1/3", "closed"),
        ("no check", "closed"),
        ("DOWN", "open"),
        ("MAINT (via x)", "open"),
    ],
)
def test_the_state_of_a_server_of_haproxy(status, state):
    page = (
        f"# pxname,svname,stot,req_tot,eresp,status,\nnodes,one,12,,3,{status},\nrpc,FRONTEND,15,14,,OPEN,\n"
    )
    told = read_stat(page.encode())
    assert told.breakers == {"one": state}
    assert (told.requests, told.providers) == (14, {"one": ProviderTold(attempts=12, errors=3)})


NOT_PAGES = [
    b"",
    b"null",
    b"[]",
    b"{",
    b"\xff\xfe",
    b"<html>",
    b"{" * 5000,
    b'{"providers": 7}',
    b'{"stats": {}}',
]


@pytest.mark.parametrize("body", NOT_PAGES, ids=range(len(NOT_PAGES)))
def test_what_is_no_page_is_an_error_or_says_nothing(body):
    for reader in READERS:
        with suppress(ValueError):
            assert reader(body).is_empty


KEYS = (
    "providers",
    "id",
    "total_races",
    "win_rate",
    "counters",
    "requests",
    "chain_performance",
    "total_calls",
)
KEYS += (
    "chains",
    "stats",
    "system",
    "memory_usage",
    "total",
    "breakers",
    "name",
    "value",
    "cluster_statuses",
)
KEYS += (
    "host_statuses",
    "address",
    "socket_address",
    "port_value",
    "health_status",
    "http.rpc.downstream_rq_total",
)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(KEYS)
)
TREES = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=10,
)


@given(page=st.dictionaries(st.sampled_from(KEYS), TREES, max_size=5))
@settings(max_examples=40, deadline=None)
def test_a_page_of_any_shape_is_read(page):
    body = json.dumps(page).encode()
    for reader in JSON_READERS:
        told = reader(body)
        assert told.requests is None or told.requests >= 0


@given(text=st.text(alphabet='ups_treamqo{}="\\ \n#1.eN,total', max_size=80))
@settings(max_examples=40, deadline=None)
def test_any_text_is_read_as_prometheus_or_refused(text):
    for page in (text, f"rpc_requests_total {text}", f"upstream_requests_total{{upstream={text}"):
        try:
            told = read_text(page.encode(), NAMES)
        except ValueError:
            continue
        assert told.requests is None or told.requests >= 0


def test_what_a_target_makes_up_fills_no_memory():
    rows = [{"id": f"{n}" * 1000, "total_races": n} for n in range(1, 1000)]
    told = read_metrics(json.dumps({"providers": rows}).encode())
    assert len(told.providers) == MOST_NAMES
    assert max(map(len, told.providers)) == MOST_NAME
