"""`warmup_latencies`: providers answer late while the target warms up, so that it ranks them as it should.

Rule: these are faults like any other, in the plan, proven and healed: a `degrade` at each provider, called
`warmup-PROVIDER`, from one second after the start (its provider is asked before) to the end of the warm-up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from battlectl.quantities import format_duration
from battlectl.scenario.phases import WARMUP
from battlectl.scenario.places import Mistake, Path

if TYPE_CHECKING:
    from battlectl.scenario.chaos import Timing

KEY = "warmup_latencies"
BEGIN = 1.0
"""Seconds from the start of the run."""
LEAST = 3.0
"""Seconds of a warm-up in which there is time to prove anything."""

LONGEST_NAME = 64 - len(f"{WARMUP}-")


def warmup_faults(latencies: Mapping[str, float], phases: Mapping[str, float]) -> tuple[Timing, ...]:
    """The entries of `chaos` that are meant, in order; `check_warmup` has found nothing wrong."""
    if not latencies:
        return ()
    from battlectl.scenario.chaos import ChaosEntry  # Half as long again as all else that reads a file.

    warmup = phases[WARMUP]
    return tuple(
        ChaosEntry.model_validate(written_out(name, late, warmup)) for name, late in latencies.items()
    )


def written_out(provider: str, seconds: float, warmup: float) -> dict[str, Any]:
    """The entry for one provider as a file would have it, in a warm-up of that length."""
    return {
        "degrade": {"provider": provider, "latency": f"{seconds * 1e3:.12g}ms"},
        "name": f"{WARMUP}-{provider}",
        "at": f"{BEGIN:.12g}s",
        "for": f"{warmup - BEGIN:.12g}s",
    }


def check_warmup(
    latencies: Mapping[str, float | None], phases: Mapping[str, float | None]
) -> Iterator[Mistake]:
    """Latencies without a warm-up to be in force in, or of no provider by name."""
    if not latencies:
        return
    length = phases.get(WARMUP)
    if WARMUP not in phases:
        message = f'are in force in the phase "{WARMUP}", and there is none: add `warmup: 5s` to `phases`'
        yield Mistake((KEY,), message, True)
    elif length is not None and length < LEAST:
        message = f"cannot be proven in a warm-up of {format_duration(length)}: let it last 3s or more"
        yield Mistake((KEY,), message, True)
    for name, seconds in latencies.items():
        yield from _check_one(name, seconds, length)


def _check_one(name: str, seconds: float | None, warmup: float | None) -> Iterator[Mistake]:
    if name in ("any", "all"):
        yield Mistake((KEY, name), "each provider is named by itself here: write their ids", True)
    elif len(str(name)) > LONGEST_NAME:
        message = f"is too long for the name of a fault, {WARMUP}-PROVIDER: use `degrade` in `chaos`"
        yield Mistake((KEY, name), message, True)
    if seconds is not None and warmup is not None and seconds >= max(LEAST, warmup) - BEGIN:
        message = f"no answer would come within the warm-up of {format_duration(warmup)}: try 80ms"
        yield Mistake((KEY, name), message)


def place_of(path: Path, written: int, latencies: Mapping[str, Any]) -> Path:
    """Where an entry stands in the file, of which the first `written` stand in `chaos`."""
    if path[:1] != ("chaos",) or len(path) < 2 or not isinstance(path[1], int) or path[1] < written:
        return path
    return KEY, list(latencies)[path[1] - written]
