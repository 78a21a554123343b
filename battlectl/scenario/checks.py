"""Rules between the fields of a scenario: what each field alone cannot know.

Rule: a check is a function from a draft to mistakes; it reads no file and stops at nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from battlectl.quantities import format_duration
from battlectl.scenario.check_chaos import check_chaos
from battlectl.scenario.check_load import check_load
from battlectl.scenario.check_objectives import check_objectives
from battlectl.scenario.draft import Draft
from battlectl.scenario.phases import WARMUP
from battlectl.scenario.places import Mistake, Path
from battlectl.scenario.routes import HttpRoute, check_route
from battlectl.scenario.warmup import check_warmup
from battlectl.scenario.wording import nearest

LONGEST_RUN = 24 * 3600.0
RESERVED_PHASES = ("run", "baseline")
CHECKS: Mapping[str, tuple[str, ...]] = {
    "replies": ("fail", "inconclusive", "note"),
    "continuity": ("fail", "inconclusive", "note"),
    "breaker": ("fail", "inconclusive", "note"),
    "routing": ("fail", "inconclusive", "note"),
    "telemetry": ("fail", "inconclusive", "note"),
    "head": ("fail", "inconclusive", "note"),
    "chain": ("fail", "inconclusive", "note"),
    "consistency": ("fail", "inconclusive", "note"),
    "equality": ("fail", "inconclusive", "note"),
    "errors": ("fail", "inconclusive", "note"),
    "safety": ("fail", "inconclusive", "note"),
    "leak": ("fail", "inconclusive", "note"),
    "configuration": ("fail", "inconclusive"),
    "accounting": ("fail", "inconclusive"),
    "generator": ("fail", "inconclusive"),
}
"""The checks that a scenario may raise or lower, and to what."""

OWN_HEADERS = (
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "sec-websocket-accept",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-protocol",
    "sec-websocket-version",
    "transfer-encoding",
    "upgrade",
    "x-request-id",
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")


def check_scenario(draft: Draft) -> Iterator[Mistake]:
    """Every mistake between the fields of a scenario, feeds excepted (`scenario/feeds.py`)."""
    yield from _check_phases(draft)
    yield from _check_levels(draft)
    yield from _check_safety(draft)
    yield from check_load(draft)
    yield from check_warmup(draft.warmup_latencies, draft.phases)
    yield from check_chaos(draft)
    yield from check_objectives(draft)
    for name, workload in draft.load.items():
        if workload is not None:
            way = "http" if isinstance(workload.route, HttpRoute) else "ws"
            yield from check_headers(workload.route.headers, ("load", name, way, "headers"))
            yield from check_route(workload.route, ("load", name, way))
    if draft.watch is not None:
        yield from check_headers(draft.watch.http.headers, ("watch", "http", "headers"))
        yield from check_route(draft.watch.http, ("watch", "http"))


def _check_phases(draft: Draft) -> Iterator[Mistake]:
    names = list(draft.phases)
    if names == [WARMUP]:
        yield Mistake(("phases",), "warmup alone measures nothing: add a phase such as `steady: 30s`", True)
    elif WARMUP in names[1:]:
        yield Mistake(("phases", WARMUP), "warmup is left out of the results: put it first", True)
    for name in set(names) & set(RESERVED_PHASES):
        yield Mistake(("phases", name), f'"{name}" is a window of its own: give the phase another name', True)
    if draft.duration is not None and draft.duration > LONGEST_RUN:
        total, most = format_duration(draft.duration), format_duration(LONGEST_RUN)
        yield Mistake(("phases",), f"{total} in all is more than {most}: shorten a phase", True)


def _check_levels(draft: Draft) -> Iterator[Mistake]:
    for name, level in draft.checks.items():
        if name not in CHECKS:
            yield Mistake(("checks", name), f'unknown check "{name}"{nearest(name, CHECKS)}', True)
        elif level == "note" and level not in CHECKS[name]:
            message = f"{name} decides whether the numbers mean anything: it is never below inconclusive"
            yield Mistake(("checks", name), message)


def _check_safety(draft: Draft) -> Iterator[Mistake]:
    safety, duration = draft.safety, draft.duration
    if safety is None:
        return
    if safety.min_success_rate is None and "over" in safety.model_fields_set:
        yield Mistake(("safety", "over"), "limits nothing by itself: add `min_success_rate: 50%`")
    if duration is not None and "over" in safety.model_fields_set and safety.over > duration:
        message = f"is longer than the whole run ({format_duration(duration)}): shorten it"
        yield Mistake(("safety", "over"), message)


def check_headers(headers: Mapping[str, str], path: Path) -> Iterator[Mistake]:
    """Header names and values that HTTP cannot carry, or that battlectl writes itself."""
    seen: dict[str, str] = {}
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            yield Mistake((*path, name), "no header name: use letters, digits and -, as in X-Api-Key", True)
        elif name.lower() in OWN_HEADERS:
            yield Mistake((*path, name), f"{name} is written by battlectl itself: leave it away", True)
        elif name.lower() in seen:
            message = f"the same header as {seen[name.lower()]}: keep one of them"
            yield Mistake((*path, name), message, True)
        if not _VALUE.fullmatch(value):
            yield Mistake((*path, name), "a header value is one line of plain ASCII: remove what is not")
        seen[name.lower()] = name
