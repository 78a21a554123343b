"""An injection: one fault at one time, and the windows that injections make.

Rule: an injection is a value, small enough to be stored with every result; nothing in it has to be looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from battlectl.plan.workload import Window
from battlectl.scenario.chaos_times import Span, window_stretches


@dataclass(frozen=True, slots=True)
class Injection:
    """One fault at one provider or several, from `at` until `until`, in seconds from the start of the run.

    `kind` is what the scenario calls it, `toxic` what the driver does; `attributes` are the driver's: those
    that were written, and the seed of its draws. `repeat_of` is the fault whose repeat this is. Its
    providers count as down, by plan, when it `takes_down`.
    """

    name: str
    kind: str
    toxic: str
    providers: tuple[str, ...]
    attributes: Mapping[str, Any]
    at: float
    until: float
    repeat_of: str | None
    takes_down: bool

    @property
    def fault(self) -> str:
        """The name without the number of the repeat."""
        return self.repeat_of or self.name


def chaos_windows(injections: Iterable[Injection], run: Window) -> Iterator[Window]:
    """The windows that the injections make, those without any time excepted."""
    spans = [Span(i.name, i.fault, i.at, i.until) for i in injections]
    for name, stretches in window_stretches(spans, (run.start, run.end)).items():
        if stretches:
            gaps = tuple((end, start) for (_, end), (start, _) in pairwise(stretches))
            yield Window(name, stretches[0][0], stretches[-1][1], gaps)
