"""Seeing through what was begun, although it was cancelled, for a while.

Rule: a request that is given up may still be carried out, after whatever was sent to take it back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

T = TypeVar("T")


async def see_through(act: Callable[[], Awaitable[T]], grace: float) -> T:
    """The result of `act`, which is cancelled only `grace` seconds after we were; Cancelled then, too."""
    results: list[T] = []
    raised: list[Exception] = []
    async with trio.open_nursery() as nursery:
        with trio.CancelScope(shield=True) as kept:
            nursery.start_soon(_cancel_later, kept, grace)
            try:
                results.append(await act())
            except Exception as error:  # To be raised as itself, not in the group of a nursery.
                raised.append(error)
        nursery.cancel_scope.cancel()
    if raised:
        raise raised[0]
    return results[0]


async def _cancel_later(kept: trio.CancelScope, grace: float) -> None:
    """Once cancelled, let it go on for so long."""
    try:
        await trio.sleep_forever()
    finally:
        kept.deadline = min(kept.deadline, trio.current_time() + grace)
