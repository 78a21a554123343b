"""The target's telemetry in report.json: what it told, what the client saw, what providers counted.

Rule: what nobody told is null, never zero; a figure that could not be had says why. What crashes costs the
report that part alone.
"""

from __future__ import annotations

from typing import Any

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.counting import tracks_of as counters_of
from battlectl.analyse.telemetry.account import disagreements
from battlectl.analyse.telemetry.disagreement import Disagreement
from battlectl.analyse.telemetry.memory import growth_of, memory_of
from battlectl.analyse.telemetry.silence import silent_sources
from battlectl.analyse.telemetry.tracks import known_providers, sources_of
from battlectl.observe.telemetry import ProviderTold, Reading, Telemetry

NOT_ASKED = "not observable: the config names no telemetry and no process"
EMPTY = "it told nothing of what is read there"
MOST_POINTS = 600


def telemetry_json(evidence: Evidence) -> dict[str, Any]:
    """The whole section; without telemetry it says so."""
    telemetry = evidence.telemetry
    memory, growth = memory_of(telemetry), growth_of(evidence)
    found = _found(evidence)
    return {
        "words": "" if telemetry.was_asked else NOT_ASKED,
        "every_s": telemetry.every,
        "sources": _sources_json(telemetry),
        "providers": [_provider_json(name, evidence) for name in known_providers(evidence)],
        "disagreements": [
            {
                "kind": d.kind,
                "source": d.source,
                "provider": d.provider or None,
                "at_s": d.at,
                "words": d.words,
            }
            for d in found
        ],
        "memory": {
            "source": memory.source or None,
            "peak_bytes": max((size for _, size in memory.points), default=None),
            "first_bytes": memory.points[0][1] if memory.points else None,
            "last_bytes": memory.points[-1][1] if memory.points else None,
            "growth_bytes": None if growth.is_leak is None else round(growth.total),
            "growth_words": growth.words,
            "series": [[t, size] for t, size in memory.points[:: -(-len(memory.points) // MOST_POINTS) or 1]],
        },
        "processes": telemetry.samples[-1].processes if telemetry.samples else None,
    }


def _found(evidence: Evidence) -> tuple[Disagreement, ...]:
    try:
        return disagreements(evidence)
    except Exception:
        return ()  # The check of telemetry crashes likewise, and says why.


def peak_memory_mb(evidence: Evidence) -> float | None:
    """Of the target, in the run after warm-up; None where nobody told."""
    points = memory_of(evidence.telemetry).within(evidence.frame.run)
    return max(size for _, size in points) / 1e6 if points else None


def _sources_json(telemetry: Telemetry) -> list[dict[str, Any]]:
    told = sources_of(telemetry)
    return [
        {
            "name": name,
            "readings": len(told.get(name, ())),
            "failed": telemetry.failed[name].times if name in telemetry.failed else 0,
            "why": _why(name, telemetry) or (None if name in told else EMPTY),
            **_told_json(told.get(name, ())),
        }
        for name in dict.fromkeys((*told, *telemetry.failed, *silent_sources(telemetry)))
    ]


def _why(name: str, telemetry: Telemetry) -> str | None:
    return telemetry.failed[name].why if name in telemetry.failed else None


def _told_json(readings: tuple[Reading, ...]) -> dict[str, Any]:
    """From the first reading to the last, and what the client saw between the same two."""
    if not readings:
        return dict.fromkeys(("requests", "failures", "client", "processes", "success_ratio"))
    first, last = readings[0], readings[-1]
    return {
        "requests": _gained(first.told.requests, last.told.requests),
        "failures": _gained(first.told.failures, last.told.failures),
        "client": last.before.finished - first.before.finished,
        "processes": last.told.processes,
        "success_ratio": last.told.success_ratio,
        "latency_ms": {stat: round(s * 1e3, 6) for stat, s in last.told.latency_s.items()},
        "series": _series(readings),
    }


def _series(readings: tuple[Reading, ...]) -> list[list[Any]]:
    """[t, requests told, requests of the client that had ended], to be drawn beside each other."""
    step = -(-len(readings) // MOST_POINTS) or 1
    return [[r.until, r.told.requests, r.before.finished] for r in readings[::step]]


def _gained(before: int | None, after: int | None) -> int | None:
    """None, too, where it fell: what it counted before is lost."""
    return None if before is None or after is None or after < before else after - before


def _provider_json(name: str, evidence: Evidence) -> dict[str, Any]:
    served = evidence.tally.served(evidence.frame.all_segments).get(name)
    counted = counters_of(evidence.campaign, {}).get(name)
    return {
        "provider": name,
        "told": [
            {"source": source, **_of_provider(name, readings)}
            for source, readings in sources_of(evidence.telemetry).items()
            if any(r.told.providers and name in r.told.providers for r in readings)
        ],
        "client": None if served is None else served.requests,
        "counted": None if counted is None else counted.totals[-1] - counted.totals[0],
        "breakers": _breakers(name, evidence.telemetry),
    }


def _of_provider(name: str, readings: tuple[Reading, ...]) -> dict[str, Any]:
    first, last = (_one(reading, name) for reading in (readings[0], readings[-1]))
    return {
        "attempts": _gained(first.attempts, last.attempts),
        "errors": _gained(first.errors, last.errors),
        "latency_ms": None if last.latency_s is None else round(last.latency_s * 1e3, 6),
    }


def _one(reading: Reading, name: str) -> ProviderTold:
    return (reading.told.providers or {}).get(name, ProviderTold(attempts=0, errors=0))


def _breakers(name: str, telemetry: Telemetry) -> list[dict[str, Any]]:
    """How many readings told each state, by page and name of the breaker."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for reading in telemetry.readings:
        for breaker, state in reading.told.breakers.items():
            if breaker == name or breaker.startswith(f"{name}:"):
                own = counts.setdefault((reading.source, breaker), {})
                own[state] = own.get(state, 0) + 1
    return [{"source": s, "breaker": b, "states": dict(sorted(n.items()))} for (s, b), n in counts.items()]
