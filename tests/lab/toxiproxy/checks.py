"""When a measured fact agrees with the recorded one.

Rule: a time agrees within 15 % or 10 ms, whichever is more; everything else must be equal. What is left to
chance or to the kernel has a check of its own, and a fact that is excused one for what the lab does instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

Fact = dict[str, Any]
UNSTEADY = frozenset({"max_ms", "gap_max_ms", "gap_min_ms"})
"""Single extremes: what a busy machine does once in a while is not what a proxy does."""


def near(recorded: float, measured: float) -> bool:
    """Whether a time is within 15 % or 10 ms."""
    return abs(measured - recorded) <= max(0.15 * recorded, 10)


def is_time(name: str) -> bool:
    return name == "ms" or name.endswith("_ms") or "_ms_" in name or name.startswith("ms_")


def agrees(recorded: Fact, measured: Fact, ignored: frozenset[str] = frozenset()) -> None:
    """Every recorded value is measured, and is what it was."""
    for name, value in recorded.items():
        if name in ignored | UNSTEADY:
            continue
        assert name in measured, f"{name} was not measured"
        if is_time(name):
            assert near(value, measured[name]), f"{name} is {measured[name]:.1f}, not {value}"
        else:
            assert measured[name] == value, f"{name} is {measured[name]!r}, not {value!r}"


def ignoring(*names: str) -> Callable[[Fact, Fact], None]:
    """All but these, which are the kernel's."""
    return lambda recorded, measured: agrees(recorded, measured, frozenset(names))


def within(low: float, high: float, mean: float) -> Callable[[Fact, Fact], None]:
    """Delays drawn evenly from a range: none shorter, few longer, the mean where 4 sigma allow."""

    def check(recorded: Fact, measured: Fact) -> None:
        spread = 4 * (high - low) / math.sqrt(12 * measured["n"])
        assert measured["n"] == recorded["n"]
        assert low - 1 <= measured["min_ms"] <= low + (high - low) / 3
        assert measured["max_ms"] >= high - (high - low) / 3
        assert mean - spread <= measured["mean_ms"] <= mean + spread + 10

    return check


def cut_short(recorded: Fact, measured: Fact) -> None:
    """Latency 50 with jitter 200: delays below 0 are none, so the mean is (250 ** 2 / 2) / 400."""
    assert measured["n"] == recorded["n"]
    assert measured["min_ms"] < 15
    assert measured["max_ms"] > 180
    assert abs(measured["mean_ms"] - 78) < 4 * 82 / math.sqrt(measured["n"]) + 10


def times_listed(recorded: Fact, measured: Fact) -> None:
    assert measured["count"] == recorded["count"]
    pairs = zip(recorded["arrivals_ms"], measured["arrivals_ms"], strict=True)
    assert all(near(one, other) for one, other in pairs)


def pieces_of_bandwidth(recorded: Fact, measured: Fact) -> None:
    """Pieces may be glued by the receiver, or be split by it, now and then."""
    agrees(recorded, measured, frozenset({"pieces", "size_min", "size_max", "gap_mean_ms"}))
    if "gap_mean_ms" in recorded:
        assert abs(measured["pieces"] - recorded["pieces"]) <= 3
        assert near(recorded["gap_mean_ms"], measured["gap_mean_ms"])
        assert measured["size_max"] <= 2 * recorded["size_max"]


def pieces_by_chance(recorded: Fact, measured: Fact) -> None:
    """10 +- 5 bytes: as many as 200 bytes make, each at most 15."""
    assert sum(measured["sizes"]) == 200
    assert all(1 <= size <= 15 for size in measured["sizes"])
    assert 14 <= measured["pieces"] <= 30
    assert 9 <= measured["gap_mean_ms"] <= 12
    assert near((measured["pieces"] - 1) * 10.3, measured["last_ms"] - measured["first_ms"])


def glued(recorded: Fact, measured: Fact) -> None:
    """How the receiver glues pieces that come at once is the kernel's."""
    assert sum(measured["sizes"]) == 100
    assert near(recorded["last_ms"], measured["last_ms"])


def by_chance(recorded: Fact, measured: Fact) -> None:
    """Of 200, each with a chance of a half: 4 sigma are 28."""
    assert 72 <= measured["affected"] <= 128
    for name in ("same", "same_second_time"):
        if name in recorded and recorded[name] == 200:
            assert measured[name] == 200
        elif name in recorded:
            assert 72 <= measured[name] <= 128


