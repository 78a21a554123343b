"""Keccak-256, the hash that names Ethereum's transactions; pure. hashlib has only SHA3-256, which is another.

Rule: the permutation is that of FIPS 202, the padding that of Keccak before it (0x01 in place of 0x06). Its
constants are computed as its authors define them, so that there is no table to mistype.
"""

from __future__ import annotations

RATE = 136
LANE = (1 << 64) - 1


def keccak_256(data: bytes) -> bytes:
    """32 bytes."""
    state = [[0] * 5 for _ in range(5)]
    padded = bytearray(data) + bytes(RATE - len(data) % RATE)
    padded[len(data)] |= 0x01
    padded[-1] |= 0x80
    for start in range(0, len(padded), RATE):
        for lane in range(RATE // 8):
            here = start + 8 * lane
            state[lane % 5][lane // 5] ^= int.from_bytes(padded[here : here + 8], "little")
        _permute(state)
    return b"".join(state[x][0].to_bytes(8, "little") for x in range(4))


def _permute(state: list[list[int]]) -> None:
    """Keccak-f[1600], in place; `state[x][y]` are lanes of 64 bits."""
    register = 1
    for _ in range(24):
        columns = [a ^ b ^ c ^ d ^ e for a, b, c, d, e in state]
        for x in range(5):
            mixed = columns[x - 1] ^ _rotated(columns[(x + 1) % 5], 1)
            state[x] = [lane ^ mixed for lane in state[x]]
        x, y, lane = 1, 0, state[1][0]
        for turn in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            lane, state[x][y] = state[x][y], _rotated(lane, (turn + 1) * (turn + 2) // 2)
        for y in range(5):
            row = [state[x][y] for x in range(5)]
            for x in range(5):
                state[x][y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5] & LANE)
        for bit in range(7):
            register = ((register << 1) ^ ((register >> 7) * 0x71)) % 256
            if register & 2:
                state[0][0] ^= 1 << ((1 << bit) - 1)


def _rotated(lane: int, by: int) -> int:
    by %= 64
    return ((lane << by) | (lane >> (64 - by))) & LANE
