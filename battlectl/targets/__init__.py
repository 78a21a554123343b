"""How each kind of target is addressed: one file each, registered here by name."""

from __future__ import annotations

from battlectl.targets.adapter import Adapter
from battlectl.targets.envoy import ENVOY
from battlectl.targets.erpc import ERPC
from battlectl.targets.generic import GENERIC
from battlectl.targets.haproxy import HAPROXY
from battlectl.targets.lab_address import LAB
from battlectl.targets.lasso import LASSO
from battlectl.targets.proxyd import PROXYD

ADAPTERS: dict[str, Adapter] = {
    "generic": GENERIC,
    "lab": LAB,
    "lasso": LASSO,
    "erpc": ERPC,
    "proxyd": PROXYD,
    "envoy": ENVOY,
    "haproxy": HAPROXY,
}
"""Kind -> what is known of it."""
