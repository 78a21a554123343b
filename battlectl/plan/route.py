"""Where a workload goes, as the scenario says it.

Rule: the words stay symbols in the plan; the adapter of a target turns them into path, query and headers, so
that one plan goes to every kind of target that knows the words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from battlectl.scenario.routes import WORDS, HttpRoute, WsRoute


@dataclass(frozen=True, slots=True)
class Route:
    """Path and headers are as they were written; the words are None where the target has the choice."""

    path: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    chain: str | None = None
    strategy: str | None = None
    provider: str | None = None
    transport: str | None = None
    profile: str | None = None

    @property
    def words(self) -> Mapping[str, str]:
        """The words that were said, in the order of `WORDS`."""
        said = {word: getattr(self, word) for word in WORDS}
        return {word: value for word, value in said.items() if value is not None}


def plan_route(route: HttpRoute | WsRoute) -> Route:
    """What a workload says of where it goes."""
    words = {word: getattr(route, word, None) for word in WORDS}
    return Route(route.path, tuple(route.headers.items()), **words)
