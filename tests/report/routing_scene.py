"""What a report holds of routing and of what breakers promised, in little."""

from __future__ import annotations

from typing import Any

HELD = {
    "who": ["provider_a"],
    "least_ratio": 0.8,
    "most_ratio": None,
    "share_ratio": 0.97,
    "requests": 970,
    "holds": True,
}
BROKEN = {**HELD, "who": ["provider_b", "provider_c"], "most_ratio": 0.9, "share_ratio": 0.6, "holds": False}
ROUTING: list[dict[str, Any]] = [
    {
        "workload": "reads",
        "strategy": "fastest",
        "from_s": 5.0,
        "to_s": 20.0,
        "judged_from_s": 6.0,
        "settled_after_requests": [40, 80],
        "claims": [HELD, BROKEN],
        "words": "",
    },
    {
        "workload": "others",
        "strategy": "priority",
        "from_s": 5.0,
        "to_s": 6.0,
        "judged_from_s": None,
        "settled_after_requests": None,
        "claims": [],
        "words": "too short | to tell",
    },
]
PROMISES: list[dict[str, Any]] = [
    {
        "provider": "provider_a",
        "fault": "kill",
        "promise": "opens",
        "holds": True,
        "words": "after 5 failures",
    },
    {"provider": "provider_a", "fault": "kill", "promise": "rests", "holds": None, "words": "not observable"},
]
