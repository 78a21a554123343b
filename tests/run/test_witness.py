"""The other path: what its looks feed, and that those which failed are told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import trio
import trio.testing

from battlectl.observe.streams.truth import Truth
from battlectl.targets.control import CallError
from battlectl.targets.truth import Witness


class Answers:
    """A control client that answers from a list. Mutable: it goes through it."""

    def __init__(self, answers: Iterator[Any], takes: float = 0.0) -> None:
        self._answers, self.takes = answers, takes

    async def call(self, method: str, params: Any = ()) -> Any:
        await trio.sleep(self.takes)
        answer = next(self._answers, CallError("nothing more to say"))
        if isinstance(answer, CallError):
            raise answer
        return answer


def block(number: int) -> dict[str, str]:
    return {"number": hex(number), "hash": f"0x{number:02X}", "parentHash": f"0x{number - 1:02x}"}


def looked(*answers: Any, before: bool = False, takes: float = 0.0) -> tuple[Witness, Truth]:
    """After one answer a second; `before`: the first of them half a second before the run begins."""

    async def main() -> None:
        if before:
            await witness.look_before()
            await trio.sleep(0.5)
        with trio.move_on_after(len(answers) - 0.5):
            await witness.serve(trio.current_time())

    truth = Truth(blink=2.0)
    witness = Witness(Answers(iter(answers), takes), truth, 1.0)  # type: ignore[arg-type]
    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return witness, truth


def test_looks_that_failed_are_counted_and_the_last_is_told():
    failure = CallError("status 502")
    witness, truth = looked(block(1), failure, None, failure, block(2))
    assert (witness.looks, witness.failures) == (5, 3)
    assert witness.last_failure == "status 502, at 3.0s"
    assert [(round(since), round(until)) for since, until in truth.unwatched] == [(0, 4)]


def test_hashes_are_written_in_one_way():
    _, truth = looked(block(0xA0))
    assert truth.head is not None
    assert truth.head.hash == "0xa0"


def test_what_was_there_before_the_first_look_of_the_run_is_known_from_the_look_before_it():
    failure = CallError("status 502")
    _, truth = looked(block(7), failure, block(9), block(8), before=True)
    assert truth.oldest is not None
    assert (truth.oldest.number, truth.oldest.seen, truth.began) == (7, -0.5, -0.5)
    assert truth.covers(8)


def test_a_look_before_that_fails_is_none():
    _, truth = looked(CallError("status 502"), block(9), before=True)
    assert truth.began == 0.0


def test_a_slow_answer_says_how_it_was_when_it_was_asked_for():
    _, truth = looked(block(1), block(2), block(3), block(4), takes=1.2)
    assert truth.head is not None
    assert (truth.head.number, round(truth.head.seen, 1), round(truth.looked, 1)) == (2, 2.4, 1.2)
