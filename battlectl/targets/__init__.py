"""How each kind of target is addressed: one file each, registered here by name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from battlectl.scenario.target import Target
from battlectl.targets.generic import open_generic
from battlectl.targets.lab import open_lab
from battlectl.targets.site import Site

TARGETS: dict[str, Callable[[Target], AbstractAsyncContextManager[Site]]] = {
    "generic": open_generic,
    "lab": open_lab,
}
"""Kind -> what makes a site of its config, and ends what it started for that."""
