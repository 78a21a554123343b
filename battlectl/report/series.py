"""The time series of a stored document: columns for each call, small enough for 3,600 slices of many calls.

Rule: a slice's outcomes are stored as pairs (which name, how many) in one flat list, the names once a call.
Of who served there are counts alone, from the first slice of a provider to its last, for each workload.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from battlectl.observe.served import ServedRow
from battlectl.observe.tally import ROW_DIGITS, ProviderRowKey, Row, SeriesKey, Tally

LATENCIES = ("p50_ms", "p95_ms", "max_ms")


def series_json(tally: Tally, slice_width: int) -> dict[str, Any]:
    """Every slice so far: numbers of slices, outcomes, and latencies in milliseconds."""
    by_call: dict[tuple[str, str], list[tuple[int, Row]]] = {}
    for (workload, label, slice_), row in sorted(tally.series().items()):
        by_call.setdefault((workload, label), []).append((slice_, row))
    calls = [{"workload": w, "label": label, **_columns(rows)} for (w, label), rows in by_call.items()]
    return {"slice_s": slice_width, "calls": calls, "providers": list(_provider_columns(tally))}


def read_series(series: Mapping[str, Any]) -> Iterator[tuple[SeriesKey, Row]]:
    """Every slice of a stored series."""
    for call in series["calls"]:
        latencies = zip(*(call[name] for name in LATENCIES), strict=True)
        for slice_, counts, row in zip(call["slice"], call["counts"], latencies, strict=True):
            pairs = zip(counts[::2], counts[1::2], strict=True)
            outcomes = {call["outcomes"][name]: number for name, number in pairs}
            yield (call["workload"], call["label"], slice_), Row(outcomes, *map(_seconds, row))


def read_provider_series(series: Mapping[str, Any]) -> Iterator[tuple[ProviderRowKey, ServedRow]]:
    """Every slice in which somebody served; none in a series from before that was counted."""
    for stored in series.get("providers", ()):
        columns = zip(stored["requests"], stored["failures"], stored["failovers"], strict=True)
        for slice_, (requests, failures, failovers) in enumerate(columns, stored["first_slice"]):
            if requests:
                key = (stored.get("workload", ""), stored["provider"], slice_)
                yield key, ServedRow(requests, requests - failures, failovers)


def _provider_columns(tally: Tally) -> Iterator[dict[str, Any]]:
    slices: dict[tuple[str, str], list[int]] = {}
    for workload, provider, slice_ in sorted(tally.provider_rows):
        slices.setdefault((workload, provider), []).append(slice_)
    for (workload, provider), found in slices.items():
        whole = range(found[0], found[-1] + 1)
        rows = [tally.provider_rows.get((workload, provider, slice_), ServedRow()) for slice_ in whole]
        yield {
            "workload": workload,
            "provider": provider,
            "first_slice": found[0],
            "requests": [row.requests for row in rows],
            "failures": [row.requests - row.ok for row in rows],
            "failovers": [row.failovers for row in rows],
        }


def _columns(rows: list[tuple[int, Row]]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for _, row in rows for name in row.outcomes))
    numbers = {name: number for number, name in enumerate(names)}
    return {
        "outcomes": names,
        "slice": [slice_ for slice_, _ in rows],
        "counts": [
            [part for n, count in row.outcomes.items() for part in (numbers[n], count)] for _, row in rows
        ],
        "p50_ms": [_ms(row.p50) for _, row in rows],
        "p95_ms": [_ms(row.p95) for _, row in rows],
        "max_ms": [_ms(row.max) for _, row in rows],
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1e3, 3)


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else round(ms / 1e3, ROW_DIGITS)
