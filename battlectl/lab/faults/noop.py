"""`rpc_noop`: a fault that does nothing, to show how one is written.

A fault's file has its parameters, its effect (the hooks that it changes, see effect.py) and its KIND. To add
a fault: copy this file, and add one line to table.py. (`noop` is Toxiproxy's.)
"""

from __future__ import annotations

from random import Random

from battlectl.lab.faults.effect import Effect
from battlectl.lab.faults.kind import Kind, OnRequests

KIND = Kind(
    name="rpc_noop",
    layer="network",
    what="nothing at all; what it would have touched is counted",
    expect="nothing",
    parameters=OnRequests,
    make=lambda parameters, random: Noop(parameters, random),
)


class Noop(Effect):
    """Overrides no hook."""

    def __init__(self, parameters: OnRequests, random: Random) -> None:
        super().__init__()
