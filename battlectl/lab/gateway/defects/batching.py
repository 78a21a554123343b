"""Defects of batches: what becomes of the calls of one, and of the replies."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.defects.wrapping import change_outcomes
from battlectl.lab.gateway.forwarding import Outcome
from battlectl.lab.gateway.judgement import Accepted, Complaint
from battlectl.lab.gateway.questions import Question
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.net.upstream import Reply

Items = list[dict[str, Any]]
OFTEN = 4  # batches, of which one is spoiled


def _change_batches(gateway: Gateway, change: Callable[[Question, Items], Items | dict[str, Any]]) -> None:
    def rewrite(question: Question, outcome: Outcome) -> Outcome:
        if not question.is_batch or not outcome.body.startswith(b"["):
            return outcome
        items = msgspec.json.decode(outcome.body)
        return replace(outcome, body=msgspec.json.encode(change(question, items)))

    change_outcomes(gateway, rewrite)


def _each_fourth(gateway: Gateway, change: Callable[[Items], Items]) -> None:
    turns = itertools.count(1)
    _change_batches(gateway, lambda question, items: items if next(turns) % OFTEN else change(items))


def _number_by_position(question: Question, items: Items) -> Items:
    if len(items) != len(question.ids):
        return items
    return [{**item, "id": id_} for item, id_ in zip(items, question.ids, strict=True)]


def _mix_ids(gateway: Gateway) -> None:
    """Now and then the ids are those of the batch before, whoever sent it."""
    turns, before = itertools.count(1), list[Any]()

    def mix(question: Question, items: Items) -> Items:
        theirs, before[:] = before.copy(), question.ids
        if next(turns) % OFTEN or len(theirs) != len(items):
            return items
        return [{**item, "id": id_} for item, id_ in zip(items, theirs, strict=True)]

    _change_batches(gateway, mix)


def _fail_whole(question: Question, items: Items) -> Items:
    bad = next((item["error"] for item in items if "error" in item), None)
    return items if bad is None else [{"jsonrpc": "2.0", "id": item["id"], "error": bad} for item in items]


def _take_what_comes(gateway: Gateway) -> None:
    sound = gateway.seams.judge

    def judge(reply: Reply, ids: list[Any], is_batch: bool) -> Accepted | Complaint:
        verdict = sound(reply, ids, is_batch)
        if not is_batch or reply.status != 200 or isinstance(verdict, Accepted):
            return verdict
        try:
            value = msgspec.json.decode(reply.body)
        except (ValueError, RecursionError):
            return verdict
        wanted = set(map(repr, ids))
        is_part = isinstance(value, list) and all(
            isinstance(item, dict) and repr(item.get("id")) in wanted for item in value
        )
        return Accepted(value) if is_part else verdict

    gateway.seams.judge = judge


DEFECTS = (
    Defect(
        name="batch-matched-by-position",
        area="batching",
        summary="replies carry the ids of other calls: they are numbered in the order in which they came",
        when="while a provider answers batches in another order than they were asked in",
        finding="replies",
        plant=lambda gateway: _change_batches(gateway, _number_by_position),
    ),
    Defect(
        name="batch-items-lost",
        area="batching",
        summary="the last call of a batch has no reply",
        when="one batch in four",
        finding="replies",
        plant=lambda gateway: _each_fourth(gateway, lambda items: items[:-1] or items),
    ),
    Defect(
        name="batch-items-doubled",
        area="batching",
        summary="the first call of a batch has two replies",
        when="one batch in four",
        finding="replies",
        plant=lambda gateway: _each_fourth(gateway, lambda items: [*items, *items[:1]]),
    ),
    Defect(
        name="batch-ids-mixed",
        area="batching",
        summary="the replies to a batch carry the ids of somebody else's",
        when="one batch in four, after one with as many calls",
        finding="replies",
        plant=_mix_ids,
    ),
    Defect(
        name="batch-fails-whole",
        area="batching",
        summary="one call that fails fails all the others of its batch",
        when="whenever a call in a batch has an error: a revert, parameters that are wrong",
        finding="availability",
        plant=lambda gateway: _change_batches(gateway, _fail_whole),
    ),
    Defect(
        name="batch-part-passed-on",
        area="batching",
        summary="calls of a batch have no reply, or are told of a rate limit, although others could answer",
        when="while a provider answers part of a batch, or refuses part of it for its rate",
        finding="replies",
        plant=_take_what_comes,
    ),
)
