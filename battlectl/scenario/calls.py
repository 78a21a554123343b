"""What a workload asks: calls with weights, batches, and what a right answer is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from battlectl.scenario.fields import Strict, Text

Weight = Annotated[float, Field(gt=0, le=1_000_000)]


class Expect(Strict):
    """What a right answer is. With `error`, an error of that code is ok and anything else is wrong.

    `result` is compared as JSON; `pattern` is a regular expression that a string result matches whole;
    `kind` is the JSON type of the result (`quantity`: a 0x-prefixed hex number without leading zeros).
    """

    error: int | None = None
    result: Any = None
    pattern: str | None = None
    kind: Literal["string", "quantity", "number", "boolean", "object", "array", "null"] | None = None

    @property
    def compares_result(self) -> bool:
        """Whether a literal result was given (a literal null counts)."""
        return "result" in self.model_fields_set


def _read_params(value: Any) -> Any:
    if isinstance(value, list | dict):
        return value
    raise ValueError("params are a list or a mapping, try [latest, false]")


Params = Annotated[
    list[Any] | dict[str, Any],
    BeforeValidator(_read_params),
    WithJsonSchema(
        {"type": ["array", "object"], "description": "values, templates such as {$block: latest-5}"}
    ),
]


def _long_call(item: Any) -> Any:
    return {"method": item} if isinstance(item, str) else item


class Call(Strict):
    """One JSON-RPC call of the mix. `name` labels it in reports (default: the method)."""

    method: Text
    params: Params = Field(default_factory=list)
    weight: Weight = 1.0
    name: Text | None = None
    expect: Expect | None = None

    @property
    def label(self) -> str:
        """How reports name this call."""
        return self.name or self.method


CallItem = Annotated[Call, BeforeValidator(_long_call, json_schema_input_type=Text | Call)]


class BatchCall(Strict):
    """Several calls in one request; each item is an arrival of its own, all share one latency."""

    batch: Annotated[tuple[CallItem, ...], Field(min_length=1, max_length=1000, strict=False)]
    weight: Weight = 1.0


def _call_shape(value: Any) -> str | None:
    if not isinstance(value, dict | Call | BatchCall):
        return None
    has_batch = "batch" in value if isinstance(value, dict) else hasattr(value, "batch")
    return "batch" if has_batch else "call"


def _long_calls(value: Any) -> Any:
    """`{eth_blockNumber: 4}` and `[eth_blockNumber]` as the list of mappings they stand for."""
    if isinstance(value, dict):
        return [{"method": method, "weight": weight} for method, weight in value.items()]
    if isinstance(value, list):
        return [_long_call(item) for item in value]
    return value


AnyCall = Annotated[
    Annotated[Call, Tag("call")] | Annotated[BatchCall, Tag("batch")],
    Discriminator(
        _call_shape,
        custom_error_type="call_shape",
        custom_error_message="not a call, try {method: eth_blockNumber} or "
        "{batch: [eth_blockNumber, eth_gasPrice]}",
    ),
]
Calls = Annotated[
    tuple[AnyCall, ...],
    Field(min_length=1, strict=False),
    BeforeValidator(
        _long_calls,
        json_schema_input_type=Annotated[list[Text | AnyCall], Field(min_length=1)]
        | Annotated[dict[str, Weight], Field(min_length=1)],
    ),
]
