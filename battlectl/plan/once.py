"""Which calls must be done once: asked twice, they are done twice.

Rule: only what surely does more the second time is listed. A raw transaction is named by its hash, so that
sending it twice is sending it once; what sets a value sets the same value again.
"""

from __future__ import annotations

ONCE = frozenset(
    {
        "eth_sendTransaction",
        "personal_sendTransaction",
        "evm_mine",
        "evm_increaseTime",
        "anvil_mine",
        "hardhat_mine",
    }
)


def is_once(method: str) -> bool:
    """Whether asking for it a second time does it a second time."""
    return method in ONCE
