"""The scenario file as frozen types: what a valid one can say, and nothing that it cannot.

Rule: a short form (`rate: 200/s`) and its long form parse to the same type, so nothing downstream knows
which was written. Checks that need more than one field are in `scenario/checks.py`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from battlectl.scenario.calls import Calls, Expect
from battlectl.scenario.chaos_lazy import LazyChaos
from battlectl.scenario.fields import Duration, Name, PositiveDuration, Ratio, Size, Strict, Text
from battlectl.scenario.objectives import Objective, original_objective, parse_objective
from battlectl.scenario.rates import Rate
from battlectl.scenario.routes import HttpRoute, WsRoute
from battlectl.scenario.routing import Routing
from battlectl.scenario.streams import SubscribeWorkload
from battlectl.scenario.watch import AnyWatch, OtherSide


class RequestWorkload(Strict):
    """One named stream of requests, over HTTP or, with `ws`, over WebSockets.

    `rate` counts requests; `max_in_flight` bounds those not finished (default: enough for a whole timeout
    of the peak rate), beyond it arrivals are dropped and counted; `connections` bounds the pool of HTTP, and
    is how many WebSockets there are (default: one, with many requests under way on it). `routing` is what
    is expected of who serves them.
    """

    http: HttpRoute = Field(default_factory=HttpRoute)
    ws: WsRoute | None = None
    rate: Rate
    calls: Calls
    timeout: PositiveDuration = 5.0
    max_in_flight: Annotated[int, Field(ge=1, le=100_000)] | None = None
    connections: Annotated[int, Field(ge=1, le=20_000)] | None = None
    max_body: Size = 8 * 2**20
    phases: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)] | None = None
    expect: Expect | None = None
    ids: Literal["number", "text"] = "number"
    retries: Annotated[int, Field(ge=0, le=10)] = 0
    routing: Routing | None = None
    client: Literal["http1", "httpx"] = "http1"
    equal_to: OtherSide | None = None

    @property
    def route(self) -> HttpRoute | WsRoute:
        """Where its requests go."""
        return self.http if self.ws is None else self.ws


def kind_of_workload(value: Any) -> str:
    """The tag of the type that a workload is read as."""
    subscribes = "subscribe" in value if isinstance(value, dict) else isinstance(value, SubscribeWorkload)
    return "subscribers" if subscribes else "requests"


AnyWorkload = Annotated[
    Annotated[RequestWorkload, Tag("requests")] | Annotated[SubscribeWorkload, Tag("subscribers")],
    Discriminator(kind_of_workload),
]
"""A workload is one of subscribers when it says `subscribe`."""


class Feed(Strict):
    """A file of values: one a line (.txt), JSON lines (.jsonl) or CSV with a header (.csv)."""

    file: Text
    order: Literal["random", "sequential"] = "random"


def _long_feed(value: Any) -> Any:
    return {"file": value} if isinstance(value, str) else value


AnyFeed = Annotated[Feed, BeforeValidator(_long_feed, json_schema_input_type=Text | Feed)]


def _read_objective(value: Any) -> Any:
    if isinstance(value, str):
        return parse_objective(value)
    if isinstance(value, Objective):
        return value
    raise ValueError('not an objective, try "success_rate >= 99.5%"')


ObjectiveText = Annotated[
    Objective,
    BeforeValidator(_read_objective),
    WithJsonSchema(
        {"type": "string", "examples": ["success_rate >= 99.5%", "latency.p95 < 300ms in battle"]}
    ),
]


class ObjectiveOptions(Strict):
    """The long form: `min_samples` below which it is inconclusive; `abort_on_fail` stops the run when the
    objective fails live, judged from `grace` after the start of its window on."""

    objective: ObjectiveText
    min_samples: Annotated[int, Field(ge=1)] | None = None
    abort_on_fail: bool = False
    grace: Duration = 0.0


def _objective_shape(value: Any) -> str:
    return "options" if isinstance(value, dict | ObjectiveOptions) else "text"


AnyObjective = Annotated[
    Annotated[ObjectiveText, Tag("text")] | Annotated[ObjectiveOptions, Tag("options")],
    Discriminator(_objective_shape),
]


def _objectives_shape(value: Any) -> str:
    return "original" if isinstance(value, dict) else "list"


Objectives = Annotated[
    Annotated[tuple[AnyObjective, ...], Field(strict=False), Tag("list")]
    | Annotated[dict[str, Annotated[float, Field(ge=0)]], Tag("original")],
    Discriminator(_objectives_shape),
]
"""A list in the grammar, or a mapping of the original framework's names to bare numbers."""


Level = Literal["fail", "inconclusive", "note"]


class Safety(Strict):
    """Limits that stop the run (exit 5): trouble that the scenario did not ask for.

    The run stops when the success rate of a whole stretch of length `over` was below `min_success_rate`.
    A plan by which more than `max_providers_down` are down at once is refused (default: all but one).
    """

    min_success_rate: Ratio | None = None
    over: PositiveDuration = 5.0
    max_providers_down: Annotated[int, Field(ge=0)] | None = None


class Generator(Strict):
    """When the generator itself counts as the bottleneck: its lag at p99 above this.

    `max_lag` is that of requests, `max_stream_lag` that with which subscribers are read.
    """

    max_lag: PositiveDuration = 0.010
    max_stream_lag: PositiveDuration = 0.100


class Scenario(Strict):
    """One scenario file. `warmup_latencies` has by how much each provider answers later in the warm-up."""

    version: Literal[1]
    name: Text
    description: str = ""
    tags: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    target: Text = "lab"
    seed: Annotated[int, Field(ge=0, le=2**63)] = 1
    phases: Annotated[dict[Name, PositiveDuration], Field(min_length=1)]
    load: Annotated[dict[Name, AnyWorkload], Field(min_length=1)]
    feeds: dict[Name, AnyFeed] = Field(default_factory=dict)
    chaos: LazyChaos = ()
    warmup_latencies: dict[Name, PositiveDuration] = Field(default_factory=dict)
    objectives: Objectives = ()
    checks: dict[str, Level] = Field(default_factory=dict)
    safety: Safety = Field(default_factory=Safety)
    generator: Generator = Field(default_factory=Generator)
    watch: AnyWatch | None = None


def promises(scenario: Scenario) -> tuple[Objective, ...]:
    """The objectives of a scenario in one form; raises `ValueError` for an unknown original name."""
    if isinstance(scenario.objectives, dict):
        return tuple(original_objective(name, number) for name, number in scenario.objectives.items())
    return tuple(with_options(item) for item in scenario.objectives)


def with_options(item: Objective | ObjectiveOptions) -> Objective:
    """An objective of the list, short or long, in one form."""
    if isinstance(item, Objective):
        return item
    return replace(
        item.objective, min_samples=item.min_samples, abort_on_fail=item.abort_on_fail, grace=item.grace
    )
