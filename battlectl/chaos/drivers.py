"""The drivers that a config file can name. (`scripted` is for tests: no file can ask for it.)"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from battlectl.chaos.driver import Driver
from battlectl.chaos.haproxy import open_haproxy
from battlectl.chaos.http import open_http
from battlectl.chaos.process import open_process
from battlectl.chaos.toxiproxy import open_to_heal, open_toxiproxy

DRIVERS: Mapping[str, Callable[[Any, str], AbstractAsyncContextManager[Driver]]] = {
    "haproxy": open_haproxy,
    "http": open_http,
    "process": open_process,
    "toxiproxy": open_toxiproxy,
}
"""(configuration, id of the run) -> the driver, open for the length of a block; DriverError at its start."""


def open_driver(config: Any, holder: str) -> AbstractAsyncContextManager[Driver]:
    """The driver of a target's `chaos`; `holder` tells whose faults are whose."""
    return DRIVERS[config.driver](config, holder)


def open_healer(config: Any, holder: str) -> AbstractAsyncContextManager[Driver]:
    """The same for healing alone: it opens although nothing answers, and says what can be done by hand."""
    return open_to_heal(config, holder) if config.driver == "toxiproxy" else open_driver(config, holder)
