"""The three verdicts of a fault, and the doubts that they are made of.

Rule: a fault is confirmed when nothing speaks against it and nothing is missing. What speaks against it makes
it a mismatch, what is missing unproven; a mismatch outweighs what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Proven = Literal["confirmed", "mismatch", "unproven"]
ORDER: tuple[Proven, ...] = ("mismatch", "unproven", "confirmed")


@dataclass(frozen=True, slots=True)
class Doubt:
    """One reason why a fault is not confirmed."""

    proven: Proven
    reason: str


def mismatch(reason: str) -> Doubt:
    """Something was seen that the fault should not have been like."""
    return Doubt("mismatch", reason)


def unproven(reason: str) -> Doubt:
    """Something was not seen that a proof needs."""
    return Doubt("unproven", reason)


def worst(verdicts: Iterable[Proven]) -> Proven:
    """The verdict of several; of none unproven."""
    present = set(verdicts)
    return next((verdict for verdict in ORDER if verdict in present), "unproven")
