"""The lab's own record of a run, fetched once when the load is over.

Rule: it is shown beside what was measured and judges nothing: a target that says itself how it did is no
witness. When it cannot be had, the report says why in its place.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
import msgspec
import trio

FETCH_SECONDS = 2.0
PATH = "/lab/truth"


async def fetch_truth(url: str) -> dict[str, Any]:
    """What the gateway at `url` recorded, in short; else {"missing": why it could not be had}."""
    with trio.move_on_after(FETCH_SECONDS):
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                answer = (await client.get(url + PATH)).raise_for_status()
                return summarise(msgspec.json.decode(answer.content))
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            return {"missing": f"{type(error).__name__}: {error}"}
    return {"missing": f"no answer within {FETCH_SECONDS:g} s"}


def summarise(truth: dict[str, Any]) -> dict[str, Any]:
    """Of each provider what was asked of it and served by it, and how often each breaker came to a state.

    `breaker_changes` counts those too that the gateway remembers no more.
    """
    asked, served, probes = truth["attempts"], truth["served"], truth["probes"]
    return {
        "providers": [
            {
                "provider": provider,
                "attempts": _sum(asked.get(provider, {})),
                "served": _sum(served.get(provider, {})),
                "probes": sum(probes.get(provider, {}).values()),
            }
            for provider in sorted({*asked, *served, *probes})
        ],
        "failovers": truth["totals"].get("failover", 0),
        "rejected": truth["totals"].get("rejected", 0),
        "breakers": _breakers(truth["events"].get("breaker", [])),
        "breaker_changes": truth["totals"].get("breaker", 0),
    }


def _sum(by_transport: dict[str, dict[str, int]]) -> int:
    return sum(count for methods in by_transport.values() for count in methods.values())


def _breakers(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    counts = Counter((event["provider"], event["transport"], event["to"]) for event in events)
    return [
        {"provider": provider, "transport": transport, "state": state, "times": times}
        for (provider, transport, state), times in sorted(counts.items())
    ]
