"""All kinds of faults that the lab's providers know, by name."""

from __future__ import annotations

from battlectl.lab.faults import http_5xx, noop
from battlectl.lab.faults.kind import Kind

KINDS: dict[str, Kind] = {
    "http_5xx": http_5xx.KIND,
    "noop": noop.KIND,
}
