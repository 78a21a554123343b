"""All of Toxiproxy's toxics, by name."""

from __future__ import annotations

from battlectl.lab.toxics import (
    bandwidth,
    latency,
    limit_data,
    noop,
    reset_peer,
    slicer,
    slow_close,
    timeout,
)
from battlectl.lab.toxics.toxic import ToxicKind

TOXICS: dict[str, ToxicKind] = {
    "bandwidth": bandwidth.KIND,
    "latency": latency.KIND,
    "limit_data": limit_data.KIND,
    "noop": noop.KIND,
    "reset_peer": reset_peer.KIND,
    "slicer": slicer.KIND,
    "slow_close": slow_close.KIND,
    "timeout": timeout.KIND,
}
