"""How each kind of target is addressed: one file each, registered here by name."""

from __future__ import annotations

from battlectl.targets.adapter import Adapter, refuse_words
from battlectl.targets.lab_address import LAB

ADAPTERS: dict[str, Adapter] = {
    "generic": Adapter("generic", refuse_words),
    "lab": LAB,
}
"""Kind -> what is known of it."""
