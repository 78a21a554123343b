"""Envoy's configuration as data: one listener, one cluster over the upstreams (pure).

Rule: `retries=False` leaves out everything that could hide a failing upstream (retries, outlier detection),
so that the same scenario must fail there; `detection` puts outlier detection back, or other times of it in.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

TYPES = "type.googleapis.com/envoy.extensions"
RETRY_POLICY = {
    "retry_on": "connect-failure,refused-stream,reset,5xx,retriable-status-codes",
    "retriable_status_codes": [429],
    "num_retries": 3,
    "per_try_timeout": "1s",
    "retry_host_predicate": [
        {
            "name": "envoy.retry_host_predicates.previous_hosts",
            "typed_config": {"@type": f"{TYPES}.retry.host.previous_hosts.v3.PreviousHostsPredicate"},
        }
    ],
    "host_selection_retry_max_attempts": 5,
}
OUTLIER_DETECTION = {
    "consecutive_5xx": 5,
    "consecutive_gateway_failure": 5,
    "interval": "1s",
    "base_ejection_time": "5s",
    "max_ejection_percent": 67,
}
# The same, soon enough for a short test: an ejection lasts 2 s times how many there were just before.
QUICK_DETECTION = {
    "consecutive_5xx": 5,
    "interval": "0.5s",
    "base_ejection_time": "2s",
    "max_ejection_percent": 67,
}
# Envoy's own limit of three concurrent retries would refuse most of those that a killed node causes at once.
CIRCUIT_BREAKERS = {
    "thresholds": [
        {"max_connections": 4096, "max_pending_requests": 4096, "max_requests": 4096, "max_retries": 4096}
    ]
}


def envoy_config(
    upstreams: tuple[str, ...],
    retries: bool,
    detection: Mapping[str, Any] | None = None,
    upgrades: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The bootstrap: both ports are Envoy's choice, to be asked at its admin address."""
    cluster = _cluster(upstreams, detection or (OUTLIER_DETECTION if retries else None))
    return {
        "admin": {"address": _address("127.0.0.1", 0)},
        "static_resources": {"listeners": [_listener(retries, upgrades)], "clusters": [cluster]},
    }


def _listener(retries: bool, upgrades: tuple[str, ...]) -> dict[str, Any]:
    return {
        "name": "rpc",
        "address": _address("127.0.0.1", 0),
        "filter_chains": [
            {"filters": [{"name": "http", "typed_config": _connection_manager(retries, upgrades)}]}
        ],
    }


def _connection_manager(retries: bool, upgrades: tuple[str, ...]) -> dict[str, Any]:
    router = {"name": "router", "typed_config": {"@type": f"{TYPES}.filters.http.router.v3.Router"}}
    return {
        "@type": f"{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "rpc",
        "route_config": {"virtual_hosts": [_virtual_host(retries)]},
        "http_filters": [router],
        "upgrade_configs": [{"upgrade_type": upgrade} for upgrade in upgrades],
    }


def _virtual_host(retries: bool) -> dict[str, Any]:
    route: dict[str, Any] = {"cluster": "nodes", "timeout": "5s"}
    if retries:
        route["retry_policy"] = RETRY_POLICY
    return {
        "name": "rpc",
        "domains": ["*"],
        "routes": [{"match": {"prefix": "/"}, "route": route}],
        "include_attempt_count_in_response": True,
        "response_headers_to_add": [
            {"header": {"key": "x-upstream", "value": "%UPSTREAM_REMOTE_ADDRESS%"}, "keep_empty_value": True}
        ],
    }


def _cluster(upstreams: tuple[str, ...], detection: Mapping[str, Any] | None) -> dict[str, Any]:
    cluster: dict[str, Any] = {
        "name": "nodes",
        "type": "STATIC",
        "connect_timeout": "0.5s",
        "lb_policy": "ROUND_ROBIN",
        "circuit_breakers": CIRCUIT_BREAKERS,
        "load_assignment": {
            "cluster_name": "nodes",
            "endpoints": [{"lb_endpoints": [_endpoint(upstream) for upstream in upstreams]}],
        },
    }
    if detection is not None:
        cluster["outlier_detection"] = dict(detection)
        # An ejection just after another change would reach the workers a second after `/clusters` has it.
        cluster["common_lb_config"] = {"update_merge_window": "0s"}
    return cluster


def _endpoint(upstream: str) -> dict[str, Any]:
    parts = urlsplit(upstream)
    assert parts.hostname is not None
    assert parts.port is not None
    return {"endpoint": {"address": _address(parts.hostname, parts.port)}}


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}
