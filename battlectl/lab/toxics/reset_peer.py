"""`reset_peer`: the first chunk, or the end, is lost, and after a while the connection is reset.

Rule: once the time runs, nothing stops it, not even removing the toxic. That a connection ends with RST is
settled when it is made: one that was open before ends with FIN.
"""

from __future__ import annotations

from battlectl.lab.toxics.stage import Stage
from battlectl.lab.toxics.toxic import Attributes, ToxicKind


class ResetPeer(Attributes, frozen=True, kw_only=True):
    """`timeout` in milliseconds after the first chunk; less than none is none."""

    timeout: int = 0


async def end_soon(stage: Stage) -> None:
    """Wait for a sign of life, then end."""
    await stage.receive()
    attributes = stage.toxic.attributes
    assert isinstance(attributes, ResetPeer)
    await stage.doom(max(attributes.timeout, 0) / 1000)


KIND = ToxicKind(
    "reset_peer", "the connection is reset after its first data", ResetPeer, end_soon, resets=True
)
