"""A message taken apart, so that faults can touch its calls one by one, and its answer put together again.

Rule: each call goes to the node under an id of the lab's, because only then is it certain which answer is
whose (clients repeat ids, and several texts are on their way on one WebSocket); the client's id comes back
with the answer. What is no call is refused here as a node would. Answers stand in the order of the calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import msgspec

from battlectl.lab.faults.effect import Document, Message, Transport
from battlectl.lab.provider.touches import Touches
from battlectl.lab.rpc import envelope
from battlectl.lab.rpc.envelope import Call, RpcError


@dataclass(slots=True, eq=False)
class Item:
    """One element that wants an answer; `call` is None when it is no call, `asked` is its id at the node."""

    call: Call | None
    asked: str | None = None
    reply: Document | None = None


@dataclass(slots=True, eq=False)
class Apart:
    """A message with its faults, and what is known of its answer. It fills as answers come."""

    touches: Touches
    items: list[Item] = field(default_factory=list)
    questions: list[Document] = field(default_factory=list)

    @property
    def message(self) -> Message:
        """As the client sent it."""
        return self.touches.message

    @property
    def question(self) -> bytes | None:
        """What the node has to be asked, a batch if the message was one; None for nothing."""
        if not self.questions:
            return None
        return msgspec.json.encode(self.questions if self.message.is_batch else self.questions[0])


def read_message(transport: Transport, connection: int, body: bytes) -> tuple[Message, list[Any]]:
    """The message, and the decoded elements of it; none of either when a node would refuse it whole."""
    try:
        value = envelope.decode(body)
        if isinstance(value, list):
            envelope.check_batch(value)
    except RpcError:
        return Message(transport, connection), []
    elements = value if isinstance(value, list) else [value]
    calls = tuple(call for element in elements if (call := _call(element)) is not None)
    return Message(transport, connection, calls, isinstance(value, list)), elements


def numbered_ids() -> Iterator[str]:
    """Ids for the lab's own use, which no client happens to choose."""
    return (f"battlectl-lab-{number}" for number in count())


async def take_apart(elements: Sequence[Any], touches: Touches, ids: Iterator[str]) -> Apart:
    """Ask the faults for answers, and for what the node is asked otherwise."""
    apart = Apart(touches)
    for element in elements:
        try:
            call = envelope.read_call(element)
        except RpcError as error:
            reply = envelope.error_reply(envelope.readable_id(element), error)
            apart.items.append(Item(None, reply=reply))
            continue
        if call.wants_answer:
            apart.items.append(await _ask(apart, call, ids))
        else:
            apart.questions.append(element)
    return apart


def take_answer(apart: Apart, value: Any) -> bool:
    """Take in what the node said, decoded; False when it is no answer to these questions, one by one."""
    expected = {item.asked: item for item in apart.items if item.asked is not None}
    replies = value if isinstance(value, list) else [value]
    if not all(isinstance(reply, dict) and reply.get("id") in expected for reply in replies):
        return False
    for reply in replies:
        item = expected[reply["id"]]
        assert item.call is not None
        item.reply = reply | {"id": item.call.id}
    return True


def assemble(apart: Apart) -> bytes | None:
    """The answer as the faults want it; None when nothing in the message wanted one."""
    replies = [_replied(apart, item, item.reply) for item in apart.items if item.reply is not None]
    if not apart.message.is_batch:
        return msgspec.json.encode(replies[0]) if replies else None
    for fault in apart.touches.faults_on():
        changed = fault.effect.replies(apart.message, replies)
        replies = apart.touches.change(fault, replies, changed)
    return msgspec.json.encode(replies) if apart.items else None


async def _ask(apart: Apart, call: Call, ids: Iterator[str]) -> Item:
    touches = apart.touches
    for fault in touches.faults_on(call):
        reply = fault.effect.answer(apart.message, call)
        if reply is not None:
            touches.count(fault)
            return Item(call, reply=reply)
    asked = call
    for fault in touches.faults_on(call):
        asked = touches.change(fault, asked, await fault.effect.ask(apart.message, asked))
    item = Item(call, asked=next(ids))
    question: Document = {"jsonrpc": "2.0", "id": item.asked, "method": asked.method}
    apart.questions.append(question if asked.params is None else question | {"params": asked.params})
    return item


def _replied(apart: Apart, item: Item, reply: Document) -> Document:
    call = item.call
    if call is None:
        return reply
    for fault in apart.touches.faults_on(call):
        reply = apart.touches.change(fault, reply, fault.effect.reply(apart.message, call, reply))
    return reply


def _call(element: Any) -> Call | None:
    try:
        return envelope.read_call(element)
    except RpcError:
        return None
