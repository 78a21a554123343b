"""The parameters of a fault kind as fields of the scenario file.

Rule: a field is the lab's own parameter in the units of the file, so `down_ms` is spelled `down` and takes
"5s", a share takes "50%", and the rest is as it is. Inside a scenario durations are seconds; only
`read_attributes` turns them into what the lab calls them. A parameter that cannot be translated is an error
at once, so that no kind loses one silently.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal, Optional

import msgspec
from msgspec import inspect
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, WithJsonSchema
from pydantic.fields import FieldInfo

from battlectl.quantities import format_duration, parse_size
from battlectl.scenario.fields import BYTE_RATE_PATTERN, Duration, Ratio, Text

UNITS = {"_ms": 1e3, "_s": 1.0}
"""Endings of the lab's durations, and how many of the unit a second has; `_per_s` is no duration."""

KILOBYTE = 1_000
BYTE_RATES = ("rate",)
"""Attributes in kilobytes per second."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """How the file spells a parameter; `per_second` is None unless it is a duration."""

    lab_name: str
    word: str
    per_second: float | None = None

    @property
    def attribute(self) -> str:
        """The model's own name of the field: words of the lab must not hide pydantic's methods."""
        return f"{self.lab_name}_"


def spell(name: str) -> Spelling:
    """`down_ms` as `down`, in seconds; every other name as it is."""
    for ending, per_second in UNITS.items():
        if name.endswith(ending) and not name.endswith("_per_s"):
            return Spelling(name, name.removesuffix(ending), per_second)
    return Spelling(name, name)


def parameter_fields(parameters: type[msgspec.Struct]) -> dict[str, tuple[Any, FieldInfo]]:
    """What `pydantic.create_model` wants for the parameters of a kind."""
    described = inspect.type_info(parameters)
    assert isinstance(described, inspect.StructType)
    fields = {}
    for field in described.fields:
        spelling = spell(field.name)
        kind, notes = _unwrapped(field.type)
        default = ... if field.required else _default(field, spelling)
        annotation = _annotate(kind, spelling, notes.get("unit"), default)
        fields[spelling.attribute] = (
            annotation,
            Field(default, alias=spelling.word, description=notes.get("description")),
        )
    return fields


def read_attributes(parameters: type[msgspec.Struct], options: BaseModel) -> dict[str, Any]:
    """What was written of the parameters, in the words and units of the lab."""
    written = [spell(name) for name in parameters.__struct_fields__]
    return {
        s.lab_name: _to_lab(getattr(options, s.attribute), s)
        for s in written
        if s.attribute in options.model_fields_set
    }


def show_attributes(attributes: Mapping[str, Any]) -> str:
    """Attributes of the lab as a scenario spells them: `down=5s times=3`."""
    return " ".join(f"{spell(name).word}={_show(value, spell(name))}" for name, value in attributes.items())


def _show(value: Any, spelling: Spelling) -> str:
    if spelling.per_second is not None and value is not None:
        return format_duration(value / spelling.per_second)
    if spelling.word in BYTE_RATES:
        return f"{value}KB/s"
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _to_lab(value: Any, spelling: Spelling) -> Any:
    if spelling.per_second is None or value is None:
        return list(value) if isinstance(value, tuple) else value
    number = float(f"{value * spelling.per_second:.12g}")
    return int(number) if number.is_integer() else number


def _default(field: inspect.Field, spelling: Spelling) -> Any:
    default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return default / spelling.per_second if spelling.per_second and default is not None else default


def _unwrapped(kind: inspect.Type) -> tuple[inspect.Type, dict[str, Any]]:
    """The type without its notes, and these."""
    if not isinstance(kind, inspect.Metadata):
        return kind, {}
    inner, notes = _unwrapped(kind.type)
    return inner, notes | (kind.extra_json_schema or {}) | (kind.extra or {})


def _annotate(kind: inspect.Type, spelling: Spelling, unit: str | None, default: Any = None) -> Any:
    """The type of a field of the file."""
    if isinstance(kind, inspect.UnionType):
        members = [member for member in kind.types if not isinstance(member, inspect.NoneType)]
        if len(members) == 1 and len(kind.types) == 2:
            return Optional[_annotate(_unwrapped(members[0])[0], spelling, unit, default)]  # noqa: UP045
    elif isinstance(kind, inspect.IntType | inspect.FloatType):
        return _number(kind, spelling, unit)
    elif isinstance(kind, inspect.LiteralType):
        return Literal[kind.values]
    elif isinstance(kind, inspect.BoolType):
        return bool
    elif isinstance(kind, inspect.AnyType):
        return Any
    elif isinstance(kind, inspect.StrType):
        return _text(kind, default)
    elif isinstance(kind, inspect.VarTupleType):
        item = _annotate(_unwrapped(kind.item_type)[0], Spelling(spelling.lab_name, spelling.word), None)
        return Annotated[
            tuple[item, ...],  # type: ignore[valid-type]
            Field(min_length=kind.min_length, max_length=kind.max_length, strict=False),
        ]
    raise TypeError(f"a scenario cannot say {spelling.lab_name} of type {kind}: teach chaos_fields.py")


def _number(kind: inspect.IntType | inspect.FloatType, spelling: Spelling, unit: str | None) -> Any:
    if spelling.per_second is not None:
        return Annotated[Duration, AfterValidator(partial(_check_duration, kind, spelling.per_second))]
    if unit == "KB/s":
        return ByteRate
    if isinstance(kind, inspect.FloatType) and (kind.ge, kind.le) == (0, 1):
        return Annotated[Ratio, AfterValidator(_check_share)] if spelling.word == "probability" else Ratio
    plain = int if isinstance(kind, inspect.IntType) else float
    return Annotated[plain, Field(gt=kind.gt, ge=kind.ge, lt=kind.lt, le=kind.le)]


def _check_duration(kind: inspect.IntType | inspect.FloatType, per_second: float, seconds: float) -> float:
    number = float(f"{seconds * per_second:.12g}")
    if isinstance(kind, inspect.IntType) and not number.is_integer():
        raise ValueError('must be whole seconds, try "1s"' if per_second == 1 else "must be whole: try 1ms")
    if kind.ge is not None and number < kind.ge:
        raise ValueError(f"must be at least {format_duration(kind.ge / per_second)}")
    if kind.le is not None and number > kind.le:
        raise ValueError(f"must be at most {format_duration(kind.le / per_second)}")
    return seconds


def _check_share(share: float) -> float:
    if share == 0:
        raise ValueError('a fault that never strikes proves nothing, try "50%"')
    return share


def _text(kind: inspect.StrType, default: Any) -> Any:
    if kind.pattern is None:
        return Annotated[str, Field(min_length=kind.min_length, max_length=kind.max_length)]
    pattern = re.compile(kind.pattern)

    def check(value: str) -> str:
        if pattern.search(value) is None:
            raise ValueError(f'"{value}" has not the form that is wanted, try {default}')
        return value

    published = {"type": "string", "pattern": kind.pattern.replace(r"\Z", "$")}
    return Annotated[str, AfterValidator(check), WithJsonSchema(published)]


def _parse_byte_rate(value: Any) -> int:
    written = str(value).strip()
    size, slash, second = written.partition("/")
    if not slash or second.strip() != "s":
        raise ValueError(f'"{written}" is not bytes per second, try "64KB/s"')
    whole, rest = divmod(parse_size(size), KILOBYTE)
    if rest or not whole:
        raise ValueError(f'"{written}" is not a whole number of KB/s, try "64KB/s"')
    return whole


ByteRate = Annotated[
    int,
    BeforeValidator(_parse_byte_rate, json_schema_input_type=Text),
    WithJsonSchema({"type": "string", "pattern": BYTE_RATE_PATTERN, "examples": ["64KB/s"]}),
]
"""Kilobytes (1,000 bytes) per second, as Toxiproxy counts them."""
