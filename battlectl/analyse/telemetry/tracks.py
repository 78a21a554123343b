"""Counters as a target told them over time, one page and one subject at a time.

Rule: a page is a witness of its own: two of them are never put together. A counter that falls was begun anew;
what it had counted before is gone, so what follows is a stretch of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from battlectl.analyse.evidence import Evidence
from battlectl.observe.served import OWN_NAMES
from battlectl.observe.telemetry import ClientSeen, Reading, Telemetry, Told

REQUESTS = ""
"""As the subject of a track: all requests."""


@dataclass(frozen=True, slots=True)
class Track:
    """What one page says that was counted of all requests, or of what was tried at one provider."""

    source: str
    subject: str
    readings: tuple[Reading, ...]
    values: tuple[int, ...]
    is_first: bool = True

    @property
    def gained(self) -> int:
        """From the first reading to the last."""
        return self.values[-1] - self.values[0]

    def client(self, seen: ClientSeen) -> int:
        """What the client's counts say of the same at the least."""
        return seen.answered if self.subject == REQUESTS else seen.named.get(self.subject, 0)


def sources_of(telemetry: Telemetry) -> dict[str, tuple[Reading, ...]]:
    """The readings of each page, in order of time."""
    found: dict[str, list[Reading]] = {}
    for reading in telemetry.readings:
        found.setdefault(reading.source, []).append(reading)
    return {source: tuple(own) for source, own in found.items()}


def tracks_of(evidence: Evidence) -> tuple[Track, ...]:
    """Every track, in stretches in which no counter fell."""
    known = known_providers(evidence)
    return tuple(
        track
        for source, readings in sources_of(evidence.telemetry).items()
        for subject in (REQUESTS, *known)
        for track in _stretches(source, subject, readings, known)
    )


def known_providers(evidence: Evidence) -> tuple[str, ...]:
    """Those that replies, counters or the plan name: only under these names can anything be compared."""
    served = {key[1] for key in evidence.tally.by_provider if key[1] not in OWN_NAMES}
    counted = {count.provider for count in evidence.campaign.counts}
    struck = {provider for injection in evidence.frame.injections for provider in injection.providers}
    return tuple(sorted(served | counted | struck))


def _stretches(
    source: str, subject: str, readings: tuple[Reading, ...], known: tuple[str, ...]
) -> Iterator[Track]:
    value = _all_requests if subject == REQUESTS else lambda told: _attempts(told, subject, known)
    found = [(reading, n) for reading in readings if (n := value(reading.told)) is not None]
    start = 0
    for index in range(1, len(found) + 1):
        if index == len(found) or found[index][1] < found[index - 1][1]:
            own = found[start:index]
            if len(own) > 1:
                yield Track(
                    source, subject, tuple(r for r, _ in own), tuple(n for _, n in own), is_first=start == 0
                )
            start = index


def _all_requests(told: Told) -> int | None:
    return told.requests


def _attempts(told: Told, provider: str, known: tuple[str, ...]) -> int | None:
    """None where the page has no providers, or calls all of them by names that nobody else uses."""
    if told.providers is None or (told.providers and not told.providers.keys() & set(known)):
        return None
    one = told.providers.get(provider)
    return 0 if one is None else one.attempts
