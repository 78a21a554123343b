"""Prometheus text: whatever exports it, by the names of the metrics that the config gives.

Rule: samples of one name are added up, by provider where the config says which label names it. Lines of other
metrics are not read: a page may have tens of thousands of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from battlectl.observe.telemetry import ProviderTold, Told, few, whole

PATH = "/metrics"


@dataclass(frozen=True, slots=True)
class Names:
    """Which metrics to read; None: there is none. `provider` is a label of the attempts."""

    requests: str | None = None
    failures: str | None = None
    attempts: str | None = None
    errors: str | None = None
    provider: str = "provider"
    memory: str = "process_resident_memory_bytes"


def read_text(body: bytes, names: Names) -> Told:
    """A whole page; raises ValueError for what is no such text."""
    wanted = {n for n in (names.requests, names.failures, names.attempts, names.errors, names.memory) if n}
    found = list(_samples(body, wanted))
    attempts = _by(found, names.attempts, names.provider)
    errors = _by(found, names.errors, names.provider) or {}
    told = {name: ProviderTold(attempts=n, errors=errors.get(name)) for name, n in (attempts or {}).items()}
    return Told(
        requests=_total(found, names.requests),
        failures=_total(found, names.failures),
        providers=None if attempts is None else few(told.items()),
        memory_bytes=_total(found, names.memory),
    )


def _samples(body: bytes, wanted: set[str]) -> Iterator[Any]:
    from prometheus_client.parser import text_string_to_metric_families

    starts = tuple(name.encode() for name in wanted)
    lines = [line for line in body.split(b"\n") if line.startswith(starts)]
    text = b"\n".join(lines).decode("utf-8", "replace") + "\n"
    for family in text_string_to_metric_families(text):
        yield from (sample for sample in family.samples if sample.name in wanted)


def _total(found: list[Any], name: str | None) -> int | None:
    values = [sample.value for sample in found if sample.name == name]
    return whole(float(round(sum(values)))) if values and all(map(_is_sane, values)) else None


def _by(found: list[Any], name: str | None, label: str) -> dict[str, int] | None:
    sums: Counter[str] = Counter()
    for sample in found:
        if sample.name == name and label in sample.labels and _is_sane(sample.value):
            sums[sample.labels[label]] += round(sample.value)
    return dict(sums) if sums else None


def _is_sane(value: float) -> bool:
    return whole(float(int(value)) if value == value and abs(value) < 2**62 else None) is not None
