"""Envoy's admin pages: counters of /stats, and each host with its counters of /clusters, both as JSON.

Rule: a provider is called by its address, host:port, as Envoy calls it; an ejected host is one whose breaker
is open. Numbers come as text, and what is zero may be left away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from battlectl.observe.telemetry import ProviderTold, Told, few, real, whole
from battlectl.targets.telemetry.json_pages import part, read_page, rows

WANTED = r"^http\..*\.downstream_rq_(total|5xx)$|^server\.(uptime|memory_physical_size)$"
STATS_PATH = f"/stats?format=json&filter={WANTED}"
CLUSTERS_PATH = "/clusters?format=json"
_OWN = re.compile(r"http\.(?:admin|async-client)\.")
"""Requests of Envoy's own: ours to its admin pages are among them."""


def read_stats(body: bytes) -> Told:
    """GET /stats?format=json; raises ValueError."""
    values = {str(row.get("name")): row.get("value") for row in rows(read_page(body).get("stats"))}
    return Told(
        requests=_sum(values, ".downstream_rq_total"),
        failures=_sum(values, ".downstream_rq_5xx"),
        memory_bytes=whole(values.get("server.memory_physical_size")) or None,
        uptime_s=real(values.get("server.uptime")),
    )


def _sum(values: dict[str, Any], ending: str) -> int | None:
    """Over all listeners; None without any."""
    own = [whole(value) for name, value in values.items() if name.endswith(ending) and not _OWN.match(name)]
    return sum(number or 0 for number in own) if own else None


def read_clusters(body: bytes) -> Told:
    """GET /clusters?format=json; raises ValueError. A host of several clusters is counted together."""
    listed = read_page(body).get("cluster_statuses")
    hosts = [host for one in rows(listed) for host in _hosts(one)]
    providers = few(_counted(hosts)) if isinstance(listed, list) else None
    return Told(providers=providers, breakers=few(_states(hosts)))


def _hosts(cluster: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for host in rows(cluster.get("host_statuses")):
        address = part(part(host, "address"), "socket_address")
        if isinstance(address.get("address"), str) and whole(address.get("port_value")):
            yield f"{address['address']}:{address['port_value']}", host


def _counted(hosts: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, ProviderTold]]:
    total: dict[str, tuple[int, int, int]] = {}
    for name, host in hosts:
        stats = {row.get("name"): whole(row.get("value", 0)) or 0 for row in rows(host.get("stats"))}
        own = (stats.get("rq_total", 0), stats.get("rq_success", 0), stats.get("rq_error", 0))
        before = total.get(name, (0, 0, 0))
        total[name] = (before[0] + own[0], before[1] + own[1], before[2] + own[2])
    yield from ((name, ProviderTold(*numbers)) for name, numbers in total.items())


def _states(hosts: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, str]]:
    for name, host in hosts:
        is_out = part(host, "health_status").get("failed_outlier_check") is True
        yield name, "open" if is_out else "closed"
