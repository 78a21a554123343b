"""Reading the documents of a target's configuration, before a run and after it.

Rule: each pass is on a connection of its own, past caches where they obey, and follows no redirect. Contents
are held for the length of the run and nowhere else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

import trio

from battlectl.observe.documents import LOOKS, Page, Watched, account, needs_another_look
from battlectl.scenario.masking import mask_name
from battlectl.targets.telemetry.fetching import Fetch, NoSuchPage, PollError, open_fetch
from battlectl.transport.base import Endpoint

GAP = 1.0
"""Seconds between looks at what differs."""
WITHIN = 8.0
"""Seconds for all looks after a run."""
HURRIED_GAP, HURRIED_WITHIN = 0.2, 2.0
"""The same after a run that was told to stop."""
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
        self._before = {path: Page(why="it was not asked for") for path in paths}
        self._after: dict[str, list[Page]] = {path: [] for path in paths}

    async def look_before(self) -> None:
        """Read them for the first time."""
        self._before = await self._read()
        self._keep(self.told())

    async def look_after(self, is_hurried: bool) -> None:
        """Read them again, and what differs `LOOKS` times; what is not had in time is as good as not read."""
        gap, within = (HURRIED_GAP, HURRIED_WITHIN) if is_hurried else (GAP, WITHIN)
        with trio.move_on_after(within):
            for look in range(LOOKS):
                await trio.sleep(gap if look else 0)
                for path, page in (await self._read()).items():
                    self._after[path].append(page)
                if not any(self._is_open(path) for path in self._after):
                    break
        self._keep(self.told())

    def told(self) -> tuple[Watched, ...]:
        """What is known of each."""
        return tuple(
            account(path, before, self._after[path], self._apart, mask_name)
            for path, before in self._before.items()
        )

    def _is_open(self, path: str) -> bool:
        """Once a document differed, every look at it counts."""
        before = self._before[path]
        return any(needs_another_look(before, page, self._apart) for page in self._after[path])

    async def _read(self) -> dict[str, Page]:
        pages: dict[str, Page] = {}
        async with self._open() as fetch:
            for path in self._before:
                try:
                    pages[path] = Page(await fetch(path))
                except NoSuchPage as error:
                    pages[path] = Page(why=str(error), is_gone=True)
                except PollError as error:
                    pages[path] = Page(why=str(error))
        return pages
