"""From a target's config to a site: what has to be started is, and ended afterwards."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from battlectl.scenario.target import Target
from battlectl.targets.addressed import open_addressed
from battlectl.targets.lab import open_lab
from battlectl.targets.site import Site

OPENERS: dict[str, Callable[[Target], AbstractAsyncContextManager[Site]]] = {"lab": open_lab}
"""The kinds that are more than an address."""


def open_site(target: Target) -> AbstractAsyncContextManager[Site]:
    """The site of a target, open while it is used; raises `NotReady`."""
    return OPENERS.get(target.kind, open_addressed)(target)