def kernel_buffers(recorded: Fact, measured: Fact) -> None:
    """What waits in the proxy is 1024 chunks of 32 KiB for latency, nearly nothing for bandwidth."""
    ours = measured["latency_60000"] - measured["bandwidth_10"]
    assert 0.85 * 1024 * 32_768 <= ours <= 1.15 * 1024 * 32_768
    assert measured["bandwidth_10"] <= 2 * recorded["bandwidth_10"]
    assert measured["timeout_0"] >= 3 * measured["bandwidth_10"]


def host_untouched(recorded: Fact, measured: Fact) -> None:
    agrees({name: value for name, value in recorded.items() if name != "xhost"}, measured)
    assert measured["xhost"] is True


def never_blocked(recorded: Fact, measured: Fact) -> None:
    """The original waits for the client, or for ever."""
    assert measured["add_change_remove_ms"] < 1000
    assert measured["list_status"] == measured["list_status_later"] == 200
    assert measured["list_ms"] < 1000


def never_dialling(recorded: Fact, measured: Fact) -> None:
    """A dial that hangs is given up when the proxy is disabled, and blocks nobody."""
    assert measured["client_connect_ms"] < 100
    assert measured["list_answered_meanwhile"]
    assert measured["disable_ms"] < 500
    assert measured["client"] == "FIN"


def nothing_passes(recorded: Fact, measured: Fact) -> None:
    assert (measured["client"], measured["got"], measured["after_removal"]) == ("open", 0, 5)


def passes_whole(recorded: Fact, measured: Fact) -> None:
    assert (measured["client"], measured["got"], measured["sizes"]) == ("open", 5, [5])


def passes_cut(recorded: Fact, measured: Fact) -> None:
    assert (measured["client"], measured["got"]) == ("open", 100)


def late_or_at_once(recorded: Fact, measured: Fact) -> None:
    assert measured["client"] == "open"
    assert measured["got"] in (0, 5)
    assert measured["after_removal"] == 5


def ended_cleanly(recorded: Fact, measured: Fact) -> None:
    """The time is the program's: the interpreter has to notice the signal."""
    assert (measured["exit_code"], measured["client"]) == (0, "FIN")
    assert measured["ms"] < 2000


def says_so_and_ends(recorded: Fact, measured: Fact) -> None:
    assert measured["exit_code"] == 4
    assert "cannot listen" in measured["stderr"]


CHECKS: dict[str, Callable[[Fact, Fact], None]] = {
    "disable_downstream_full": ignoring("bytes_read"),
    "disable_upstream_full": ignoring("sent", "upstream_got", "upstream"),
    "latency_existing": within(150, 250, 200),
    "latency_new": within(150, 250, 200),
    "latency_bigjitter": cut_short,
    "latency_pipeline": times_listed,
    "bandwidth_10_down": pieces_of_bandwidth,
    "bandwidth_100_up": pieces_of_bandwidth,
    "slicer_10": pieces_by_chance,
    "order_bw_slicer": glued,
    "toxicity_half": by_chance,
    "toxicity_update": by_chance,
    "toxicity_add": by_chance,
    "toxicity_add2": by_chance,
    "toxicity_remove": by_chance,
    "queue_latency": kernel_buffers,
    "http_plain": host_untouched,
    "api_blocked": never_blocked,
    "api_deadlock": never_blocked,
    "dial_blocks": never_dialling,
    "crash_bandwidth_neg": nothing_passes,
    "crash_slicer_default": passes_whole,
    "crash_slicer_var": passes_cut,
    "crash_jitter_huge": late_or_at_once,
    "sigterm": ended_cleanly,
    "api_port_busy": says_so_and_ends,
}

EXCUSED: dict[str, str] = {
    "api_blocked": "a hang: the lab's API never waits for a client that does not read",
    "api_deadlock": "a hang: nothing stays locked",
    "api_port_busy": "the command line: a lab whose port is taken says so and ends",
    "crash_bandwidth_neg": "a crash: a rate below nothing passes nothing, as 0 does",
    "crash_jitter_huge": "a crash: a delay beyond all times is one, or none where it is below 0",
    "crash_slicer_default": "a crash: with no size to cut to, chunks stay whole",
    "crash_slicer_var": "a crash: a cut never leaves an empty piece, however far it is moved",
    "dial_blocks": "a hang: each connection dials for itself, and disabling does not wait for it",
    "sigterm": "the program: how long a process takes to end is its own",
}
"""Facts that do not hold here -> why, and what the lab does; docs/toxiproxy.md has the same."""
