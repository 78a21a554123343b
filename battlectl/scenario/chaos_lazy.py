"""The types of `chaos` for use in other types: loaded when a file has any (`scenario/deferred.py`)."""

from __future__ import annotations

from typing import Annotated, Any

from battlectl.scenario.deferred import Deferred


def _load_entry() -> Any:
    from battlectl.scenario.chaos import ChaosEntry

    return ChaosEntry


def _load_chaos() -> Any:
    from battlectl.scenario.chaos import Chaos

    return Chaos


LazyEntry = Annotated[Any, Deferred(_load_entry)]
"""One entry; its values are `scenario.chaos.Timing`."""

LazyChaos = Annotated[Any, Deferred(_load_chaos)]
"""The whole list."""
