"""Random chaos from a seed: a scenario of many kinds of faults, and the lab that it is fought on.

Rule: everything is drawn from the seed, nothing is left out because it is hard to measure; what the plan
would refuse (more providers down than there are to spare) is all that is not drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from battlectl.lab.gateway.settings import Strategy

CALM = 4.0
"""Seconds before the first fault: what is usual must be seen."""
BATTLE = 10.0
AFTERMATH = 4.0
RATE = 100
PROVIDERS = ("provider_a", "provider_b", "provider_c")

CALLS: list[Any] = [
    {"method": "eth_blockNumber", "weight": 2},
    {"method": "eth_gasPrice", "weight": 2},
    {"method": "eth_getBlockByNumber", "params": ["latest", False]},
    {"method": "eth_getBalance", "params": ["0x" + "00" * 20, "latest"], "weight": 2},
    {"method": "eth_getTransactionCount", "params": ["0x" + "00" * 20, "latest"]},
]

STOPPING: tuple[tuple[str, dict[str, Any]], ...] = (
    ("kill", {}),
    ("kill", {"mode": "reset"}),
    ("hang", {}),
    ("reset", {}),
    ("partition", {}),
)
"""Kinds by which a provider is down, which `safety` counts."""

BREAKING: tuple[tuple[str, dict[str, Any]], ...] = (
    ("latency", {"latency": "300ms"}),
    ("latency", {"latency": "80ms", "jitter": "40ms"}),
    ("trickle", {}),
    ("http_5xx", {}),
    ("http_5xx", {"probability": "40%"}),
    ("http_429", {}),
    ("wrong_content_type", {}),
    ("html_200", {}),
    ("empty_body", {}),
    ("truncated_json", {}),
    ("garbage", {}),
    ("rate_limit_in_body", {}),
    ("rpc_error", {}),
    ("rpc_error", {"code": -32000, "methods": ["eth_getBalance"]}),
    ("wrong_id", {}),
    ("stale_head", {}),
    ("lag", {}),
)

STRATEGIES: tuple[Strategy, ...] = (
    "load-balanced",
    "round-robin",
    "load-balanced",
    "round-robin",
    "fastest",
    "latency-weighted",
    "cheapest",
    "priority",
)


@dataclass(frozen=True, slots=True)
class Chaos:
    """One scenario of random chaos; `strategy` is the gateway's."""

    seed: int
    strategy: Strategy
    scenario: dict[str, Any]


def chaos_of(seed: int) -> Chaos:
    """The chaos of a seed."""
    draw = Random(f"truth/{seed}")
    strategy = draw.choice(STRATEGIES)
    entries = _entries(draw)
    scenario = {
        "version": 1,
        "name": f"truth-{seed}",
        "seed": seed,
        "phases": {"steady": f"{CALM:g}s", "battle": f"{BATTLE:g}s", "after": f"{AFTERMATH:g}s"},
        "load": {"reads": {"rate": f"{RATE}/s", "timeout": "25s", "calls": CALLS}},
        "chaos": entries,
        "objectives": ["success_rate >= 99%", "latency.max < 1s"],
        "safety": {"max_providers_down": len(PROVIDERS)},
    }
    return Chaos(seed, strategy, scenario)


def _entries(draw: Random) -> list[dict[str, Any]]:
    """One to three faults; they may overlap, strike several providers, or all of them."""
    shape = draw.choice(("one", "two", "two", "three", "flap", "restart", "outage", "drawn"))
    if shape == "flap":
        down, up = draw.choice((300, 700, 1_500)), draw.choice((500, 1_200, 2_500))
        flap = {"provider": draw.choice(PROVIDERS), "down": f"{down}ms", "up": f"{up}ms", "times": 3}
        return [{"flap": flap, "at": _at(draw, 0.0, 1.0)}]
    if shape == "restart":
        down = {"provider": draw.choice(PROVIDERS), "down": f"{draw.choice((500, 1_000, 3_000))}ms"}
        return [{"restart": down, "at": _at(draw, 0.0, 3.0)}, _fault(draw, 5.0, 8.0)]
    if shape == "outage":
        kind, options = draw.choice(STOPPING)
        return [
            {kind: {"provider": "all", **options}, "at": _at(draw, 1.0, 3.0), "for": _length(draw, 0.5, 2.0)}
        ]
    if shape == "drawn":
        kinds = sorted({kind for kind, options in (*STOPPING, *BREAKING) if not options})
        drawn = {"kinds": draw.sample(kinds, 4), "count": 3, "for": ["500ms", "2s"], "gap": "1s"}
        return [{"random": drawn}]
    count = {"one": 1, "two": 2, "three": 3}[shape]
    return [_fault(draw, 0.0, 6.0, f"fault-{number}") for number in range(1, count + 1)]


def _fault(draw: Random, earliest: float, latest: float, name: str = "fault") -> dict[str, Any]:
    kind, options = draw.choice((*STOPPING, *STOPPING, *BREAKING))
    among = draw.sample(PROVIDERS, draw.choice((1, 1, 1, 2)))
    return {
        kind: {"provider": among, **options},
        "name": name,
        "at": _at(draw, earliest, latest),
        "for": _length(draw, 0.6, 4.0),
    }


def _at(draw: Random, earliest: float, latest: float) -> str:
    return f"{CALM * 1e3 + draw.randint(round(earliest * 1e3), round(latest * 1e3)):.0f}ms"


def _length(draw: Random, shortest: float, longest: float) -> str:
    return f"{draw.randint(round(shortest * 1e3), round(longest * 1e3))}ms"
