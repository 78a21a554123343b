"""One message, and the faults that are meant for it: each is counted when it first changes something there.

Rule: whoever asks a hook compares what comes out with what went in. A fault that was healed in the meantime
is asked no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from battlectl.lab.faults.effect import Effect, Message
from battlectl.lab.faults.scope import Fault, count_hit, has_no_hooks, means_method, overrides
from battlectl.lab.rpc.envelope import Call

T = TypeVar("T")


class Touches:
    """`count_message` is called when the first of the faults changes something."""

    def __init__(self, message: Message, faults: Sequence[Fault], count_message: Callable[[], None]) -> None:
        self.message = message
        self.faults = faults
        self._count_message = count_message
        self._counted: set[Fault] = set()
        for fault in faults:
            if has_no_hooks(fault.effect):
                self.count(fault)

    def faults_on(self, call: Call | None = None) -> list[Fault]:
        """Those that mean this call, or any for None."""
        return [
            fault
            for fault in self.faults
            if not fault.effect.healed.is_set() and (call is None or means_method(fault, call.method))
        ]

    def have(self, *hooks: str) -> bool:
        """Whether one of the faults has one of these hooks."""
        return any(overrides(fault.effect, hooks) for fault in self.faults_on())

    def change(self, fault: Fault, was: T, now: T) -> T:
        """What came out of a hook."""
        if now is not was and now != was:
            self.count(fault)
        return now

    def count(self, fault: Fault) -> None:
        """The fault has had its effect on this message."""
        if fault in self._counted:
            return
        if not self._counted:
            self._count_message()
        self._counted.add(fault)
        count_hit(fault, self.message.connection)

    async def hold(self) -> None:
        """Wait as the faults ask for, one after the other."""
        for fault in self.faults:
            if overrides(fault.effect, ("hold",)) and not fault.effect.healed.is_set():
                self.count(fault)
                await fault.effect.hold(self.message)

    def change_body(self, body: bytes) -> bytes:
        """The encoded answer as the faults want it."""
        for fault in self.faults_on():
            body = self.change(fault, body, fault.effect.body(self.message, body))
        return body

    def effects_with(self, hook: str) -> list[Effect]:
        """Those that have it."""
        return [fault.effect for fault in self.faults_on() if overrides(fault.effect, (hook,))]
