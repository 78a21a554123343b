"""The fault kinds that a scenario can name.

Rule: a kind is the lab's own definition; what a scenario can say of it are the lab's parameters and nothing
else. Only what a plan needs besides stands here: other names, how long a kind lasts by itself, and whether a
provider counts as down meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from battlectl.lab.faults.kind import BadAttributes, Parameters
from battlectl.lab.faults.table import KINDS

Attributes = Mapping[str, Any]


SLOW = 10


class BandwidthParameters(Parameters, frozen=True, kw_only=True):
    """Toxiproxy's own toxic, which the lab's fault table does not hold. Its default is 0: nothing passes."""

    rate: Annotated[
        int, Meta(ge=1, le=10**9, description="how fast answers pass", extra={"unit": "KB/s"})
    ] = SLOW


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind: `toxic` is its name at the driver, `stops_answers` whether a provider is down by it.

    `lasts` says of whole attributes how long it lasts by itself, in seconds, None until it is healed.
    `length_attribute` is the one that holds this length in milliseconds, `fixed` has what is sent although it
    was not written, where the driver's own default is another. `where` is what it can be done to in the
    lab: a simulated "node", a "relay".
    """

    name: str
    toxic: str
    what: str
    parameters: type[Parameters]
    stops_answers: bool = False
    lasts: Callable[[Attributes], float | None] = lambda attributes: None
    length_attribute: str | None = None
    fixed: Attributes = field(default_factory=dict)
    where: frozenset[str] = frozenset({"node", "relay"})

    def defaults(self) -> dict[str, Any]:
        """The attributes that hold where none is written; those that must be written are missing."""
        fields = [f for f in msgspec.structs.fields(self.parameters) if not f.required]
        return {f.name: f.default_factory() if f.default is msgspec.NODEFAULT else f.default for f in fields}

    def required(self) -> tuple[str, ...]:
        """The attributes that have no default."""
        return tuple(field.name for field in msgspec.structs.fields(self.parameters) if field.required)

    def own_length(self, attributes: Attributes) -> float | None:
        """How long it lasts by itself, in seconds; None when it lasts until it is healed."""
        return self.lasts(self.defaults() | dict(attributes))

    def takes_down(self, attributes: Attributes) -> bool:
        """Whether a provider counts as down: no answers, to nobody, whatever is asked."""
        given = self.defaults() | dict(attributes)
        return (
            self.stops_answers
            and given.get("probability", 1.0) >= 1
            and not given.get("methods")
            and given.get("connections") != "existing"
        )

    def complaint(self, attributes: Attributes) -> str | None:
        """What the lab would say against attributes that each are right by themselves."""
        try:
            msgspec.convert(dict(attributes), self.parameters)
        except (msgspec.ValidationError, BadAttributes) as error:
            return str(error)
        return None


def _flap_length(attributes: Attributes) -> float | None:
    """It starts down, and the last time that it comes up is its end."""
    times: int = attributes["times"]
    lengths = times * attributes["down_ms"] + (times - 1) * attributes["up_ms"]
    return float(lengths) / 1e3 if times else None


def _restart_length(attributes: Attributes) -> float | None:
    return float(attributes["down_ms"]) / 1e3


STOP_ANSWERS = frozenset({"kill", "flap", "restart", "reset", "hang", "partition"})
"""The lab's kinds by which a provider gives no answers at all. `safety.max_providers_down` counts these."""


def _head_length(attributes: Attributes) -> float | None:
    return None if attributes["for_ms"] is None else float(attributes["for_ms"]) / 1e3


LASTING: Mapping[str, Callable[[Attributes], float | None]] = {
    "flap": _flap_length,
    "restart": _restart_length,
    "head_regress": _head_length,
    "head_jump": _head_length,
}
"""Kinds that may end by themselves."""

LENGTHS = {"restart": "down_ms"}
"""Of kinds that always do: the attribute, in milliseconds, that says how long."""

ALIASES = {"latency": "rpc_latency", "degrade": "rpc_latency"}
"""Names of the scenario for kinds of the lab; the lab's `latency` is Toxiproxy's, of bytes."""


def _kinds() -> dict[str, FaultKind]:
    names = {name: name for name in KINDS} | {new: old for new, old in ALIASES.items() if old in KINDS}
    kinds = {name: _kind(name, toxic) for name, toxic in names.items()}
    what = "lets bytes through slowly"
    slow = FaultKind("bandwidth", "bandwidth", what, BandwidthParameters, fixed={"rate": SLOW})
    return kinds | {"bandwidth": slow}


def _kind(name: str, toxic: str) -> FaultKind:
    return FaultKind(
        name=name,
        toxic=toxic,
        what=KINDS[toxic].what,
        parameters=KINDS[toxic].parameters,
        stops_answers=toxic in STOP_ANSWERS,
        lasts=LASTING.get(toxic, lambda attributes: None),
        length_attribute=LENGTHS.get(toxic),
        where=KINDS[toxic].where,
    )


FAULTS: Mapping[str, FaultKind] = _kinds()
"""Every kind by the name that scenarios use."""
