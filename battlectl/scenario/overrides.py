"""`--set path=value` from the command line, put into a located tree.

Rule: a path names what the file has, or an optional key that belongs there; it cannot invent a name, so that
a slip of the keyboard never becomes a second phase or workload.

    --set load.reads.rate=300/s     --set 'objectives.0=success_rate >= 99%'     --set generator.max_lag=20ms
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from battlectl.errors import BadFile, Problem
from battlectl.scenario.located import locate
from battlectl.scenario.places import Located, Path, Place, dotted
from battlectl.scenario.wording import nearest
from battlectl.scenario.yamltext import compose

_SET = "--set"

KnownKeys = Callable[[Path], Iterable[str] | None]
"""The keys that may stand at a path; None where any name may."""


def apply_sets(located: Located, sets: Sequence[str], known: KnownKeys) -> Located:
    """The tree with each `path=value` put in; a later one wins. Positions of the new values are in `--set`.

    A path may name what the file has, or an optional key that belongs there; it cannot invent names.
    """
    for number, written in enumerate(sets, 1):
        located = _apply_set(located, written, number, known)
    return located


def _apply_set(located: Located, written: str, number: int, known: KnownKeys) -> Located:
    name, equals, value = written.partition("=")
    if not equals or not name.strip():
        return _refused(located, number, "", f'"{written}" is not path=value, try load.reads.rate=300/s')
    path = _find_path(located.tree, name.strip().split("."), known)
    if isinstance(path, str):
        return _refused(located, number, name.strip(), path)
    try:
        node = compose(value, _SET)
        if node is None:
            return _refused(located, number, dotted(path), "has no value, write '' for an empty text")
        given = locate(node, _SET)
    except BadFile as error:
        return _refused(located, number, dotted(path), error.problems[0].message)
    return _graft(located, path, given, Place(_SET, number, len(name) + 2))


def _find_path(tree: Any, names: Sequence[str], known: KnownKeys) -> Path | str:
    """The tree path that dotted names stand for, or the sentence that says which of them leads nowhere."""
    path: Path = ()
    for i, name in enumerate(names):
        options = _options(tree, path, known)
        if isinstance(tree, list):
            if not name.isascii() or not name.isdigit() or int(name[:9]) >= len(tree):
                return f'there is no item "{name}", {dotted(path)} has {len(tree)}, counted from 0'
            path, tree = (*path, int(name)), tree[int(name)]
        elif not isinstance(tree, dict) and i > 0 and tree is not None:
            return f"{dotted(path)} is a plain value and has no {name!r} in it: set it whole"
        elif isinstance(tree, dict) and name in tree:
            path, tree = (*path, name), tree[name]
        elif options is None or name in options:
            path, tree = (*path, name), {}
        else:
            return f'there is no "{name}"{nearest(name, options)}'
    return path


def _options(tree: Any, path: Path, known: KnownKeys) -> tuple[str, ...] | None:
    allowed = known(path)
    if allowed is None:
        return None
    return tuple(dict.fromkeys([*(tree if isinstance(tree, dict) else ()), *allowed]))


def _graft(located: Located, path: Path, given: Located, place: Place) -> Located:
    below = {(*path, *sub): place for sub in given.values}
    return replace(
        located,
        tree=_put(located.tree, path, given.tree),
        keys=_without(located.keys, path) | {path: place},
        values=_without(located.values, path) | below,
        spelled=_without(located.spelled, path) | {(*path, *k): v for k, v in given.spelled.items()},
        plain=frozenset(p for p in located.plain if not _is_under(p, path))
        | {(*path, *sub) for sub in given.plain},
        problems=(
            *located.problems,
            *(replace(p, line=place.line, column=place.column) for p in given.problems),
        ),
    )


def _put(tree: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    if isinstance(tree, list):
        return [_put(child, path[1:], value) if i == path[0] else child for i, child in enumerate(tree)]
    branch = tree if isinstance(tree, dict) else {}
    return {**branch, str(path[0]): _put(branch.get(path[0]), path[1:], value)}


def _without(places: Mapping[Path, Any], path: Path) -> dict[Path, Any]:
    return {place: value for place, value in places.items() if not _is_under(place, path)}


def _is_under(path: Path, top: Path) -> bool:
    return path[: len(top)] == top


def _refused(located: Located, number: int, path: str, message: str) -> Located:
    return replace(located, problems=(*located.problems, Problem(_SET, number, 1, path, message)))
