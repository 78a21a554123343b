"""What was done to providers and what was seen of them: the evidence of faults, as values that are stored.

Rule: a deed is written before it is begun, with everything that undoing it needs. Times are in seconds from
the start of the run, on the same clock as due times; nothing here says what it proves (analyse does).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Action = Literal["inject", "heal"]
Stage = Literal["begin", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Deed:
    """One step of one action at one provider.

    `undo` is what the driver needs to heal, in JSON; complete in the `begin` of an injection. `note` says
    what the driver answered, or why it failed.
    """

    t: float
    fault: str
    provider: str
    action: Action
    stage: Stage
    undo: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """One question asked of a provider itself, past the aggregator.

    `outcome` is one of `observe.outcome`, with its code where it has one; `seconds` is how long the answer
    took (or was waited for), `seen` what it was, shortened. A kept connection was opened before the
    injection.
    """

    t: float
    provider: str
    connection: Literal["new", "kept"]
    outcome: str
    seconds: float
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """A provider's own counters at one moment, since its `generation` began.

    `calls` are JSON-RPC calls that reached it, our probes included; `hits` are the messages or connections
    that each fault in force has touched, by the fault's name. `probes` is how many of the calls were ours.
    `refused` are connections that a fault ended before a word was read, ours included: attempts, no calls.
    `events` are notifications sent to whoever subscribed there, `once` those calls that must be done once;
    always 0 where nothing counts them.
    """

    t: float
    provider: str
    generation: int
    connections: int
    calls: int
    probes: int
    hits: Mapping[str, int] = field(default_factory=dict)
    refused: int = 0
    events: int = 0
    once: int = 0


@dataclass(frozen=True, slots=True)
class LeaseLost:
    """The driver's lease was gone when it was to be renewed: others have healed the faults under it."""

    t: float
    note: str


@dataclass(frozen=True, slots=True)
class Campaign:
    """All that is known of a run's faults, in order of time. `driver` is "" when there were none.

    `leftovers` are faults that were still in force when the run was over, in words for a person: the first
    line says what to do, the second why it was not done.
    """

    driver: str = ""
    deeds: tuple[Deed, ...] = ()
    probes: tuple[Probe, ...] = ()
    counts: tuple[Count, ...] = ()
    lost: tuple[LeaseLost, ...] = ()
    leftovers: tuple[str, ...] = ()
