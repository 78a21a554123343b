"""Envoy's configuration with the lab behind it: one listener, one cluster, two headers that tell who served.

Rule: retries go to another host, and hosts that fail are ejected for a while; Envoy's own limits are out of
the way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from battlectl.lab.control import Lab, LabProvider

TYPES = "type.googleapis.com/envoy.extensions"


def envoy_config(lab: Lab, port: int, admin_port: int) -> str:
    """The bootstrap, as JSON."""
    listener = {
        "name": "rpc",
        "address": _address("127.0.0.1", port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": _http()}]}],
    }
    document = {
        "admin": {"address": _address("127.0.0.1", admin_port)},
        "static_resources": {"listeners": [listener], "clusters": [_cluster(lab.providers)]},
    }
    return json.dumps(document, indent=2) + "\n"


def _http() -> Mapping[str, Any]:
    router = {"name": "router", "typed_config": {"@type": f"{TYPES}.filters.http.router.v3.Router"}}
    upstream = {"header": {"key": "x-upstream", "value": "%UPSTREAM_REMOTE_ADDRESS%"}}
    host = {
        "name": "rpc",
        "domains": ["*"],
        "routes": [{"match": {"prefix": "/"}, "route": _route()}],
        "include_attempt_count_in_response": True,
        "response_headers_to_add": [{**upstream, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
    }
    return {
        "@type": f"{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "rpc",
        "route_config": {"virtual_hosts": [host]},
        "http_filters": [router],
        "upgrade_configs": [{"upgrade_type": "websocket"}],
    }


def _route() -> Mapping[str, Any]:
    others = {
        "name": "envoy.retry_host_predicates.previous_hosts",
        "typed_config": {"@type": f"{TYPES}.retry.host.previous_hosts.v3.PreviousHostsPredicate"},
    }
    policy = {
        "retry_on": "connect-failure,refused-stream,reset,5xx,retriable-status-codes",
        "retriable_status_codes": [429],
        "num_retries": 3,
        "per_try_timeout": "1s",
        "retry_host_predicate": [others],
        "host_selection_retry_max_attempts": 5,
    }
    return {"cluster": "providers", "timeout": "5s", "retry_policy": policy}


def _cluster(providers: Sequence[LabProvider]) -> Mapping[str, Any]:
    endpoints = [_address(*_host_and_port(one.url)) for one in providers]
    most = {"max_connections": 4096, "max_pending_requests": 4096, "max_requests": 4096, "max_retries": 4096}
    return {
        "name": "providers",
        "type": "STATIC",
        "connect_timeout": "0.5s",
        "lb_policy": "ROUND_ROBIN",
        "circuit_breakers": {"thresholds": [most]},
        "outlier_detection": {"consecutive_5xx": 5, "base_ejection_time": "5s", "max_ejection_percent": 67},
        "load_assignment": {
            "cluster_name": "providers",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": one}} for one in endpoints]}],
        },
    }


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None, "a provider of the lab has a host"
    assert parts.port is not None, "a provider of the lab has a port"
    return parts.hostname, parts.port
