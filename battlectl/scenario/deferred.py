"""Types that are loaded when a value of theirs is read, and not before.

Rule: a scenario without chaos does not pay for the fault kinds of the lab: importing them and building their
models takes half as long again as everything else that reads a file. Errors, places and the JSON Schema are
the same as those of the type itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Any, get_args, get_origin

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, core_schema


class Deferred:
    """Marks `Annotated[Any, Deferred(load)]` as the type that `load` returns; remembers what was loaded."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load

    @cached_property
    def kind(self) -> Any:
        """The type itself."""
        return self._load()

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.kind)

    def _validate(self, value: Any) -> Any:
        return self._adapter.validate_python(value)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(self._adapter.core_schema)


def deferred_kind(kind: Any) -> Any:
    """The type that a deferred one stands for; None for every other."""
    marks = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    return next((mark.kind for mark in marks if isinstance(mark, Deferred)), None)
