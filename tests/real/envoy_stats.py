"""What Envoy says of itself at one moment: counters of `/stats`, and who is ejected by `/clusters`.

Rule: nothing is concluded here, and nothing of battlectl is used: this is the other side of a comparison.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

COUNTERS = {
    "retries": "cluster.nodes.upstream_rq_retry",
    "ejections": "cluster.nodes.outlier_detection.ejections_enforced_total",
    "requests": "http.rpc.downstream_rq_total",
    "failures": "http.rpc.downstream_rq_5xx",
}


@dataclass(frozen=True, slots=True)
class EnvoySeen:
    """`ejected` are the upstreams that outlier detection has taken out, as host:port."""

    ejected: frozenset[str]
    retries: int
    ejections: int
    requests: int
    failures: int


def see_envoy(admin_url: str) -> EnvoySeen:
    """Both pages, at once; OSError where it does not answer."""
    names = "|".join(f"^{name}$" for name in COUNTERS.values())
    stats = _get(f"{admin_url}/stats?format=json&filter={names}")["stats"]
    values = {stat["name"]: int(stat["value"]) for stat in stats if "value" in stat}
    numbers = {ours: values.get(theirs, 0) for ours, theirs in COUNTERS.items()}
    return EnvoySeen(frozenset(_ejected(_get(f"{admin_url}/clusters?format=json"))), **numbers)


def _ejected(clusters: Mapping[str, Any]) -> list[str]:
    (nodes,) = (status for status in clusters["cluster_statuses"] if status["name"] == "nodes")
    hosts = [host for host in nodes["host_statuses"] if host["health_status"].get("failed_outlier_check")]
    addresses = [host["address"]["socket_address"] for host in hosts]
    return [f"{address['address']}:{address['port_value']}" for address in addresses]


def _get(url: str) -> Any:
    with urlopen(url, timeout=2) as response:
        return json.load(response)
