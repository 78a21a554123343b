"""The `chaos` of a scenario: what is broken, where, when and for how long.

Rule: in an entry the fault kind is the key, and there is exactly one. A short form (`kill: provider_a`) and
its long form parse to the same entry. What the parameters of a kind are is the lab's to say.

    - kill: provider_a                     # or [provider_a, provider_b], any, all
      at: {in: battle, after: 5s}          # or 20s, from the start of the run
      for: 10s
    - flap: {provider: any, down: 5s, up: 30s, times: 3}
    - random: {kinds: [kill, latency], count: 5, for: [2s, 10s]}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, create_model, model_validator

from battlectl.scenario.chaos_fields import parameter_fields, read_attributes
from battlectl.scenario.chaos_kinds import FAULTS, FaultKind
from battlectl.scenario.chaos_parts import MOST_REPEATS, At, FaultOptions, Providers, RandomFaults
from battlectl.scenario.fields import Name, PositiveDuration, Strict

RANDOM = "random"


def _refuse_nothing(value: Any) -> Any:
    if value is None:
        raise ValueError("is empty, try `random: {kinds: [kill, latency], count: 5, for: [2s, 10s]}`")
    return value


class Timing(Strict):
    """When a fault strikes: `at` (default: the start of the phase `battle`), `for` so long (default: to the
    end of the phase in which it begins), `times` in all, `every` so often."""

    at: At | None = None
    for_: PositiveDuration | None = Field(default=None, alias="for")
    name: Name | None = None
    times: Annotated[int, Field(ge=1, le=MOST_REPEATS)] | None = None
    every: PositiveDuration | None = None
    random: Annotated[RandomFaults | None, BeforeValidator(_refuse_nothing)] = None

    @property
    def kind(self) -> str:
        """The key that names the fault: a kind, or `random`."""
        return next(name for name in (RANDOM, *FAULTS) if _field(name) in self.model_fields_set)

    @property
    def fault(self) -> FaultKind:
        """The kind of an entry that is not `random`."""
        return FAULTS[self.kind]

    @property
    def providers(self) -> tuple[str, ...]:
        """What was written: ids, `any` or `all`."""
        options = getattr(self, _field(self.kind))
        found: tuple[str, ...] = options.providers if self.random is not None else options.provider
        return found

    @property
    def attributes(self) -> Mapping[str, Any]:
        """What was written of the parameters, in the words and units of the lab."""
        written = read_attributes(self.fault.parameters, getattr(self, _field(self.kind)))
        return {**self.fault.fixed, **written}

    @property
    def own_length(self) -> float | None:
        """How long it lasts by itself, in seconds; None when `for` decides."""
        return None if self.random is not None else self.fault.own_length(self.attributes)

    @property
    def label(self) -> str:
        """Its name in windows and objectives."""
        if self.name is not None:
            return self.name
        return RANDOM if self.random is not None else f"{self.kind}-{'+'.join(self.providers)}"

    @property
    def is_numbered(self) -> bool:
        """Whether its injections are called NAME#1, NAME#2 and so on."""
        return self.times is not None or self.random is not None

    @model_validator(mode="after")
    def _names_one_fault(self) -> Timing:
        written = [name for name in (RANDOM, *FAULTS) if _field(name) in self.model_fields_set]
        if not written:
            raise ValueError("names no fault, add one such as `kill: provider_a`")
        if len(written) > 1:
            raise ValueError(f"{written[0]} and {written[1]} are two faults: write an entry for each")
        return self


def _field(kind: str) -> str:
    return kind if kind == RANDOM else f"{kind}_"


def _long_fault(value: Any) -> Any:
    return value if isinstance(value, dict) else {"provider": value}


def _options(kind: FaultKind) -> Any:
    """The type of the value of a kind's key."""

    def check(options: FaultOptions) -> FaultOptions:
        complaint = kind.complaint(read_attributes(kind.parameters, options))
        if complaint is not None:
            raise ValueError(complaint)
        return options

    title = "".join(part.capitalize() for part in kind.name.split("_"))
    fields: dict[str, Any] = parameter_fields(kind.parameters)
    model = create_model(f"{title}Fault", __base__=FaultOptions, __doc__=f"{kind.what}.", **fields)
    return Annotated[
        model,
        BeforeValidator(_long_fault, json_schema_input_type=Providers | model),
        AfterValidator(check),
    ]


def _entry() -> type[Timing]:
    fields: dict[str, Any] = {
        _field(name): (_options(kind), Field(default=None, alias=name, description=kind.what))
        for name, kind in FAULTS.items()
    }
    return create_model("ChaosEntry", __base__=Timing, __doc__="One fault.", **fields)


ChaosEntry: Any = _entry()
Chaos: Any = Annotated[tuple[ChaosEntry, ...], Field(strict=False)]
