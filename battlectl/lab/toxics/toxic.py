"""A toxic: what one of Toxiproxy's faults is, and one in force at a proxy.

Rule: a toxic sees chunks of bytes and nothing of what they mean. All of its attributes are whole numbers,
0 when not given, of any size and sign: a kind has to make sense of each of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from battlectl.lab.toxics.stage import Stage

Direction = Literal["upstream", "downstream"]
"""Of the bytes: from the client to the upstream, or back."""


class Attributes(msgspec.Struct, frozen=True, kw_only=True):
    """No attributes; the base of all. The order of the fields is that of the answers."""


@dataclass(frozen=True, slots=True)
class ToxicKind:
    """One kind of toxic.

    `pipe` moves the chunks of one direction of one connection until they end or it ends them. `most_waiting`
    chunks wait before it. Where `closes_when_removed`, its connections end with it; where `resets`,
    connections that are made while it is there end with RST.
    """

    name: str
    what: str
    attributes: type[Attributes]
    pipe: Callable[[Stage], Awaitable[None]]
    most_waiting: int = 1
    closes_when_removed: bool = False
    resets: bool = False


@dataclass(slots=True, eq=False)
class Toxic:
    """One toxic in force: attributes and toxicity change while it is there.

    `stream` is the direction as the client spelled it.
    """

    name: str
    kind: ToxicKind
    stream: str
    toxicity: float
    attributes: Attributes

    @property
    def direction(self) -> Direction:
        """The direction that `stream` means."""
        return "upstream" if self.stream.lower() == "upstream" else "downstream"
