"""What each format of telemetry has: its pages and what reads them, one file each, registered by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from battlectl.observe.telemetry import Told
from battlectl.scenario.target_telemetry import MetricNames, TargetTelemetry
from battlectl.targets.telemetry import envoy_stats, haproxy_stat, lasso_metrics, prometheus

Reader = Callable[[bytes], Told]
"""A page as it came -> what it says; ValueError for what is no such page."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: where it is, and by what name its readings go. A page may be read in several ways.

    Not every revision of the target has one that `is_optional`.
    """

    path: str
    readers: Mapping[str, Reader]
    is_optional: bool = False


def lasso_pages(config: TargetTelemetry) -> tuple[Page, ...]:
    """Those of both revisions: a page that is not there is not asked for again."""
    metrics = {
        "/api/metrics": lasso_metrics.read_metrics,
        "/api/metrics (rpc_performance_by_provider)": lasso_metrics.read_by_provider,
    }
    of_chain = (Page(f"/api/metrics/{config.chain}", metrics, True),) if config.chain else ()
    return (
        *of_chain,
        Page("/api/status", {"/api/status": lasso_metrics.read_status}, True),
        Page("/api/health", {"/api/health": lasso_metrics.read_health}, True),
    )


def envoy_pages(_config: TargetTelemetry) -> tuple[Page, ...]:
    """Of the admin port."""
    return (
        Page(envoy_stats.STATS_PATH, {"/stats": envoy_stats.read_stats}),
        Page(envoy_stats.CLUSTERS_PATH, {"/clusters": envoy_stats.read_clusters}),
    )


def haproxy_pages(_config: TargetTelemetry) -> tuple[Page, ...]:
    """Of a statistics page; over a socket there is `show stat`, which reads the same."""
    return (Page(haproxy_stat.CSV_PATH, {"show stat": haproxy_stat.read_stat}),)


def prometheus_pages(config: TargetTelemetry) -> tuple[Page, ...]:
    """The one page of an exporter."""
    reader = partial(prometheus.read_text, names=metric_names(config.metrics))
    return (Page(prometheus.PATH, {prometheus.PATH: reader}),)


def metric_names(config: MetricNames) -> prometheus.Names:
    """As the config spells them."""
    return prometheus.Names(**config.model_dump())


FORMATS: Mapping[str, Callable[[TargetTelemetry], tuple[Page, ...]]] = {
    "lasso": lasso_pages,
    "envoy": envoy_pages,
    "haproxy": haproxy_pages,
    "prometheus": prometheus_pages,
}
"""Format -> its pages, as far as the config says where they are."""
