"""Pages of telemetry that were asked for and never told anything.

Rule: what was never read agrees with nothing. A page that not every revision of a target has is missed only
where it is there and does not answer, or where no page told anything at all.
"""

from __future__ import annotations

from collections.abc import Iterator

from battlectl.observe.telemetry import PROCESS, Telemetry

MOST_TOLD = 4


def silent_sources(telemetry: Telemetry) -> tuple[str, ...]:
    """By name, in the order in which they are asked."""
    told = {reading.source for reading in telemetry.readings} | ({PROCESS} if telemetry.samples else set())
    return tuple(
        source
        for source in dict.fromkeys((*telemetry.asked, *telemetry.failed))
        if source not in told and not (telemetry.readings and _may_lack(source, telemetry))
    )


def tell_silence(telemetry: Telemetry) -> str:
    """ "/metrics never told anything (status 500, 12 times)"; "" where every page did."""
    told = list(_words(telemetry))
    more = [f"and {len(told) - MOST_TOLD} more pages"] if len(told) > MOST_TOLD else []
    return "; ".join([*told[:MOST_TOLD], *more])


def _words(telemetry: Telemetry) -> Iterator[str]:
    for source in silent_sources(telemetry):
        failed = telemetry.failed.get(source)
        why = "nothing of what is read there" if failed is None else f"{failed.why}, {failed.times:,} times"
        yield f"{source} never told anything ({why})"


def _may_lack(source: str, telemetry: Telemetry) -> bool:
    failed = telemetry.failed.get(source)
    return source in telemetry.optional and (failed is None or failed.is_absent)
