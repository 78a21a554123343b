"""What replies tell beside their outcome: heads, and the first block of the chain.

Rule: only the few fields that are wanted are decoded, and only of calls that have a role; what cannot be read
tells nothing here, whether it is right is for `reply` to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from battlectl.plan.calls import Item
from battlectl.plan.roles import FIRST_BLOCK, HEAD


class TellsOf(NamedTuple):
    """One item: its role, and the number of a head or the hash of the first block."""

    role: str
    value: int | str


class _Block(msgspec.Struct):
    number: str
    hash: str


class _HeadReply(msgspec.Struct):
    result: str


class _BlockReply(msgspec.Struct):
    result: _Block


class _Part(msgspec.Struct):
    id: int | str
    result: msgspec.Raw = msgspec.Raw(b"null")


_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)
_decode_head = msgspec.json.Decoder(_HeadReply).decode
_decode_block = msgspec.json.Decoder(_BlockReply).decode
_decode_batch = msgspec.json.Decoder(list[_Part]).decode


def read_told(body: bytes, items: Sequence[Item], first_id: int, is_batch: bool) -> list[TellsOf]:
    """What each item tells that has a role, as far as it can be read."""
    try:
        if not is_batch:
            return [_read(items[0].role, body)]
        parts = {int(part.id): part.result for part in _decode_batch(body)}
    except _UNREADABLE:
        return []
    told = []
    for id_, item in enumerate(items, first_id):
        if item.role and id_ in parts:
            try:
                told.append(_read(item.role, b'{"result":%b}' % bytes(parts[id_])))
            except _UNREADABLE:
                continue
    return told


def _read(role: str, body: bytes) -> TellsOf:
    if role == HEAD:
        return TellsOf(role, int(_decode_head(body).result, 16))
    block = _decode_block(body).result
    return TellsOf(role, block.hash.lower() if role == FIRST_BLOCK else int(block.number, 16))
