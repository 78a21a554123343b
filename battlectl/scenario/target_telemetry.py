"""What the config of a target says of its telemetry: where it is, and how it is read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from battlectl.scenario.fields import Name, PositiveDuration, Strict, Text, Url


class MetricNames(Strict):
    """The names of metrics in Prometheus text; `provider` is the label of `attempts` that names one."""

    requests: Text | None = None
    failures: Text | None = None
    attempts: Text | None = None
    errors: Text | None = None
    provider: Text = "provider"
    memory: Text = "process_resident_memory_bytes"


class TargetTelemetry(Strict):
    """`format` need not be said of a kind that has one. `url` is where its pages are, without their paths
    (none: where the target is); `socket` a path instead. `names` has what it calls a provider -> our id.
    `sole: true` says that nobody else uses the target, so that it must not tell of more than was sent.
    """

    format: Literal["lasso", "prometheus", "envoy", "haproxy"] | None = None
    url: Url | None = None
    socket: Text | None = None
    chain: Name | None = None
    every: Annotated[PositiveDuration, Field(ge=0.2, le=60)] = 1.0
    names: dict[str, Name] = Field(default_factory=dict)
    metrics: MetricNames = Field(default_factory=MetricNames)
    sole: bool = False
