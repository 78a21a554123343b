"""`limit_data`: the connection ends when so many bytes have passed.

Rule: bytes are counted for each connection from when the toxic is there, and the count outlives changes of
the limit. A limit of nothing ends the connection at its first data.
"""

from __future__ import annotations

from battlectl.lab.toxics.chunks import Chunk
from battlectl.lab.toxics.stage import Stage
from battlectl.lab.toxics.toxic import Attributes, ToxicKind


class LimitData(Attributes, frozen=True, kw_only=True):
    """`bytes` that pass; fewer than none are none."""

    bytes: int = 0


async def pass_some(stage: Stage) -> None:
    """Pass chunks until the limit, which may fall inside one."""
    while (chunk := await stage.receive()) is not None:
        attributes = stage.toxic.attributes
        assert isinstance(attributes, LimitData)
        allowed = chunk.data[: max(attributes.bytes - stage.passed, 0)]
        if allowed:
            await stage.send(Chunk(allowed, chunk.time))
        if stage.passed >= attributes.bytes:
            return


KIND = ToxicKind("limit_data", "the connection ends after so many bytes", LimitData, pass_some)
