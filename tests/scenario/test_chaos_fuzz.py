"""Any chaos is planned or refused with a place, and nothing else happens."""

from __future__ import annotations

import json
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from battlectl.errors import BadFile
from battlectl.plan.frame import Frame
from battlectl.scenario.chaos_kinds import FAULTS
from tests.scenario.chaotic import planned

WORDS = ["any", "all", "provider_a", "provider_z", "5s", "0s", "70s", "5", "50%", "battle", "#", "", "64KB/s"]
SCALARS = st.sampled_from(WORDS) | st.none() | st.booleans() | st.integers(-9, 99) | st.floats()
KEYS = ["provider", "down", "up", "times", "every", "at", "for", "in", "after", "name", "kinds", "count"]
KEYS += ["providers", "gap", "probability", "methods", "latency", "rate", "connections", "blocks", "data"]
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=5,
)
DURATIONS = st.integers(0, 70_000).map(lambda n: f"{n}ms")
AT = DURATIONS | st.fixed_dictionaries(
    {"in": st.sampled_from(["warmup", "battle", "recovery", "x"])}, optional={"after": DURATIONS}
)
TIMING = {"at": AT, "for": DURATIONS, "times": st.integers(0, 9), "every": DURATIONS}
STRUCK = st.sampled_from(["any", "all", "provider_a", "provider_z", ["provider_a", "provider_b"]])
RANDOM = st.fixed_dictionaries(
    {
        "kinds": st.lists(st.sampled_from([*FAULTS, "x"]), max_size=3),
        "count": st.integers(0, 20),
        "for": DURATIONS | st.lists(DURATIONS, max_size=3),
    },
    optional={"in": st.sampled_from(["steady", "x"]), "gap": DURATIONS, "providers": STRUCK},
)
FAULT = st.sampled_from(sorted(FAULTS)).flatmap(
    lambda kind: st.fixed_dictionaries({kind: STRUCK | ANYTHING}, optional=TIMING | {"name": ANYTHING})
)
ENTRY = FAULT | st.fixed_dictionaries({"random": RANDOM | ANYTHING}, optional=TIMING) | ANYTHING
LIKELY = st.sampled_from(["kill", "hang", "latency", "restart", "flap", "http_5xx"]).flatmap(
    lambda kind: st.fixed_dictionaries(
        {kind: st.sampled_from(["any", "provider_a", "provider_b"]), "at": DURATIONS},
        optional={"for": DURATIONS, "name": st.sampled_from(["x", "y"])} if kind != "restart" else {},
    )
)
DRAWN = st.fixed_dictionaries(
    {"random": st.just({"kinds": ["hang", "lag"], "count": 3, "for": ["1s", "3s"], "in": "steady"})}
)
OBJECTIVE = st.sampled_from(
    [
        *("total > 1 in baseline", "total > 1 in during:kill-any", "total > 1 in recovery:random#1"),
        *("recovery_time(kill-any) < 5s", "breaker(provider_a).opens > 1", "total > 1 in during:#"),
        "{objective: success_rate > 5% in during:kill-any, abort_on_fail: true, grace: 9s}",
    ]
)
PLACED = re.compile(r"f\.yml:\d+:\d+: [^\n]+")


def written(value: object) -> str:
    """As YAML in one line; what JSON has no words for is as good as any other mistake."""
    return json.dumps(value).replace("NaN", ".nan").replace("Infinity", ".inf")


def planned_or_refused(chaos: str, objectives: list[str], phases: str) -> Frame | None:
    """The frame, or None for what is refused properly."""
    refusal = ""
    try:
        return planned(chaos, objectives, phases=phases).frame
    except BadFile as error:
        refusal = str(error)
    assert all(PLACED.fullmatch(line) for line in refusal.splitlines())
    assert refusal
    return None


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    chaos=st.lists(LIKELY | DRAWN, max_size=3) | st.lists(ENTRY, max_size=4),
    objectives=st.just([]) | st.lists(OBJECTIVE, max_size=2, unique=True),
    phases=st.sampled_from(["{warmup: 5s, steady: 10s, battle: 30s}", "{steady: 10s}", "{steady: 5}", "[]"]),
)
def test_any_chaos_is_planned_or_refused_with_a_place(chaos, objectives, phases):
    frame = planned_or_refused(written(chaos), objectives, phases)
    if frame is None:
        return
    assert all(0 <= i.at < i.until <= frame.duration for i in frame.injections)
    assert {o.window for o in frame.objectives if "random" not in o.window} <= set(frame.windows)
