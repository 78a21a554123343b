"""What is broken in each run: faults of many kinds, overlapping, at three providers, as each driver can.

Rule: something begins or ends about every tenth of a second, one fault is there from the beginning, one
outlasts the run, and every provider has several.
"""

from __future__ import annotations

from typing import Any

A, B, C = "provider_a", "provider_b", "provider_c"
LENGTH = "3500ms"
LONG = "60s"
KINDS = ["hang", "garbage", "lag", "wrong_id", "trickle"]
Fault = dict[str, Any]


def fault(kind: str, provider: str, at: float, seconds: float | str | None, **more: Any) -> Fault:
    """One entry; times in seconds, None for a kind that ends by itself."""
    length = f"{round(seconds * 1000)}ms" if isinstance(seconds, float) else seconds
    return {
        kind: {"provider": provider, **more},
        "name": f"{kind}-{provider[-1]}-{round(at * 1000)}",
        "at": f"{round(at * 1000)}ms",
        **({} if length is None else {"for": length}),
    }


LAB = [
    fault("http_429", A, 0.0, 0.6),
    fault("kill", A, 0.3, 1.2),
    fault("http_5xx", B, 0.4, 2.0),
    fault("hang", C, 0.5, 0.9),
    fault("rpc_latency", B, 0.6, LONG, latency="150ms"),
    fault("stale_head", C, 0.8, 1.4),
    fault("reorg", A, 1.0, 0.8),
    fault("rpc_error", C, 1.6, 1.0, probability="50%"),
    fault("kill", B, 1.8, 0.7, mode="reset"),
    fault("partition", A, 2.0, 0.7),
    fault("restart", C, 2.3, None, down="500ms"),
    fault("truncated_json", A, 2.6, LONG),
    {"random": {"in": "battle", "kinds": KINDS, "count": 5, "for": ["200ms", "1s"], "gap": "0s"}},
]
PLAIN = [
    fault("rpc_latency", A, 0.0, LONG, latency="100ms"),
    fault("kill", A, 0.3, 0.9),
    fault("hang", B, 0.4, 1.0),
    fault("kill", C, 0.6, 1.4),
    fault("partition", A, 0.9, 1.3),
    fault("bandwidth", B, 1.2, 1.5, rate="10KB/s"),
    fault("kill", B, 1.7, LONG),
    fault("kill", A, 2.0, 0.6),
    fault("hang", C, 2.2, 0.8),
]
PROCESS = [
    fault("hang", A, 0.0, 0.7),
    fault("kill", B, 0.3, 0.8),
    fault("partition", C, 0.5, 0.9),
    fault("kill", A, 1.0, 1.0),
    fault("hang", B, 1.6, LONG),
    fault("restart", C, 1.8, None, down="500ms"),
    fault("hang", A, 2.4, 0.5),
    fault("kill", C, 2.7, LONG),
]
HAPROXY = [
    fault("kill", provider, at, seconds)
    for provider, at, seconds in (
        (A, 0.0, 0.5), (B, 0.3, 0.9), (C, 0.5, 0.6), (A, 0.8, 1.1), (B, 1.4, 0.8), (C, 1.5, LONG),
        (A, 2.2, 0.5), (B, 2.5, LONG),
    )
]  # fmt: skip
HTTP = [
    fault("rpc_latency", A, 0.0, 0.9, latency="100ms"),
    fault("kill", B, 0.3, 1.0),
    fault("http_5xx", B, 0.4, 0.8),
    fault("rpc_latency", C, 0.6, 1.0, latency="200ms"),
    fault("kill", A, 1.0, 0.9),
    fault("http_5xx", C, 1.3, 1.0),
    fault("rpc_latency", B, 1.4, 1.0, latency="50ms"),
    fault("kill", C, 1.7, LONG),
    fault("rpc_latency", A, 2.0, LONG, latency="100ms"),
    fault("kill", B, 2.5, 0.5),
    fault("http_5xx", A, 2.6, LONG),
]


def scenario(target: str, chaos: list[Fault], seed: int) -> dict[str, Any]:
    """A run of a few seconds."""
    return {
        "version": 1,
        "name": "torture",
        "target": target,
        "seed": seed,
        "phases": {"battle": LENGTH},
        "load": {
            "reads": {"rate": "20/s", "timeout": "1500ms", "calls": ["eth_blockNumber", "eth_gasPrice"]}
        },
        "chaos": chaos,
        "safety": {"max_providers_down": 3},
        "objectives": ["success_rate >= 1%"],
    }
