"""What became of a raw transaction, when a provider that was asked to send it did not say.

Rule: a raw transaction is named by its hash, so to send it twice is to send it once, and it is sent again
elsewhere like any request. After an attempt of which nobody knows what became, a provider that refuses the
transaction because it knows it already says that it was sent: the answer is its hash. One that finds its
nonce too low says so only if it also has the transaction. Without such an attempt, refusals are passed on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import msgspec
import trio

from battlectl.lab.gateway.attempts import Attempt, attempt
from battlectl.lab.gateway.judgement import Accepted, Complaint
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.questions import Question
from battlectl.lab.gateway.settings import Transport
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.rpc.envelope import Call
from battlectl.lab.rpc.keccak import keccak_256

SENDING = "eth_sendRawTransaction"
KNOWN = ("already known", "alreadyknown", "already imported", "known transaction")
TOO_LATE = ("nonce too low", "oldnonce")
"""In the words of geth, erigon, reth, nethermind, besu and anvil, in lower case."""
MOST_HASHED = 128 * 1024  # bytes: what pools of nodes take at most
WITH_BLOBS = 0x03  # its hash leaves out the blobs that are sent along


async def settle(
    gateway: Gateway, question: Question, attempts: Sequence[Attempt], transport: Transport, ends: float
) -> tuple[bytes, Provider] | None:
    """The answer, and the provider that vouches for it; None when nobody does."""
    hash_ = None
    for made, words in _said_after_doubt(question, attempts):
        is_known, is_late = (any(phrase in words for phrase in said) for said in (KNOWN, TOO_LATE))
        if not (is_known or is_late):
            continue
        if hash_ is None:
            # In a thread, because pure Python takes a second for the largest.
            hash_ = await trio.to_thread.run_sync(partial(hash_of_raw, question.calls[0].params))
        if hash_ is None:
            return None
        if is_known or await _has(gateway, made.provider, hash_, transport, ends):
            reply = {"jsonrpc": "2.0", "id": question.ids[0], "result": hash_}
            return msgspec.json.encode(reply), made.provider
    return None


def hash_of_raw(params: Any) -> str | None:
    """The hash of the transaction in these params; None when it cannot be told from them."""
    raw = params[0] if isinstance(params, list) and params else None
    if not isinstance(raw, str) or not raw.startswith("0x") or len(raw) > 2 * MOST_HASHED:
        return None
    try:
        data = bytes.fromhex(raw[2:])
    except ValueError:
        return None
    return None if not data or data[0] == WITH_BLOBS else f"0x{keccak_256(data).hex()}"


def _said_after_doubt(question: Question, attempts: Sequence[Attempt]) -> Iterator[tuple[Attempt, str]]:
    """The refusals that came after an attempt of which nobody knows what became."""
    if question.is_batch or question.method != SENDING or not question.ids:
        return
    is_doubtful = False
    for made in attempts:
        if is_doubtful and (words := _refusal(made)) is not None:
            yield made, words.lower()
        is_doubtful |= isinstance(made.verdict, Complaint) and made.verdict.may_have_acted


def _refusal(made: Attempt) -> str | None:
    """The provider's words, when it answered with an error."""
    if isinstance(made.verdict, Accepted):
        error = made.verdict.items[0].get("error") if made.verdict.items else None
        return None if error is None else str(error["message"])
    return made.verdict.reason if made.verdict.blame == "method" else None


async def _has(gateway: Gateway, provider: Provider, hash_: str, transport: Transport, ends: float) -> bool:
    """Whether the provider has the transaction, in a block or waiting for one."""
    method = "eth_getTransactionByHash"
    body = msgspec.json.encode({"jsonrpc": "2.0", "id": "sent", "method": method, "params": [hash_]})
    question = Question(body, ["sent"], False, (), (Call("sent", True, method, [hash_]),))
    made = await attempt(gateway, provider, question, transport, ends)
    return isinstance(made.verdict, Accepted) and isinstance(made.verdict.items[0].get("result"), dict)
