"""Rules between `telemetry`, `pid` and the rest of a target's config.

Rule: telemetry is somewhere and has a format: a kind that has one of its own need not say it, and only that
of Lasso is where the target itself is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from battlectl.scenario.places import Mistake, Path

FORMAT_OF = {
    "lasso": "lasso",
    "envoy": "envoy",
    "haproxy": "haproxy",
    "erpc": "prometheus",
    "proxyd": "prometheus",
}
"""Kind of target -> the format of what it tells of itself."""
AT_TARGET = "lasso"
"""The format that is told where the target is."""


def check_telemetry(tree: Mapping[str, Any]) -> Iterator[Mistake]:
    """Every mistake; works on the plain tree."""
    kind, told = tree.get("kind", "generic"), tree.get("telemetry")
    if "pid" in tree and "pid_file" in tree:
        yield Mistake(("pid_file",), "tells the same as `pid`: keep one of them", True)
    for key in ("telemetry", "pid", "pid_file") if kind == "lab" else ():
        if key in tree:
            yield Mistake((key,), "the lab is watched without being asked: leave it away", True)
    if not isinstance(told, dict) or kind == "lab":
        return
    format_ = told.get("format") or FORMAT_OF.get(kind if isinstance(kind, str) else "")
    if format_ is None:
        message = f'a target of kind {kind} needs a "format" here: lasso, prometheus, envoy or haproxy'
        yield Mistake(("telemetry",), message)
        return
    yield from _check_place(told, format_)
    if format_ == "lasso" and not (told.get("chain") or tree.get("chain")):
        yield Mistake(
            ("telemetry",), '"chain" is missing, Lasso tells figures by chain: add `chain: ethereum`'
        )
    for key, format_of_key in (("metrics", "prometheus"), ("chain", "lasso"), ("socket", "haproxy")):
        if key in told and format_ != format_of_key:
            message = f"only the format {format_of_key} has such a key: leave it away"
            yield Mistake(("telemetry", key), message, True)


def _check_place(told: Mapping[str, Any], format_: str) -> Iterator[Mistake]:
    if "url" in told and "socket" in told:
        yield Mistake(("telemetry", "socket"), "is another place than `url`: keep one of them", True)
    elif format_ != AT_TARGET and "url" not in told and "socket" not in told:
        message = '"url" is missing, this is not told where requests go: add `url: http://127.0.0.1:9901`'
        yield Mistake(("telemetry",), message)


def telemetry_address(tree: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Where telemetry is asked for."""
    told = tree.get("telemetry")
    if isinstance(told, dict):
        yield ("telemetry", "url"), told.get("url")
