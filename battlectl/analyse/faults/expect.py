"""What a fault looks like to a probe at the provider, kind by kind.

Rule: a kind is in this table with what it must look like, or a probe proves nothing about it and only the
fault's own count of hits does. What a probe need not meet (a share of the requests, some methods, another
transport) may show the fault but never refute it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from battlectl.observe import outcome
from battlectl.plan.injection import Injection

Attributes = Mapping[str, Any]

DRIVERS_AT_THE_TARGET = frozenset({"http", "haproxy"})
"""Drivers that tell the target to leave a provider alone: the provider itself goes on answering."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The look of one fault.

    `labels` are the outcomes (with their code, or without) of a probe that met it, `late_by` the least
    seconds that it adds to one, 0.0 where that is not known. A probe that `must_show` cannot miss it.
    `probability` is that of a probe to meet it. A fault that `hides_attempts` keeps them from being counted
    at all; one that `counts_refused` ends connections unread, and counts these. `own_end` is when it is over
    by itself, in seconds from its injection; `turns` are the seconds down and up of one that comes and
    goes; one that `restarts` begins a new generation. `most_late` is the most that a delay adds to a short
    answer; one that `does_nothing` is made for that. One that `bids_target` is an order to the target itself
    to leave the provider alone.
    """

    what: str
    labels: frozenset[str] = frozenset()
    late_by: float = 0.0
    is_late: bool = False
    must_show: bool = True
    probability: float = 1.0
    connections: Literal["new", "existing", "all"] = "all"
    hides_attempts: bool = False
    counts_refused: bool = False
    is_of_websockets: bool = False
    own_end: float | None = None
    turns: tuple[float, float] | None = None
    restarts: bool = False
    most_late: float | None = None
    does_nothing: bool = False
    bids_target: bool = False

    @property
    def makes_wait(self) -> bool:
        """Whether whoever asks has to wait, be it for nothing."""
        return self.is_late or outcome.TIMEOUT in self.labels

    @property
    def shows_in_probes(self) -> bool:
        """Whether a probe can tell at all."""
        return bool(self.labels) or self.is_late


DOWN = frozenset({outcome.REFUSED, outcome.RESET, outcome.CLOSED})
CUT = frozenset({outcome.RESET, outcome.CLOSED, outcome.MALFORMED})
SILENT = frozenset({outcome.TIMEOUT})
NO_ANSWER = frozenset({outcome.MALFORMED})
PROBE_BYTES = 30
"""The body of the shortest answer to a probe has at least so many bytes."""


def _down(a: Attributes) -> Expected:
    return Expected("refused or reset", DOWN, hides_attempts=True)


def _kill(a: Attributes) -> Expected:
    counts = a.get("mode", "refuse") == "reset"
    hides = a.get("connections", "all") != "existing" and not counts
    return replace(_down(a), hides_attempts=hides, counts_refused=counts)


def _flap(a: Attributes) -> Expected:
    counts = a.get("mode", "refuse") == "reset"
    turns = (a.get("down_ms", 5_000) / 1e3, a.get("up_ms", 5_000) / 1e3)
    return replace(_down(a), hides_attempts=not counts, counts_refused=counts, turns=turns)


def _restart(a: Attributes) -> Expected:
    return replace(_down(a), own_end=a.get("down_ms", 1_000) / 1e3, restarts=True)


def _reset(a: Attributes) -> Expected:
    whole = a.get("after_bytes", 0) != 0  # A short answer may pass before it.
    return Expected("reset or cut short", CUT, must_show=not whole)


def _silent(a: Attributes) -> Expected:
    return Expected("no answer in time", SILENT)


def _cut_off(a: Attributes) -> Expected:
    return Expected("no answer in time", SILENT | DOWN, hides_attempts=True)


def _late(a: Attributes) -> Expected:
    latency, jitter = a.get("latency_ms", 300) / 1e3, a.get("jitter_ms", 0) / 1e3
    return Expected("late", is_late=True, late_by=max(0.0, latency - jitter), most_late=latency + jitter)


def _trickle(a: Attributes) -> Expected:
    return _slow(PROBE_BYTES / a.get("bytes_per_s", 10))


def _narrow(a: Attributes) -> Expected:
    return _slow(PROBE_BYTES / (a.get("rate", 10) * 1e3))


def _slow(late_by: float) -> Expected:
    return Expected("late", is_late=True, late_by=late_by, most_late=late_by)


def _status(default: int) -> Callable[[Attributes], Expected]:
    def look(a: Attributes) -> Expected:
        status = a.get("status", default)
        return Expected(f"HTTP status {status}", frozenset({f"{outcome.HTTP_ERROR}({status})"}))

    return look


def _no_answer(a: Attributes) -> Expected:
    return Expected("an answer that is none", NO_ANSWER)


def _error(default: int, always: bool = True) -> Callable[[Attributes], Expected]:
    """`always` is False for errors of some methods only, those of a probe perhaps not among them."""

    def look(a: Attributes) -> Expected:
        code = a.get("code", default)
        label = f"{outcome.RPC_ERROR}({code})"
        return Expected(f"JSON-RPC error {code}", frozenset({label}), must_show=always)

    return look


def _uncounted(a: Attributes) -> Expected:
    return Expected("nothing that a probe sees")


def _nothing(a: Attributes) -> Expected:
    return Expected("nothing", does_nothing=True)


def _websockets(a: Attributes) -> Expected:
    return Expected("nothing that a probe sees", is_of_websockets=True)


LOOKS: dict[str, Callable[[Attributes], Expected]] = {
    "kill": _kill,
    "flap": _flap,
    "restart": _restart,
    "reset": _reset,
    "hang": _silent,
    "partition": _cut_off,
    "rpc_latency": _late,
    "trickle": _trickle,
    "bandwidth": _narrow,
    "http_5xx": _status(503),
    "http_429": _status(429),
    "wrong_content_type": _no_answer,
    "html_200": _no_answer,
    "empty_body": _no_answer,
    "truncated_json": _no_answer,
    "garbage": _no_answer,
    "wrong_id": _no_answer,
    "rate_limit_in_body": _error(-32005),
    "rpc_error": _error(-32603),
    "method_error": _error(-32603, always=False),
    "revert": _error(3, always=False),
    "rate_limit_in_batch": _uncounted,
    "batch_partial": _uncounted,
    "batch_reorder": _uncounted,
    "stale_head": _uncounted,
    "lag": _uncounted,
    "head_regress": _uncounted,
    "head_jump": _uncounted,
    "reorg": _uncounted,
    "missing_logs": _uncounted,
    "null_near_tip": _uncounted,
    "inconsistent_views": _uncounted,
    "wrong_chain": _uncounted,
    "rpc_noop": _nothing,
    "ws_close": _websockets,
    "ws_refuse": _websockets,
    "ws_stall": _websockets,
    "ws_half_open": _websockets,
    "ws_duplicate": _websockets,
    "ws_skip": _websockets,
    "ws_reorder": _websockets,
    "sub_lost": _websockets,
}
"""By the name that the driver knows. A kind that is missing here is `_uncounted`."""


def expected_of(injection: Injection, driver: str = "") -> Expected:
    """What one injection must look like, its common parameters included."""
    a = injection.attributes
    look = LOOKS.get(injection.toxic, _uncounted)(a)
    look = replace(
        look,
        probability=a.get("probability", 1.0),
        connections=a.get("connections", "all"),
        must_show=look.must_show and not a.get("methods"),
    )
    if a.get("transport") == "ws":
        look = replace(look, labels=frozenset(), is_late=False, is_of_websockets=True)
    if driver in DRIVERS_AT_THE_TARGET:
        return replace(look, must_show=False, hides_attempts=False, bids_target=look.labels == DOWN)
    return look
