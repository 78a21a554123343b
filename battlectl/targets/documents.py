"""Reading the documents of a target's configuration, before a run and after it.

Rule: each look is on a connection of its own, past caches where they obey, and follows no redirect; no
document waits for another, and what was had of one is kept, whatever becomes of the rest. Contents are held
for the length of the run and nowhere else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial

import trio

from battlectl.observe.documents import LOOKS, SPAN, Page, Watched, account, needs_another_look
from battlectl.scenario.masking import mask_name
from battlectl.targets.telemetry.fetching import Fetch, NoSuchPage, PollError, open_fetch
from battlectl.transport.base import Endpoint

GAP = SPAN
"""Seconds between looks at what differs."""
WITHIN = 8.0
"""Seconds for all looks after a run."""
HURRIED_GAP, HURRIED_WITHIN = 0.6, 2.0
"""The same after a run that was told to stop: three looks span enough to tell."""
BEFORE_WITHIN, AGAIN_WITHIN = 3.0, 1.0
"""Seconds for each of the two looks before the load."""
UNCACHED = ("Cache-Control", "no-cache")

OpenFetch = Callable[[], AbstractAsyncContextManager[Fetch]]


@asynccontextmanager
async def open_documents_at(endpoint: Endpoint) -> AsyncIterator[Fetch]:
    """How documents are had, on a new connection; the path of the endpoint comes before theirs."""
    uncached = replace(endpoint, headers=(*endpoint.headers, UNCACHED))
    async with open_fetch(uncached, None) as fetch:
        yield lambda path: fetch(f"{endpoint.path.rstrip('/')}{path}")


class DocumentWatch:
    """The documents of one run. Mutable: it holds what was read."""

    def __init__(
        self,
        opened: OpenFetch,
        paths: Sequence[str],
        apart: Sequence[str],
        keep: Callable[[tuple[Watched, ...]], None],
    ) -> None:
        self._open = opened
        self._apart = tuple(apart)
        self._keep = keep
        late = Page(why=f"it was not had within {BEFORE_WITHIN:g} s")
        self._before = dict.fromkeys(paths, late)
        self._again: dict[str, Page] = {}
        self._after: dict[str, list[Page]] = {path: [] for path in paths}

    async def look_before(self) -> None:
        """Read them for the first time."""
        with trio.move_on_after(BEFORE_WITHIN):
            await self._each(self._before, partial(self._look_into, self._before))
        self._keep(self.told())

    async def look_again(self) -> None:
        """Read them once more before the load: what differs by now is not the run's doing."""
        with trio.move_on_after(AGAIN_WITHIN):
            await self._each(self._before, partial(self._look_into, self._again))

    async def look_after(self, is_hurried: bool) -> None:
        """Read them again, what differs `LOOKS` times, and then all beside it too; as far as time allows."""
        gap, within = (HURRIED_GAP, HURRIED_WITHIN) if is_hurried else (GAP, WITHIN)
        follow = partial(self._follow, gap)
        with trio.move_on_after(within):
            await self._each(self._after, follow)
            quiet = [path for path in self._after if not self._is_open(path)]
            if len(quiet) < len(self._after):
                await self._each(quiet, follow)
        self._keep(self.told())

    def told(self) -> tuple[Watched, ...]:
        """What is known of each."""
        return tuple(
            account(path, before, self._after[path], self._apart, mask_name, self._again.get(path))
            for path, before in self._before.items()
        )

    def _is_open(self, path: str) -> bool:
        """Once a document differed, every look at it counts."""
        before = self._before[path]
        return any(needs_another_look(before, page, self._apart) for page in self._after[path])

    async def _each(self, paths: Iterable[str], look: Callable[[str], Awaitable[None]]) -> None:
        async with trio.open_nursery() as nursery:
            for path in paths:
                nursery.start_soon(look, path)

    async def _look_into(self, pages: dict[str, Page], path: str) -> None:
        pages[path] = await self._read(path)

    async def _follow(self, gap: float, path: str) -> None:
        for look in range(LOOKS):
            await trio.sleep(gap if look else 0)
            self._after[path].append(await self._read(path))
            if not self._is_open(path):
                return

    async def _read(self, path: str) -> Page:
        async with self._open() as fetch:
            try:
                page = Page(await fetch(path))
            except NoSuchPage as error:
                page = Page(why=str(error), is_gone=True)
            except PollError as error:
                page = Page(why=str(error))
        return replace(page, at=trio.current_time())
