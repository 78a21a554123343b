"""What is left of a part of the file when its mistakes are taken out, so that the rest is checked as well.

Rule: a salvaged value is only ever checked, never run. What is wrong is left away or replaced by something
that no rule objects to; a call that could not be read is called `UNREADABLE`.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from battlectl.scenario.places import Path
from battlectl.scenario.shape import follow
from battlectl.scenario.validated import settle

UNREADABLE = "?"
NEUTRAL = {"rate": "1/s", "calls": [UNREADABLE], "batch": [UNREADABLE], "method": UNREADABLE, "weight": 1}
ROUNDS = 12


def salvage(kind: Any, tree: Any) -> Any:
    """The value of the type `kind` (a model or an annotated type) that the tree holds without its mistakes.

    None when the tree is wrong as a whole.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    for _ in range(ROUNDS):
        try:
            return adapter.validate_python(tree)
        except ValidationError as error:
            for details in error.errors(include_url=False):
                tree = _take_out(kind, tree, details)
    return None


def _take_out(kind: Any, tree: Any, details: ErrorDetails) -> Any:
    path, _ = follow(kind, details["loc"])
    written, is_whole = settle(tree, path)
    if details["type"] == "missing" and not is_whole and path and path[-1] in NEUTRAL:
        return _replaced(tree, (*written, path[-1]), NEUTRAL[str(path[-1])])
    if not written:
        return tree
    return _without_part(tree, written)


def _without_part(tree: Any, path: Path) -> Any:
    """The tree without the value at a path: neutral where one is needed, else gone, else its parent gone."""
    last, above = path[-1], path[-2] if len(path) > 1 else None
    if above == "calls":
        return _replaced(tree, path, 1 if isinstance(last, str) else UNREADABLE)
    if above == "batch":
        return _replaced(tree, path, UNREADABLE)
    if isinstance(last, int):
        return _without_part(tree, path[:-1]) if len(path) > 1 else tree
    return _replaced(tree, path, NEUTRAL.get(last))


def _replaced(tree: Any, path: Path, value: Any) -> Any:
    """The tree with another value at a path; None takes the key out."""
    step, rest = path[0], path[1:]
    if isinstance(tree, list):
        return [_replaced_child(child, rest, value) if i == step else child for i, child in enumerate(tree)]
    if not isinstance(tree, dict):
        return tree
    if not rest and value is None:
        return {key: child for key, child in tree.items() if key != step}
    return {**tree, step: _replaced_child(tree.get(step), rest, value)}


def _replaced_child(child: Any, rest: Path, value: Any) -> Any:
    return _replaced(child, rest, value) if rest else value
