"""The parts of a scenario file that are right by themselves, so that rules between them can be checked
although other parts are wrong.

Rule: a part without which nothing can be said is None here, and a rule that needs it stays silent; of the
other parts the mistakes are taken out (`scenario/salvage.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from battlectl.scenario.chaos_lazy import LazyEntry
from battlectl.scenario.fields import PositiveDuration
from battlectl.scenario.model import (
    AnyFeed,
    AnyObjective,
    AnyWorkload,
    Feed,
    RequestWorkload,
    Safety,
    with_options,
)
from battlectl.scenario.objectives import Objective, original_objective
from battlectl.scenario.phases import WARMUP, Edges, phase_edges
from battlectl.scenario.places import Path
from battlectl.scenario.salvage import salvage
from battlectl.scenario.streams import SubscribeWorkload
from battlectl.scenario.warmup import KEY, LEAST, written_out
from battlectl.scenario.watch import AnyWatch, Watch

if TYPE_CHECKING:
    from battlectl.scenario.chaos import Timing

Part = TypeVar("Part")

_DURATION: TypeAdapter[float] = TypeAdapter(PositiveDuration)
_SAFETY: TypeAdapter[Safety] = TypeAdapter(Safety)
_WATCH: TypeAdapter[Watch | None] = TypeAdapter(AnyWatch | None)
_ENTRY: TypeAdapter[Any] = TypeAdapter(LazyEntry)


@dataclass(frozen=True, slots=True)
class Promise:
    """An objective and where it stands; `options` are the keys that were written beside it."""

    path: Path
    objective: Objective
    options: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Draft:
    """See the module: what of a file could be understood. `chaos` has the faults that latencies stand for."""

    phases: Mapping[str, float | None]
    load: Mapping[str, RequestWorkload | SubscribeWorkload | None]
    feeds: Mapping[str, Feed | None]
    promises: tuple[Promise, ...]
    originals: Mapping[str, Any]
    checks: Mapping[str, Any]
    safety: Safety | None
    chaos: tuple[tuple[Path, Timing | None], ...]
    warmup_latencies: Mapping[str, float | None]
    watch: Watch | None = None

    @property
    def edges(self) -> Mapping[str, Edges] | None:
        """When the phases begin and end, None while one is wrong or there is none."""
        known = {name: seconds for name, seconds in self.phases.items() if seconds is not None}
        return phase_edges(known) if known and len(known) == len(self.phases) else None

    @property
    def duration(self) -> float | None:
        """The whole run in seconds, None while a phase is wrong."""
        known = [seconds for seconds in self.phases.values() if seconds is not None]
        return sum(known) if len(known) == len(self.phases) else None


def build_draft(tree: Mapping[str, Any]) -> Draft:
    """The draft of a value tree; never raises."""
    phases = {name: _part(_DURATION, value) for name, value in _mapping(tree, "phases").items()}
    latencies = {name: _part(_DURATION, value) for name, value in _mapping(tree, KEY).items()}
    return Draft(
        phases=phases,
        load={name: salvage(AnyWorkload, value) for name, value in _mapping(tree, "load").items()},
        feeds={name: salvage(AnyFeed, value) for name, value in _mapping(tree, "feeds").items()},
        promises=tuple(_promises(tree.get("objectives"))),
        originals=_mapping(tree, "objectives"),
        checks=_mapping(tree, "checks"),
        safety=_part(_SAFETY, tree.get("safety", {})),
        chaos=(*_faults(tree.get("chaos")), *_late(latencies, phases.get(WARMUP))),
        warmup_latencies=latencies,
        watch=_part(_WATCH, tree.get("watch")),
    )


def _faults(value: Any) -> list[tuple[Path, Timing | None]]:
    items = value if isinstance(value, list) else ()
    return [(("chaos", i), _part(_ENTRY, item)) for i, item in enumerate(items)]


def _late(
    latencies: Mapping[str, float | None], warmup: float | None
) -> Iterator[tuple[Path, Timing | None]]:
    """Without a warm-up to be in force in they are nothing, as `check_warmup` tells."""
    if warmup is None or warmup < LEAST:
        return
    for name, seconds in latencies.items():
        entry = None if seconds is None else _part(_ENTRY, written_out(name, seconds, warmup))
        yield (KEY, name), entry


def _mapping(tree: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = tree.get(key)
    return value if isinstance(value, dict) else {}


def _part(adapter: TypeAdapter[Part], value: Any) -> Part | None:
    try:
        return adapter.validate_python(value)
    except ValidationError:
        return None


def _promises(value: Any) -> list[Promise]:
    if isinstance(value, dict):
        found = [_original(name, number) for name, number in value.items()]
    else:
        found = [_listed(i, item) for i, item in enumerate(value if isinstance(value, list) else ())]
    return [promise for promise in found if promise is not None]


def _original(name: str, number: Any) -> Promise | None:
    try:
        return Promise(("objectives", name), original_objective(name, number))
    except ValueError:
        return None


def _listed(index: int, item: Any) -> Promise | None:
    value = salvage(AnyObjective, item)
    if value is None:
        return None
    path: Path = ("objectives", index)
    if isinstance(value, Objective):
        return Promise(path, value)
    return Promise((*path, "objective"), with_options(value), frozenset(item))
