"""What `battlectl chaos` says while it goes on.

Rule: a reader that is gone (a closed terminal, `| head`) keeps nobody from healing. No secret is shown, and
what providers and drivers say steers no terminal.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TextIO

import trio

from battlectl.commands.masking import Masker
from battlectl.report.inert import one_line

MOST = 2_000


class Teller:
    """A line for each thing that happens, with the seconds since it began. Mutable: it has begun."""

    def __init__(self, out: TextIO, secrets: Iterable[str]) -> None:
        self._out = out
        self._masker = Masker(secrets)
        self._began: float | None = None

    def __call__(self, text: str) -> None:
        """One line."""
        now = trio.current_time()
        self._began = now if self._began is None else self._began
        self._print(f"{now - self._began:7.1f}s  {self._inert(text)}")

    def loudly(self, texts: Iterable[str]) -> None:
        """What a person must do, apart from the rest; what follows a first line is set in."""
        self._print("")
        for text in texts:
            first, *more = text.splitlines()
            self._print(self._inert(first))
            for line in more:
                self._print(f"  {self._inert(line.strip())}")

    def _inert(self, text: str) -> str:
        return one_line(self._masker.mask_text(text), MOST)

    def _print(self, line: str) -> None:
        with suppress(OSError, ValueError):
            print(line, file=self._out, flush=True)
