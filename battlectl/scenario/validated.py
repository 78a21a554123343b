"""A value tree against a pydantic model: the model's value, or every mistake at its place in the file.

Rule: a mistake lies at the deepest part of its path that was really written.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from battlectl.scenario.places import Located, Mistake, Path, surprise
from battlectl.scenario.shape import follow, keys_of
from battlectl.scenario.wording import word_error

Model = TypeVar("Model", bound=BaseModel)


def validate_tree(model: type[Model], located: Located) -> tuple[Model | None, tuple[Mistake, ...]]:
    """The model's value when the tree fits it, and every mistake when it does not."""
    try:
        return model.model_validate(located.tree), ()
    except ValidationError as error:
        return None, tuple(_mistakes(model, located, error))


def _mistakes(model: type[BaseModel], located: Located, error: ValidationError) -> Iterator[Mistake]:
    for details in error.errors(include_url=False):
        if not _is_echo(model, located.tree, details):
            yield _mistake(model, located, details)


def _is_echo(model: type[BaseModel], tree: Any, details: ErrorDetails) -> bool:
    """Whether "too short" only means that the items were wrong: pydantic counts what they left."""
    written, _ = settle(tree, follow(model, details["loc"])[0])
    return details["type"] == "too_short" and details["ctx"]["min_length"] == 1 and bool(_at(tree, written))


def _mistake(model: type[BaseModel], located: Located, details: ErrorDetails) -> Mistake:
    loc = details["loc"]
    at_key = loc[-1:] == ("[key]",) or details["type"] in ("extra_forbidden", "missing")
    loc = loc[:-1] if loc[-1:] == ("[key]",) else loc
    path, _ = follow(model, loc)
    _, parent = follow(model, loc[:-1])
    key = _last_key(path)
    message = word_error(details, key, keys_of(parent))
    written, _ = settle(located.tree, path)
    if written in located.spelled:
        message += f"; {surprise(located.spelled[written], _at(located.tree, written))}"
        message += ": quote it" if details["type"] == "string_type" else ""
    return Mistake(written, message, at_key)


def _last_key(path: Path) -> str:
    names = [part for part in path if isinstance(part, str)]
    return names[-1] if names else ""


def settle(tree: Any, path: Path) -> tuple[Path, bool]:
    """The part of a path that the tree has, and whether that is all of it.

    `calls: {eth_blockNumber: 4}` is validated as the list that it stands for: its i-th key is item i; and
    `kill: [a, b]` as the mapping of which it is the first value.
    """
    written: Path = ()
    for part, following in zip_longest(path, path[1:]):
        if isinstance(tree, list) and isinstance(part, str) and isinstance(following, int):
            continue
        if isinstance(tree, dict) and isinstance(part, int) and part < len(tree):
            part = list(tree)[part]
        if isinstance(tree, dict) and part in tree:
            tree = tree[str(part)]
        elif isinstance(tree, list) and isinstance(part, int) and part < len(tree):
            tree = tree[part]
        else:
            return written, False
        written = (*written, part)
    return written, True


def _at(tree: Any, path: Path) -> Any:
    for part in path:
        tree = tree[part]
    return tree
