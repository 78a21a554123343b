"""What the pydantic models allow at a path of the file, and which path a pydantic location means.

Rule: pydantic's locations name union members ("constant", "batch", "list") that are not keys of the file;
they are taken out by following the types, never by guessing from the words.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag

from battlectl.scenario.deferred import deferred_kind
from battlectl.scenario.objectives import ORIGINAL_NAMES
from battlectl.scenario.places import Path

INVENTED = frozenset({"feeds", "checks", "headers", "params", "warmup_latencies"})
"""Mappings in which `--set` may add a name: adding one there changes nothing that is already said."""


def follow(kind: Any, loc: Sequence[str | int]) -> tuple[Path, Any]:
    """The path in the file that a location stands for, and the type expected there."""
    path: Path = ()
    for part in loc:
        members = _tagged(kind)
        if members:
            kind = members.get(part, Any)
            continue
        path = (*path, part)
        kind = next(_children(kind, part), Any)
    return path, kind


def keys_of(kind: Any) -> tuple[str, ...]:
    """Every key that a mapping of this type knows, over all its forms."""
    return tuple(dict.fromkeys(key for model in _models(kind) for key in _aliases(model)))


def settable_keys(model: type[BaseModel], path: Path) -> tuple[str, ...] | None:
    """The keys that `--set` may add at a path; None where any name may stand."""
    kinds: list[Any] = [model]
    for part in path:
        kinds = [child for kind in kinds for child in _children(kind, part)]
    if (path and path[-1] in INVENTED) or Any in kinds:
        return None
    if path == ("objectives",):
        return tuple(ORIGINAL_NAMES)
    return tuple(key for kind in kinds for key in keys_of(kind))


def _children(kind: Any, part: str | int) -> Iterator[Any]:
    """The types that may stand under one key or index."""
    for form in _forms(kind):
        if isinstance(form, type) and issubclass(form, BaseModel):
            yield from (
                Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
                for name, field in form.model_fields.items()
                if (field.alias or name) == part
            )
        elif get_origin(form) is dict and isinstance(part, str):
            yield get_args(form)[1]
        elif get_origin(form) in (tuple, list) and isinstance(part, int):
            yield get_args(form)[0]
        elif form is Any:
            yield Any


def _forms(kind: Any) -> Iterator[Any]:
    """The plain alternatives of a type: no Annotated, no None, unions taken apart."""
    origin = get_origin(kind)
    deferred = deferred_kind(kind)
    if deferred is not None:
        yield from _forms(deferred)
    elif origin is Annotated:
        yield from _forms(get_args(kind)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(kind):
            yield from _forms(member)
    elif kind is not types.NoneType:
        yield kind


def _tagged(kind: Any) -> dict[str | int, Any]:
    """The members of a tagged union by tag; empty for every other type."""
    while get_origin(kind) is Annotated:
        kind = deferred_kind(kind) or get_args(kind)[0]
    members = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else ()
    others = [member for member in members if member is not types.NoneType]
    if len(others) == 1:
        return _tagged(others[0])
    return {
        note.tag: member
        for member in members
        if get_origin(member) is Annotated
        for note in member.__metadata__
        if isinstance(note, Tag)
    }


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    return (form for form in _forms(kind) if isinstance(form, type) and issubclass(form, BaseModel))


def _aliases(model: type[BaseModel]) -> Iterator[str]:
    return (field.alias or name for name, field in model.model_fields.items())
