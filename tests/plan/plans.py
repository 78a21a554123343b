"""Plans for tests: one workload with the boring fields filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from battlectl.plan.build import Plan, build_plan
from battlectl.plan.workload import PlannedWorkload
from tests.battle import scenario_of


def plan_of(feeds: Mapping[str, Sequence[Any]] | None = None, **fields: Any) -> Plan:
    """A plan of a scenario's fields; `steady: 10s` unless phases are given."""
    declared = {name: {"file": f"{name}.txt"} for name in feeds or {}} | fields.pop("feed_options", {})
    return build_plan(scenario_of(**{"phases": {"steady": "10s"}, "feeds": declared, **fields}), feeds or {})


def workload_of(
    rate: Any = "100/s",
    calls: Any = ("eth_blockNumber",),
    phases: Mapping[str, str] | None = None,
    seed: int = 1,
    feeds: Mapping[str, Sequence[Any]] | None = None,
    feed_options: Mapping[str, Any] | None = None,
    **fields: Any,
) -> PlannedWorkload:
    """The only workload of a plan."""
    calls = list(calls) if isinstance(calls, tuple) else calls
    return plan_of(
        feeds=feeds,
        feed_options=dict(feed_options or {}),
        phases=phases or {"steady": "10s"},
        seed=seed,
        load={"reads": {"rate": rate, "calls": calls, **fields}},
    ).workloads[0]


def dues(rate: Any, length: str = "10s") -> list[float]:
    """Every due time of a workload that starts at 0."""
    return [arrival.due for arrival in workload_of(rate, phases={"steady": length}).arrivals()]
