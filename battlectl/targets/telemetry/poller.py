"""Polling what a target tells of itself, beside the load and apart from it.

Rule: a poll never holds up anything: it has a deadline, its page a largest size, and one that fails is a
count and a reason. What the client had seen is noted on both sides of each poll, so that both can be compared
at that moment. Memory is bounded by the plan: in a long run, or of many pages, looks are further apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import trio

from battlectl.observe.client_counts import ClientCounts
from battlectl.observe.recorder import Recorder
from battlectl.observe.telemetry import (
    PROCESS,
    Entry,
    Failed,
    FailedPoll,
    ProcessSample,
    Reading,
    Telemetry,
    Told,
)
from battlectl.targets.telemetry import Page
from battlectl.targets.telemetry.fetching import Fetch, NoSuchPage, PollError
from battlectl.targets.telemetry.process import Watched

LAST_WITHIN = 1.0
"""Seconds that the last poll may take, after the drain."""
MOST_READINGS = 1_500
"""Of all pages together, and as many samples of memory."""
GONE_AFTER = 3
"""Answers in a row that there is no such page, after which it is not asked for again."""
MOST_WHY = 160


@dataclass(frozen=True, slots=True)
class Sources:
    """What is polled: `names` has what the target calls a provider -> our id, `own` our calls so far."""

    pages: tuple[Page, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    every: float = 1.0
    is_sole: bool = False
    tells_rss: bool = False
    watched: Watched | None = None
    own: Callable[[], int] = lambda: 0

    @property
    def asked(self) -> tuple[str, ...]:
        """Every source, by name."""
        process = () if self.watched is None else (PROCESS,)
        return (*(name for page in self.pages for name in page.readers), *process)

    @property
    def optional(self) -> tuple[str, ...]:
        """Those that not every revision of the target has."""
        return tuple(name for page in self.pages if page.is_optional for name in page.readers)


Keep = Callable[[Entry], None]
"""What writes each of them down at once."""


class TelemetryPoller:
    """Mutable: it collects. `counts` is to be given every delta of the recorder."""

    def __init__(self, sources: Sources, fetch: Fetch, duration: float, keep: Keep) -> None:
        looks = duration * max(1, sum(len(page.readers) for page in sources.pages))
        self.counts = ClientCounts()
        self._sources = sources
        self._fetch = fetch
        self._keep = keep
        self._every = max(sources.every, looks / MOST_READINGS)
        self._readings: list[Reading] = []
        self._samples: list[ProcessSample] = []
        self._failed: dict[str, Failed] = {}
        self._gone: dict[str, int] = {}

    async def serve(self, recorder: Recorder, start: float) -> None:
        """Until cancelled; then once more, when everything has come to its end."""
        try:
            async with trio.open_nursery() as nursery:
                for number, page in enumerate(self._sources.pages):
                    offset = self._every * number / len(self._sources.pages)
                    nursery.start_soon(self._poll_on, page, recorder, start, offset)
                nursery.start_soon(self._sample_on, start)
        finally:
            with trio.move_on_after(LAST_WITHIN, shield=True):
                async with trio.open_nursery() as nursery:
                    for page in self._sources.pages:
                        nursery.start_soon(self._poll, page, recorder, start)
                    nursery.start_soon(self._sample, start)

    def telemetry(self) -> Telemetry:
        """What was told so far."""
        return Telemetry(
            readings=tuple(sorted(self._readings, key=lambda reading: reading.until)),
            samples=tuple(self._samples),
            failed=dict(self._failed),
            every=self._every,
            is_sole=self._sources.is_sole,
            tells_rss=self._sources.tells_rss,
            asked=self._sources.asked,
            optional=self._sources.optional,
        )

    async def _poll_on(self, page: Page, recorder: Recorder, start: float, offset: float) -> None:
        """At once, so that there is something to compare with, then in turn with the other pages."""
        await self._poll(page, recorder, start)
        due = start + offset
        while True:
            due = max(due + self._every, trio.current_time())
            await trio.sleep_until(due)
            await self._poll(page, recorder, start)

    async def _poll(self, page: Page, recorder: Recorder, start: float) -> None:
        if self._gone.get(page.path, 0) >= GONE_AFTER:
            return
        t, before = trio.current_time() - start, self.counts.seen(recorder.pending)
        try:
            body = await self._fetch(page.path)
        except PollError as error:
            is_absent = isinstance(error, NoSuchPage)
            for source in page.readers:
                self._fail(source, str(error), is_absent)
            self._gone[page.path] = self._gone.get(page.path, 0) + 1 if is_absent else 0
            return
        self._gone[page.path] = 0
        now, own = trio.current_time() - start, self._sources.own()
        at = Reading(
            t=round(t, 6),
            until=round(now, 6),
            source="",
            told=Told(),
            before=before,
            after=self.counts.seen(recorder.pending),
            open=recorder.unfinished,
            own=own,
        )
        for source, read in page.readers.items():
            try:
                told = read(body)
            except ValueError as error:
                self._fail(source, str(error))
                continue
            self._add(replace(at, source=source, told=self._renamed(told)))

    def _add(self, reading: Reading) -> None:
        if reading.told.is_empty:
            return  # A page that has nothing of this sort tells nothing.
        self._readings.append(reading)
        self._keep(reading)

    def _renamed(self, told: Told) -> Told:
        """With our ids in place of the target's names."""
        names = self._sources.names
        if not names:
            return told
        listed = told.providers
        providers = None if listed is None else {names.get(n, n): one for n, one in listed.items()}
        return replace(
            told,
            providers=providers,
            breakers={names.get(name, name): state for name, state in told.breakers.items()},
        )

    def _fail(self, source: str, why: str, is_absent: bool = False) -> None:
        times = self._failed[source].times if source in self._failed else 0
        self._failed[source] = Failed(times + 1, why[:MOST_WHY], is_absent)
        self._keep(FailedPoll(source, self._failed[source]))

    async def _sample_on(self, start: float) -> None:
        while self._sources.watched is not None:
            await self._sample(start)
            await trio.sleep(self._every)

    async def _sample(self, start: float) -> None:
        watched = self._sources.watched
        if watched is None:
            return
        taken = await trio.to_thread.run_sync(watched.look)
        if isinstance(taken, str):
            self._fail(PROCESS, taken)
            return
        sample = ProcessSample(round(trio.current_time() - start, 6), *taken)
        self._samples.append(sample)
        self._keep(sample)


def names_of(providers: Sequence[Mapping[str, object]], given: Mapping[str, str]) -> dict[str, str]:
    """What telemetry may call our providers: by the address of each, and as the config says."""
    addressed = {
        str(one["url"]).split("://", 1)[-1].split("/", 1)[0].rpartition("@")[2]: str(one["id"])
        for one in providers
        if one.get("url")
    }
    return {**addressed, **given}
