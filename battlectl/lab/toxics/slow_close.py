"""`slow_close`: the end of a direction arrives late; its data do not."""

from __future__ import annotations

import trio

from battlectl.lab.toxics.stage import Stage, pass_on
from battlectl.lab.toxics.toxic import Attributes, ToxicKind


class SlowClose(Attributes, frozen=True, kw_only=True):
    """`delay` in milliseconds; less than none is none."""

    delay: int = 0


async def close_late(stage: Stage) -> None:
    """Wait after the last chunk."""
    await pass_on(stage)
    attributes = stage.toxic.attributes
    assert isinstance(attributes, SlowClose)
    await trio.sleep(max(attributes.delay, 0) / 1000)


KIND = ToxicKind("slow_close", "the end of a direction arrives late", SlowClose, close_late)
